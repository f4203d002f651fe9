package data

import (
	"errors"
	"testing"
	"time"

	"signet/data/kv/mem"
)

// living opens a store whose access tokens live for ttl.
func living(t testing.TB, engine *mem.Engine, c *clock, ttl time.Duration) *Store {
	t.Helper()
	s, err := Open(t.Context(), engine, Options{Now: c.Now, Logger: quiet, AccessTTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawSlot(t testing.TB, s *Store) Slot {
	t.Helper()
	slot, err := s.DrawSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// bitOf tells whether the place is set.
func bitOf(t testing.TB, s *Store, list StatusListID, index uint32) bool {
	t.Helper()
	bits, _, err := s.StatusBits(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	return bits[index/8]>>(index%8)&1 == 1
}

func TestThePermutationOfAListIsOne(t *testing.T) {
	for _, key := range [][16]byte{{}, {1, 2, 3}, {15: 0xff}} {
		p, seen := newPermutation(key), make([]bool, StatusSize)
		for serial := range uint32(StatusSize) {
			index := p.index(serial)
			if index >= StatusSize || seen[index] {
				t.Fatalf("%d became %d, which is somebody's or nobody's", serial, index)
			}
			seen[index] = true
		}
	}
}

func TestASlotKeepsTheEndThatItsTokensWereTold(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := living(t, engine, c, time.Hour)
	u := newUser(t, s, "ann@example.com")
	g := newGrant(t, s, u, 24*time.Hour)
	turn := func(s *Store) {
		slot := drawSlot(t, s)
		if err := s.ChangeGrant(t.Context(), g.ID, "", func(g *Grant, _ User) Change {
			g.Carry(slot, c.Now())
			return Save
		}); err != nil {
			t.Fatal(err)
		}
	}
	turn(s)
	c.Move(time.Minute)
	s = living(t, engine, c, time.Minute) // restarted: access tokens live shorter from now on
	turn(s)
	c.Move(30 * time.Minute) // what the first turn gave lives still
	got, _, err := s.Grant(t.Context(), g.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.EndUserGrants(t.Context(), u.ID, nil); err != nil {
		t.Fatal(err)
	}
	for _, slot := range got.Status {
		if !bitOf(t, s, slot.List, slot.Index) {
			t.Errorf("the slot until %s is not revoked", slot.Until)
		}
	}
}

func TestAListThatOpensAgainEndsNoEarlier(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := living(t, engine, c, 10*time.Minute)
	first := drawSlot(t, s)
	c.Move(50 * time.Minute)
	late := drawSlot(t, s)
	if late.List != first.List {
		t.Fatal("the list changed")
	}
	c.Move(-90 * time.Minute) // the clock is set back, before the list was opened
	drawSlot(t, s)
	lists, err := s.StatusLists(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		if l.ID == late.List && l.EndsAt.Before(late.Until) {
			t.Fatalf("the list ends at %s, and a token in it at %s", l.EndsAt, late.Until)
		}
	}
}

// Clients without refresh tokens, scripts in browsers above all, leave such a
// grant behind with each sign-in: a bit for each would wake whoever waits for
// the list, and fill it.
func TestAGrantThatEndsWithItsAccessTokenRevokesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		end     func(t *testing.T, s *Store, u User)
		revoked bool
	}{
		"of itself":                 {func(*testing.T, *Store, User) {}, false},
		"while its user signs out":  {func(t *testing.T, s *Store, u User) { must(t, s.EndUserGrants(t.Context(), u.ID, nil)) }, true},
		"while its user is removed": {func(t *testing.T, s *Store, u User) { must(t, s.DeleteUser(t.Context(), u.ID)) }, true},
		"while somebody ends that one": {func(t *testing.T, s *Store, u User) {
			_, err := s.EndGrants(t.Context(), u.ID, func(Grant) bool { return true })
			must(t, err)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			clock, engine := newClock(), mem.New()
			s := living(t, engine, clock, 10*time.Minute)
			u := newUser(t, s, "ann@example.com")
			g := newGrant(t, s, u, 10*time.Minute)
			slot := drawSlot(t, s)
			must(t, s.ChangeGrant(t.Context(), g.ID, "", func(g *Grant, _ User) Change {
				g.NoRefresh = true
				g.Carry(slot, clock.Now())
				return Save
			}))
			sweep := func() {
				_, err := s.Sweep(t.Context(), 1000)
				must(t, err)
			}
			clock.Move(10*time.Minute + time.Second)
			sweep()
			c.end(t, s, u) // by the clock of another node the token may live still
			if got := bitOf(t, s, slot.List, slot.Index); got != c.revoked {
				t.Errorf("revoked: %t", got)
			}
			clock.Move(statusMargin)
			sweep()
			if _, _, err := s.Grant(t.Context(), g.ID, ""); !errors.Is(err, ErrNoGrant) {
				t.Errorf("the grant is there for ever: %v", err)
			}
			if got := bitOf(t, s, slot.List, slot.Index); got != c.revoked {
				t.Errorf("revoked in the end: %t", got)
			}
		})
	}
}

// The store was restored, or the list is long over: whoever asks the issuer is
// told, and the bit does not stay for ever.
func TestABitOfAListThatIsNotThereIsSweptToo(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := living(t, engine, c, 10*time.Minute)
	list := StatusListID{1}
	if err := s.RevokeSlot(t.Context(), list, 7, GrantID{}); err != nil {
		t.Fatal(err)
	}
	if _, revoked, err := s.Lookup(list, 7, GrantID{}, "").Ask(t.Context()); !revoked || err != nil {
		t.Fatal(revoked, err)
	}
	c.Move(time.Hour)
	if _, err := s.Sweep(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if left := keysBut(dump(t, engine), "m"); len(left) > 0 {
		t.Fatalf("%q are left", left)
	}
	if err := s.RevokeSlot(t.Context(), list, StatusSize, GrantID{}); err == nil {
		t.Fatal("a place behind the end was revoked")
	}
}

func TestABitThatMakesNoSenseHidesNoOther(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := living(t, engine, c, 10*time.Minute)
	slot := drawSlot(t, s)
	if err := s.RevokeSlot(t.Context(), slot.List, slot.Index, GrantID{}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "x", "\xff\xff\xff\xff", "12345"} {
		key := string(statusBitsOf(slot.List)) + bad
		if err := checkPair([]byte(key), present); err == nil {
			t.Errorf("a backup takes %q", key)
		}
		putRaw(t, engine, key, "1")
	}
	if _, set, err := s.StatusBits(t.Context(), slot.List); set != 1 || err != nil || !bitOf(t, s, slot.List, slot.Index) {
		t.Fatal(set, err)
	}
}

func TestAListThatIsFullGivesItsTurnToTheNext(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := living(t, engine, c, 10*time.Minute)
	first := drawSlot(t, s)
	lists, err := s.StatusLists(t.Context())
	if err != nil || len(lists) != 2 {
		t.Fatal(lists, err)
	}
	full := lists[0]
	full.Reserved = StatusSize
	value, err := encode(&full)
	if err != nil {
		t.Fatal(err)
	}
	putRaw(t, engine, string(statusListKey(full.ID)), string(value))
	for range slotsAtOnce - 1 {
		if got := drawSlot(t, s); got.List != first.List {
			t.Fatal("what was reserved is not used up")
		}
	}
	if got := drawSlot(t, s); got.List != lists[1].ID {
		t.Fatal("the announced list has no early turn")
	}
	if lists, err = s.StatusLists(t.Context()); err != nil || len(lists) != 3 {
		t.Fatalf("no other one is announced: %v, %v", lists, err)
	}
}

func TestNoIndexIsGivenTwice(t *testing.T) {
	c, engine := newClock(), mem.New()
	stores := []*Store{living(t, engine, c, 10*time.Minute), living(t, engine, c, 10*time.Minute)}
	type place struct {
		list  StatusListID
		index uint32
	}
	given := map[place]bool{}
	draw := func(n int) {
		t.Helper()
		for i := range n {
			slot := drawSlot(t, stores[i%len(stores)])
			at := place{slot.List, slot.Index}
			if given[at] {
				t.Fatalf("draw %d gave a slot again", i)
			}
			given[at] = true
		}
	}
	for step, change := range []func(){
		func() {},
		func() { c.Move(30 * time.Minute) },
		func() { stores[0] = living(t, engine, c, 10*time.Minute) }, // a restart
		func() { c.Move(40 * time.Minute) },                         // another list
		func() { c.Move(-3 * time.Hour) },                           // the clock is set back
		func() { stores[1] = living(t, engine, c, 5*time.Hour) },    // access tokens live longer
		func() { c.Move(90 * time.Minute) },
		func() { stores[1] = living(t, engine, c, time.Minute) },
	} {
		change()
		draw(100 + step)
		back := drawSlot(t, stores[0]) // and what came back is given once more, not twice
		stores[0].ReturnSlot(back)
		if again := drawSlot(t, stores[0]); again.List != back.List || again.Index != back.Index || given[place{back.List, back.Index}] {
			t.Fatalf("step %d: %v came back, and %v was given", step, back, again)
		}
		given[place{back.List, back.Index}] = true
		draw(3 * slotsAtOnce)
	}
}
