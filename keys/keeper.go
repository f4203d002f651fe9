package keys

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Store keeps one record. data.Cell is one.
type Store interface {
	// Load returns the record, or nil where there is none.
	Load(ctx context.Context) ([]byte, error)
	// CompareAndSwap replaces old (nil: no record) by new if the record
	// still is old, and returns once that is durable.
	CompareAndSwap(ctx context.Context, old, new []byte) (swapped bool, err error)
	// Changed returns a channel that receives after a change, here or on
	// another node. stop ends it.
	Changed() (changed <-chan struct{}, stop func())
}

const maxAttempts = 64

// keeper holds the newest version of one record that this node knows, as a
// T, and changes it by compare-and-swap.
type keeper[T any] struct {
	name  string
	store Store
	clock *clock
	log   *slog.Logger
	lease time.Duration // bounds a call to the store; the record's lease rules

	open   func(raw []byte, old T) (T, error) // makes the form in memory
	rev    func(T) uint64
	show   func(v T, confirmed time.Time)               // publishes it; called under mu
	timing func(T) (lease time.Duration, due time.Time) // for run
	kick   chan struct{}                                // wakes run; capacity one

	changing sync.Mutex // one change at a time on a node; the store decides among nodes

	mu     sync.Mutex
	raw    []byte
	value  T
	failed error // why the store did not confirm last time
}

// refresh loads the record and shows what it says, confirmed as of before
// the load.
func (k *keeper[T]) refresh(ctx context.Context) (raw []byte, v T, err error) {
	start := k.clock.now()
	ctx, cancel := context.WithTimeout(ctx, k.lease)
	defer cancel()
	raw, err = k.store.Load(ctx)
	if err != nil {
		err = fmt.Errorf("keys: load %s: %w", k.name, err)
		k.fail(err)
		return nil, v, err
	}
	v, err = k.install(raw, start)
	return raw, v, err
}

// install makes raw the version that this node acts on, unless it has seen
// a later one: a load that was overtaken must not bring a revoked key back.
func (k *keeper[T]) install(raw []byte, confirmed time.Time) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if raw == nil {
		if k.raw != nil {
			k.failed = fmt.Errorf("%w: %s has vanished from the store", ErrDamaged, k.name)
			return k.value, k.failed
		}
		return k.value, nil
	}
	if !bytes.Equal(raw, k.raw) {
		v, err := k.open(raw, k.value)
		if err != nil {
			k.failed = err
			return k.value, err
		}
		if k.raw != nil && k.rev(v) <= k.rev(k.value) {
			return k.value, nil
		}
		k.raw, k.value = raw, v
	}
	k.failed = nil
	k.show(k.value, confirmed)
	return k.value, nil
}

func (k *keeper[T]) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = err
}

func (k *keeper[T]) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// change replaces the record by what decide makes of it (nil: leave it),
// and returns once this node acts on the result. Who loses against another
// node looks again and decides again, so decide may run more than once. committed, if
// not nil, runs between the write and the showing.
func (k *keeper[T]) change(ctx context.Context, decide func(v T, t instant) ([]byte, error), committed func()) error {
	k.changing.Lock()
	defer k.changing.Unlock()
	for range maxAttempts {
		raw, v, err := k.refresh(ctx)
		if err != nil {
			return err
		}
		start := k.clock.now()
		next, err := decide(v, k.clock.instant())
		if err != nil || next == nil {
			return err
		}
		swapped, err := k.swap(ctx, raw, next)
		if err != nil {
			return err
		}
		if swapped {
			if committed != nil {
				committed()
			}
			_, err := k.install(next, start)
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrContended, k.name)
}

func (k *keeper[T]) swap(ctx context.Context, old, next []byte) (bool, error) {
	start := k.clock.now()
	ctx, cancel := context.WithTimeout(ctx, k.lease)
	defer cancel()
	swapped, err := k.store.CompareAndSwap(ctx, old, next)
	if err != nil {
		err = fmt.Errorf("keys: change %s: %w", k.name, err)
		k.fail(err)
		return false, err
	}
	if took := k.clock.now().Sub(start); swapped && took > k.lease {
		k.log.Warn("the store took longer than the lease; what was written counts from before",
			"record", k.name, "took", took, "lease", k.lease)
	}
	return swapped, nil
}

// run confirms the record and does what is due, until ctx ends: when the
// store reports a change, three times a lease, and when work falls due.
func (k *keeper[T]) run(ctx context.Context, work func(context.Context) error) {
	changed, stop := k.store.Changed()
	defer stop()
	fails := 0
	for {
		err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if fails == 0 {
				k.log.Warn("cannot confirm with the store; trying again", "record", k.name, "error", err)
			}
			fails++
		} else if fails > 0 {
			k.log.Info("the store confirms again", "record", k.name, "failures", fails)
			fails = 0
		}
		timer := time.NewTimer(k.pause(fails))
		select {
		case <-ctx.Done():
		case _, open := <-changed:
			if !open {
				changed = nil
			}
		case <-k.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pause is how long run waits: after a failure longer and longer, with
// jitter, so that nodes do not come back together.
func (k *keeper[T]) pause(fails int) time.Duration {
	k.mu.Lock()
	lease, due := k.timing(k.value)
	k.mu.Unlock()
	most := lease / 3
	if fails > 0 {
		most = min(most, 50*time.Millisecond<<min(fails-1, 20))
		return most/2 + rand.N(most/2+1)
	}
	if !due.IsZero() {
		most = min(most, max(due.Sub(k.clock.now()), lease/100))
	}
	return most
}

func (k *keeper[T]) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// clock reads the wall clock and remembers, on the monotonic one, how far it
// must have come, so that what is written down never goes back with it.
type clock struct {
	read func() time.Time
	mu   sync.Mutex
	last time.Time
}

func (c *clock) now() time.Time { return c.read() }

func (c *clock) instant() instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.read()
	at := now
	if !c.last.IsZero() {
		if floor := c.last.Add(max(0, now.Sub(c.last))); floor.Round(0).After(now.Round(0)) {
			at = floor
		}
	}
	c.last = at
	return instant{now: now.UTC().Round(0), at: at.UTC().Round(0)}
}
