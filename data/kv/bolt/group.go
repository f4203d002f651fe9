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
// of its caller, at first beside all others and, where that was overtaken, when
// the group hands it the turn: so a panic, and even a runtime.Goexit, is the
// caller's own and takes nobody down.
type writer struct {
	tried attempt
	taken atomic.Bool // by the group, or by the caller who left the queue
	word  chan word   // of the group
	told  bool        // the outcome, before the commit; the group's own
}

// word is what a group says to a writer: how it ended, or that its function has
// the turn to run again.
type word struct {
	again *turn
	err   error
}

// turn is what a function runs on.
type turn struct {
	base reader
	// shared says that base holds writes of the same group, which are not
	// durable yet: whatever comes of the function, its caller waits for them.
	shared bool
	ran    chan *overlay.Tx // what the function wrote; nil: nothing to keep
}

// Update tries fn on a view, queues what came of it for the next group and waits
// for the outcome. A context that ends while it is queued takes it out; once the
// group has it, the outcome is waited for.
func (e *Engine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := e.queue.refusal(); err != nil {
		return err
	}
	w := &writer{word: make(chan word, 1)}
	if err := e.try(&w.tried, fn); err != nil {
		return err
	}
	if err := e.queue.add(w); err != nil {
		return err
	}
	select {
	case said := <-w.word:
		return w.follow(said, fn)
	case <-ctx.Done():
	}
	if w.taken.CompareAndSwap(false, true) {
		return context.Cause(ctx)
	}
	return w.follow(<-w.word, fn) // the group was faster
}

func (w *writer) follow(said word, fn func(kv.Tx) error) error {
	if said.again == nil {
		return said.err
	}
	tx := overlay.New(said.again.base)
	err := said.again.run(tx, fn)
	if !said.again.shared && (err != nil || tx.Len() == 0) {
		return err // all it read was durable before
	}
	if lost := (<-w.word).err; lost != nil {
		return lost // also for an error: what it was read from is gone
	}
	return err
}

// run runs fn and gives the turn back, however fn ends.
func (t *turn) run(tx *overlay.Tx, fn func(kv.Tx) error) error {
	var kept *overlay.Tx
	defer func() { t.ran <- kept }()
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

// serve runs group after group until the queue is closed and empty, and puts the
// journal away then.
func (e *Engine) serve() {
	defer close(e.stopped)
	debug.SetPanicOnFault(true)
	for {
		group := e.queue.take()
		if group == nil {
			e.placeAll()
			return
		}
		e.serveGroup(group)
	}
}

func (e *Engine) serveGroup(group []*writer) {
	e.writing.Lock()
	defer e.writing.Unlock()
	number := e.done.Load() + 1
	keys, err := e.runGroup(number, group)
	if err == nil {
		e.watch.Tell(keys)
	}
	e.done.Store(number)
	for _, w := range group {
		if !w.told {
			w.word <- word{err: err} // read only by who waits for it
		}
	}
}

// runGroup takes what each writer wrote into one transaction of bbolt, and
// commits it if that is anything.
func (e *Engine) runGroup(number uint64, group []*writer) (keys []string, err error) {
	if err := e.usable(); err != nil {
		return nil, err
	}
	tx, err := e.begin(true)
	if err != nil {
		return nil, err
	}
	defer e.rollback(tx) // nothing, after a commit
	b, err := e.newBatch(tx)
	if err != nil {
		return nil, err
	}
	for _, w := range group {
		if !w.taken.CompareAndSwap(false, true) {
			continue // its context ended
		}
		written := e.outcome(w, b.reader, len(b.keys) > 0)
		if written == nil {
			continue
		}
		before := len(b.keys)
		if err = b.merge(written); err != nil {
			return nil, fmt.Errorf("bolt: %s: %w", e.path, err)
		}
		e.history.add(number, b.keys[before:])
	}
	if len(b.keys) == 0 {
		return nil, nil
	}
	return b.keys, e.finish(b, e.room(tx.Size()), 2*len(b.keys))
}

// outcome is what the writer's function wrote. If it was overtaken it gets the
// turn; one that wrote nothing, and read nothing of this group, is done.
func (e *Engine) outcome(w *writer, r reader, shared bool) *overlay.Tx {
	e.updates.Add(1)
	switch {
	case e.history.overtook(&w.tried):
		e.conflicts.Add(1)
		t := &turn{base: r, shared: shared, ran: make(chan *overlay.Tx, 1)}
		w.word <- word{again: t}
		return <-t.ran
	case w.tried.wrote == nil:
		w.told = true
		w.word <- word{err: w.tried.err}
	}
	return w.tried.wrote
}

// finish settles and commits a batch.
func (e *Engine) finish(b *batch, most, atOnce int) error {
	if err := b.settle(most, atOnce); err != nil {
		return fmt.Errorf("bolt: %s: %w", e.path, err)
	}
	if err := e.grow(b); err != nil {
		return err
	}
	e.versions.Store(&versions{stands: b.stood, next: b.waiting})
	if err := e.write(b.tx); err != nil {
		return err
	}
	e.versions.Store(&versions{stands: b.waiting})
	return nil
}

// write commits, and decides what an error means for the engine.
func (e *Engine) write(tx *bbolt.Tx) (err error) {
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
