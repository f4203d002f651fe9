package optimistic

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"signet/data/kv"
)

func get(t *testing.T, r kv.Reader, key string) string {
	t.Helper()
	v, err := r.Get([]byte(key))
	if err != nil {
		t.Error(err)
	}
	return string(v)
}

func put(t *testing.T, e *Engine, key, value string) {
	t.Helper()
	err := e.Update(context.Background(), func(tx kv.Tx) error { tx.Put([]byte(key), []byte(value)); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// update runs fn as both kinds of transaction are run in the tests here.
func update(e *Engine, fn func(tx kv.Tx) error) error { return e.Update(context.Background(), fn) }

func TestRoundTripsOfATransaction(t *testing.T) {
	wanted := errors.New("wanted")
	readWrite := func(t *testing.T, keys ...string) func(kv.Tx) error {
		return func(tx kv.Tx) error {
			for _, k := range keys {
				tx.Put([]byte(k), []byte(get(t, tx, k)+"+"))
			}
			return nil
		}
	}
	between := func() {} // what another node does meanwhile, once
	for _, c := range []struct {
		name   string
		before func(t *testing.T, here, there *Engine)
		fn     func(t *testing.T) func(kv.Tx) error
		trips  uint64
	}{
		{"a write without a read", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { tx.Put([]byte("new"), []byte("1")); return nil }
		}, 1},
		{"a read of one unknown key", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { _ = get(t, tx, "a"); _ = get(t, tx, "a"); return nil }
		}, 1},
		{"a read of one unknown key, and an error", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { _ = get(t, tx, "a"); return wanted }
		}, 1},
		{"a short scan", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { return tx.Scan(nil, nil, func(_, _ []byte) bool { return true }) }
		}, 1},
		{"a read of two unknown keys, which must be of one moment", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { _ = get(t, tx, "a"); _ = get(t, tx, "b"); return nil }
		}, 3},
		{"two unknown keys that are asked for", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error {
				kv.Ask(tx, []byte("a"), []byte("b"))
				_, _ = get(t, tx, "b"), get(t, tx, "a")
				return nil
			}
		}, 1},
		{"unknown keys and a known one that are asked for and written", func(t *testing.T, here, _ *Engine) { put(t, here, "c", "1") },
			func(t *testing.T) func(kv.Tx) error {
				return func(tx kv.Tx) error {
					kv.Ask(tx, []byte("a"), []byte("b"), []byte("c"), nil)
					return readWrite(t, "a", "b", "c")(tx)
				}
			}, 2},
		{"keys that are asked for, and changed before the commit", nil, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error {
				kv.Ask(tx, []byte("a"), []byte("b"))
				between()
				return readWrite(t, "a", "b")(tx)
			}
		}, 3},
		{"one unknown key is read and written", nil, func(t *testing.T) func(kv.Tx) error { return readWrite(t, "a") }, 2},
		{"keys that were written here", func(t *testing.T, here, _ *Engine) {
			put(t, here, "a", "2")
			put(t, here, "b", "2")
		}, func(t *testing.T) func(kv.Tx) error { return readWrite(t, "a", "b") }, 1},
		{"a known key that is only read", func(t *testing.T, here, _ *Engine) { put(t, here, "a", "2") },
			func(t *testing.T) func(kv.Tx) error {
				return func(tx kv.Tx) error { _ = get(t, tx, "a"); return nil }
			}, 1},
		{"a key that was deleted here", func(t *testing.T, here, _ *Engine) {
			if err := update(here, func(tx kv.Tx) error { tx.Delete([]byte("a")); return nil }); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T) func(kv.Tx) error { return readWrite(t, "a") }, 1},
		{"known keys of which another node changed both", func(t *testing.T, here, there *Engine) {
			put(t, here, "a", "2")
			put(t, here, "b", "2")
			put(t, there, "a", "3")
			put(t, there, "b", "3")
		}, func(t *testing.T) func(kv.Tx) error { return readWrite(t, "a", "b") }, 2},
		{"a known key that another node deleted", func(t *testing.T, here, there *Engine) {
			put(t, here, "a", "2")
			if err := update(there, func(tx kv.Tx) error { tx.Delete([]byte("a")); return nil }); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T) func(kv.Tx) error { return readWrite(t, "a") }, 2},
		{"a known key that another node changed, which is only read", func(t *testing.T, here, there *Engine) {
			put(t, here, "a", "2")
			put(t, there, "a", "3")
		}, func(t *testing.T) func(kv.Tx) error {
			return func(tx kv.Tx) error { _ = get(t, tx, "a"); return nil }
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore()
			here, there := open(t, s.node(), Options{}), open(t, s.node(), Options{})
			put(t, there, "a", "1")
			put(t, there, "b", "1")
			if c.before != nil {
				c.before(t, here, there)
			}
			between = sync.OnceFunc(func() { put(t, there, "b", "2") })
			before := here.Stats().RoundTrips
			if err := update(here, c.fn(t)); err != nil && err != wanted {
				t.Fatal(err)
			}
			if n := here.Stats().RoundTrips - before; n != c.trips {
				t.Errorf("%d round trips, want %d", n, c.trips)
			}
		})
	}
}

