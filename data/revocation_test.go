package data

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// held is a grant with an access token out, or the slot of a client's own.
type held struct {
	grant GrantID
	slot  Slot
}

// hold makes a grant of the user for the client and the audience, with a slot.
func hold(t testing.TB, s *Store, u User, client string, audience ...string) held {
	t.Helper()
	g := Grant{
		User: u.ID, Client: client, Epoch: u.Epoch, Current: 1, Inc: s.Meta().Incarnation, Audience: audience,
		CreatedAt: s.now(), TurnedAt: s.now(), ExpiresAt: s.now().Add(24 * time.Hour), MaxAt: s.now().Add(240 * time.Hour),
	}
	for i := range g.ID {
		g.ID[i] = byte(rand.Uint32())
	}
	slot := drawSlot(t, s)
	g.Carry(slot, s.now())
	if err := createGrant(t, s, g); err != nil {
		t.Fatal(err)
	}
	return held{g.ID, slot}
}

// turnOf carries the grant on, and returns what its next access token carries.
func turnOf(t testing.TB, s *Store, id GrantID) (slot Slot, alive bool) {
	t.Helper()
	next := drawSlot(t, s)
	err := s.ChangeGrant(t.Context(), id, "", func(g *Grant, u User) Change {
		if alive = s.Alive(*g, u, s.now()); !alive {
			return Keep
		}
		g.Carry(next, s.now())
		slot, _ = g.Slot()
		return Save
	})
	if errors.Is(err, ErrNoGrant) {
		return Slot{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return slot, alive
}

func revoke(t testing.TB, s *Store, r Revocation) Revocation {
	t.Helper()
	done, err := s.Revoke(t.Context(), r, nil)
	if err != nil || done.DoneAt.IsZero() || done.Done() != 1 {
		t.Fatal(done, err)
	}
	return done
}

// is fails unless the slot is revoked or not, and the grant alive or not.
func (h held) is(t testing.TB, s *Store, what string, revoked, alive bool) {
	t.Helper()
	if got := bitOf(t, s, h.slot.List, h.slot.Index); got != revoked {
		t.Errorf("%s: revoked: %v", what, got)
	}
	if h.grant == (GrantID{}) {
		return
	}
	if _, got := turnOf(t, s, h.grant); got != alive {
		t.Errorf("%s: alive: %v", what, got)
	}
}

func TestWhatARevocationIsAbout(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(start time.Time) Revocation
		// web and cli have a grant each for api, and web one for files; job has
		// tokens of its own for api and for files. late is made a minute later.
		webAPI, webFiles, cli, jobAPI, jobFiles, late bool
		goOn                                          bool // the grants
	}{
		{"a client with grants", func(time.Time) Revocation { return Revocation{Client: "web"} }, true, true, false, false, false, true, false},
		{"a client with tokens of its own", func(time.Time) Revocation { return Revocation{Client: "job"} }, false, false, false, true, true, false, false},
		{"a client that there is not", func(time.Time) Revocation { return Revocation{Client: "nobody"} }, false, false, false, false, false, false, false},
		{"the tokens of a client", func(time.Time) Revocation { return Revocation{Client: "web", TokensOnly: true} }, true, true, false, false, false, true, true},
		{"an audience", func(time.Time) Revocation { return Revocation{Audience: "api"} }, true, false, true, true, false, true, true},
		{"an audience that others are exchanged for", func(time.Time) Revocation { return Revocation{Audience: "mail", Exchanged: true} }, true, true, true, true, true, true, true},
		{"an audience that a client's grants need not name", func(time.Time) Revocation { return Revocation{Audience: "files", AnyAudience: []string{"cli"}} }, false, true, true, false, true, false, true},
		{"what was before", func(start time.Time) Revocation { return Revocation{Before: start.Add(time.Second)} }, true, true, true, true, true, false, false},
		{"what was before there was anything", func(start time.Time) Revocation { return Revocation{Before: start} }, false, false, false, false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			engines(t, func(t *testing.T, engine kv.Engine) {
				clock := newClock()
				start := clock.Now()
				s := open(t, engine, clock)
				u := newUser(t, s, "ann@example.com")
				webAPI, webFiles, cli := hold(t, s, u, "web", "api"), hold(t, s, u, "web", "files"), hold(t, s, u, "cli", "api")
				jobAPI, jobFiles := held{slot: drawOwn(t, s, "job", "api")}, held{slot: drawOwn(t, s, "job", "files")}
				clock.Move(time.Minute)
				late := hold(t, s, u, "web", "api")
				done := revoke(t, s, c.of(start))
				webAPI.is(t, s, "web for api", c.webAPI, !c.webAPI || c.goOn)
				webFiles.is(t, s, "web for files", c.webFiles, !c.webFiles || c.goOn)
				cli.is(t, s, "cli", c.cli, !c.cli || c.goOn)
				late.is(t, s, "the late one", c.late, !c.late || c.goOn)
				jobAPI.is(t, s, "job for api", c.jobAPI, false)
				jobFiles.is(t, s, "job for files", c.jobFiles, false)
				grants, blocks := count(c.webAPI, c.webFiles, c.cli, c.late), count(c.jobAPI, c.jobFiles)
				ended, revoked := grants, 0
				if c.goOn {
					ended, revoked = 0, grants
				}
				if done.GrantsEnded != ended || done.GrantsRevoked != revoked || done.BlocksRevoked != blocks || done.Unread != 0 {
					t.Errorf("%d ended, %d revoked, %d blocks", done.GrantsEnded, done.GrantsRevoked, done.BlocksRevoked)
				}
				// What comes after it is good.
				for _, client := range []string{"web", "cli"} {
					hold(t, s, u, client, "api").is(t, s, "a new grant of "+client, false, true)
				}
				held{slot: drawOwn(t, s, "job", "api")}.is(t, s, "a new token of job", false, false)
				if slot, alive := turnOf(t, s, webAPI.grant); alive && bitOf(t, s, slot.List, slot.Index) {
					t.Error("the next turn carries an index that is revoked")
				}
			})
		})
	}
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}

