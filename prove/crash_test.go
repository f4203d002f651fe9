//go:build crash

package prove

import (
	"flag"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"signet/prove/issuer"
)

var rounds = flag.Int("rounds", 50, "how often the issuer is killed under load")

// What was acknowledged survives kill -9, what was ended stays dead, and a
// client that only asks again is never logged out.
func TestKillUnderLoad(t *testing.T) {
	killUnderLoad(t, newHome(t, nil), *rounds)
}

// The same where pairs wait in the journal, as they do in a large store.
func TestKillUnderLoadOverAJournal(t *testing.T) {
	killUnderLoad(t, journaled(t, newHome(t, nil)), *rounds/3)
}

func killUnderLoad(t *testing.T, home issuer.Home, rounds int) {
	r := random(t)
	c := newCrew(home, r)
	var acknowledged, unanswered int64
	begin := time.Now()
	for round := range rounds {
		// Without a grace, a client whose answer was lost forks its family.
		c.home.Settings = home.Settings.With(issuer.Settings{"tokens.refresh_grace": []string{"0s", "30s"}[r.IntN(2)]})
		p, err := c.home.Start()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		c.audit(t, false)
		if t.Failed() {
			t.Logf("round %d; the issuer's log:\n%.4000s", round, p.Log())
			p.Kill()
			return
		}
		c.operations = r.IntN(3)
		o := c.load(t, 1+r.Int64N(300), p.Kill)
		p.Kill()
		acknowledged += o.acknowledged.Load()
		unanswered += o.unanswered.Load()
		if err := sound(t.Context(), filepath.Join(home.State, "signet.db")); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("round %d; the issuer's log:\n%.4000s", round, p.Log())
			return
		}
	}
	start(t, home)
	c.audit(t, true)
	t.Logf("%d kills in %s: %d acknowledgements, %d requests without an answer, %d keys revoked",
		rounds, time.Since(begin).Round(time.Second), acknowledged, unanswered, len(c.keys.revoked))
	if unanswered == 0 {
		t.Error("no kill hit a request: this proved nothing")
	}
}

// An issuer that is killed again and again while it makes its state, at any
// instant, comes up in the end.
func TestKillWhileItStarts(t *testing.T) {
	t.Parallel()
	r := random(t)
	for range 5 {
		home := newHome(t, nil)
		for range 8 {
			p, err := home.Spawn()
			if err != nil {
				t.Fatal(err)
			}
			killAfter(p, r)
		}
		p, err := home.Start()
		if err != nil {
			t.Fatal(err)
		}
		p.Kill()
		if err := sound(t.Context(), filepath.Join(home.State, "signet.db")); err != nil {
			t.Error(err)
		}
	}
}

// killAfter ends the process at some instant of its first moments.
func killAfter(p *issuer.Process, r *rand.Rand) {
	select {
	case <-time.After(time.Duration(r.Int64N(int64(150 * time.Millisecond)))):
	case <-p.Done():
	}
	p.Kill()
}
