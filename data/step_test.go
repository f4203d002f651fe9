package data

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// The engine for tests takes 128 operations of a transaction, as etcd does.

func TestABlockThatIsLongerThanAStepIsRevokedWhole(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed on the way: %v", killed), func(t *testing.T) {
			engine := &counting{Engine: mem.New()}
			s := open(t, engine, newClock())
			const tokens = 16 + 32 + 64 + 128 + 1 // and the fifth block has 256
			var all []Slot
			for range tokens {
				all = append(all, drawOwn(t, s, "web", "api"))
			}
			if killed {
				engine.room.Store(4)
				engine.limited.Store(true)
				_, err := s.Revoke(t.Context(), Revocation{Client: "web"}, nil)
				engine.limited.Store(false)
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
				sweepAll(t, s, sweepStep)
			} else if done := revoke(t, s, Revocation{Client: "web"}); done.BlocksRevoked != 5 || done.Marking != nil {
				t.Errorf("%+v", done)
			}
			_, set, err := s.StatusBits(t.Context(), all[0].List)
			if want := 16 + 32 + 64 + 128 + 256; set != want || err != nil {
				t.Fatalf("%d bits are set, want %d; error %v", set, want, err)
			}
			if next := drawOwn(t, s, "web", "api"); len(blocksIn(t, engine)) != 1 {
				t.Errorf("drew %v of a block that was revoked", next)
			}
		})
	}
}

func TestManyClientsAreToldOfOneEnding(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	const clients = 2*sendStep + 30
	ending := Ending{Account: Account{ID: "a"}}
	var send []Delivery
	for i := range clients {
		id := fmt.Sprintf("client-%03d", i)
		ending.Account.Clients = append(ending.Account.Clients, id)
		send = append(send, Delivery{ID: id, Client: id, NextAt: s.now(), ExpiresAt: s.now().Add(time.Hour)})
	}
	if err := s.engine.Update(t.Context(), func(tx kv.Tx) error { return put(tx, endingKey("a"), &ending) }); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, ErrNone} { // two nodes, one after the other
		if err := s.FinishEnding(t.Context(), ending, send); !errors.Is(err, want) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	due, _, err := s.DueDeliveries(t.Context(), 2*clients)
	if err != nil || len(due) != clients {
		t.Fatalf("%d are told, error %v", len(due), err)
	}
	if left, err := s.Endings(t.Context(), 1); err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}
