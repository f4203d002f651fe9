package data

import (
	"bytes"
	"context"

	"signet/data/kv"
)

// What one transaction of a restore or a copy writes, where the engine does not
// bound it more. A longer record is one of its own.
const (
	batchPairs = 1000
	batchBytes = 1 << 20
)

// batchOf is how many pairs and bytes the engine takes at once, with room for
// the sign of a move.
func batchOf(engine kv.Engine) (pairs, bytes int) {
	l := engine.Limits()
	if pairs = batchPairs; l.Ops > 0 {
		pairs = max(1, min(pairs, l.Ops-1))
	}
	if bytes = batchBytes; l.Bytes > 0 {
		bytes = min(bytes, l.Bytes-signRoom)
	}
	return pairs, bytes
}

// signRoom is more than a sign takes with its key.
const signRoom = 8 << 10

// batch collects pairs and writes them in transactions that every engine takes.
type batch struct {
	engine kv.Engine
	pairs  [][2][]byte
	size   int
	// beside, where set, adds what goes into the transaction of these pairs.
	beside func(tx kv.Tx, last []byte) error
}

// put adds a pair, and writes the batch first if it is full.
func (b *batch) put(ctx context.Context, key, value []byte) error {
	pairs, most := batchOf(b.engine)
	if len(b.pairs) == pairs || len(b.pairs) > 0 && b.size+len(key)+len(value) > most {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.pairs = append(b.pairs, [2][]byte{bytes.Clone(key), bytes.Clone(value)})
	b.size += len(key) + len(value)
	return nil
}

// flush writes what was added.
func (b *batch) flush(ctx context.Context) error {
	if len(b.pairs) == 0 {
		return nil
	}
	err := b.engine.Update(ctx, func(tx kv.Tx) error {
		for _, p := range b.pairs {
			tx.Put(p[0], p[1])
		}
		if b.beside == nil {
			return nil
		}
		return b.beside(tx, b.pairs[len(b.pairs)-1][0])
	})
	if err == nil {
		b.pairs, b.size = b.pairs[:0], 0
	}
	return err
}

// pagePairs and pageBytes bound one view of a long reading: an engine may not
// keep an old view for as long as it takes.
const (
	pagePairs = 1000
	pageBytes = 4 << 20
)

// readAll calls fn with every pair after the key (nil: from the first), in the
// order of the keys, page by page: it is one view only of a store in which
// nobody writes.
func readAll(ctx context.Context, engine kv.Engine, after []byte, fn func(key, value []byte) error) error {
	for {
		page, err := readPage(ctx, engine, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := fn(p[0], p[1]); err != nil {
				return err
			}
		}
		after = page[len(page)-1][0]
	}
}

func readPage(ctx context.Context, engine kv.Engine, after []byte) (page [][2][]byte, err error) {
	var start []byte
	if after != nil {
		start = append(bytes.Clone(after), 0)
	}
	err = engine.View(ctx, func(r kv.Reader) error {
		page = nil
		size := 0
		return r.Scan(nil, start, func(key, value []byte) bool {
			page = append(page, [2][]byte{bytes.Clone(key), bytes.Clone(value)})
			size += len(key) + len(value)
			return len(page) < pagePairs && size < pageBytes
		})
	})
	return page, err
}

// clearAll removes every pair but those that keep names.
func clearAll(ctx context.Context, engine kv.Engine, keep string) error {
	pairs, _ := batchOf(engine)
	for {
		page, err := readPage(ctx, engine, nil)
		if err != nil {
			return err
		}
		removed := 0
		for len(page) > 0 {
			n := 0
			some := page[:min(len(page), pairs)]
			page = page[len(some):]
			err := engine.Update(ctx, func(tx kv.Tx) error {
				n = 0
				for _, p := range some {
					if string(p[0]) != keep {
						tx.Delete(p[0])
						n++
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			removed += n
		}
		if removed == 0 {
			return nil
		}
	}
}
