package data

import (
	"context"
	"errors"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestCreateGrantLooksAtTheUserOfNow(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		u := newUser(t, s, "ann@example.com")
		make := func(epoch uint64, id byte) error {
			return createGrant(t, s, Grant{ID: GrantID{id}, User: u.ID, Epoch: epoch, Inc: s.Meta().Incarnation, ExpiresAt: s.now().Add(time.Hour)})
		}
		if err := make(1, 1); err != nil {
			t.Fatal(err)
		}
		if err := make(1, 1); err == nil {
			t.Fatal("an id was given twice")
		}
		if err := s.EndUserGrants(t.Context(), u.ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := make(1, 2); !errors.Is(err, ErrStaleEpoch) {
			t.Fatal(err)
		}
		if _, err := s.ChangeUser(t.Context(), u.ID, func(u *User) error { u.Disabled = true; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := make(3, 3); !errors.Is(err, ErrDisabled) {
			t.Fatal(err)
		}
		if err := s.DeleteUser(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if err := make(3, 4); !errors.Is(err, ErrNoUser) {
			t.Fatal(err)
		}
	})
}

func TestAChangeOfAGrant(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		u := newUser(t, s, "ann@example.com")
		g := newGrant(t, s, u, time.Hour)
		change := func(c Change, scope string) error {
			return s.ChangeGrant(t.Context(), g.ID, "", func(g *Grant, seen User) Change {
				if seen.ID != u.ID {
					t.Error("another user")
				}
				g.Scope, g.ID, g.Client = scope, GrantID{1}, "another"
				return c
			})
		}
		for _, step := range []struct {
			change      Change
			scope, want string
		}{{Keep, "a", ""}, {Save, "b", "b"}, {Keep, "c", "b"}} {
			if err := change(step.change, step.scope); err != nil {
				t.Fatal(err)
			}
			if got, _, err := s.Grant(t.Context(), g.ID, ""); err != nil || got.Scope != step.want {
				t.Fatalf("%q, %v", got.Scope, err)
			}
		}
		if err := change(End, ""); err != nil {
			t.Fatal(err)
		}
		if err := change(Save, "again"); !errors.Is(err, ErrNoGrant) {
			t.Fatal(err)
		}
		if _, _, err := s.Grant(t.Context(), g.ID, ""); !errors.Is(err, ErrNoGrant) {
			t.Fatal(err)
		}
	})
}

func TestAllGrantsOfAUserEndAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		u, other := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		var kept Grant
		for range 250 {
			kept = newGrant(t, s, u, time.Hour)
		}
		theirs := newGrant(t, s, other, time.Hour)
		before := len(dump(t, engine))
		if err := s.EndUserGrants(t.Context(), u.ID, &kept.ID); err != nil {
			t.Fatal(err)
		}
		if got := len(dump(t, engine)); got != before-3*249+1 { // and what tells the sweeper to look
			t.Fatalf("%d pairs became %d at once", before, got)
		}
		alive := func(want ...GrantID) {
			t.Helper()
			var got []GrantID
			for _, id := range []UserID{u.ID, other.ID} {
				list, err := s.UserGrants(t.Context(), id, GrantID{}, 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range list {
					got = append(got, g.ID)
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%v are alive instead of %v", got, want)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("%v are alive instead of %v", got, want)
				}
			}
		}
		alive(kept.ID, theirs.ID)

		if err := s.EndUserGrants(t.Context(), u.ID, &theirs.ID); err != nil {
			t.Fatal(err)
		}
		alive(theirs.ID)
	})
}

