package optimistic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/data/kv"
)

// How many pairs a scan asks for: few at first, since most scans stop soon or
// meet little.
const (
	firstList = 64
	mostList  = 512
)

// tries is how often a read may go unanswered: one member of the store that is
// stuck must not hold it up, where the others answer.
const tries = 3

// source reads from a backend or a snapshot for one transaction, and remembers
// the first failure: whatever the transaction makes of it, it does not count.
type source struct {
	e    *Engine
	from Source
	ctx  context.Context
	each time.Duration // that a read may take; 0: as long as ctx

	reads int
	err   error
}

// outcome is what a function's result counts for.
func (s *source) outcome(err error) error {
	if s.err != nil && !errors.Is(err, s.err) {
		return s.err
	}
	return err
}

func (s *source) fetch(keys ...[]byte) (pairs []Pair, err error) {
	err = s.read(func(ctx context.Context) (err error) {
		pairs, err = s.from.Fetch(ctx, keys)
		return err
	})
	return pairs, err
}

// list calls fn for the pairs of a range in order, until it returns false.
func (s *source) list(from, to []byte, fn func(Pair) bool) error {
	for limit := firstList; ; limit = min(4*limit, mostList) {
		var pairs []Pair
		var more bool
		err := s.read(func(ctx context.Context) (err error) {
			pairs, more, err = s.from.List(ctx, from, to, limit)
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range pairs {
			if !fn(p) {
				return nil
			}
			from = after(p.Key)
		}
		if !more {
			return nil
		}
	}
}

// read makes one read of the store, and again while the store cannot be
// reached, until the time is up.
func (s *source) read(call func(context.Context) error) error {
	if s.err != nil {
		return s.err
	}
	ctx := s.ctx
	if s.each > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.each, errSlow)
		defer cancel()
	}
	s.reads++
	s.err = s.e.patiently(ctx, kv.ErrUnavailable, func() error {
		ctx, cancel := context.WithTimeoutCause(ctx, s.e.o.Timeout/tries, errSlow)
		defer cancel()
		err := call(ctx)
		if err != nil && context.Cause(ctx) == errSlow {
			err = fmt.Errorf("%w: %w", errSlow, err)
		}
		return err
	})
	if s.err != nil && ctx.Err() != nil && !errors.Is(s.err, kv.ErrUnavailable) {
		s.err = context.Cause(ctx) // what the store says tells more, if it says it
	}
	return s.err
}

// patiently makes a call of the store, and makes it again after a failure that
// is worth it, until ctx ends.
func (e *Engine) patiently(ctx context.Context, worthIt error, call func() error) error {
	for n := firstRest; ; n++ {
		e.stats.trips.Add(1)
		err := call()
		if !errors.Is(err, worthIt) || errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
		e.rest(ctx, n)
		if ctx.Err() != nil {
			return err
		}
	}
}

// The pauses double, up to the longest, and each is a random part of that: who
// lost together does not come back together. A store that is away
// is given the longer ones at once, from firstRest on.
const (
	shortestRest = time.Millisecond
	longestRest  = 128 * time.Millisecond
	firstRest    = 4
)

func (e *Engine) rest(ctx context.Context, n int) {
	most := min(shortestRest<<min(n, 16), longestRest)
	e.o.Pause(ctx, time.Duration((1+e.o.Rand())/2*float64(most)))
}

// after is the first key behind key.
func after(key []byte) []byte { return append(bytes.Clone(key), 0) }

// bounds are the keys that begin with prefix and are not before start; a to of
// nil is the end of the store.
func bounds(prefix, start []byte) (from, to []byte) {
	from = prefix
	if bytes.Compare(start, prefix) > 0 {
		from = start
	}
	for n := len(prefix); n > 0; n-- {
		if prefix[n-1] < 0xff {
			to = bytes.Clone(prefix[:n])
			to[n-1]++
			break
		}
	}
	return bytes.Clone(from), to
}

// view is the reader of a View.
type view struct {
	source
	asked map[string]Pair // brought, of the same moment as every read
}

// Ask is described by kv.Asker.
func (v *view) Ask(keys ...[]byte) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key []byte) bool { return len(key) == 0 })
	if len(keys) < 2 {
		return // one is read as well when it is read
	}
	pairs, err := v.fetch(keys...)
	if err != nil {
		return // and remembered: nothing is read any more
	}
	if v.asked == nil {
		v.asked = make(map[string]Pair)
	}
	for _, p := range pairs {
		v.asked[string(p.Key)] = p
	}
}

func (v *view) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, v.err // nothing is stored under it
	}
	if p, found := v.asked[string(key)]; found {
		return p.Value, v.err
	}
	pairs, err := v.fetch(key)
	if err != nil {
		return nil, err
	}
	return pairs[0].Value, nil
}

func (v *view) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	from, to := bounds(prefix, start)
	if to != nil && bytes.Compare(from, to) >= 0 {
		return v.err
	}
	return v.list(from, to, func(p Pair) bool { return fn(p.Key, p.Value) })
}
