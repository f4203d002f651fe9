package kvtest

import (
	"context"

	"signet/data/kv"
)

// Far is an engine whose store is elsewhere, as an issuer meets it that has
// nothing in its memory: each read of a key is a way there and back, but for
// what was asked for before, and so is the commit. What was read at one moment
// and changes nothing needs none.
type Far struct {
	kv.Engine
	Trips int // of the last transaction
}

// Update is described by kv.Engine.
func (f *Far) Update(ctx context.Context, fn func(kv.Tx) error) error {
	return f.Engine.Update(ctx, func(tx kv.Tx) error {
		t := &farTx{Tx: tx, farReader: farReader{tx, &f.Trips, map[string]bool{}}}
		f.Trips = 0
		err := fn(t)
		if t.wrote || f.Trips > 1 {
			f.Trips++
		}
		return err
	})
}

// View is described by kv.Engine.
func (f *Far) View(ctx context.Context, fn func(kv.Reader) error) error {
	return f.Engine.View(ctx, func(r kv.Reader) error {
		f.Trips = 0
		return fn(&farReader{r, &f.Trips, map[string]bool{}})
	})
}

type farReader struct {
	kv.Reader
	trips *int
	here  map[string]bool
}

// Ask is described by kv.Asker.
func (r *farReader) Ask(keys ...[]byte) {
	*r.trips++
	for _, key := range keys {
		r.here[string(key)] = true
	}
}

func (r *farReader) Get(key []byte) ([]byte, error) {
	if !r.here[string(key)] {
		*r.trips++
		r.here[string(key)] = true
	}
	return r.Reader.Get(key)
}

type farTx struct {
	kv.Tx
	farReader
	wrote bool
}

func (t *farTx) Get(key []byte) ([]byte, error) { return t.farReader.Get(key) }
func (t *farTx) Put(key, value []byte)          { t.wrote = true; t.Tx.Put(key, value) }
func (t *farTx) Delete(key []byte)              { t.wrote = true; t.Tx.Delete(key) }
func (t *farTx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	*t.trips++
	return t.Tx.Scan(prefix, start, fn)
}

var _ kv.Asker = (*farTx)(nil)
