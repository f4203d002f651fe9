package main

import (
	"context"
	"sync/atomic"

	"signet/data/kv"
	"signet/data/kv/bolt"
)

// countingEngine counts what is asked of the store.
type countingEngine struct {
	*bolt.Engine
	views, updates, gets atomic.Uint64 // a scan counts as one get
}

func (e *countingEngine) reset() {
	e.views.Store(0)
	e.updates.Store(0)
	e.gets.Store(0)
}

func (e *countingEngine) View(ctx context.Context, fn func(kv.Reader) error) error {
	e.views.Add(1)
	return e.Engine.View(ctx, func(r kv.Reader) error { return fn(countingReader{r, e}) })
}

func (e *countingEngine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	e.updates.Add(1)
	return e.Engine.Update(ctx, func(tx kv.Tx) error { return fn(countingTx{tx, e}) })
}

type countingReader struct {
	kv.Reader
	e *countingEngine
}

func (r countingReader) Get(key []byte) ([]byte, error) {
	r.e.gets.Add(1)
	return r.Reader.Get(key)
}

func (r countingReader) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	r.e.gets.Add(1)
	return r.Reader.Scan(prefix, start, fn)
}

type countingTx struct {
	kv.Tx
	e *countingEngine
}

func (t countingTx) Get(key []byte) ([]byte, error) {
	t.e.gets.Add(1)
	return t.Tx.Get(key)
}

func (t countingTx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	t.e.gets.Add(1)
	return t.Tx.Scan(prefix, start, fn)
}
