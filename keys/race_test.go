package keys

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"signet/resource/token"
)

// atOnce runs do for each ring behind a barrier.
func atOnce(rings []*Ring, do func(i int, r *Ring) error) []error {
	errs := make([]error, len(rings))
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	for i, r := range rings {
		wg.Go(func() {
			<-barrier
			errs[i] = do(i, r)
		})
	}
	close(barrier)
	wg.Wait()
	return errs
}

func openMany(t *testing.T, n int) (*memStore, *testClock, []*Ring) {
	t.Helper()
	store, clk := &memStore{}, newTestClock()
	rings := make([]*Ring, n)
	for i, err := range atOnce(rings, func(i int, _ *Ring) (err error) {
		rings[i], err = Open(t.Context(), testOptions(store, clk.now, token.ES256))
		return err
	}) {
		if err != nil {
			t.Fatalf("ring %d: %v", i, err)
		}
	}
	return store, clk, rings
}

func TestManyNodesStartAtOnceAndHaveOneRing(t *testing.T) {
	store, _, rings := openMany(t, 16)
	if store.swaps != 1 {
		t.Errorf("%d nodes made a ring", store.swaps)
	}
	_, first := rings[0].Snapshot().JWKS()
	for _, r := range rings {
		if _, etag := r.Snapshot().JWKS(); etag != first {
			t.Error("two nodes have different ETags")
		}
	}
}

func TestManyNodesRotateAtOnceAndOneWins(t *testing.T) {
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprintf("force %t", force), func(t *testing.T) {
			store, _, rings := openMany(t, 16)
			before := store.swaps
			won := 0
			for _, err := range atOnce(rings, func(_ int, r *Ring) error {
				_, err := r.Rotate(context.Background(), "", force)
				return err
			}) {
				var late *NotReadyError
				switch {
				case err == nil:
					won++
				case errors.As(err, &late) || errors.Is(err, ErrOvertaken):
				default:
					t.Error(err)
				}
			}
			// Forced, one that first looked after another's turn rotates again
			// by right; a pending key is never promoted twice either way.
			if store.swaps-before != won || (!force && won != 1) || won == 0 {
				t.Errorf("%d won, %d changes", won, store.swaps-before)
			}
		})
	}
}

func TestManyNodesRevokeOneKeyAtOnceAndOneWins(t *testing.T) {
	_, _, rings := openMany(t, 16)
	kid := rings[0].List()[0].KID
	won := 0
	for _, err := range atOnce(rings, func(_ int, r *Ring) error {
		_, err := r.Revoke(context.Background(), kid, "leaked")
		return err
	}) {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrGone) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

// stale returns an old record from Load, as a load that was overtaken does.
type stale struct {
	Store
	raw []byte
}

func (s *stale) Load(ctx context.Context) ([]byte, error) {
	if s.raw != nil {
		return s.raw, nil
	}
	return s.Store.Load(ctx)
}

func TestALoadThatWasOvertakenBringsNoRevokedKeyBack(t *testing.T) {
	mem, clk := &memStore{}, newTestClock()
	store := &stale{Store: mem}
	r := mustOpen(t, testOptions(store, clk.now, token.ES256))
	old, kid := mem.raw, r.List()[0].KID
	if _, err := r.Revoke(t.Context(), kid, "leaked"); err != nil {
		t.Fatal(err)
	}
	store.raw = old
	clk.add(29 * time.Second)
	if _, _, err := r.keeper.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, _, ok := r.Snapshot().Public(kid); ok {
		t.Error("the revoked key is back")
	}
	clk.add(2 * time.Second)
	if err := r.Ready(clk.now()); !errors.Is(err, ErrLease) {
		t.Errorf("an old record confirmed the ring: %v", err)
	}
}
