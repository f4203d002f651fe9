package optimistic

import (
	"context"
	"errors"
	"fmt"

	"signet/data/kv"
	"signet/internal/recent"
)

// commit makes a change, or asks whether what was read is so. It returns an
// error that wraps ErrConflict where it is not. Once it was sent it is waited
// for, whatever becomes of the caller.
func (e *Engine) commit(ctx context.Context, c Change) error {
	var fresh []Pair
	worthIt := ErrUnchanged
	if c.Empty() {
		worthIt = kv.ErrUnavailable
	}
	err := e.patiently(ctx, worthIt, func() (err error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), e.o.Timeout, errSlow)
		defer cancel()
		if fresh, err = e.backend.Commit(ctx, c); err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return err
	})
	switch {
	case err == nil:
		e.remember(fresh...)
		for _, k := range c.Deletes {
			e.remember(Pair{Key: k})
		}
		e.hub.Tell(c.keys())
		return nil
	case errors.Is(err, ErrConflict):
		e.remember(fresh...)
		return err
	case errors.Is(err, kv.ErrTooLarge), errors.Is(err, ErrRefused):
		return err
	case errors.Is(err, ErrUnchanged), c.Empty():
		return unavailable(err)
	}
	return fmt.Errorf("%w; it is not known whether the change was made", unavailable(err))
}

func unavailable(err error) error {
	if errors.Is(err, kv.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", kv.ErrUnavailable, err)
}

// The cache holds pairs as they were at some moment, and that a key was not
// there. Of two that come at once either may stay: a commit finds out.

func (e *Engine) remember(pairs ...Pair) {
	for _, p := range pairs {
		name := recent.NameOf(string(p.Key))
		e.cache.Drop(name)
		e.cache.Put(name, p, len(p.Key)+len(p.Value))
	}
}

func (e *Engine) remembered(key string) (Pair, bool) {
	p, found := e.cache.Get(recent.NameOf(key))
	if found {
		e.stats.hits.Add(1)
	} else {
		e.stats.misses.Add(1)
	}
	return p, found
}
