package grant

import (
	"errors"
	"maps"
	"math"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

func TestARepeatSurvivesARotationOfTheMACKeys(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	first := w.start()
	second := w.turnTo(first, Turned)
	w.macs.rotate()
	if again := w.turnTo(first, Repeated); again != second {
		t.Fatal("another successor")
	}
	third := w.turnTo(second, Turned)
	if a, b := mustParse(t, second), mustParse(t, third); a.key == b.key {
		t.Fatal("the turn did not take the new key")
	}
}

func TestARevokedMACKeyRefusesItsTokens(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	old := w.start()
	w.macs.rotate()
	fresh := w.turnTo(old, Turned)
	w.macs.revoke(mustParse(t, old).key)
	before := w.pairs()
	w.refused(old, ErrUnknown)
	if !maps.Equal(w.pairs(), before) {
		t.Fatal("a refused token changed the store")
	}
	last := w.turnTo(fresh, Turned)
	w.macs.revoke(mustParse(t, last).key)
	w.refused(last, ErrUnknown)
}

func TestASuccessorOfARevokedKeyIsNotRepeated(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	old := w.start()
	w.macs.rotate()
	fresh := w.turnTo(old, Turned)
	w.macs.revoke(mustParse(t, fresh).key)
	w.macs.rotate()
	w.refused(old, ErrUnknown)
	w.clock.Move(time.Minute)
	w.turnTo(w.turnTo(old, Forked), Turned)
}

// A client throws its token away when it is told that it is not valid, so it
// must not be told so for a failure of ours.
func TestAFailureOfTheMACKeysIsNotTheTokensFault(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	before := w.pairs()
	w.macs.broken = errors.New("the lease is over")
	if _, err := w.Turn(t.Context(), text, nil); !errors.Is(err, w.macs.broken) || errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	if _, err := w.End(t.Context(), text, nil); !errors.Is(err, w.macs.broken) {
		t.Fatal(err)
	}
	if _, err := w.Start(t.Context(), StartRequest{User: w.user}); !errors.Is(err, w.macs.broken) {
		t.Fatal(err)
	}
	if !maps.Equal(w.pairs(), before) {
		t.Fatal("a failure changed the store")
	}
	w.macs.broken = nil
	w.turnTo(text, Turned)
}

func TestAGrantEndsWithItsLastGeneration(t *testing.T) {
	for _, p := range []struct {
		name  string
		token int
		wait  time.Duration
	}{{"by a turn", 1, 0}, {"by a fork", 0, time.Hour}} {
		t.Run(p.name, func(t *testing.T) {
			w := newWorld(t, mem.New(), testPolicy)
			id := mustParse(t, w.start()).grant
			var parent, last string
			must(t, w.store.ChangeGrant(t.Context(), id, "", func(g *data.Grant, _ data.User) data.Change {
				g.Current = math.MaxUint32 - 1
				text, err := w.reseal(*g)
				must(t, err)
				parent = string(text)
				return data.Save
			}))
			last = w.turnTo(parent, Turned)
			if again := w.turnTo(parent, Repeated); again != last {
				t.Fatal("another successor")
			}
			w.clock.Move(p.wait)
			w.refused([]string{parent, last}[p.token], ErrEnded)
			w.refused(last, ErrUnknown)
		})
	}
}

func TestAPolicyThatMakesNoSenseIsRefused(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	for name, change := range map[string]func(*Policy){
		"no time to live":            func(p *Policy) { p.TTL = 0 },
		"no maximum":                 func(p *Policy) { p.Max = 0 },
		"a negative grace":           func(p *Policy) { p.Grace = -1 },
		"a grace that outlives all":  func(p *Policy) { p.Grace = p.TTL },
		"an unknown policy for late": func(p *Policy) { p.Late = 7 },
	} {
		t.Run(name, func(t *testing.T) {
			p := testPolicy
			change(&p)
			o := w.o
			o.Policy = p
			if _, err := New(o); err == nil {
				t.Fatal("it was accepted")
			}
		})
	}
}

func mustParse(t testing.TB, text string) token {
	t.Helper()
	tok, err := parse(text)
	must(t, err)
	return tok
}
