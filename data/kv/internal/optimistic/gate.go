package optimistic

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"signet/data/kv"
)

// gate bounds the transactions under way, and those that wait: a store that
// became slow does not fill the memory.
type gate struct {
	running chan struct{} // one token for each transaction under way
	waiting atomic.Int64
	room    int64 // for those who wait
	once    sync.Once
	closed  chan struct{}
}

func newGate(running, waiting int) *gate {
	return &gate{running: make(chan struct{}, running), room: int64(waiting), closed: make(chan struct{})}
}

func (g *gate) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case g.running <- struct{}{}:
		return g.open()
	default:
	}
	defer g.waiting.Add(-1)
	if n := g.waiting.Add(1); n > g.room {
		return fmt.Errorf("%w: %d transactions are under way and %d wait already", kv.ErrUnavailable, cap(g.running), n-1)
	}
	select {
	case g.running <- struct{}{}:
		return g.open()
	case <-g.closed:
		return kv.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// open gives the token back if the gate was closed meanwhile.
func (g *gate) open() error {
	select {
	case <-g.closed:
		g.leave()
		return kv.ErrClosed
	default:
		return nil
	}
}

func (g *gate) leave() { <-g.running }

// close refuses those who come, waits for those who are under way, and says
// whether the gate was open.
func (g *gate) close() (was bool) {
	g.once.Do(func() {
		close(g.closed)
		for range cap(g.running) {
			g.running <- struct{}{}
		}
		for range cap(g.running) {
			g.leave()
		}
		was = true
	})
	return was
}
