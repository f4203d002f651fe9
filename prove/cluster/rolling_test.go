//go:build engines && unix

package cluster

import (
	"testing"
	"time"

	"signet/prove/history"
	"signet/prove/issuer"
)

// A new release is brought out: issuers of an older one are replaced by those of
// today one after the other, and one of them comes back meanwhile, while all have
// one store. No client has to ask anything again, no grant ends, and what an
// issuer of either version gives out, those of both take.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	before, now := versions(t)
	for name, start := range all {
		t.Run("on "+name, func(t *testing.T) {
			t.Parallel()
			c := newClusterOf(t, before, start(t), issuer.Settings{"tokens.refresh_grace": "1h", "limits.drain": drain.String()})
			w := newCrew(t, c, history.Rules{Repeats: true}, random(t))
			w.goOn(t, steps)
			begin := time.Now()
			// As long as one older issuer runs, all of them may come back.
			for _, next := range []struct {
				node   int
				binary string
			}{{0, now}, {1, now}, {0, before}, {0, now}, {2, now}} {
				c.homes[next.node].Binary = next.binary
				w.restart(t, next.node)
				c.agree(t)
			}
			w.rest(t)
			o := w.waits.since(begin)
			t.Log(o)
			for s, n := range o.silent {
				t.Errorf("%d times: %s", n, s)
			}
		})
	}
}

// restart stops an issuer and starts what its home has by now, under load.
func (w *crew) restart(t *testing.T, i int) {
	t.Helper()
	if err := w.c.nodes[i].Stop(); err != nil {
		t.Fatal(err)
	}
	w.goOn(t, steps)
	w.c.start(t, i)
	w.c.front.Await(size)
	w.goOn(t, steps)
}

// drain is how long an issuer that stops goes on, not ready any more: longer
// than haproxy takes for two checks.
const drain = time.Second
