package data

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/mem"
)

// clock is a wall clock that a test moves, backwards too.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2031, 5, 6, 7, 8, 9, 123456789, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// quiet drops what is logged.
var quiet = slog.New(slog.DiscardHandler)

// fakeHash looks like a bcrypt hash of the cost.
func fakeHash(cost int) string {
	return "$2b$" + string([]byte{byte('0' + cost/10), byte('0' + cost%10)}) + "$" + strings.Repeat("u", 53)
}

func open(t testing.TB, engine kv.Engine, c *clock) *Store {
	t.Helper()
	s, err := Open(t.Context(), engine, Options{Now: c.Now, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// engines runs the test on each engine.
func engines(t *testing.T, fn func(t *testing.T, engine kv.Engine)) {
	t.Helper()
	t.Run("mem", func(t *testing.T) { fn(t, mem.New()) })
	t.Run("bolt", func(t *testing.T) {
		engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close() })
		fn(t, engine)
	})
}

func newUser(t testing.TB, s *Store, email string) User {
	t.Helper()
	u, err := s.CreateUser(t.Context(), User{Email: email, PasswordHash: fakeHash(12)}, InvitationHash{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newGrant(t testing.TB, s *Store, u User, lifetime time.Duration) Grant {
	t.Helper()
	g := Grant{
		User: u.ID, Client: "signet", Epoch: u.Epoch, Current: 1, Inc: s.Meta().Incarnation,
		CreatedAt: s.now(), TurnedAt: s.now(), ExpiresAt: s.now().Add(lifetime), MaxAt: s.now().Add(10 * lifetime),
		AuthTime: s.now(),
	}
	for i := range g.ID {
		g.ID[i] = byte(rand.Uint32())
	}
	if err := createGrant(t, s, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// dump returns all pairs.
func dump(t testing.TB, engine kv.Engine) map[string]string {
	t.Helper()
	pairs := map[string]string{}
	err := engine.View(t.Context(), func(r kv.Reader) error {
		return r.Scan(nil, nil, func(key, value []byte) bool {
			pairs[string(key)] = string(value)
			return true
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return pairs
}

func putRaw(t testing.TB, engine kv.Engine, key, value string) {
	t.Helper()
	err := engine.Update(t.Context(), func(tx kv.Tx) error {
		tx.Put([]byte(key), []byte(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStoreKeepsItsNameWhenItIsOpenedAgain(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		first := open(t, engine, newClock()).Meta()
		if len(first.StoreID) != 26 || len(first.Incarnation) != 26 || first.StoreID == first.Incarnation {
			t.Fatalf("%+v", first)
		}
		second := open(t, engine, newClock()).Meta()
		if second.StoreID != first.StoreID || second.Incarnation != first.Incarnation || !second.CreatedAt.Equal(first.CreatedAt) {
			t.Fatalf("%+v became %+v", first, second)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name       string
		key, value string
		want       error
	}{
		{"a store of another version", "m", `{"v":2,"store_id":"x","era":7}`, ErrVersion},
		{"a store whose meta record is no record", "m", `{"v":1,"store_id"`, ErrRecord},
		{"a meta record without a version", "m", `{"store_id":"x"}`, ErrRecord},
		{"a meta record with a member from elsewhere", "m", `{"v":1,"colour":"red"}`, ErrRecord},
		{"an engine with records and without meta", "u/someone", "x", kv.ErrDamaged},
		{"a restore that was cut off", "r", "1", ErrRestoring},
	} {
		t.Run(c.name, func(t *testing.T) {
			engine := mem.New()
			putRaw(t, engine, c.key, c.value)
			before := dump(t, engine)
			_, err := Open(t.Context(), engine, Options{})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v", err)
			}
			if len(dump(t, engine)) != len(before) {
				t.Fatal("the refused engine was written to")
			}
		})
	}
}

func TestAVersionErrorNamesKindAndVersion(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	putRaw(t, engine, "u/"+string(u.ID), `{"v":3,"id":"later"}`)
	_, err := s.User(t.Context(), u.ID)
	var v *VersionError
	if !errors.As(err, &v) || v.Kind != "user" || v.Version != 3 {
		t.Fatalf("got %v", err)
	}
}

func TestACellIsSwappedByOneOfManyAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		cell := s.Cell("ring")
		if value, err := cell.Load(t.Context()); value != nil || err != nil {
			t.Fatalf("an absent cell holds %q, %v", value, err)
		}
		changed, stop := cell.Changed()
		defer stop()
		won := race(50, func(i int) bool {
			ok, err := cell.CompareAndSwap(context.Background(), nil, []byte{byte(i + 1)})
			return ok && err == nil
		})
		if won != 1 {
			t.Fatalf("%d won", won)
		}
		<-changed
		value, err := cell.Load(t.Context())
		if err != nil || len(value) != 1 {
			t.Fatalf("%q, %v", value, err)
		}
		if ok, err := cell.CompareAndSwap(t.Context(), value, []byte("next")); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if ok, _ := cell.CompareAndSwap(t.Context(), value, []byte("late")); ok {
			t.Fatal("a stale swap went through")
		}
		if ok, err := cell.CompareAndSwap(t.Context(), []byte("next"), nil); ok || err == nil {
			t.Fatal("a cell was emptied")
		}
	})
}

func TestTheThrottleSnapshotIsKept(t *testing.T) {
	s := open(t, mem.New(), newClock())
	for _, want := range []string{"", "one", "two", ""} {
		if err := s.SaveThrottle(t.Context(), []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.LoadThrottle(t.Context()); string(got) != want || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

// race runs n calls of fn behind a barrier and counts those that return true.
func race(n int, fn func(i int) bool) (won int) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	results := make(chan bool, n)
	for i := range n {
		wg.Go(func() {
			<-start
			results <- fn(i)
		})
	}
	close(start)
	wg.Wait()
	close(results)
	for ok := range results {
		if ok {
			won++
		}
	}
	return won
}

func createGrant(t testing.TB, s *Store, g Grant) error {
	t.Helper()
	_, err := s.CreateGrant(t.Context(), g)
	return err
}
