package data

import (
	"bytes"
	"context"
	"errors"
	"time"

	"signet/data/kv"
)

// Counters are some of the counters that slow guessing down on a store that
// nodes share: those whose names led to the same place.
type Counters struct {
	V    int       `json:"v"`
	List []Counter `json:"list,omitzero"`
	// ExpiresAt is when none of them says anything any more, at the latest. A
	// record whose list became empty stays until then: the next counter is soon
	// in it.
	ExpiresAt time.Time `json:"expires_at"`
}

// Counter is what was counted under a name, and a time that goes with it. The
// name says nothing to who reads it.
type Counter struct {
	Name string    `json:"name"`
	N    int       `json:"n,omitzero"`
	At   time.Time `json:"at"`
}

func (c *Counters) kind() string  { return "counters" }
func (c *Counters) version() *int { return &c.V }

// Count lets fn change the counters of the places and keeps what it made of
// them, in one transaction. What fn returns is the answer, and does not undo
// what it changed. fn may run more than once. Of any number of callers, on any
// node, each sees what those before it left.
func (s *Store) Count(ctx context.Context, places []Hash, fn func(found []Counters) error) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		kv.Ask(tx, countersKeys(places)...)
		return changeCounters(tx, places, fn)
	})
}

// CountLogin is Count for one who says to be the user of an e-mail. Where fn
// has no objection it returns the user, or a zero one where there is none, and
// the highest cost of all passwords; so a login asks the store no oftener than
// it must.
func (s *Store) CountLogin(ctx context.Context, e Email, places []Hash, fn func(found []Counters) error) (u User, most int, err error) {
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		kv.Ask(tx, append(countersKeys(places), emailKey(e.Key()))...)
		if verdict, err = changeCounters(tx, places, fn); verdict != nil || err != nil {
			return verdict, err
		}
		if u, err = userByEmail(tx, e); err != nil && !errors.Is(err, ErrNoUser) {
			return nil, err
		}
		most, err = highestCost(tx)
		return nil, err
	})
	if err != nil {
		return User{}, 0, err
	}
	return u, most, nil
}

func changeCounters(tx kv.Tx, places []Hash, fn func([]Counters) error) (verdict, err error) {
	found := make([]Counters, len(places))
	for i, h := range places {
		if _, err := get(tx, passingKey(countersKind, h), &found[i]); err != nil {
			return nil, err
		}
	}
	verdict = fn(found)
	for i, h := range places {
		if err := keepCounters(tx, h, &found[i]); err != nil {
			return nil, err
		}
	}
	return verdict, nil
}

// keepCounters writes a record that is not as it was.
func keepCounters(tx kv.Tx, h Hash, c *Counters) error {
	key := passingKey(countersKind, h)
	before, err := tx.Get(key)
	if err != nil || before == nil && len(c.List) == 0 {
		return err
	}
	after, err := encode(c)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	if before == nil {
		tx.Put(expiryKey(c.ExpiresAt, expiryPassing, append([]byte{countersKind}, h[:]...)), present)
	}
	tx.Put(key, after)
	return nil
}

func countersKeys(places []Hash) (keys [][]byte) {
	for _, h := range places {
		keys = append(keys, passingKey(countersKind, h))
	}
	return keys
}

func (w *sweeper) sweepCounters(h Hash) (again time.Time, err error) {
	var c Counters
	found, err := get(w.tx, passingKey(countersKind, h), &c)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil || !found:
		return time.Time{}, err
	case w.now.Before(c.ExpiresAt):
		return c.ExpiresAt, nil
	}
	w.tx.Delete(passingKey(countersKind, h))
	return time.Time{}, nil
}
