package keys

import (
	"flag"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	simRuns = flag.Int("sim.runs", 2000, "simulated issuers")
	simSeed = flag.Uint64("sim.seed", 1, "the first one's seed")
)

// TestEveryTokenIsAcceptedFromIssueToExpiry holds promise 1: whatever
// rotations, pauses, restarts, changes of the configuration and clocks do, no
// verifier that obeys the cache headers refuses a living token, unless its
// key was revoked; and no revoked key signs, or is served, for longer than
// the revocation said.
func TestEveryTokenIsAcceptedFromIssueToExpiry(t *testing.T) {
	const ticks = 300
	var next atomic.Uint64
	var mu sync.Mutex
	var sum stats
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= uint64(*simRuns) || t.Failed() {
					return
				}
				w := newWorld(*simSeed + i)
				for range ticks {
					if w.tick(); len(w.faults) > 0 {
						t.Errorf("-sim.seed=%d -sim.runs=1: %s", *simSeed+i, w.faults[0])
						return
					}
				}
				mu.Lock()
				sum.turns += w.stats.turns
				sum.tokens += w.stats.tokens
				sum.revocations += w.stats.revocations
				sum.commits += w.stats.commits
				sum.lost += w.stats.lost
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%+v", sum)
	// A simulation in which nothing happens proves nothing.
	if n := *simRuns; !t.Failed() && (sum.turns < 10*n || sum.tokens < 100*n || sum.lost < n || sum.revocations < n/2) {
		t.Errorf("too little happened in %d runs: %+v", n, sum)
	}
}
