package data

import (
	"math"

	"signet/data/kv"
)

// step is a transaction that does a part of what is to be done, and knows how
// much more the engine takes in it: etcd takes 128 operations. What is left is
// for the next one.
type step struct {
	kv.Tx
	ops           int // that the engine takes of each, reads and writes
	reads, writes int // so far, those of the same key counted again
}

// oneRecord is more than what is read, and what is written, for one record and
// all that goes with it. The most are a session's: with each of its accounts,
// of which session.maxAccounts allows 8, go an entry that is replaced and an
// ending.
const oneRecord = 32

func (s *Store) step(tx kv.Tx) *step {
	if st, ok := tx.(*step); ok {
		return st
	}
	ops := s.engine.Limits().Ops
	if ops == 0 {
		ops = math.MaxInt
	}
	return &step{Tx: tx, ops: ops}
}

// room is how many more keys may be read and be written.
func (t *step) room() int { return t.ops - max(t.reads, t.writes) }

// full says that no other record may be begun with.
func (t *step) full() bool { return t.room() < oneRecord }

// some is how many keys to list, each of which leads to more: at least one.
func (t *step) some(most int) int { return max(min(most, t.room()/4), 1) }

// most is how many keys to list that are only deleted, or to write: at least
// one. What the transaction says about itself has room beside them.
func (t *step) most(most int) int { return max(min(most, t.room()-oneRecord/2), 1) }

func (t *step) Get(key []byte) ([]byte, error) {
	t.reads++
	return t.Tx.Get(key)
}

func (t *step) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	t.reads++
	return t.Tx.Scan(prefix, start, func(key, value []byte) bool {
		t.reads++
		return fn(key, value)
	})
}

func (t *step) Put(key, value []byte) {
	t.writes++
	t.Tx.Put(key, value)
}

func (t *step) Delete(key []byte) {
	t.writes++
	t.Tx.Delete(key)
}