func TestAKeptGrantThatWasDeadStaysDead(t *testing.T) {
	s := open(t, mem.New(), newClock())
	u := newUser(t, s, "ann@example.com")
	g := newGrant(t, s, u, time.Hour)
	for _, keep := range []*GrantID{nil, &g.ID} {
		if _, err := s.ChangePassword(t.Context(), u.ID, fakeHash(12), keep); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.UserGrants(t.Context(), u.ID, GrantID{}, 0); len(list) != 0 || err != nil {
		t.Fatal("it came back", err)
	}
}

func TestAGrantOfAnotherUserIsNotKept(t *testing.T) {
	s := open(t, mem.New(), newClock())
	ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
	g := newGrant(t, s, bob, time.Hour)
	if err := s.EndUserGrants(t.Context(), ann.ID, &g.ID); err != nil {
		t.Fatal(err)
	}
	if got, u, err := s.Grant(t.Context(), g.ID, ""); err != nil || got.Epoch != u.Epoch {
		t.Fatal(got.Epoch, u.Epoch, err)
	}
}

func TestTheGrantsOfAUserComePageByPage(t *testing.T) {
	s := open(t, mem.New(), newClock())
	u := newUser(t, s, "ann@example.com")
	for range 25 {
		newGrant(t, s, u, time.Hour)
	}
	var after GrantID
	seen := map[GrantID]bool{}
	for range 3 {
		page, err := s.UserGrants(t.Context(), u.ID, after, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page {
			seen[g.ID], after = true, g.ID
		}
	}
	if len(seen) != 25 {
		t.Fatalf("%d", len(seen))
	}
	if _, err := s.UserGrants(t.Context(), "nobody", GrantID{}, 0); !errors.Is(err, ErrNoUser) {
		t.Fatal(err)
	}
}

func TestTheSweepRemovesWhatExpiredAndMovesOnWhatLives(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		u := newUser(t, s, "ann@example.com")
		empty := len(dump(t, engine))
		dead, alive := newGrant(t, s, u, time.Hour), newGrant(t, s, u, time.Hour)
		_, inv, err := s.CreateInvitation(t.Context(), Email{}, nil, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		live := func(until time.Duration) {
			err := s.ChangeGrant(context.Background(), alive.ID, "", func(g *Grant, _ User) Change {
				g.ExpiresAt = c.Now().Add(until)
				return Save
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		sweep := func(want int) {
			t.Helper()
			if n, err := s.Sweep(t.Context(), 1000); n != want || err != nil {
				t.Fatalf("%d, %v instead of %d", n, err, want)
			}
		}
		live(2 * time.Hour)
		c.Move(time.Hour - 1)
		sweep(0)
		c.Move(time.Second) // the index counts whole seconds
		sweep(3)
		sweep(0)
		if _, _, err := s.Grant(t.Context(), dead.ID, ""); !errors.Is(err, ErrNoGrant) {
			t.Fatal(err)
		}
		if pairs := dump(t, engine); len(pairs) != empty+4 || pairs[string(invitationKey(inv.Hash))] != "" {
			t.Fatalf("%d pairs", len(pairs))
		}
		for range 10 {
			c.Move(50 * time.Minute)
			live(time.Hour)
			if _, err := s.Sweep(t.Context(), 1000); err != nil {
				t.Fatal(err)
			}
			if got := len(dump(t, engine)); got != empty+4 {
				t.Fatalf("%d pairs instead of %d", got, empty+4)
			}
		}
		c.Move(2 * time.Hour)
		sweep(1)
		if got := len(dump(t, engine)); got != empty {
			t.Fatalf("%d pairs instead of %d", got, empty)
		}
	})
}

func TestTheSweepLeavesWhatItCannotRead(t *testing.T) {
	engine, c := mem.New(), newClock()
	s := open(t, engine, c)
	u := newUser(t, s, "ann@example.com")
	later, damaged, dead := newGrant(t, s, u, time.Hour), newGrant(t, s, u, time.Hour), newGrant(t, s, u, time.Hour)
	putRaw(t, engine, string(grantKey(later.ID)), `{"v":2,"what":"ever"}`)
	putRaw(t, engine, string(grantKey(damaged.ID)), `{"v":1,`)
	putRaw(t, engine, "x/short", "1")
	c.Move(2 * time.Hour)
	for _, want := range []int{3, 0} {
		if n, err := s.Sweep(t.Context(), 100); n != want || err != nil {
			t.Fatal(n, err)
		}
	}
	pairs := dump(t, engine)
	if pairs[string(grantKey(later.ID))] == "" || pairs[string(grantKey(damaged.ID))] == "" || pairs[string(grantKey(dead.ID))] != "" {
		t.Fatalf("%q", pairs)
	}
	c.Move(sweepAgain + time.Second)
	if n, err := s.Sweep(t.Context(), 100); n != 2 || err != nil {
		t.Fatal(n, err)
	}
}
