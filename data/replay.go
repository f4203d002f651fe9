package data

import (
	"context"
	"crypto/sha256"
	"time"

	"signet/data/kv"
)

// mark says that something was seen, or is no longer good.
type mark struct {
	V         int       `json:"v"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (m *mark) kind() string  { return "mark" }
func (m *mark) version() *int { return &m.V }

// Remember notes that id of that kind was seen, until the given time, and
// tells whether it is the first time. It returns once that is durable: of any
// number of callers, on any node, one hears that it is fresh. After its time,
// when nobody could tell any more, nothing is. Kinds do not mix.
func (s *Store) Remember(ctx context.Context, kind string, id [32]byte, until time.Time) (fresh bool, err error) {
	h := markHash(kind, id)
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		var m mark
		found, err := get(tx, passingKey(markKind, h), &m)
		if err != nil {
			return err
		}
		now := s.now()
		if fresh = now.Before(until) && (!found || !now.Before(m.ExpiresAt)); !fresh {
			return nil
		}
		m.ExpiresAt = until.UTC().Round(0)
		tx.Put(expiryKey(m.ExpiresAt, expiryPassing, append([]byte{markKind}, h[:]...)), present)
		return put(tx, passingKey(markKind, h), &m)
	})
	return fresh && err == nil, err
}

// Remembered tells whether id of that kind was seen, and changes nothing.
func (s *Store) Remembered(ctx context.Context, kind string, id [32]byte) (seen bool, err error) {
	key := passingKey(markKind, markHash(kind, id))
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		seen, err = s.marked(tx, key)
		return err
	})
	return seen, err
}

func (s *Store) marked(tx kv.Reader, key []byte) (bool, error) {
	value, err := tx.Get(key)
	if err != nil || value == nil {
		return false, err
	}
	var m mark
	err = decode(value, &m)
	return err == nil && s.now().Before(m.ExpiresAt), err
}

func markHash(kind string, id [32]byte) Hash {
	return sha256.Sum256(append(append([]byte(kind), 0), id[:]...))
}

func (w *sweeper) sweepMark(h Hash) (again time.Time, err error) {
	var m mark
	found, err := get(w.tx, passingKey(markKind, h), &m)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil || !found:
		return time.Time{}, err
	case w.now.Before(m.ExpiresAt):
		return m.ExpiresAt, nil
	}
	w.tx.Delete(passingKey(markKind, h))
	return time.Time{}, nil
}
