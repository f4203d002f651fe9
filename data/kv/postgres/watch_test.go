//go:build engines && unix

package postgres

import (
	"testing"
	"time"

	"signet/data/kv"
	"signet/prove/child"
	"signet/prove/engines"
)

func wakes(t *testing.T, changed <-chan struct{}, why string) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(child.Patience):
		t.Fatalf("nobody was woken: %s", why)
	}
}

func alter(t *testing.T, e kv.Engine, fn func(kv.Tx)) {
	t.Helper()
	if err := e.Update(t.Context(), func(tx kv.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestWhenTheConnectionThatListensIsLostEverybodyIsWokenAndHearsAgain(t *testing.T) {
	s := engines.NewPostgres(t)
	here, there := open(t, s.DSN("postgres"), Options{Poll: never}), open(t, s.DSN("postgres"), Options{Poll: never})
	changed, stop := here.Watch([]byte("k"))
	defer stop()
	for range 2 {
		s.SQL("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
		wakes(t, changed, "something may have been missed")
		alter(t, there, func(tx kv.Tx) { tx.Put([]byte("k"), []byte("v")) })
		wakes(t, changed, "it listens again")
	}
}

func TestThePollFindsWhatNobodyTold(t *testing.T) {
	s := engines.NewPostgres(t)
	e := open(t, s.DSN("postgres"), Options{Poll: 20 * time.Millisecond})
	alter(t, e, func(tx kv.Tx) {
		tx.Put([]byte("k/1"), []byte("v"))
		tx.Put([]byte("k/2"), []byte("v"))
	})
	changed, stop := e.Watch([]byte("k/"))
	defer stop()
	other, stopOther := e.Watch([]byte("l/"))
	defer stopOther()
	for _, c := range []struct{ what, sql string }{
		{"a pair that is new", `INSERT INTO signet_pairs VALUES ('k/3', 'v', 3)`},
		{"a pair with another value", `UPDATE signet_pairs SET value = 'w', version = 4 WHERE key = 'k/3'`},
		{"a pair that is gone", `DELETE FROM signet_pairs WHERE key = 'k/3'`},
		{"a pair that was made anew", `DELETE FROM signet_pairs WHERE key = 'k/1'; INSERT INTO signet_pairs VALUES ('k/1', 'v', 5)`},
		{"all that is gone", `DELETE FROM signet_pairs`},
	} {
		s.SQL("postgres", c.sql)
		wakes(t, changed, c.what)
	}
	select {
	case <-other:
		t.Fatal("woken for another prefix")
	default:
	}
}

func TestBehindATransactionPoolerAllGoesOn(t *testing.T) {
	s := engines.NewPostgres(t)
	pooler := s.Pooler("postgres")
	var nodes []*Engine
	for range 2 {
		nodes = append(nodes, open(t, pooler, Options{Poll: 50 * time.Millisecond, Conns: 8}))
	}
	here, there := nodes[0], nodes[1]
	if here.b.ear != nil {
		t.Error("LISTEN is believed to work")
	}
	changed, stop := here.Watch([]byte("k"))
	defer stop()
	alter(t, there, func(tx kv.Tx) { tx.Put([]byte("k"), []byte("v")) })
	wakes(t, changed, "a pair was put on another node")
	alter(t, there, func(tx kv.Tx) { tx.Delete([]byte("k")) })
	wakes(t, changed, "a pair was deleted on another node")

	a, b := write(t, here, 4), write(t, there, 4)
	_, _ = a.goesOn(50), b.goesOn(1)
	a.holds()
	b.holds()
}
