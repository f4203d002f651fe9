package kvtest

import (
	"context"
	"sync/atomic"

	"signet/data/kv"
)

// Counted counts the transactions of an engine: those that wrote and were kept,
// and the views.
type Counted struct {
	kv.Engine
	Writes atomic.Int64
	Views  atomic.Int64
}

// View is the engine's, counted.
func (c *Counted) View(ctx context.Context, fn func(kv.Reader) error) error {
	c.Views.Add(1)
	return c.Engine.View(ctx, fn)
}

// Update is the engine's, counted.
func (c *Counted) Update(ctx context.Context, fn func(kv.Tx) error) error {
	var wrote bool
	err := c.Engine.Update(ctx, func(tx kv.Tx) error {
		w := &countedTx{Tx: tx}
		err := fn(w)
		wrote = w.wrote
		return err
	})
	if err == nil && wrote {
		c.Writes.Add(1)
	}
	return err
}

type countedTx struct {
	kv.Tx
	wrote bool
}

// Ask is described by kv.Asker.
func (t *countedTx) Ask(keys ...[]byte) { kv.Ask(t.Tx, keys...) }

func (t *countedTx) Put(key, value []byte) { t.wrote = true; t.Tx.Put(key, value) }
func (t *countedTx) Delete(key []byte)     { t.wrote = true; t.Tx.Delete(key) }
