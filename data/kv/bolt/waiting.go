package bolt

import (
	"encoding/binary"
	"fmt"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"
)

// waiting says which keys wait in the journal, as one commit left them. It never
// changes once that commit has begun.
type waiting struct {
	// number is the journal's sequence, which each commit raises: the number of
	// the last run.
	number uint64
	keys   *btree.Map[string, spot]
	hand   hand

	entries   uint64 // of all runs that there ever were
	forgotten uint64 // of these, those of runs that are gone
}

// spot is where the value of a waiting key lies: size bytes of a run from at on.
// Of a key that is deleted there is none.
type spot struct {
	run      uint64
	at, size uint32
}

// hand is where the next key to be placed is looked for: key, and how often the
// hand has begun with the first one.
type hand struct {
	lap uint64
	key string
}

func (h hand) before(other hand) bool {
	return h.lap < other.lap || h.lap == other.lap && h.key < other.key
}

// again is where the hand is after a lap: since it was at h, it has passed every
// key then.
func (h hand) again() hand { return hand{h.lap + 1, h.key} }

// degree is half of what a node of the keys holds: few enough that a commit, which
// copies those that it changes, copies little.
const degree = 16

func newWaiting() *waiting {
	return &waiting{keys: btree.NewMap[string, spot](degree)}
}

// copy returns one that a commit may change. What is in the keys is shared until
// then. Only the goroutine that writes may copy.
func (w *waiting) copy() *waiting {
	own := *w
	own.keys = w.keys.Copy()
	return &own
}

// needed is how many entries are in the runs that are there.
func (w *waiting) needed() uint64 { return w.entries - w.forgotten }

// note is what an entry of a run means for its key.
func (w *waiting) note(key string, what uint64, at spot) {
	w.entries++
	if what == runPlaced {
		w.keys.Delete(key)
	} else {
		w.keys.Set(key, at)
	}
}

// from returns the first key that waits and is not before start.
func (w *waiting) from(start string) (key string, at spot, found bool) {
	w.keys.Ascend(start, func(k string, s spot) bool {
		key, at, found = k, s, true
		return false
	})
	return key, at, found
}

// take removes the next key that is to be placed. There must be one.
func (w *waiting) take() (key string, at spot) {
	key, at, found := w.from(w.hand.key)
	if !found {
		w.hand.lap++
		key, at, _ = w.from("")
	}
	w.keys.Delete(key)
	w.hand.key = key + "\x00"
	return key, at
}

// moveTo takes out what the hand passed on its way to h.
func (w *waiting) moveTo(h hand) error {
	switch {
	case h.before(w.hand):
		return fmt.Errorf("the hand goes back from lap %d to %d", w.hand.lap, h.lap)
	case !h.before(w.hand.again()):
		w.keys.Clear()
	case h.lap == w.hand.lap:
		w.takeOut(w.hand.key, h.key, true)
	default:
		w.takeOut(w.hand.key, "", false)
		w.takeOut("", h.key, true)
	}
	w.hand = h
	return nil
}

// takeOut removes the keys from start on, up to end if there is one.
func (w *waiting) takeOut(start, end string, ends bool) {
	for {
		key, _, found := w.from(start)
		if !found || ends && key >= end {
			return
		}
		w.keys.Delete(key)
	}
}

// loadWaiting reads the runs in their order. Those that are left are the newest,
// and so the last one with a key is the last word on it.
func loadWaiting(journal *bbolt.Bucket) (*waiting, error) {
	w := newWaiting()
	if journal == nil {
		return w, nil
	}
	w.number = journal.Sequence()
	first := true
	c := journal.Cursor()
	for k, run := c.First(); k != nil; k, run = c.Next() {
		if string(k) == string(bucket) {
			continue
		}
		if len(k) != 8 || binary.BigEndian.Uint64(k) > w.number {
			return nil, fmt.Errorf("the journal has a run %x, and ends with %d", k, w.number)
		}
		if err := w.load(binary.BigEndian.Uint64(k), run, first); err != nil {
			return nil, fmt.Errorf("run %x of the journal: %w", k, err)
		}
		first = false
	}
	return w, nil
}

func (w *waiting) load(number uint64, run []byte, first bool) error {
	t, entries, err := readTail(run)
	if err != nil {
		return err
	}
	before := w.entries
	err = eachEntry(entries, func(key string, what uint64, at, size int) {
		w.note(key, what, spot{number, uint32(at), uint32(size)})
	})
	switch {
	case err != nil:
		return err
	case first:
		// Where the hand came from, the run before would say. What it placed of
		// this one is found to wait once more, for the same value.
		w.forgotten = t.entries - w.entries
		w.entries, w.hand = t.entries, t.hand
		return nil
	case t.entries != w.entries:
		return fmt.Errorf("it has %d entries, and says %d", w.entries-before, t.entries-before)
	}
	return w.moveTo(t.hand)
}

// versions are the states that a view may meet while a commit goes on.
type versions struct{ stands, next *waiting }

// numbered returns the state that a transaction with that number sees, or nil if
// it is older than these.
func (v *versions) numbered(number uint64) *waiting {
	for _, w := range []*waiting{v.stands, v.next} {
		if w != nil && w.number == number {
			return w
		}
	}
	return nil
}
