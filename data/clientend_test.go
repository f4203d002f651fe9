package data

import (
	"errors"
	"testing"
	"time"

	"signet/data/kv/mem"
)

func TestARemovedClientLosesAllThatItHolds(t *testing.T) {
	for _, c := range []struct {
		name   string
		grants int
		sweeps bool
	}{{"at once", 3, false}, {"with the sweeper, where it is much", removalSteps*sweepStep + 50, true}} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, mem.New(), newClock())
			u := newUser(t, s, "ann@example.com")
			for _, id := range []string{"web", "cli"} {
				if err := s.CreateClient(t.Context(), Client{ID: id}, 0); err != nil {
					t.Fatal(err)
				}
			}
			var all []held
			for range c.grants {
				all = append(all, hold(t, s, u, "web", "api"))
			}
			all = append(all, held{slot: drawOwn(t, s, "web", "api")})
			other := hold(t, s, u, "cli", "api")
			if err := s.DeleteClient(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
			_, set, err := s.StatusBits(t.Context(), other.slot.List)
			if (set < c.grants+firstBlock) != c.sweeps || err != nil {
				t.Fatal(set, err)
			}
			if _, err := s.Sweep(t.Context(), 10*sweepStep); err != nil {
				t.Fatal(err)
			}
			bits, set, err := s.StatusBits(t.Context(), other.slot.List)
			if set != c.grants+firstBlock || err != nil {
				t.Fatal(set, err)
			}
			for _, h := range all {
				if bits[h.slot.Index/8]>>(h.slot.Index%8)&1 == 0 {
					t.Fatal("one escaped")
				}
			}
			other.is(t, s, "another client's", false, true)
		})
	}
}

// A request that found the client there a moment ago gets nothing.
func TestARemovedClientGetsNothingMore(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := open(t, engine, c)
	u := newUser(t, s, "ann@example.com")
	if err := s.CreateClient(t.Context(), Client{ID: "web"}, 0); err != nil {
		t.Fatal(err)
	}
	drawOwn(t, s, "web", "api") // the node has more of this block
	if err := s.DeleteClient(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	late := Grant{ID: GrantID{1}, User: u.ID, Client: "web", Epoch: u.Epoch, ExpiresAt: c.Now().Add(time.Hour)}
	if err := createGrant(t, s, late); !errors.Is(err, ErrNoClient) {
		t.Error(err)
	}
	if _, err := s.DrawClientSlot(t.Context(), "web", []string{"api"}); !errors.Is(err, ErrNoClient) {
		t.Error(err)
	}
	if err := s.CreateClient(t.Context(), Client{ID: "web"}, 0); err != nil {
		t.Fatal(err)
	}
	if err := createGrant(t, s, late); err != nil {
		t.Error("made anew, it is refused: ", err)
	}
	held{slot: drawOwn(t, s, "web", "api")}.is(t, s, "made anew, its token", false, false)
}

func TestAStrangerWhoRegistersAndRemovesBeginsNothing(t *testing.T) {
	c, engine := newClock(), &counting{Engine: mem.New()}
	s := open(t, engine, c)
	if err := s.CreateClient(t.Context(), Client{ID: "stranger", Registered: true, ExpiresAt: c.Now().Add(time.Hour)}, 10); err != nil {
		t.Fatal(err)
	}
	before := engine.updates.Load()
	if err := s.DeleteClient(t.Context(), "stranger"); err != nil {
		t.Fatal(err)
	}
	if n := engine.updates.Load() - before; n != 1 {
		t.Errorf("%d writes", n)
	}
	if left := keysBut(dump(t, engine), "m", "s/m", "x/", string(cellKey(strangersCell))); len(left) != 0 {
		t.Errorf("%q are left", left)
	}
}

func TestAClientThatTheConfigurationHasNoMore(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := open(t, engine, c)
	configured := func(ids ...string) {
		t.Helper()
		if err := s.ConfiguredClients(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
	}
	u := newUser(t, s, "ann@example.com")
	configured("web", "job")
	web, job := hold(t, s, u, "web", "api"), held{slot: drawOwn(t, s, "job", "api")}
	configured("job", "web")
	web.is(t, s, "configured still", false, true)
	configured("web")
	job.is(t, s, "gone from the configuration", true, false)
	if err := s.CreateClient(t.Context(), Client{ID: "web"}, 0); err != nil {
		t.Fatal(err)
	}
	configured() // web was moved to the store
	web.is(t, s, "moved to the store", false, true)
	if err := s.DeleteClient(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	configured("web") // and back, before it is forgotten that it was removed
	again := hold(t, s, u, "web", "api")
	configured()
	again.is(t, s, "gone again", true, true) // it can come back
}

// A new configuration reaches several issuers one after the other, and one with
// the old file starts again meanwhile.
func TestAnIssuerThatIsBehindTakesNothingAway(t *testing.T) {
	c, engine := newClock(), mem.New()
	s, err := Open(t.Context(), engine, Options{Now: c.Now, Logger: quiet, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	configured := func(ids ...string) {
		t.Helper()
		if err := s.ConfiguredClients(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
	}
	configured("old", "stays")
	old := held{slot: drawOwn(t, s, "old", "api")}
	configured("new", "stays") // the first issuer with the new file
	old.is(t, s, "taken out", true, false)
	fresh := held{slot: drawOwn(t, s, "new", "api")}
	again := held{slot: drawOwn(t, s, "old", "api")} // by an issuer with the old file
	configured("old", "stays")
	fresh.is(t, s, "after one with the old file started again", false, false)
	configured("new", "stays")
	again.is(t, s, "after one with the new file started again", false, false)
	c.Move(formerFor + time.Second)
	fresh = held{slot: drawOwn(t, s, "new", "api")}
	configured("old", "stays") // the old file is back for good
	fresh.is(t, s, "taken out for good", true, false)
}
