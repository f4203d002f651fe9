package bolt

import (
	"strings"

	"go.etcd.io/bbolt"

	"signet/data/kv"
	"signet/data/kv/internal/overlay"
)

// attempt is a run of a function on a view, beside all others. Its outcome
// stands if nothing that it read was written since: its group asks the history.
// Otherwise the function runs again, in the group, where nobody is beside it.
// So what costs time is done on all processors, and the one writer of bbolt only
// compares.
type attempt struct {
	base   reader
	since  uint64 // the last group that the view is sure to hold
	gets   []string
	few    [4]string // where gets begins: most functions read no more
	ranges []span
	wrote  *overlay.Tx // nil: nothing to keep
	err    error       // of the function
}

// span is what a scan passed: the keys with prefix from from on, up to and with
// last. An empty last is the end of the prefix.
type span struct{ prefix, from, last string }

func (s span) holds(key string) bool {
	return strings.HasPrefix(key, s.prefix) && key >= s.from && (s.last == "" || key <= s.last)
}

// try runs fn on a view and notes in a what came of it. Its error says that there
// is no view; a panic is fn's own.
func (e *Engine) try(a *attempt, fn func(kv.Tx) error) error {
	a.gets = a.few[:0]
	a.since = e.done.Load() // before the view begins: it holds at least that
	return e.reading(func(_ *bbolt.Tx, r reader) error {
		a.base = r
		wrote := overlay.New(a)
		if a.err = call(func() error { return fn(wrote) }); a.err == nil {
			a.err = wrote.Err()
		}
		if a.err == nil && wrote.Len() > 0 {
			a.wrote = wrote
		}
		return nil
	})
}

// Get is described by kv.Reader.
func (a *attempt) Get(key []byte) ([]byte, error) {
	a.gets = append(a.gets, string(key))
	return a.base.Get(key)
}

// Scan is described by kv.Reader. What fn did not ask for is not of the range.
func (a *attempt) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	s := span{prefix: string(prefix), from: string(start)}
	defer func() { a.ranges = append(a.ranges, s) }()
	return a.base.Scan(prefix, start, func(key, value []byte) bool {
		more := fn(key, value)
		if !more {
			s.last = string(key)
		}
		return more
	})
}