func TestAViewReadsNothingFromMemory(t *testing.T) {
	s := newStore()
	here, there := open(t, s.node(), Options{}), open(t, s.node(), Options{})
	put(t, here, "a", "1")
	put(t, there, "a", "2")
	before := here.Stats().RoundTrips
	err := here.View(context.Background(), func(r kv.Reader) error {
		if v := get(t, r, "a"); v != "2" {
			t.Errorf("saw %q", v)
		}
		return nil
	})
	if n := here.Stats().RoundTrips - before; err != nil || n != 1 {
		t.Fatalf("%d round trips, error %v", n, err)
	}
}

func TestAViewIsBroughtAtOnceWhatItAsksFor(t *testing.T) {
	s := newStore()
	here, there := open(t, s.node(), Options{}), open(t, s.node(), Options{})
	put(t, there, "a", "1")
	put(t, there, "b", "1")
	before := here.Stats().RoundTrips
	err := here.View(context.Background(), func(r kv.Reader) error {
		kv.Ask(r, []byte("a"), []byte("b"), []byte("none"), nil)
		put(t, there, "a", "2")
		put(t, there, "c", "2")
		if got := get(t, r, "a") + get(t, r, "none") + get(t, r, "b"); got != "11" {
			t.Errorf("saw %q", got)
		}
		if n := here.Stats().RoundTrips - before; n != 1 {
			t.Errorf("%d round trips for what was asked for", n)
		}
		if got := get(t, r, "c"); got != "" {
			t.Errorf("saw %q, which came later", got)
		}
		return nil
	})
	if n := here.Stats().RoundTrips - before; err != nil || n != 2 {
		t.Fatalf("%d round trips, error %v", n, err)
	}
}

func TestAViewThatAsksInVainFails(t *testing.T) {
	node := newStore().node()
	e := open(t, node, Options{})
	wanted := errors.New("wanted")
	node.before = func(context.Context, string) error { return wanted }
	err := e.View(context.Background(), func(r kv.Reader) error {
		kv.Ask(r, []byte("a"), []byte("b"))
		if v, err := r.Get([]byte("a")); v != nil || !errors.Is(err, wanted) {
			t.Errorf("read %q, error %v", v, err)
		}
		return nil
	})
	if !errors.Is(err, wanted) {
		t.Fatal(err)
	}
}

func TestALongScanIsReadInParts(t *testing.T) {
	s := newStore()
	e := open(t, s.node(), Options{})
	const n = firstList + 4*firstList + 5
	for i := range n {
		put(t, e, fmt.Sprintf("k%04d", i), "v")
	}
	before := e.Stats().RoundTrips
	var seen []string
	err := update(e, func(tx kv.Tx) error {
		seen = nil
		return tx.Scan([]byte("k"), nil, func(k, _ []byte) bool { seen = append(seen, string(k)); return true })
	})
	if err != nil || len(seen) != n || seen[n-1] != fmt.Sprintf("k%04d", n-1) {
		t.Fatalf("%d pairs, error %v", len(seen), err)
	}
	if trips := e.Stats().RoundTrips - before; trips != 4 { // and one that says that all were there at once
		t.Errorf("%d round trips", trips)
	}
}

func TestAPairThatComesBetweenTwoPartsOfAScanIsFound(t *testing.T) {
	s := newStore()
	node := s.node()
	e, other := open(t, node, Options{}), open(t, s.node(), Options{})
	for i := range firstList + 1 {
		put(t, other, fmt.Sprintf("k%04d", i), "v")
	}
	lists := 0
	node.before = func(_ context.Context, call string) error {
		if call == "list" {
			if lists++; lists == 2 {
				put(t, other, "k0000+", "behind the reader's back")
			}
		}
		return nil
	}
	n := 0
	err := update(e, func(tx kv.Tx) error {
		n = 0
		return tx.Scan([]byte("k"), nil, func(_, _ []byte) bool { n++; return true })
	})
	if err != nil || n != firstList+2 {
		t.Fatalf("%d pairs, error %v", n, err)
	}
}

func TestWithoutRoomNothingIsRemembered(t *testing.T) {
	e := open(t, newStore().node(), Options{Cache: -1})
	put(t, e, "a", "1")
	if err := update(e, func(tx kv.Tx) error { _ = get(t, tx, "a"); return nil }); err != nil {
		t.Fatal(err)
	}
	if s := e.Stats(); s.Hits != 0 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
}
