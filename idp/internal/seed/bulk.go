package main

import (
	"context"

	"signet/data/kv"
)

// bulk is an engine on which the transactions of together are one, and become
// durable with it: a commit for thousands of records. An error of one of them is
// the end of all. One goroutine uses it.
type bulk struct {
	kv.Engine
	tx kv.Tx // of together
}

func (b *bulk) together(ctx context.Context, fn func() error) error {
	return b.Engine.Update(ctx, func(tx kv.Tx) error {
		b.tx = tx
		defer func() { b.tx = nil }()
		return fn()
	})
}

func (b *bulk) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if b.tx == nil {
		return b.Engine.Update(ctx, fn)
	}
	return fn(b.tx)
}

func (b *bulk) View(ctx context.Context, fn func(kv.Reader) error) error {
	if b.tx == nil {
		return b.Engine.View(ctx, fn)
	}
	return fn(b.tx)
}