func TestARevocationThatIsNotClearBeginsNothing(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := open(t, engine, c)
	before := dump(t, engine)
	for _, r := range []Revocation{{}, {Client: "a", Audience: "b"}, {Audience: "b", Before: c.Now()}, {TokensOnly: true}} {
		if _, err := s.Revoke(t.Context(), r, nil); !errors.Is(err, ErrSelector) {
			t.Errorf("%+v: %v", r, err)
		}
	}
	if _, err := s.Revoke(t.Context(), Revocation{Before: c.Now().Add(1)}, nil); !errors.Is(err, ErrFuture) {
		t.Error(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(dump(t, engine)) {
		t.Error("something was written")
	}
}

// Between any two steps people sign in, refresh and ask for tokens, and the
// clock is set back and forth: what was there before the revocation does not
// escape it, and what comes after stays.
func TestNothingEscapesARevocationThatPasses(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := open(t, engine, c)
	u := newUser(t, s, "ann@example.com")
	var old, fresh []held
	for range 5 * sweepStep {
		old = append(old, hold(t, s, u, "web", "api"))
	}
	for range 70 {
		old = append(old, held{slot: drawOwn(t, s, "web", "api")})
	}
	steps, last := 0, 0.0
	done, err := s.Revoke(t.Context(), Revocation{Client: "web"}, func(r Revocation) {
		steps++
		if r.Done() < last {
			t.Errorf("it goes back: %v after %v", r.Done(), last)
		}
		last = r.Done()
		for i := range old {
			if old[i].grant == (GrantID{}) || i%3 != steps%3 {
				continue
			}
			if slot, alive := turnOf(t, s, old[i].grant); alive {
				old[i].slot = slot
			}
		}
		c.Move([]time.Duration{-time.Minute, 2 * time.Minute, -30 * time.Second}[steps%3])
		fresh = append(fresh, hold(t, s, u, "web", "api"))
		if r.BlocksDone {
			fresh = append(fresh, held{slot: drawOwn(t, s, "web", "api")})
		}
	})
	if err != nil || steps < 5 || last != 1 {
		t.Fatal(steps, last, err)
	}
	if done.GrantsEnded != 5*sweepStep {
		t.Errorf("%d grants ended", done.GrantsEnded)
	}
	bits := map[StatusListID][]byte{}
	set := func(slot Slot) bool {
		if bits[slot.List] == nil {
			if bits[slot.List], _, err = s.StatusBits(t.Context(), slot.List); err != nil {
				t.Fatal(err)
			}
		}
		return bits[slot.List][slot.Index/8]>>(slot.Index%8)&1 == 1
	}
	for _, h := range old {
		if !set(h.slot) {
			t.Error("one escaped")
		}
	}
	for _, h := range fresh {
		if set(h.slot) {
			t.Error("one that is new was revoked")
		}
		if h.grant != (GrantID{}) {
			if _, alive := turnOf(t, s, h.grant); !alive {
				t.Error("a new grant ended")
			}
		}
	}
}

// The process is killed after any number of transactions; what it leaves is
// finished by the next one's sweep, and by who asks for it.
func TestARevocationThatIsKilledIsFinished(t *testing.T) {
	for _, by := range []string{"the sweep", "who asks for it"} {
		const never = 1000
		for _, killed := range []int{0, 1, 2, 3, 4, 5, never} {
			t.Run(fmt.Sprint(by, " after ", killed), func(t *testing.T) {
				c, engine := newClock(), &counting{Engine: mem.New()}
				s := open(t, engine, c)
				u := newUser(t, s, "ann@example.com")
				var all []held
				for range 3 * sweepStep {
					all = append(all, hold(t, s, u, "web", "api"))
				}
				all = append(all, held{slot: drawOwn(t, s, "web", "api")})
				other := hold(t, s, u, "cli", "api")

				engine.room.Store(int64(killed))
				engine.limited.Store(true)
				_, err := s.Revoke(t.Context(), Revocation{Client: "web"}, nil)
				engine.limited.Store(false)
				if begun := killed > 0; (err == nil) != (killed == never) && begun || err != nil && !errors.Is(err, errKilled) {
					t.Fatal(err)
				}

				s = open(t, engine, c)
				if by == "the sweep" {
					for n := 1; n > 0; {
						if n, err = s.Sweep(t.Context(), 70); err != nil {
							t.Fatal(err)
						}
					}
				} else if err := s.FinishRevocations(t.Context()); err != nil {
					t.Fatal(err)
				}
				bits, set, err := s.StatusBits(t.Context(), other.slot.List)
				if want := 3*sweepStep + firstBlock; err != nil || killed > 0 && set != want || killed == 0 && set != 0 {
					t.Fatalf("%d bits of %d: %v", set, want, err)
				}
				for _, h := range all {
					if killed > 0 && bits[h.slot.Index/8]>>(h.slot.Index%8)&1 == 0 {
						t.Error("one escaped")
					}
				}
				other.is(t, s, "another client's", false, true)
				c.Move(revokedFor + time.Hour)
				for n := 1; n > 0; {
					if n, err = s.Sweep(t.Context(), 1000); err != nil {
						t.Fatal(err)
					}
				}
				for key := range dump(t, engine) {
					if strings.HasPrefix(key, revocationPrefix) {
						t.Error("it is remembered for ever")
					}
				}
			})
		}
	}
}

func TestARecordThatCannotBeReadHoldsNoRevocationUp(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	bad, good := hold(t, s, u, "web", "api"), hold(t, s, u, "web", "api")
	putRaw(t, engine, string(grantKey(bad.grant)), `{"v":9}`)
	if done := revoke(t, s, Revocation{Client: "web"}); done.Unread != 1 || done.GrantsEnded != 1 {
		t.Fatalf("%+v", done)
	}
	good.is(t, s, "the other", true, false)
}

func TestWhatIsReservedAfterARevocationBeganStays(t *testing.T) {
	c, engine := newClock(), &counting{Engine: mem.New()}
	s := open(t, engine, c)
	old := held{slot: drawOwn(t, s, "job", "api")}
	engine.room.Store(1)
	engine.limited.Store(true)
	if _, err := s.Revoke(t.Context(), Revocation{Client: "job"}, nil); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	engine.limited.Store(false)
	s = open(t, engine, c) // it draws from a block of its own
	late := held{slot: drawOwn(t, s, "job", "api")}
	if err := s.FinishRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	old.is(t, s, "from before", true, false)
	late.is(t, s, "from after", false, false)
}

// A block is found again in a restored store, and a revocation that had begun
// goes on there; what is drawn comes from another list.
func TestARestoreLeavesTheListsBehindAndSoTheirTokens(t *testing.T) {
	c, engine := newClock(), &counting{Engine: mem.New()}
	s := open(t, engine, c)
	u := newUser(t, s, "ann@example.com")
	own, grant, other := held{slot: drawOwn(t, s, "one", "api")}, hold(t, s, u, "one", "api"), hold(t, s, u, "two", "api")
	engine.room.Store(1)
	engine.limited.Store(true)
	if _, err := s.Revoke(t.Context(), Revocation{Client: "one"}, nil); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	engine.limited.Store(false)
	file, _ := backup(t, s)
	restoredTo := mem.New()
	if _, err := Restore(t.Context(), restoredTo, bytes.NewReader(file), RestoreOptions{KeepGrants: true, Now: c.Now}); err != nil {
		t.Fatal(err)
	}
	s = open(t, restoredTo, c)
	if lists, err := s.StatusLists(t.Context()); err != nil || len(lists) > 0 {
		t.Errorf("%d lists, %v", len(lists), err)
	}
	for _, h := range []held{own, grant, other} {
		if _, revoked, err := s.Lookup(h.slot.List, h.slot.Index, h.grant, "").Ask(t.Context()); err != nil || !revoked {
			t.Errorf("a token of before the restore is good, %v", err)
		}
	}
	if err := s.FinishRevocations(t.Context()); err != nil {
		t.Fatal(err)
	}
	if slot, alive := turnOf(t, s, other.grant); !alive || slot.List == other.slot.List {
		t.Errorf("alive: %v, with the index that it had: %v", alive, slot == other.slot)
	}
	if slot := drawOwn(t, s, "one", "api"); slot.List == own.slot.List || bitOf(t, s, slot.List, slot.Index) {
		t.Error("what is drawn is of a list of before the restore")
	}
	if _, alive := turnOf(t, s, grant.grant); alive {
		t.Error("a revocation that was not finished is forgotten")
	}
	for key := range dump(t, restoredTo) {
		if strings.HasPrefix(key, statusBitPrefix) {
			t.Error("a bit is nobody's")
		}
	}
}

func TestAListThatCannotBeReadHoldsNoSweepUp(t *testing.T) {
	c, engine := newClock(), &counting{Engine: mem.New()}
	s := open(t, engine, c)
	grant := hold(t, s, newUser(t, s, "ann@example.com"), "web", "api")
	engine.room.Store(1)
	engine.limited.Store(true)
	if _, err := s.Revoke(t.Context(), Revocation{Client: "web"}, nil); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	engine.limited.Store(false)
	value := dump(t, engine)[string(statusListKey(grant.slot.List))]
	putRaw(t, engine, string(statusListKey(grant.slot.List)), `{"v":9}`)
	if _, err := s.Sweep(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	putRaw(t, engine, string(statusListKey(grant.slot.List)), value) // it was mended
	c.Move(sweepAgain)
	if _, err := s.Sweep(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if _, alive := turnOf(t, s, grant.grant); alive {
		t.Error("the revocation was given up")
	}
}
