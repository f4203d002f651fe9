package data

import (
	"bytes"
	"context"
	"errors"

	"signet/data/kv"
)

// Cell is a named place for bytes that belong to another package.
type Cell struct {
	s   *Store
	key []byte
}

// Cell returns the cell of that name, which no other name may begin with.
func (s *Store) Cell(name string) *Cell { return &Cell{s: s, key: cellKey(name)} }

// Load returns the bytes, or nil where there are none. What a caller does next
// depends on them, so Load waits until they are durable.
func (c *Cell) Load(ctx context.Context) (value []byte, err error) {
	err = c.s.engine.Update(ctx, func(tx kv.Tx) error {
		found, err := tx.Get(c.key)
		value = bytes.Clone(found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// CompareAndSwap replaces old (nil: absent) by new, which may not be empty. It
// returns false, and changes nothing, where the cell holds something else.
func (c *Cell) CompareAndSwap(ctx context.Context, old, new []byte) (swapped bool, err error) {
	if len(new) == 0 {
		return false, errors.New("data: a cell is not emptied")
	}
	err = c.s.engine.Update(ctx, func(tx kv.Tx) error {
		found, err := tx.Get(c.key)
		if err != nil {
			return err
		}
		swapped = (found == nil) == (old == nil) && bytes.Equal(found, old)
		if swapped {
			tx.Put(c.key, new)
		}
		return nil
	})
	return swapped && err == nil, err
}

// Changed returns a channel that receives after the cell was changed, here or
// on another node. stop ends it.
func (c *Cell) Changed() (changed <-chan struct{}, stop func()) {
	return c.s.engine.Watch(c.key)
}

// LoadThrottle returns the last snapshot of the login counters, or nil.
func (s *Store) LoadThrottle(ctx context.Context) (snapshot []byte, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		found, err := tx.Get([]byte(throttleKey))
		snapshot = bytes.Clone(found)
		return err
	})
	return snapshot, err
}

// SaveThrottle replaces the snapshot of the login counters; an empty one is
// removed.
func (s *Store) SaveThrottle(ctx context.Context, snapshot []byte) error {
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		if len(snapshot) == 0 {
			tx.Delete([]byte(throttleKey))
		} else {
			tx.Put([]byte(throttleKey), snapshot)
		}
		return nil
	})
}

// unreadable tells a damaged or unknown record from a failure of the engine.
func unreadable(err error) bool {
	return errors.Is(err, ErrVersion) || errors.Is(err, ErrRecord)
}
