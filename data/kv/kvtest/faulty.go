package kvtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"signet/data/kv"
)

// Faulty is one node's way to an engine that others may use too. It can be
// cut, stalled and slowed down, for that node alone.
type Faulty struct {
	engine   kv.Engine
	patience time.Duration // after which a stalled transaction is given up

	mu     sync.Mutex
	cut    bool
	stall  chan struct{}            // closed when the stall is over; nil: there is none
	slow   time.Duration            // before each transaction
	told   map[chan struct{}]func() // what ends each watch
	refuse int                      // transactions that met a cut or a stall
}

// NewFaulty returns a way that is sound.
func NewFaulty(engine kv.Engine, patience time.Duration) *Faulty {
	return &Faulty{engine: engine, patience: patience, told: map[chan struct{}]func(){}}
}

// Cut makes every transaction fail at once, and every watch deaf.
func (f *Faulty) Cut() { f.set(func() { f.cut = true }) }

// Stall makes every transaction wait, until Mend or its patience is over, and
// every watch deaf.
func (f *Faulty) Stall() { f.set(func() { f.stall = make(chan struct{}) }) }

// Slow makes every transaction take so much longer.
func (f *Faulty) Slow(by time.Duration) { f.set(func() { f.slow = by }) }

// Mend ends a cut, a stall and slowness. As an engine does that found its way
// back, it wakes every watch: what changed meanwhile nobody knows.
func (f *Faulty) Mend() {
	f.set(func() {
		if f.stall != nil {
			close(f.stall)
		}
		f.cut, f.stall, f.slow = false, nil, 0
		for c := range f.told {
			tell(c)
		}
	})
}

// Refused is how many transactions met a cut or a stall.
func (f *Faulty) Refused() (n int) {
	f.set(func() { n = f.refuse })
	return n
}

func (f *Faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// pass waits as long as a transaction has to, and says whether it may go on.
func (f *Faulty) pass(ctx context.Context) error {
	f.mu.Lock()
	cut, stall, slow := f.cut, f.stall, f.slow
	if cut || stall != nil {
		f.refuse++
	}
	f.mu.Unlock()
	switch {
	case cut:
		return fmt.Errorf("%w: it was cut off", kv.ErrUnavailable)
	case stall != nil:
		timer := time.NewTimer(f.patience)
		defer timer.Stop()
		select {
		case <-stall:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return fmt.Errorf("%w: it did not answer in time", kv.ErrUnavailable)
		}
	case slow > 0:
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
	return nil
}

// View is the engine's, if the way is sound.
func (f *Faulty) View(ctx context.Context, fn func(kv.Reader) error) error {
	if err := f.pass(ctx); err != nil {
		return err
	}
	return f.engine.View(ctx, fn)
}

// Update is the engine's, if the way is sound.
func (f *Faulty) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if err := f.pass(ctx); err != nil {
		return err
	}
	return f.engine.Update(ctx, fn)
}

// Watch is the engine's, but for what happens during a cut or a stall.
func (f *Faulty) Watch(prefix []byte) (changed <-chan struct{}, stop func()) {
	from, stopFrom := f.engine.Watch(prefix)
	out, ended := make(chan struct{}, 1), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-from:
				f.set(func() {
					if !f.cut && f.stall == nil {
						tell(out)
					}
				})
			case <-ended:
				return
			}
		}
	})
	stop = sync.OnceFunc(func() {
		stopFrom()
		close(ended)
		running.Wait()
		f.set(func() { delete(f.told, out) })
	})
	f.set(func() { f.told[out] = stop })
	return out, stop
}

// Limits are the engine's.
func (f *Faulty) Limits() kv.Limits { return f.engine.Limits() }

// Close ends the watches, and leaves the engine to those who share it.
func (f *Faulty) Close() error {
	var stops []func()
	f.set(func() { stops = slices.Collect(maps.Values(f.told)) })
	for _, stop := range stops {
		stop()
	}
	return nil
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
