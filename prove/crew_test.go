//go:build crash

package prove

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"signet/prove/issuer"
)

// crew is honest clients, each with people of its own, who ask all at once.
type crew struct {
	home    issuer.Home
	rand    *rand.Rand
	keys    *keyLog
	workers [][]*person

	// operations is how often keys are rotated or revoked in one stretch of
	// load, if it lasts so long.
	operations int
}

// crewSize is how many ask at once, and mostPeople how many each of them is.
const (
	crewSize   = 8
	mostPeople = 12
)

func newCrew(home issuer.Home, r *rand.Rand) *crew {
	return &crew{home: home, rand: r, keys: newKeyLog(), workers: make([][]*person, crewSize)}
}

// outcome is what went on in one stretch of load.
type outcome struct {
	acknowledged atomic.Int64
	unanswered   atomic.Int64

	mu   sync.Mutex
	errs []error
}

func (o *outcome) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errs = append(o.errs, err)
}

// load lets the crew work until it has count acknowledgements, calls enough at
// that very moment, with requests still on their way, and returns when
// everyone has noticed: each stops at its first request without an answer, and
// at the latest after it finished what it was at.
func (c *crew) load(t *testing.T, count int64, enough func()) *outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	var o outcome
	var all sync.WaitGroup
	stop := make(chan struct{})
	acknowledged := func() {
		if o.acknowledged.Add(1) == count {
			close(stop)
			enough()
		}
	}
	for i := range c.workers {
		r := rand.New(rand.NewPCG(c.rand.Uint64(), uint64(i)))
		all.Go(func() { c.work(ctx, i, r, stop, acknowledged, &o) })
	}
	all.Go(func() { c.operate(ctx, stop, &o) })
	all.Wait()
	if ctx.Err() != nil {
		o.fail(fmt.Errorf("only %d acknowledgements within %s", o.acknowledged.Load(), readyWithin))
	}
	for _, err := range o.errs {
		t.Error(err)
	}
	return &o
}

func (c *crew) work(ctx context.Context, i int, r *rand.Rand, stop <-chan struct{}, acknowledged func(), o *outcome) {
	client := issuer.NewClient(c.home.URL)
	defer client.Close()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		p := c.someone(i, r)
		p.client = client
		result, err := p.step(ctx)
		switch {
		case err != nil:
			o.fail(err)
			return
		case result == issuer.Done:
			acknowledged()
		case result == issuer.Unknown:
			o.unanswered.Add(1) // and it asks again, unless it was told to stop
		}
	}
}

// someone picks one of the worker's people, or makes one more.
func (c *crew) someone(i int, r *rand.Rand) *person {
	mine := c.workers[i]
	if len(mine) == 0 || len(mine) < mostPeople && r.IntN(100) == 0 {
		p := newPerson(fmt.Sprintf("person%d-%d", i, len(mine)), r, c.keys.sawToken)
		c.workers[i] = append(mine, p)
		return p
	}
	p := mine[r.IntN(len(mine))]
	p.rand = r
	return p
}

// audit asks for everything that was acknowledged, all workers at once.
func (c *crew) audit(t *testing.T, everything bool) {
	t.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(c.workers))
	for i, people := range c.workers {
		all.Go(func() {
			client := issuer.NewClient(c.home.URL)
			defer client.Close()
			for _, p := range people {
				p.client = client
				if err := p.audit(t.Context(), everything); err != nil {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if err := c.keys.audit(t.Context(), c.home); err != nil {
		t.Error(err)
	}
}

// operate rotates and revokes keys beside the others, through the command.
func (c *crew) operate(ctx context.Context, stop <-chan struct{}, o *outcome) {
	r := rand.New(rand.NewPCG(c.rand.Uint64(), 77))
	for range c.operations {
		select {
		case <-stop:
			return
		default:
		}
		if err := c.keys.change(ctx, c.home, r); err != nil {
			o.fail(err)
			return
		}
	}
}
