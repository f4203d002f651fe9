// Package overlay is a transaction whose writes lie in memory, over a base
// that it only reads. An engine without savepoints gives each function its own
// overlay and moves the writes on when the function succeeded; an overlay that
// is dropped leaves no trace. It never locks: one goroutine uses it.
package overlay

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"signet/data/kv"
)

// Tx is a kv.Tx over a base.
type Tx struct {
	base   kv.Reader
	writes map[string]write
	keys   []string // of writes; in order only when sorted says so
	bytes  int64
	sorted bool
	err    error // the first pair that was refused
}

// write is what a key was set to; a nil value deletes it.
type write struct{ value []byte }

// New returns an empty overlay over base.
func New(base kv.Reader) *Tx {
	return &Tx{base: base, writes: make(map[string]write), sorted: true}
}

// Err returns the first refusal of kv.CheckPair, or nil.
func (t *Tx) Err() error { return t.err }

// Len returns how many keys were written or deleted.
func (t *Tx) Len() int { return len(t.keys) }

// Bytes returns at least the bytes of the keys and values written.
func (t *Tx) Bytes() int64 { return t.bytes }

// Writes yields each written key in order, with a nil value for a deletion.
func (t *Tx) Writes() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		t.sort()
		for _, k := range t.keys {
			if !yield(k, t.writes[k].value) {
				return
			}
		}
	}
}

// Get is described by kv.Reader.
func (t *Tx) Get(key []byte) ([]byte, error) {
	if w, ok := t.writes[string(key)]; ok {
		return w.value, nil
	}
	return t.base.Get(key)
}

// Ask is described by kv.Asker.
func (t *Tx) Ask(keys ...[]byte) { kv.Ask(t.base, keys...) }

// Put is described by kv.Tx.
func (t *Tx) Put(key, value []byte) {
	if err := kv.CheckPair(key, value); err != nil {
		if t.err == nil {
			t.err = err
		}
		return
	}
	t.set(string(key), bytes.Clone(value))
}

// Delete is described by kv.Tx.
func (t *Tx) Delete(key []byte) { t.set(string(key), nil) }

func (t *Tx) set(key string, value []byte) {
	if _, ok := t.writes[key]; !ok {
		t.keys = append(t.keys, key)
		t.sorted = false
	}
	t.writes[key] = write{value}
	t.bytes += int64(len(key) + len(value))
}

func (t *Tx) sort() {
	if !t.sorted {
		slices.Sort(t.keys)
		t.sorted = true
	}
}

// Scan merges the writes into the scan of the base: a written key hides the
// pair below it.
func (t *Tx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	m := merger{over: t.slice(string(prefix), string(start)), fn: fn}
	if err := t.base.Scan(prefix, start, m.below); err != nil {
		return err
	}
	if !m.stopped {
		m.until(nil)
	}
	return nil
}

// pair is a write as it was when a scan began.
type pair struct {
	key   string
	value []byte
}

// slice copies the writes of a range, so that fn may go on writing.
func (t *Tx) slice(prefix, start string) []pair {
	t.sort()
	from, _ := slices.BinarySearch(t.keys, max(prefix, start))
	var out []pair
	for _, k := range t.keys[from:] {
		if !strings.HasPrefix(k, prefix) {
			break
		}
		out = append(out, pair{k, t.writes[k].value})
	}
	return out
}

type merger struct {
	over    []pair // what is left of the writes, in order
	fn      func(key, value []byte) bool
	stopped bool
}

// below takes the next pair of the base.
func (m *merger) below(key, value []byte) bool {
	if !m.until(key) {
		return false
	}
	if len(m.over) > 0 && m.over[0].key == string(key) {
		return m.next()
	}
	return m.emit(key, value)
}

// until passes on the writes before key; nil stands for the end.
func (m *merger) until(key []byte) bool {
	for len(m.over) > 0 && (key == nil || m.over[0].key < string(key)) {
		if !m.next() {
			return false
		}
	}
	return true
}

func (m *merger) next() bool {
	p := m.over[0]
	m.over = m.over[1:]
	return p.value == nil || m.emit([]byte(p.key), p.value)
}

func (m *merger) emit(key, value []byte) bool {
	m.stopped = !m.fn(key, value)
	return !m.stopped
}
