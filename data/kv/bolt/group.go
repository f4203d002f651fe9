package bolt

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"signet/data/kv"
	"signet/data/kv/internal/overlay"
)

// writer is one call of Update on its way. Its function runs on the goroutine
// of its caller, when the group hands it the turn: so a panic, and even a
// runtime.Goexit, is the caller's own and takes nobody down.
type writer struct {
	taken atomic.Bool      // by the group, or by the caller who left the queue
	turn  chan turn        // the group's word to run
	ran   chan *overlay.Tx // what the function wrote; nil: nothing to keep
	done  chan error       // how the group's commit ended
}

// turn is what a function runs on.
type turn struct {
	base reader
	// shared says that base holds writes of the same group, which are not
	// durable yet: whatever comes of the function, its caller waits for them.
	shared bool
}

// Update queues fn for the next group and waits for its outcome. A context
// that ends while fn is queued takes it out; once fn runs, the outcome is
// waited for.
func (e *Engine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w := &writer{
		turn: make(chan turn, 1),
		ran:  make(chan *overlay.Tx, 1),
		done: make(chan error, 1),
	}
	if err := e.queue.add(w); err != nil {
		return err
	}
	select {
	case t := <-w.turn:
		return w.run(t, fn)
	case err := <-w.done:
		return err
	case <-ctx.Done():
	}
	if w.taken.CompareAndSwap(false, true) {
		return context.Cause(ctx)
	}
	select { // the group was faster
	case t := <-w.turn:
		return w.run(t, fn)
	case err := <-w.done:
		return err
	}
}

func (w *writer) run(t turn, fn func(kv.Tx) error) error {
	tx := overlay.New(t.base)
	err := w.attempt(tx, fn)
	if !t.shared && (err != nil || tx.Len() == 0) {
		return err // all it read was durable before
	}
	if lost := <-w.done; lost != nil {
		return lost // also for an error: what it was read from is gone
	}
	return err
}

// attempt runs fn and gives the turn back, however fn ends.
func (w *writer) attempt(tx *overlay.Tx, fn func(kv.Tx) error) error {
	var kept *overlay.Tx
	defer func() { w.ran <- kept }()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if err := call(func() error { return fn(tx) }); err != nil {
		return err
	}
	if err := tx.Err(); err != nil {
		return err
	}
	kept = tx
	return nil
}

// serve runs group after group until the queue is closed and empty.
func (e *Engine) serve() {
	defer close(e.stopped)
	debug.SetPanicOnFault(true)
	for {
		group := e.queue.take()
		if group == nil {
			return
		}
		e.serveGroup(group)
	}
}

func (e *Engine) serveGroup(group []*writer) {
	e.writing.Lock()
	defer e.writing.Unlock()
	keys, err := e.runGroup(group)
	if err == nil {
		e.watch.Tell(keys)
	}
	for _, w := range group {
		w.done <- err // read only by who waits for it
	}
}

// runGroup gives each writer its turn on one transaction of bbolt and commits
// what they wrote, if they wrote anything.
func (e *Engine) runGroup(group []*writer) (keys []string, err error) {
	if err := e.usable(); err != nil {
		return nil, err
	}
	tx, err := e.begin(true)
	if err != nil {
		return nil, err
	}
	defer e.rollback(tx) // nothing, after a commit
	r, err := e.read(tx)
	if err != nil {
		return nil, err
	}
	var bytes int64
	for _, w := range group {
		if !w.taken.CompareAndSwap(false, true) {
			continue // its context ended
		}
		e.updates.Add(1)
		w.turn <- turn{base: r, shared: len(keys) > 0}
		written := <-w.ran
		if written == nil {
			continue
		}
		if keys, err = merge(r.b, written, keys); err != nil {
			return nil, fmt.Errorf("bolt: %s: %w", e.path, err)
		}
		bytes += written.Bytes()
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if err := e.grow(tx, len(keys), bytes); err != nil {
		return nil, err
	}
	return keys, e.finish(tx)
}

// merge moves the writes of one function into the transaction.
func merge(b *bbolt.Bucket, written *overlay.Tx, keys []string) ([]string, error) {
	var err error
	fault := guard(func() {
		for k, v := range written.Writes() {
			if v == nil {
				err = b.Delete([]byte(k))
			} else {
				err = b.Put([]byte(k), v)
			}
			if err != nil {
				return
			}
			keys = append(keys, k)
		}
	})
	if fault != nil {
		err = fault
	}
	return keys, err
}

// finish commits, and decides what an error means for the engine.
func (e *Engine) finish(tx *bbolt.Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// bbolt was in the middle of its lists.
			err = damaged(e.path, p)
			e.fail(err, true)
		}
	}()
	err = e.commit(tx)
	switch {
	case err == nil:
		e.commits.Add(1)
		return nil
	case failedWrite(err):
		return wrap(e.path, err)
	}
	err = fmt.Errorf("bolt: %s: %w: %w", e.path, kv.ErrFailed, err)
	e.fail(err, false)
	return err
}
