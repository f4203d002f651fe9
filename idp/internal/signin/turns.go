package signin

import (
	"context"
	"time"
)

// turns lets those of one network ask the store one after another, as far as
// this node goes: their counter is the same record, and at once they would only
// lose to each other. It is a courtesy and no lock. Who has waited long enough
// goes on without it, since the store sees to it that the count is right.
type turns [256]chan struct{}

// longestTurn is how long one waits for that.
const longestTurn = 2 * time.Second

func newTurns() *turns {
	t := new(turns)
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the network's turn; done ends it.
func (t *turns) take(ctx context.Context, network tag) (done func()) {
	turn := t[network[0]]
	timer := time.NewTimer(longestTurn)
	defer timer.Stop()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() {}
}
