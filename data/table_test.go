package data

import (
	"errors"
	"maps"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestARecordThatEndsByItself(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		empty := len(dump(t, engine))
		h := HashOf("handle")
		create := func(client string) error {
			return s.Requests.Create(t.Context(), Request{Hash: h, Client: client, ExpiresAt: s.now().Add(time.Minute)})
		}
		expect := func(client string, want error) {
			t.Helper()
			if r, err := s.Requests.Get(t.Context(), h); r.Client != client || !errors.Is(err, want) {
				t.Fatalf("%q, %v", r.Client, err)
			}
		}
		change := func(what Change, client string) error {
			return s.Requests.Change(t.Context(), h, func(r *Request) Change { r.Client = client; return what })
		}
		expect("", ErrNone)
		if err := create("one"); err != nil {
			t.Fatal(err)
		}
		expect("one", nil)
		if err := create("two"); !errors.Is(err, ErrTaken) {
			t.Fatal(err)
		}
		for _, step := range []struct {
			change       Change
			client, want string
		}{{Keep, "two", "one"}, {Save, "three", "three"}, {Keep, "four", "three"}} {
			if err := change(step.change, step.client); err != nil {
				t.Fatal(err)
			}
			expect(step.want, nil)
		}
		c.Move(time.Minute - 1)
		expect("three", nil)
		c.Move(1)
		expect("", ErrNone) // though nobody swept it
		if err := change(Save, "five"); !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		if err := create("six"); err != nil { // its place is free
			t.Fatal(err)
		}
		expect("six", nil)
		if err := change(End, ""); err != nil {
			t.Fatal(err)
		}
		expect("", ErrNone)
		if err := change(End, ""); !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		c.Move(2 * time.Minute)
		if _, err := s.Sweep(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if got := len(dump(t, engine)); got != empty {
			t.Fatalf("%d pairs are left of %d", got, empty)
		}
	})
}

func TestARecordStaysInItsPlaceAndKind(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	h := HashOf("x")
	if err := s.Requests.Create(t.Context(), Request{Hash: h, ExpiresAt: s.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Codes.Get(t.Context(), h); !errors.Is(err, ErrNone) {
		t.Fatal("a request is taken for a code", err)
	}
	before := dump(t, engine)
	if err := s.Requests.Change(t.Context(), h, func(r *Request) Change { r.Hash = HashOf("y"); return Save }); err == nil {
		t.Fatal("a record moved")
	}
	if !maps.Equal(before, dump(t, engine)) {
		t.Fatal("something was written")
	}
}

// The sweeper removes nothing that lives, however its end was moved, and
// nothing but the record's own entry is left behind on the way.
func TestTheSweepFollowsTheEndOfASession(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		u := newUser(t, s, "ann@example.com")
		empty := len(dump(t, engine))
		v := newSession(t, s, "one", accountOf(u, "a"))
		for range 10 {
			c.Move(50 * time.Minute)
			err := s.Sessions.Change(t.Context(), v.Hash, func(v *Session) Change { v.ExpiresAt = c.Now().Add(time.Hour); return Save })
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Sweep(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
			if got := len(dump(t, engine)); got != empty+3 { // the record, its entry, who is signed in
				t.Fatalf("%d pairs", got-empty)
			}
		}
		c.Move(time.Hour)
		if list, err := s.UserSessions(t.Context(), u.ID); len(list) > 0 || err != nil {
			t.Fatal(list, err)
		}
		c.Move(time.Second)
		if _, err := s.Sweep(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		if got := len(dump(t, engine)); got != empty {
			t.Fatalf("%d pairs", got-empty)
		}
	})
}

func TestADeviceAndItsUserCodeComeTogetherOrNotAtAll(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		create := func(device, code string) error {
			end := s.now().Add(time.Minute)
			return s.CreateDevice(t.Context(), Device{Hash: HashOf(device), Client: device, ExpiresAt: end}, UserCode{Hash: HashOf(code), ExpiresAt: end})
		}
		if err := create("one", "BCDF"); err != nil {
			t.Fatal(err)
		}
		before := dump(t, engine)
		if err := create("two", "BCDF"); !errors.Is(err, ErrTaken) {
			t.Fatal(err)
		}
		if !maps.Equal(before, dump(t, engine)) {
			t.Fatal("something was written")
		}
		u, err := s.UserCodes.Get(t.Context(), HashOf("BCDF"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := s.Devices.Get(t.Context(), u.Device)
		if err != nil || d.Client != "one" || d.UserCode != u.Hash {
			t.Fatal(d, err)
		}
		c.Move(time.Minute)
		if err := create("two", "BCDF"); err != nil {
			t.Fatal("a code that has ended is not free", err)
		}
	})
}
