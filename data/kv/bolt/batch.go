package bolt

import (
	"errors"

	"go.etcd.io/bbolt"

	"signet/data/kv/internal/overlay"
)

// batch is what a group writes, on its way into one transaction of bbolt. Its
// reader sees all that is in it.
type batch struct {
	reader
	tx      *bbolt.Tx
	stood   *waiting      // before it
	journal *bbolt.Bucket // nil: each pair goes to its place at once
	keys    []string      // that were written
	ended   int           // runs that were
	placed  int           // pairs that came to their place
	bytes   int64         // that were written, in runs and places
}

// newBatch begins a batch in a transaction that may write, and the journal if
// the file has become large.
func (e *Engine) newBatch(tx *bbolt.Tx) (b *batch, err error) {
	fault := guard(func() {
		if e.room(tx.Size()) > 0 && tx.Bucket(journalBucket) == nil {
			err = beginJournal(tx)
		}
	})
	if err = errors.Join(err, fault); err != nil {
		return nil, wrap(e.path, err)
	}
	b = &batch{tx: tx}
	if b.reader, err = e.read(tx); err != nil {
		return nil, err
	}
	if b.stood = b.waiting; b.runs != nil {
		b.journal = b.runs.Bucket()
		b.waiting = b.waiting.copy()
		b.newRun()
	}
	return b, nil
}

// merge takes what one function wrote.
func (b *batch) merge(written *overlay.Tx) (err error) {
	fault := guard(func() {
		for k, v := range written.Writes() {
			if err = b.write(k, v); err != nil {
				return
			}
			b.keys = append(b.keys, k)
		}
	})
	return errors.Join(err, fault)
}

// write sets key, or deletes it if value is nil.
func (b *batch) write(key string, value []byte) error {
	switch {
	case b.journal == nil:
		return b.place(key, value)
	case value == nil:
		return b.note(key, runDeleted, nil)
	case len(value) < longValue:
		return b.note(key, runValue+uint64(len(value)-1), value)
	}
	return errors.Join(b.place(key, value), b.note(key, runPlaced, nil))
}

// place puts the pair where it belongs.
func (b *batch) place(key string, value []byte) error {
	b.placed++
	b.bytes += int64(len(key) + len(value))
	if value == nil {
		return b.b.Delete([]byte(key))
	}
	return b.b.Put([]byte(key), value)
}

// note adds an entry to the run.
func (b *batch) note(key string, what uint64, value []byte) error {
	if len(b.run) >= longRun {
		if err := b.endRun(); err != nil {
			return err
		}
		b.newRun()
	}
	b.run = appendEntry(b.run, key, what, value)
	b.waiting.note(key, what, spot{b.waiting.number, uint32(len(b.run) - len(value)), uint32(len(value))})
	return nil
}

func (b *batch) newRun() {
	b.waiting.number++
	b.run = make([]byte, 0, longRun/2)
}

func (b *batch) endRun() error {
	run := appendTail(b.run, tail{b.waiting.hand, b.waiting.entries})
	b.ended++
	b.bytes += int64(len(run))
	return b.journal.Put(runKey(b.waiting.number), run)
}

// settle places keys until no more than most wait, but atOnce of them at most, and
// ends the run. Where keys that wait are written again and again, the journal grows
// and no more keys wait: then it places some, too, so that the hand comes round and
// old runs can go.
func (b *batch) settle(most, atOnce int) (err error) {
	if b.journal == nil {
		return nil
	}
	fault := guard(func() {
		w := b.waiting
		for range min(atOnce, w.keys.Len()) {
			if w.keys.Len() <= most && w.needed() <= uint64(mostEntries*most) {
				break
			}
			key, at := w.take()
			if err = b.place(key, b.value(at)); err != nil {
				return
			}
		}
		if w.keys.Len() == 0 {
			w.hand = w.hand.again() // as good as having been everywhere
		}
		err = errors.Join(b.endRun(), b.forget(), b.journal.SetSequence(w.number))
	})
	return errors.Join(err, fault)
}

const (
	// mostEntries is how many entries the journal has for each key that may wait,
	// before the hand is hurried. On one lap some twice as many keys are placed as
	// wait, since new ones come in front of the hand, too (the snowplow in Knuth,
	// The Art of Computer Programming, section 5.4.1).
	mostEntries = 4
	// forgottenAtOnce bounds the runs that a commit removes, beside twice as many
	// as it added.
	forgottenAtOnce = 64
)

// forget removes runs in which no key waits, the oldest first: since they had been
// written, the hand has passed every key.
func (b *batch) forget() error {
	c := b.journal.Cursor()
	for range forgottenAtOnce + 2*b.ended {
		k, run := c.First()
		if len(k) != 8 {
			return nil
		}
		t, _, err := readTail(run)
		if err != nil {
			return err
		}
		if b.waiting.hand.before(t.hand.again()) {
			return nil
		}
		if err := c.Delete(); err != nil {
			return err
		}
		b.waiting.forgotten = t.entries
	}
	return nil
}
