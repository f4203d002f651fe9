package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// reader reads the pairs of a transaction of bbolt: what waits in the journal,
// and below it what is in its place. bbolt trusts its file and panics where the
// file lies, so each call of it is guarded, while a panic of the caller's own
// function goes its way.
type reader struct {
	b *bbolt.Bucket
	// get is for Get alone, which begins at the root every time: the Get of a
	// bucket makes a cursor, and the path that it keeps, for each call.
	get *bbolt.Cursor

	waiting *waiting
	runs    *bbolt.Cursor // of the journal; nil: there is none
	run     []byte        // the one that a batch is writing
}

// errOlder says that a view began before the states that are known.
var errOlder = errors.New("bolt: the view is older than what waits")

// read finds the pairs of a transaction.
func (e *Engine) read(tx *bbolt.Tx) (r reader, err error) {
	number := uint64(0)
	fault := guard(func() {
		var journal *bbolt.Bucket
		if journal, r.b = openJournal(tx); journal != nil {
			number, r.runs = journal.Sequence(), journal.Cursor()
		}
		if r.b != nil {
			r.get = r.b.Cursor()
		}
	})
	switch r.waiting = e.versions.Load().numbered(number); {
	case fault != nil:
		return r, fault
	case r.b == nil:
		return r, damaged(e.path, "the bucket is gone")
	case r.waiting == nil:
		return r, errOlder
	}
	return r, nil
}

func (r reader) Get(key []byte) (value []byte, err error) {
	at, waits := r.waiting.keys.Get(string(key))
	err = guard(func() {
		if waits {
			value = r.value(at)
		} else if k, v := r.get.Seek(key); bytes.Equal(k, key) {
			value = v
		}
	})
	return value, err
}

// value returns what waits, or nil for a key that is deleted.
func (r reader) value(at spot) []byte {
	if at.size == 0 {
		return nil
	}
	run := r.run
	if run == nil || at.run != r.waiting.number {
		var k []byte
		if k, run = r.runs.Seek(runKey(at.run)); len(k) != 8 || binary.BigEndian.Uint64(k) != at.run {
			panic(fmt.Sprintf("run %d of the journal is gone", at.run))
		}
	}
	return run[at.at:][:at.size:at.size]
}

func (r reader) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	if bytes.Compare(start, prefix) < 0 {
		start = prefix
	}
	c := cursor{reader: r}
	var k, v []byte
	err := guard(func() {
		c.seek(start)
		k, v = c.pair()
	})
	for err == nil && k != nil && bytes.HasPrefix(k, prefix) && fn(k, v) {
		err = guard(func() {
			c.step()
			k, v = c.pair()
		})
	}
	return err
}

// guard turns a panic of bbolt into kv.ErrDamaged.
func guard(step func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bolt: %w: %v", kv.ErrDamaged, p)
		}
	}()
	step()
	return nil
}

// call runs a function of the caller. Its panics are its own, except for a
// fault on a page that a truncated file no longer has: the slices that Get
// and Scan hand out lie in the mapped file.
func call(fn func() error) (err error) {
	sound := false
	defer func() {
		if sound {
			return
		}
		p := recover()
		if _, fault := p.(interface{ Addr() uintptr }); fault {
			err = fmt.Errorf("bolt: %w: %v", kv.ErrDamaged, p)
		} else if p != nil {
			panic(p)
		}
	}()
	err = fn()
	sound = true
	return err
}
