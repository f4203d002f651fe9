package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// Compact rewrites the file with nothing in it but the pairs that stand, and
// puts the new one in the place of the old: pages that older values lay on are
// gone with the old file. Writers wait meanwhile; readers wait only for the
// change of files. An error leaves the old file as it was, except one that
// wraps kv.ErrFailed.
func (e *Engine) Compact(ctx context.Context) (err error) {
	if e.o.ReadOnly {
		return fmt.Errorf("bolt: %s: %w", e.path, kv.ErrReadOnly)
	}
	e.writing.Lock()
	defer e.writing.Unlock()

	tmp, db, err := createBeside(e.path)
	if err != nil {
		return wrap(e.path, err)
	}
	defer func() {
		if err != nil {
			_ = db.Close()
			_ = os.Remove(tmp)
		}
	}()
	db.NoSync = true // one sync at the end makes it all durable
	err = e.View(ctx, func(from kv.Reader) error { return fill(ctx, db, from) })
	if err == nil {
		err = db.Sync()
	}
	if err != nil {
		return wrap(e.path, err)
	}
	db.NoSync = e.o.NoSync
	if err = db.Close(); err != nil {
		return wrap(e.path, err)
	}
	return e.replace(tmp)
}

// replace opens the file at tmp, which locks it, and gives it the place of the
// engine's own. The old lock is let go last, so no process can come between.
func (e *Engine) replace(tmp string) error {
	db, file, stands, err := openFile(tmp, e.o)
	if err != nil {
		return err
	}
	e.handle.Lock()
	defer e.handle.Unlock()
	if err = e.usable(); err == nil {
		err = os.Rename(tmp, e.path)
	}
	if err != nil {
		return errors.Join(wrap(e.path, err), db.Close())
	}
	oldDB, oldFile := e.db, e.file
	e.db, e.file = db, file
	e.versions.Store(&versions{stands: stands})
	if !e.o.NoSync {
		if err := syncDir(e.path); err != nil {
			// Either file may carry the name after a power cut.
			err = fmt.Errorf("bolt: %s: %w: %w", e.path, kv.ErrFailed, err)
			e.fail(err, false)
			_ = oldDB.Close()
			return err
		}
	}
	return e.release(oldDB, oldFile)
}

// fillPercent is how full the pages of a rewritten file are; the keys come in
// order, so all of them are. Full to the brim, each would split as soon as a
// record on it is a little longer, and the file be twice as long within a day.
const fillPercent = 0.8

// fill copies every pair, some megabytes a transaction.
func fill(ctx context.Context, db *bbolt.DB, from kv.Reader) error {
	const batch = 4 << 20
	var start []byte
	for done := false; !done; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := db.Update(func(tx *bbolt.Tx) (err error) {
			b := tx.Bucket(bucket)
			b.FillPercent = fillPercent
			size := 0
			done = true
			scan := from.Scan(nil, start, func(k, v []byte) bool {
				if size > batch {
					start, done = append([]byte(nil), k...), false
					return false
				}
				size += len(k) + len(v)
				err = b.Put(k, v)
				return err == nil
			})
			return errors.Join(err, scan)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Check reads the whole file and returns what is unsound in it, wrapped in
// kv.ErrDamaged. Writers wait meanwhile: bbolt's check reads the list of free
// pages, which they change.
func (e *Engine) Check(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()

	// First every pair, on this goroutine, where a fault can be recovered:
	// bbolt checks on one of its own, where it would end the process.
	err := e.View(ctx, func(r kv.Reader) error {
		var last []byte
		var sum byte
		unordered := false
		err := r.Scan(nil, nil, func(k, v []byte) bool {
			unordered = last != nil && string(last) >= string(k)
			last = append(last[:0], k...)
			for _, b := range v {
				sum ^= b // touches the page
			}
			return !unordered && ctx.Err() == nil
		})
		if unordered {
			return damaged(e.path, "keys are out of order")
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	return e.reading(e.checkPages)
}

func (e *Engine) checkPages(tx *bbolt.Tx, _ reader) error {
	var found error
	n := 0
	for err := range tx.Check() {
		if n++; n <= 10 {
			found = errors.Join(found, err)
		}
	}
	if found != nil {
		return fmt.Errorf("bolt: %s: %w: %d faults: %w", e.path, kv.ErrDamaged, n, found)
	}
	return nil
}
