package signin

import (
	"context"
	"sync"
	"time"
)

// turns lets those of one network ask the store one after another, as far as
// this node goes: their counter is the same record, and at once they would only
// lose to each other. It is a courtesy and no lock. Who has waited long enough
// goes on without it, since the store sees to it that the count is right.
type turns struct {
	mu sync.Mutex
	of map[tag]*turn
}

// turn is that of one network, as long as somebody has it or waits for it.
type turn struct {
	taken chan struct{} // of capacity one
	users int
}

// longestTurn is how long one waits for it.
const longestTurn = 2 * time.Second

func newTurns() *turns { return &turns{of: make(map[tag]*turn)} }

// take waits for the network's turn; done ends it.
func (t *turns) take(ctx context.Context, network tag) (done func()) {
	own := t.join(network)
	timer := time.NewTimer(longestTurn)
	defer timer.Stop()
	select {
	case own.taken <- struct{}{}:
		return func() {
			<-own.taken
			t.leave(network, own)
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() { t.leave(network, own) }
}

func (t *turns) join(network tag) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.of[network]
	if own == nil {
		own = &turn{taken: make(chan struct{}, 1)}
		t.of[network] = own
	}
	own.users++
	return own
}

func (t *turns) leave(network tag, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(t.of, network)
	}
}
