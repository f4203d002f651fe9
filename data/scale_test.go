package data

import (
	"context"
	"fmt"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// reads is an engine that counts what is looked up: keys that were asked for,
// and pairs that a scan came by.
type reads struct {
	kv.Engine
	n int
}

func (c *reads) View(ctx context.Context, fn func(kv.Reader) error) error {
	return c.Engine.View(ctx, func(r kv.Reader) error { return fn(countedReader{r, &c.n}) })
}

func (c *reads) Update(ctx context.Context, fn func(kv.Tx) error) error {
	before := c.n
	return c.Engine.Update(ctx, func(tx kv.Tx) error {
		c.n = before // it may run again
		return fn(countedTx{tx, countedReader{tx, &c.n}})
	})
}

type countedReader struct {
	kv.Reader
	n *int
}

func (r countedReader) Get(key []byte) ([]byte, error) {
	*r.n++
	return r.Reader.Get(key)
}

func (r countedReader) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	return r.Reader.Scan(prefix, start, func(key, value []byte) bool {
		*r.n++
		return fn(key, value)
	})
}

type countedTx struct {
	kv.Tx
	read countedReader
}

func (t countedTx) Get(key []byte) ([]byte, error) { return t.read.Get(key) }

func (t countedTx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	return t.read.Scan(prefix, start, fn)
}

// What a start and a request look up must not grow with the number of people,
// grants and clients.
func TestNothingIsLookedUpMoreOftenInALargeStore(t *testing.T) {
	small, large := countReads(t, 3), countReads(t, 500)
	for name, n := range small {
		if large[name] != n {
			t.Errorf("%s: %d pairs are read where there are many, %d where there are few", name, large[name], n)
		}
	}
}

func countReads(t *testing.T, size int) map[string]int {
	engine, clock := &reads{Engine: mem.New()}, newClock()
	s := open(t, engine, clock)
	var u User
	var g Grant
	for i := range size {
		u = newUser(t, s, fmt.Sprintf("person%d@example.com", i))
		g = newGrant(t, s, u, time.Hour)
		if err := s.CreateClient(t.Context(), Client{ID: fmt.Sprint("client", i)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	email, err := ParseEmail(u.Email)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	counts := map[string]int{}
	for _, op := range []struct {
		name string
		do   func() error
	}{
		{"opening the store", func() error { s = open(t, engine, clock); return nil }},
		{"the configured clients", func() error { return s.ConfiguredClients(ctx, []string{"a", "b"}) }},
		{"the status lists", func() error { return s.KeepStatusLists(ctx) }},
		{"the highest cost", func() error { _, err := s.MaxCost(ctx); return err }},
		{"a sweep that finds nothing due", func() error { _, err := s.Sweep(ctx, 1000); return err }},
		{"a user by e-mail", func() error { _, err := s.UserByEmail(ctx, email); return err }},
		{"a client", func() error { _, err := s.Client(ctx, "client0"); return err }},
		{"a slot", func() error { _, err := s.DrawSlot(ctx); return err }},
		{"a client's slot", func() error { _, err := s.DrawClientSlot(ctx, "client0", []string{"api"}); return err }},
		{"a grant", func() error { _, _, err := s.Grant(ctx, g.ID, ""); return err }},
		{"the turn of a grant", func() error {
			return s.ChangeGrant(ctx, g.ID, "", func(*Grant, User) Change { return Save })
		}},
		{"a new grant", func() error { newGrant(t, s, u, time.Hour); return nil }},
		{"a page of users", func() error { _, err := s.Users(ctx, "", 3); return err }},
		{"a page of clients", func() error { _, err := s.Clients(ctx, "", 3); return err }},
		{"the grants of a user", func() error { _, err := s.UserGrants(ctx, u.ID, GrantID{}, 10); return err }},
		{"the end of a grant", func() error {
			return s.ChangeGrant(ctx, g.ID, "", func(*Grant, User) Change { return End })
		}},
		{"the end of all grants of a user", func() error { _, err := s.EndGrants(ctx, u.ID, func(Grant) bool { return true }); return err }},
	} {
		engine.n = 0
		if err := op.do(); err != nil {
			t.Fatalf("%s: %v", op.name, err)
		}
		counts[op.name] = engine.n
	}
	return counts
}
