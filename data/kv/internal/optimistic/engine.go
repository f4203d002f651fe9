package optimistic

import (
	"context"
	"errors"
	"fmt"

	"signet/data/kv"
	"signet/data/kv/internal/watch"
	"signet/internal/recent"
)

// Engine is a kv.Engine over a backend.
type Engine struct {
	backend Backend
	o       Options
	cache   *recent.Cache[Pair]
	hub     watch.Hub
	gate    *gate
	stats   counters

	stopWatch context.CancelFunc
	watching  chan struct{} // closed when the backend's watch is over
}

// New makes an engine of the backend, which it closes.
func New(b Backend, o Options) *Engine {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		backend:   b,
		o:         o,
		cache:     recent.New[Pair](o.Cache),
		gate:      newGate(o.Running, o.Waiting),
		stopWatch: cancel,
		watching:  make(chan struct{}),
	}
	go func() {
		defer close(e.watching)
		b.Watch(ctx, e.tell)
	}()
	return e
}

func (e *Engine) tell(keys []string) {
	if keys == nil {
		e.hub.TellAll()
		return
	}
	e.hub.Tell(keys)
}

// Limits is described by kv.Engine.
func (e *Engine) Limits() kv.Limits { return e.o.Limits }

// Watch is described by kv.Engine.
func (e *Engine) Watch(prefix []byte) (changed <-chan struct{}, stop func()) {
	return e.hub.Add(prefix)
}

// Close is described by kv.Engine. Those who wait for their turn are refused.
func (e *Engine) Close() error {
	if !e.gate.close() {
		return nil
	}
	e.stopWatch()
	<-e.watching
	return e.backend.Close()
}

// errSlow is why a transaction that takes too long ends.
var errSlow = fmt.Errorf("%w: it did not answer in time", kv.ErrUnavailable)

// Update runs fn until a commit finds all that it read unchanged.
func (e *Engine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, e.o.Timeout, errSlow)
	defer cancel()
	if err := e.gate.enter(ctx); err != nil {
		return err
	}
	defer e.gate.leave()
	e.stats.updates.Add(1)
	for n := range e.o.Attempts {
		a := &attempt{source: source{e: e, from: e.backend, ctx: ctx}, seen: make(map[string]Pair)}
		err := a.run(fn)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		e.stats.conflicts.Add(1)
		if n > 0 { // what it lost to is in the cache: the second attempt is at once
			e.rest(ctx, n)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%w: it lost %d times", kv.ErrBusy, e.o.Attempts)
}

// View runs fn on a snapshot. Nothing of it comes from the cache.
func (e *Engine) View(ctx context.Context, fn func(kv.Reader) error) error {
	waiting, cancel := context.WithTimeoutCause(ctx, e.o.Timeout, errSlow)
	defer cancel()
	if err := e.gate.enter(waiting); err != nil {
		return err
	}
	defer e.gate.leave()
	e.stats.views.Add(1)
	s, err := e.backend.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.End()
	v := &view{source: source{e: e, from: s, ctx: ctx, each: e.o.Timeout}}
	err = fn(v)
	return v.outcome(err)
}
