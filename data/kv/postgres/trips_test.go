//go:build engines && unix

package postgres

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
	"signet/prove/engines"
)

func TestEachCallIsOneFlight(t *testing.T) {
	s := engines.NewPostgres(t)
	p, dsn := through(t, s.DSN(newDatabase(t, s)))
	e := open(t, dsn, Options{Poll: never, Conns: 1})
	// What this node tells the others would be counted too.
	quietly := &backend{name: e.b.name, o: e.b.o, pool: e.b.pool, news: newNews(), watched: newWatched()}
	key, value := []byte("k"), bytes.Repeat([]byte("v"), 100_000)
	var pairs []optimistic.Pair
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"put a key that was not there", func() (err error) {
			pairs, err = quietly.Commit(t.Context(), optimistic.Change{Reads: []optimistic.Pair{{Key: key}}, Puts: []optimistic.Pair{{Key: key, Value: value}}})
			return err
		}},
		{"fetch", func() error { _, err := quietly.Fetch(t.Context(), [][]byte{key, []byte("none")}); return err }},
		{"list", func() error { _, _, err := quietly.List(t.Context(), nil, nil, 10); return err }},
		{"change what was read", func() (err error) {
			pairs, err = quietly.Commit(t.Context(), optimistic.Change{Reads: pairs, Puts: []optimistic.Pair{{Key: key, Value: value}}, Deletes: [][]byte{[]byte("x")},
				Ranges: []optimistic.Range{{From: key, Pairs: pairs}}})
			return err
		}},
		{"ask whether it is so", func() error {
			_, err := quietly.Commit(t.Context(), optimistic.Change{Reads: pairs})
			return err
		}},
		{"lose, and learn what is there", func() error {
			fresh, err := quietly.Commit(t.Context(), optimistic.Change{Reads: []optimistic.Pair{{Key: key}}, Puts: []optimistic.Pair{{Key: key, Value: []byte("lost")}}})
			if !errors.Is(err, optimistic.ErrConflict) || len(fresh) != 1 || !bytes.Equal(fresh[0].Value, value) || fresh[0].Version != pairs[0].Version {
				t.Errorf("got %d pairs and %v", len(fresh), err)
			}
			return nil
		}},
		{"lose a range", func() error {
			fresh, err := quietly.Commit(t.Context(), optimistic.Change{Ranges: []optimistic.Range{{From: key}}, Puts: []optimistic.Pair{{Key: key, Value: []byte("lost")}}})
			if !errors.Is(err, optimistic.ErrConflict) || len(fresh) != 0 {
				t.Errorf("got %d pairs and %v", len(fresh), err)
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := p.flights.Load()
			if err := c.call(); err != nil {
				t.Fatal(err)
			}
			if n := p.flights.Load() - before; n != 1 {
				t.Errorf("%d flights, want 1", n)
			}
		})
	}
}

func TestACommitWhoseAnswerWasLostIsSaidToBeUnknownAndNotRepeated(t *testing.T) {
	s := engines.NewPostgres(t)
	database := newDatabase(t, s)
	p, dsn := through(t, s.DSN(database))
	e := open(t, dsn, Options{Poll: never})
	put := func() error {
		return e.Update(t.Context(), func(tx kv.Tx) error { tx.Put([]byte("k"), []byte("v")); return nil })
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	s.SQL(database, "CREATE TABLE made (key bytea)")
	s.SQL(database, "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO made VALUES (NEW.key); RETURN NEW; END$$")
	s.SQL(database, "CREATE TRIGGER note AFTER INSERT OR UPDATE ON signet_pairs FOR EACH ROW EXECUTE FUNCTION note()")
	p.lose.Store(true)
	err := put()
	p.lose.Store(false)
	if !errors.Is(err, kv.ErrUnavailable) || !strings.Contains(err.Error(), "not known whether the change was made") {
		t.Fatalf("got %v", err)
	}
	if n := s.SQL(database, "SELECT count(*) FROM made"); n != "1" { // the server had it all
		t.Fatalf("the change was made %s times, want 1", n)
	}
	if err := put(); err != nil {
		t.Fatalf("afterwards: %v", err)
	}
}
