package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// reader reads the pairs of a transaction of bbolt. bbolt trusts its file and
// panics where the file lies, so each call of it is guarded, while a panic of
// the caller's own function goes its way.
type reader struct {
	b *bbolt.Bucket
	// get is for Get alone, which begins at the root every time: the Get of a
	// bucket makes a cursor, and the path that it keeps, for each call.
	get *bbolt.Cursor
}

func (r reader) Get(key []byte) (value []byte, err error) {
	err = guard(func() {
		if k, v := r.get.Seek(key); bytes.Equal(k, key) {
			value = v
		}
	})
	return value, err
}

func (r reader) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	if bytes.Compare(start, prefix) < 0 {
		start = prefix
	}
	var c *bbolt.Cursor
	var k, v []byte
	err := guard(func() {
		c = r.b.Cursor()
		k, v = c.Seek(start)
	})
	for err == nil && k != nil && bytes.HasPrefix(k, prefix) && fn(k, v) {
		err = guard(func() { k, v = c.Next() })
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
