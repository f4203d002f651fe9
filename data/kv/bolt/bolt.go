package bolt

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"signet/data/kv"
	"signet/data/kv/internal/watch"
)

// bucket holds every pair. A file without it is not a store of ours.
var bucket = []byte("signet")

// Options are how a file is opened.
type Options struct {
	// Timeout is how long to wait for another process to let the file go.
	// Zero tries once.
	Timeout time.Duration

	// ReadOnly opens the file for reading; Update answers kv.ErrReadOnly. Several
	// processes may read at once, while none writes. The file must exist.
	ReadOnly bool

	// NoSync leaves out every sync, so a power cut loses acknowledged writes
	// and may damage the file. It is there for one purpose: so that the test
	// of a power cut can show that it would notice.
	NoSync bool

	// Logger hears what the engine put right by itself. Nil: slog.Default().
	Logger *slog.Logger
}

// Engine is a kv.Engine in one file.
type Engine struct {
	path  string
	log   *slog.Logger
	o     Options
	watch watch.Hub

	// handle guards db and file, which Compact replaces: a View holds it for
	// reading from begin to end.
	handle sync.RWMutex
	db     *bbolt.DB
	file   *os.File

	// writing is held by whoever may write: a group, or Compact.
	writing sync.Mutex
	queue   queue
	history history
	done    atomic.Uint64 // the number of the last group that ended
	stopped chan struct{} // closed when the last group is done

	// failed is why the engine refuses everything, once there is a reason.
	failed atomic.Pointer[failure]

	versions atomic.Pointer[versions]
	room     func(size int64) int // room, unless a test has less

	updates, conflicts, commits atomic.Uint64

	// commit is (*bbolt.Tx).Commit; tests hold it or make it fail.
	commit func(*bbolt.Tx) error
	now    func() time.Time
}

// failure is a reason that stays. If wedged, a panic left a lock of bbolt held,
// and nothing of bbolt may be called any more.
type failure struct {
	err    error
	wedged bool
}

// View runs fn on a consistent view. Writers go on beside it.
func (e *Engine) View(ctx context.Context, fn func(kv.Reader) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return e.reading(func(_ *bbolt.Tx, r reader) error {
		return call(func() error { return fn(r) })
	})
}

// reading runs fn on a reading transaction of bbolt. A page that cannot be read
// is a panic and not the end of the process: the file is mapped.
func (e *Engine) reading(fn func(*bbolt.Tx, reader) error) error {
	e.handle.RLock()
	defer e.handle.RUnlock()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err := errOlder
	for tries := 0; err == errOlder && tries < mostOlder; tries++ {
		if err = e.usable(); err == nil {
			err = e.readingOnce(fn)
		}
	}
	if err == errOlder {
		return damaged(e.path, "what waits in the journal is of no commit")
	}
	return err
}

// mostOlder is how often a view may find that a commit came between its begin and
// its first look. So often in a row is no chance.
const mostOlder = 1000

func (e *Engine) readingOnce(fn func(*bbolt.Tx, reader) error) error {
	tx, err := e.begin(false)
	if err != nil {
		return err
	}
	defer e.rollback(tx)
	r, err := e.read(tx)
	if err != nil {
		return err
	}
	return fn(tx, r)
}

// Watch is described by kv.Engine. No other node can write to the file.
func (e *Engine) Watch(prefix []byte) (changed <-chan struct{}, stop func()) {
	return e.watch.Add(prefix)
}

// Limits is described by kv.Engine: memory is the only one.
func (e *Engine) Limits() kv.Limits { return kv.Limits{} }

// Close lets the writers that already wait finish, waits for every running
// transaction and releases the file.
func (e *Engine) Close() error {
	if !e.queue.close() {
		return nil
	}
	<-e.stopped
	e.handle.Lock()
	defer e.handle.Unlock()
	db, file := e.db, e.file
	e.db = nil
	return e.release(db, file)
}

// release closes a file of bbolt; after a panic inside bbolt only the file
// itself, which also lets its lock go.
func (e *Engine) release(db *bbolt.DB, file *os.File) error {
	if f := e.failed.Load(); f != nil && f.wedged {
		return drop(file)
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("bolt: %s: %w", e.path, err)
	}
	return nil
}

// usable says why the engine takes no transaction. The caller holds handle.
func (e *Engine) usable() error {
	if e.db == nil {
		return kv.ErrClosed
	}
	if f := e.failed.Load(); f != nil {
		return f.err
	}
	return nil
}

// fail makes err the answer to everything from now on. The first reason stays.
func (e *Engine) fail(err error, wedged bool) {
	if e.failed.CompareAndSwap(nil, &failure{err, wedged}) {
		e.log.Error("the store stops", "path", e.path, "error", err)
	}
}

// begin starts a transaction of bbolt. A panic in there leaves locks held.
func (e *Engine) begin(writable bool) (tx *bbolt.Tx, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = damaged(e.path, p)
			e.fail(err, true)
		}
	}()
	tx, err = e.db.Begin(writable)
	if err != nil {
		return nil, fmt.Errorf("bolt: %s: %w", e.path, err)
	}
	return tx, nil
}

func (e *Engine) rollback(tx *bbolt.Tx) {
	defer func() {
		if p := recover(); p != nil {
			e.fail(damaged(e.path, p), true)
		}
	}()
	_ = tx.Rollback() // its only error: closed already
}

// Stats are counters since Open, and sizes as they are now.
type Stats struct {
	Updates   uint64 // functions that were run for a group
	Conflicts uint64 // of these, those that were overtaken by others and ran again
	Commits   uint64 // commits that reached the disk
	Bytes     int64  // length of the file
	Pages     int64  // of these, bytes on pages that were ever used; what is behind them waits
	Free      int64  // of these, bytes on pages that hold nothing
}

// Stats returns the counters. Sizes are zero once the engine is closed or has
// failed.
func (e *Engine) Stats() Stats {
	s := Stats{Updates: e.updates.Load(), Conflicts: e.conflicts.Load(), Commits: e.commits.Load()}
	e.handle.RLock()
	defer e.handle.RUnlock()
	if e.usable() != nil {
		return s
	}
	if info, err := e.file.Stat(); err == nil {
		s.Bytes = info.Size()
	}
	if tx, err := e.begin(false); err == nil {
		s.Pages = tx.Size()
		e.rollback(tx)
	}
	free := e.db.Stats()
	s.Free = int64(free.FreePageN+free.PendingPageN) * int64(e.db.Info().PageSize)
	return s
}
