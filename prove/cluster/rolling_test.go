//go:build engines && unix

package cluster

import (
	"testing"
	"time"

	"signet/prove/history"
	"signet/prove/issuer"
)

// All issuers are stopped and started, one after the other, as a new release is
// brought out: no client has to ask anything again, and none waits long.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	for name, start := range all {
		t.Run("on "+name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, start(t), issuer.Settings{"tokens.refresh_grace": "1h", "limits.drain": drain.String()})
			w := newCrew(t, c, history.Rules{Repeats: true}, random(t))
			w.goOn(t, steps)
			begin := time.Now()
			for i, p := range c.nodes {
				if err := p.Stop(); err != nil {
					t.Fatal(err)
				}
				w.goOn(t, steps)
				c.start(t, i)
				c.front.Await(size)
				w.goOn(t, steps)
			}
			w.rest(t)
			o := w.waits.since(begin)
			t.Logf("%d restarts: %s", size, o)
			for s, n := range o.silent {
				t.Errorf("%d times: %s", n, s)
			}
		})
	}
}

// drain is how long an issuer that stops goes on, not ready any more: longer
// than haproxy takes for two checks.
const drain = time.Second
