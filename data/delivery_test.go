package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestOfAHundredWhoWouldSendADeliveryOneDoes(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		d := Delivery{ID: "d", Client: "web", NextAt: s.now(), ExpiresAt: s.now().Add(time.Hour)}
		if err := s.AddDeliveries(t.Context(), []Delivery{d}); err != nil {
			t.Fatal(err)
		}
		// Half of them would try again at the very moment that it is due now.
		claimed := race(100, func(i int) bool {
			_, err := s.MoveDelivery(context.Background(), d, s.now().Add(time.Duration(i%2)*time.Minute))
			if err != nil && !errors.Is(err, ErrNone) {
				t.Error(err)
			}
			return err == nil
		})
		if claimed != 1 {
			t.Fatalf("%d of them have it", claimed)
		}
		if got := len(keysBut(dump(t, engine), metaKey)); got != 1 {
			t.Fatalf("it is there %d times", got)
		}
	})
}

func TestADeliveryThatCannotBeReadHoldsNoOtherUp(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	bad := Delivery{ID: "bad", NextAt: s.now().Add(-time.Hour)}
	good := Delivery{ID: "good", NextAt: s.now()}
	putRaw(t, engine, string(deliveryKey(bad)), `{"v":2}`)
	if err := s.AddDeliveries(t.Context(), []Delivery{good}); err != nil {
		t.Fatal(err)
	}
	if due, _, err := s.DueDeliveries(t.Context(), 1); err != nil || len(due) != 1 || due[0].ID != "good" {
		t.Fatal(due, err)
	}
	if err := s.AddDeliveries(t.Context(), []Delivery{{Client: "web"}}); err == nil {
		t.Fatal("one without a name was stored")
	}
}

func TestASignOutThatCannotBeReadHoldsNoOtherUp(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	putRaw(t, engine, string(endingKey("a0")), `{"v":2}`)
	v := newSession(t, s, "one", accountOf(u, "a1"))
	if err := s.Sessions.Change(t.Context(), v.Hash, func(*Session) Change { return End }); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Endings(t.Context(), 1); err != nil || len(list) != 1 || list[0].Account.ID != "a1" {
		t.Fatal(list, err)
	}
}

// Deliveries come, are tried and end in any order while the clock moves. What is
// due is always the longest due, and next is when there will be more.
func TestDeliveriesFollowTheirModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := newClock()
		s := open(t, mem.New(), c)
		var model []Delivery
		minutes := rapid.IntRange(-5, 60)
		for n := range rapid.IntRange(1, 30).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				var list []Delivery
				for i := range rapid.IntRange(1, 3).Draw(r, "how many") {
					list = append(list, Delivery{ID: fmt.Sprint(n, "-", i), NextAt: c.Now().Add(time.Duration(minutes.Draw(r, "due")) * time.Minute)})
				}
				if err := s.AddDeliveries(t.Context(), list); err != nil {
					r.Fatal(err)
				}
				model = append(model, list...)
			case 1:
				c.Move(time.Duration(rapid.IntRange(0, 30).Draw(r, "minutes")) * time.Minute)
			case 2:
				if len(model) > 0 {
					i := rapid.IntRange(0, len(model)-1).Draw(r, "which")
					moved, err := s.MoveDelivery(t.Context(), model[i], c.Now().Add(time.Duration(minutes.Draw(r, "again"))*time.Minute))
					if err != nil || moved.Attempts != model[i].Attempts+1 {
						r.Fatal(moved, err)
					}
					if err := s.EndDelivery(t.Context(), model[i]); !errors.Is(err, ErrNone) {
						r.Fatalf("one who was late ended it: %v", err)
					}
					model[i] = moved
				}
			case 3:
				if len(model) > 0 {
					i := rapid.IntRange(0, len(model)-1).Draw(r, "which")
					if err := s.EndDelivery(t.Context(), model[i]); err != nil {
						r.Fatal(err)
					}
					model = slices.Delete(model, i, i+1)
				}
			}
			checkDue(t, r, s, model, rapid.IntRange(1, 4).Draw(r, "limit"))
		}
	})
}

func checkDue(t *testing.T, r *rapid.T, s *Store, model []Delivery, limit int) {
	slices.SortFunc(model, func(a, b Delivery) int {
		if c := a.NextAt.Compare(b.NextAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	due, next, err := s.DueDeliveries(t.Context(), limit)
	if err != nil {
		r.Fatal(err)
	}
	var want time.Time
	for i, d := range model {
		if i == limit || s.now().Before(d.NextAt) {
			want = d.NextAt
			model = model[:i]
			break
		}
	}
	if !slices.EqualFunc(due, model, func(a, b Delivery) bool { return a.ID == b.ID && a.Attempts == b.Attempts }) || !next.Equal(want) {
		r.Fatalf("%v and then %s, instead of %v and then %s", due, next, model, want)
	}
}
