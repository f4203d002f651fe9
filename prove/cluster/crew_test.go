//go:build engines && unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/prove/history"
	"signet/prove/issuer"
)

// crew is clients that ask all at once, and the account of what they were told.
type crew struct {
	c       *cluster
	rules   history.Rules
	history history.History
	guard   *guard
	waits   waits
	workers []*worker

	mu     sync.Mutex
	errs   []error
	late   int           // grants that ended by a request of their client's that came late
	steps  atomic.Int64  // that were done
	done   chan struct{} // a token in it: one more step was done
	cancel context.CancelFunc
	all    sync.WaitGroup
}

// crewSize is how many ask at once, and pace how often each of them does at
// most, so that the faults hit an issuer at work and not a machine out of breath.
const (
	crewSize = 8
	pace     = 25 * time.Millisecond
)

// newCrew lets the clients begin. They go on until rest.
func newCrew(t *testing.T, c *cluster, rules history.Rules, r *rand.Rand) *crew {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &crew{c: c, rules: rules, guard: newGuard(t, c.URL), done: make(chan struct{}, 1), cancel: cancel}
	t.Cleanup(w.stop)
	for i := range crewSize {
		one := &worker{crew: w, name: fmt.Sprint("worker", i), rand: rand.New(rand.NewPCG(r.Uint64(), uint64(i))), client: issuer.NewClient(c.URL)}
		w.workers = append(w.workers, one)
		w.all.Go(func() { one.work(ctx) })
	}
	guarding := rand.New(rand.NewPCG(r.Uint64(), 99))
	w.all.Go(func() { w.guard.stand(ctx, guarding) })
	return w
}

func (w *crew) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, err)
}

// wasLate counts a grant that a late request ended.
func (w *crew) wasLate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late++
}

// stepDone counts a step, and tells who waits for it.
func (w *crew) stepDone() {
	w.steps.Add(1)
	select {
	case w.done <- struct{}{}:
	default:
	}
}

// goOn waits until so many more steps were done.
func (w *crew) goOn(t *testing.T, n int64) {
	t.Helper()
	late := time.After(patience)
	for goal := w.steps.Load() + n; w.steps.Load() < goal; {
		select {
		case <-w.done:
		case <-late:
			t.Fatalf("the clients got no further within %s", patience)
		}
	}
}

// stop lets everybody finish what they are at.
func (w *crew) stop() {
	w.cancel()
	w.all.Wait()
}

// rest lets everybody finish what they are at, and then asks for all that must
// be there, and for all that must not.
func (w *crew) rest(t *testing.T) {
	t.Helper()
	w.stop()
	var all sync.WaitGroup
	for _, one := range w.workers {
		all.Go(func() { one.audit(t.Context()) })
	}
	all.Wait()
	w.guard.audit(t)
	begin := time.Now()
	if err := w.history.Check(w.rules, patience); err != nil {
		t.Error(err)
	}
	calls, grants := w.history.Size()
	t.Logf("%d calls of %d grants were judged in %s; %d grants ended by a request that came late",
		calls, grants, time.Since(begin).Round(time.Millisecond), w.late)
	if err := errors.Join(w.errs...); err != nil {
		t.Error(err)
	}
}
