package keys

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource/token"
)

// running opens a ring on the bubble's clock and keeps it.
func running(t *testing.T, store Store) *Ring {
	t.Helper()
	o := testOptions(store, time.Now, token.ES256)
	o.Config.RotateEvery = time.Hour
	r := mustOpen(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return r
}

func activeKID(t *testing.T, r *Ring) string {
	t.Helper()
	s, err := r.Snapshot().Signer(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return s.KID()
}

func TestRunConfirmsRotatesAndRetires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, &memStore{})
		first, changed := activeKID(t, r), r.Changed()
		time.Sleep(59 * time.Minute)
		if activeKID(t, r) != first {
			t.Error("rotated too early")
		}
		time.Sleep(time.Minute + time.Second)
		if activeKID(t, r) == first {
			t.Error("not rotated")
		}
		select {
		case <-changed:
		default:
			t.Error("Changed did not fire")
		}
		time.Sleep(20 * time.Minute)
		if in := r.List()[0]; in.State != Gone || in.Why == "" {
			t.Errorf("the first key is %+v", in)
		}
		if err := r.Ready(time.Now()); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutTheStoreANodeStopsAtItsLeaseAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memStore{}
		r := running(t, store)
		signer, err := r.Snapshot().Signer(token.ES256)
		if err != nil {
			t.Fatal(err)
		}
		outage := errors.New("the disk is on fire")
		store.setFail(outage)
		time.Sleep(19 * time.Second)
		if _, err := signer.Sign("at+jwt", nil, time.Minute); err != nil {
			t.Errorf("within the lease: %v", err)
		}
		if got := r.Snapshot().MaxAge(time.Now()); got > 9*time.Minute-10*time.Second {
			t.Errorf("max-age is still %s", got)
		}
		time.Sleep(12 * time.Second)
		if _, err := r.Snapshot().Signer(token.ES256); !errors.Is(err, ErrLease) {
			t.Errorf("past the lease: %v", err)
		}
		if _, err := signer.Sign("at+jwt", nil, time.Minute); !errors.Is(err, ErrLease) {
			t.Errorf("past the lease, with a signer from before: %v", err)
		}
		if err := r.Ready(time.Now()); !errors.Is(err, ErrLease) || !errors.Is(err, outage) {
			t.Errorf("not ready, but why: %v", err)
		}
		time.Sleep(time.Hour)
		if got := r.Snapshot().MaxAge(time.Now()); got != 0 {
			t.Errorf("max-age is %s", got)
		}
		store.setFail(nil)
		time.Sleep(11 * time.Second)
		if err := r.Ready(time.Now()); err != nil {
			t.Errorf("the store is back: %v", err)
		}
	})
}

func TestAnotherNodeSeesAChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memStore{}
		a, b := running(t, store), running(t, store)
		kid, changed := activeKID(t, a), b.Snapshot().Changed()
		if _, err := a.Revoke(t.Context(), kid, "leaked"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		case <-time.After(time.Second):
			t.Error("it waits for its own round")
		}
		if _, _, _, ok := b.Snapshot().Public(kid); ok || activeKID(t, b) != activeKID(t, a) {
			t.Error("the other node goes on")
		}
		_, ea := a.Snapshot().JWKS()
		if _, eb := b.Snapshot().JWKS(); ea != eb {
			t.Error("two nodes have different ETags")
		}
	})
}

func TestAConfirmationAloneFiresNoLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, &memStore{})
		changed := r.Changed()
		time.Sleep(50 * time.Minute)
		select {
		case <-changed:
			t.Error("Changed fired, the JWKS is the same")
		default:
		}
	})
}

func TestTheClockWritesDownNoTimeBeforeWhatItKnows(t *testing.T) {
	base := time.Now() // with its monotonic reading
	wall := base
	c := &clock{read: func() time.Time { return wall }}
	c.instant()
	wall = base.Round(0).Add(-time.Hour) // the wall clock jumps back
	if i := c.instant(); i.at.Before(base.UTC().Round(0)) || !i.now.Equal(wall) {
		t.Errorf("%+v, before was %s", i, base)
	}
}

func TestTheAgeOfASnapshotIsTheLongerOfBothClocks(t *testing.T) {
	start := time.Now()
	now := start.Add(time.Minute) // by both
	if age := (&view{confirmed: start}).age(now); age != time.Minute {
		t.Error(age)
	}
	slept := now.Round(0).Add(time.Hour) // only the wall clock went on
	if age := (&view{confirmed: start}).age(slept); age != time.Hour+time.Minute {
		t.Error(age)
	}
}
