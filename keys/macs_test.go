package keys

import (
	"errors"
	"testing"
	"time"

	"signet/resource/token"
)

func mustOpenMACs(t *testing.T, o Options) *MACs {
	t.Helper()
	m, err := OpenMACs(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// confirm is one round of Run.
func (m *MACs) confirm(t *testing.T) {
	t.Helper()
	if err := m.step(t.Context(), false); err != nil {
		t.Fatal(err)
	}
}

func TestAMACVerifiesUnderItsKeyAndNoOther(t *testing.T) {
	m := mustOpenMACs(t, testOptions(&memStore{}, newTestClock().now, token.ES256))
	msg := []byte("grant 1")
	id, mac, err := m.Sum(msg)
	if err != nil || id == 0 {
		t.Fatal(id, err)
	}
	if again, err := m.SumWith(id, msg); err != nil || again != mac {
		t.Error("a repeat differs", err)
	}
	for name, c := range map[string]struct {
		id       uint32
		msg, mac []byte
		want     error
	}{
		"right":              {id, msg, mac[:], nil},
		"another message":    {id, []byte("grant 2"), mac[:], ErrMACMismatch},
		"cut":                {id, msg, mac[:31], ErrMACMismatch},
		"empty":              {id, msg, nil, ErrMACMismatch},
		"an id of no key":    {id + 1, msg, mac[:], ErrMACUnknown},
		"the id that is not": {0, msg, mac[:], ErrMACUnknown},
	} {
		if err := m.Verify(c.id, c.msg, c.mac); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANewMACKeyBeginsWhenEveryNodeKnowsItAndTheOldIsKept(t *testing.T) {
	clk := newTestClock()
	o := testOptions(&memStore{}, clk.now, token.ES256)
	a, b := mustOpenMACs(t, o), mustOpenMACs(t, o)
	old, mac, _ := a.Sum(nil)
	if err := a.Rotate(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if id, _, _ := a.Sum(nil); id != old {
		t.Error("it makes MACs that another node cannot know yet")
	}
	clk.add(90 * time.Second) // two leases and the skew
	b.confirm(t)
	a.confirm(t)
	id, next, err := a.Sum(nil)
	if err != nil || id == old {
		t.Fatalf("it never began: %v", err)
	}
	if err := b.Verify(id, nil, next[:]); err != nil {
		t.Error(err)
	}
	if err := b.Verify(old, nil, mac[:]); err != nil {
		t.Errorf("a replaced key: %v", err)
	}
	clk.add(time.Hour + time.Minute)
	b.confirm(t)
	if err := b.Verify(old, nil, mac[:]); !errors.Is(err, ErrMACRevoked) {
		t.Errorf("a replaced key, much later: %v", err)
	}
}

func TestMACKeysAreReplacedOnSchedule(t *testing.T) {
	clk := newTestClock()
	o := testOptions(&memStore{}, clk.now, token.ES256)
	o.KeepMACs = 30 * 24 * time.Hour
	a, b := mustOpenMACs(t, o), mustOpenMACs(t, o)
	old, mac, _ := a.Sum(nil)

	clk.add(o.Config.RotateEvery - time.Second)
	a.confirm(t)
	clk.add(2 * time.Minute)
	if a.confirm(t); len(a.snap.Load().record.Keys) != 2 {
		t.Fatalf("%d keys when the first had its time", len(a.snap.Load().record.Keys))
	}
	clk.add(2 * time.Minute)
	b.confirm(t)
	a.confirm(t)
	if id, _, err := b.Sum(nil); err != nil || id == old {
		t.Errorf("the next never began: %v", err)
	}
	if n := len(a.snap.Load().record.Keys); n != 2 {
		t.Errorf("two nodes made %d keys", n)
	}
	if err := b.Verify(old, nil, mac[:]); err != nil {
		t.Errorf("a grant's token died with the schedule: %v", err)
	}
	clk.add(o.KeepMACs + time.Hour)
	b.confirm(t)
	if err := b.Verify(old, nil, mac[:]); !errors.Is(err, ErrMACRevoked) {
		t.Errorf("after the longest life of a grant: %v", err)
	}
}

func TestARevokedMACKeyIsDeadAtOnceAndElsewhereAfterALease(t *testing.T) {
	clk := newTestClock()
	o := testOptions(&memStore{}, clk.now, token.ES256)
	a, b := mustOpenMACs(t, o), mustOpenMACs(t, o)
	id, mac, _ := a.Sum(nil)
	if err := a.RevokeAll(t.Context(), ""); !errors.Is(err, ErrReason) {
		t.Error(err)
	}
	if err := a.RevokeAll(t.Context(), "the host was taken"); err != nil {
		t.Fatal(err)
	}
	if err := a.Verify(id, nil, mac[:]); !errors.Is(err, ErrMACRevoked) {
		t.Errorf("here: %v", err)
	}
	if next, _, err := a.Sum(nil); err != nil || next == id {
		t.Errorf("no other key: %v", err)
	}
	clk.add(30 * time.Second)
	if err := b.Verify(id, nil, mac[:]); !errors.Is(err, ErrLease) {
		t.Errorf("on a node that was cut off: %v", err)
	}
	if _, _, err := b.Sum(nil); !errors.Is(err, ErrLease) || !errors.Is(b.Ready(clk.now()), ErrLease) {
		t.Errorf("on a node that was cut off: %v", err)
	}
}

func TestMACKeysAreResealed(t *testing.T) {
	o := testOptions(&memStore{}, newTestClock().now, token.ES256)
	m := mustOpenMACs(t, o)
	id, mac, _ := m.Sum(nil)
	to := NewSealer(otherMasterKey, "store1")
	if err := m.Reseal(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMACs(t.Context(), o); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("the old key still opens: %v", err)
	}
	o.Sealer = to
	if err := mustOpenMACs(t, o).Verify(id, nil, mac[:]); err != nil {
		t.Error(err)
	}
}
