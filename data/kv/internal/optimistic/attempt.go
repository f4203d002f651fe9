package optimistic

import (
	"bytes"

	"signet/data/kv"
	"signet/data/kv/internal/overlay"
)

// attempt is one run of a transaction's function: the reader below its own
// writes, which notes all that it read.
type attempt struct {
	source
	seen   map[string]Pair // every pair that was read
	gets   []string        // those of them that no scan had passed before
	asked  map[string]Pair // brought, and not read so far
	ranges []Range
	cached bool // some of it is of nobody knows which moment
	torn   bool // two reads contradict each other
}

// run returns ErrConflict where fn has to run again, and panics as fn did
// where what fn read was so.
func (a *attempt) run(fn func(kv.Tx) error) error {
	tx := overlay.New(a)
	panicked, err := call(func() error { return fn(tx) })
	switch {
	case a.err != nil:
		return a.outcome(err)
	case a.torn:
		return ErrConflict
	case err == nil:
		err = tx.Err()
	}
	c := a.change()
	if panicked == nil && err == nil {
		c.write(tx)
	}
	if !c.Empty() || !a.ofOneMoment() {
		if lost := a.e.commit(a.ctx, c); lost != nil {
			return lost
		}
	}
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// call runs a function of the caller. A runtime.Goexit in there goes on by
// itself.
func call(fn func() error) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, fn()
}

// ofOneMoment says that what was read needs nobody to confirm it.
func (a *attempt) ofOneMoment() bool { return !a.cached && a.reads <= 1 }

func (a *attempt) change() Change {
	c := Change{Ranges: a.ranges}
	for _, k := range a.gets {
		c.Reads = append(c.Reads, Pair{Key: []byte(k), Version: a.seen[k].Version})
	}
	return c
}

func (c *Change) write(tx *overlay.Tx) {
	for k, v := range tx.Writes() {
		switch {
		case v != nil:
			c.Puts = append(c.Puts, Pair{Key: []byte(k), Value: v})
		case k != "": // nothing is stored under it
			c.Deletes = append(c.Deletes, []byte(k))
		}
	}
}

// Get is described by kv.Reader.
func (a *attempt) Get(key []byte) ([]byte, error) {
	if a.err != nil || len(key) == 0 {
		return nil, a.err // nothing is stored under an empty key
	}
	k := string(key)
	if p, found := a.seen[k]; found {
		return p.Value, nil
	}
	p, found := a.asked[k]
	if !found {
		if p, found = a.e.remembered(k); found {
			a.cached = true
		}
	}
	if !found {
		pairs, err := a.fetch(key)
		if err != nil {
			return nil, err
		}
		p = pairs[0]
		a.e.remember(p)
	}
	a.seen[k] = p
	a.gets = append(a.gets, k)
	return p.Value, nil
}

// Ask is described by kv.Asker.
func (a *attempt) Ask(keys ...[]byte) {
	var unknown [][]byte
	for _, key := range keys {
		if _, seen := a.seen[string(key)]; !seen && len(key) > 0 {
			if _, known := a.e.remembered(string(key)); !known {
				unknown = append(unknown, bytes.Clone(key))
			}
		}
	}
	if len(unknown) < 2 {
		return // one is read as well when it is read
	}
	pairs, err := a.fetch(unknown...)
	if err != nil {
		return // and remembered: nothing is read any more
	}
	a.e.remember(pairs...)
	if a.asked == nil {
		a.asked = make(map[string]Pair)
	}
	for _, p := range pairs {
		a.asked[string(p.Key)] = p
	}
}

// Scan is described by kv.Reader. What it found counts as far as fn went, also
// if fn panics.
func (a *attempt) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	from, to := bounds(prefix, start)
	if to != nil && bytes.Compare(from, to) >= 0 {
		return a.err
	}
	r := Range{From: from, To: to}
	through := true
	defer func() {
		if !through {
			r.To = after(r.Pairs[len(r.Pairs)-1].Key)
		}
		a.ranges = append(a.ranges, r)
	}()
	return a.list(from, to, func(p Pair) bool {
		a.note(p)
		r.Pairs = append(r.Pairs, p)
		through = false
		through = fn(p.Key, p.Value)
		return through
	})
}

// note remembers a pair that a scan found. If it was read before and was
// another one, the earlier read may have come from the cache, which is told.
func (a *attempt) note(p Pair) {
	k := string(p.Key)
	if before, found := a.seen[k]; found && before.Version != p.Version {
		a.torn = true
		a.e.remember(p)
	}
	a.seen[k] = p
}
