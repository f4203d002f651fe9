//go:build engines && unix

package cluster

import (
	"math/rand/v2"
	"testing"
	"time"

	"signet/prove/engines"
	"signet/prove/history"
	"signet/prove/issuer"
	"signet/prove/netns"
)

// Whatever breaks, what clients were told holds, and they are answered again
// soon: on each engine, with spent refresh tokens that get the same answer again
// for long, and with ones that fork the grant at once.
func TestFaults(t *testing.T) {
	for grace, rules := range map[string]history.Rules{"1h": {Repeats: true}, "0s": {}} {
		t.Run("with a grace of "+grace, func(t *testing.T) {
			for name, start := range all {
				t.Run("on "+name, func(t *testing.T) {
					t.Parallel()
					e := start(t)
					c := newCluster(t, e, issuer.Settings{"tokens.refresh_grace": grace})
					breakAll(t, c, append(c.common(), e.faults(c)...), rules)
				})
			}
		})
	}
}

// The same on three members of etcd that each have a network, which is cut.
func TestFaultsOfTheNetworkItself(t *testing.T) {
	if !*namespaces {
		t.Skip("SKIPPED: by hand, as root: -namespaces")
	}
	e := onEtcd{engines.StartEtcd(t, engines.EtcdOptions{Members: size, Hosts: netns.New(t, size)}), true}
	c := newCluster(t, e, issuer.Settings{"tokens.refresh_grace": "1h"})
	breakAll(t, c, e.faults(c), history.Rules{Repeats: true})
}

// steps is how many steps are done before a fault, while it lasts, and after it.
const steps = 100

func breakAll(t *testing.T, c *cluster, faults []fault, rules history.Rules) {
	r := random(t)
	w := newCrew(t, c, rules, r)
	for n := range *rounds {
		r.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		last := n == *rounds-1
		for _, once := range []bool{false, true} {
			for _, f := range faults {
				if f.once == once && (last || !once) {
					w.goOn(t, steps+r.Int64N(steps))
					w.suffer(t, c, f, r)
				}
			}
		}
	}
	w.goOn(t, steps)
	w.rest(t)
}

// suffer lets one fault happen under load, and measures what clients notice.
func (w *crew) suffer(t *testing.T, c *cluster, f fault, r *rand.Rand) {
	t.Helper()
	if late := w.guard.deaf(); late > deafFor() {
		t.Errorf("without a fault a token was accepted %s after its revocation", late)
	}
	begin := time.Now()
	mend := f.strike(t, r)
	if !f.total {
		w.goOn(t, steps)
	}
	<-time.After(time.Until(begin.Add(f.lasts)))
	mended := time.Now()
	mend(t)
	c.front.Await(size)
	w.goOn(t, steps)
	most, deaf := f.most, deafFor()
	if f.total {
		most += mended.Sub(begin)
		deaf += mended.Sub(begin)
	}
	o, late := w.waits.since(begin), w.guard.deaf()
	t.Logf("%s, for %s: %s; a token was accepted %s after its revocation", f.name,
		mended.Sub(begin).Round(time.Millisecond), o, late.Round(time.Millisecond))
	for s, n := range o.silent {
		t.Logf("\t%d times: %s", n, s)
	}
	if o.longest > most {
		t.Errorf("%s: a client waited for %s; it should be at most %s: %s", f.name, o.longest, most, f.why)
	}
	if late > deaf {
		t.Errorf("%s: a token was accepted %s after its revocation", f.name, late)
	}
}
