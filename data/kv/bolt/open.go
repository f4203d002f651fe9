package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"signet/data/kv"
)

// initialMap is address space, not memory: while the file is shorter, a long
// View (a backup) never makes a writer wait for a larger mapping.
const initialMap = (1 << 30) * (strconv.IntSize / 64)

// freelistType is how the list of free pages is kept in memory. It is written
// with each commit, in the order of the pages: the array has that order, and the
// map is sorted for it, which takes three times as long with a thousand free
// pages. In the array a single page, which is what a commit of records needs, is
// found at its start.
const freelistType = bbolt.FreelistArrayType

// Open opens the store in the file at path, and makes it if there is none. An
// existing file that others may read or write is tightened to 0600, with a
// warning in the log.
//
// The error wraps kv.ErrInUse, kv.ErrReadOnly, kv.ErrDamaged or kv.ErrNoSpace
// where one of them is the reason. An empty file is damaged: a new store
// appears under its name only once it is whole, so an empty one has lost what
// was in it.
func Open(path string, o Options) (*Engine, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !o.ReadOnly {
		err = create(path, o)
	}
	if err != nil {
		return nil, wrap(path, err)
	}

	e := &Engine{
		path:    path,
		log:     o.Logger,
		o:       o,
		queue:   queue{wake: make(chan struct{}, 1)},
		stopped: make(chan struct{}),
		commit:  (*bbolt.Tx).Commit,
		now:     time.Now,
		room:    room,
	}
	var stands *waiting
	if e.db, e.file, stands, err = openFile(path, o); err != nil {
		return nil, err
	}
	e.versions.Store(&versions{stands: stands})
	if o.ReadOnly {
		e.queue.refuse = fmt.Errorf("bolt: %s: %w", path, kv.ErrReadOnly)
		close(e.stopped)
	} else {
		go e.serve()
	}
	return e, nil
}

// openFile opens a file that exists. bbolt panics on some damage, and a file
// shorter than its pages faults; either is recovered, and the file closed,
// which lets its lock go.
func openFile(path string, o Options) (db *bbolt.DB, file *os.File, stands *waiting, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damaged(path, p)
		}
		if err != nil && file != nil {
			_ = drop(file) // it may be closed already
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		// Held already; bbolt takes its own lock where ours is none.
		Timeout:  max(o.Timeout, time.Millisecond),
		ReadOnly: o.ReadOnly,
		NoSync:   o.NoSync,
		// The list of free pages is synced, so that opening a large file
		// reads one page and not all of them.
		FreelistType:    freelistType,
		InitialMmapSize: initialMap,
		OpenFile: func(string, int, os.FileMode) (*os.File, error) {
			file, err = claim(path, o)
			return file, err
		},
	})
	if err != nil {
		return nil, file, nil, openError(path, err)
	}
	err = db.View(func(tx *bbolt.Tx) (err error) {
		journal, pairs := openJournal(tx)
		if pairs == nil {
			return damaged(path, "it is a bbolt file, but not a store of Signet")
		}
		if journal == nil && tx.Bucket(journalBucket) != nil {
			return damaged(path, "its journal is beside the pairs, and not around them")
		}
		if stands, err = loadWaiting(journal); err != nil {
			return damaged(path, err)
		}
		return nil
	})
	if err != nil {
		_ = db.Close()
		return nil, file, nil, err
	}
	return db, file, stands, nil
}

// openError gives an error of bbolt.Open its sentinel.
func openError(path string, err error) error {
	for _, sentinel := range []error{kv.ErrInUse, kv.ErrDamaged, kv.ErrReadOnly} {
		if errors.Is(err, sentinel) {
			return err
		}
	}
	for _, bad := range []error{bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum} {
		if errors.Is(err, bad) {
			return damaged(path, err)
		}
	}
	return wrap(path, err)
}

// claim opens and locks the file and looks at it before bbolt does.
func claim(path string, o Options) (*os.File, error) {
	until := time.Now().Add(o.Timeout)
	for {
		f, err := openPlain(path, o.ReadOnly)
		if err != nil {
			return nil, err
		}
		if err = lock(f, !o.ReadOnly, until); err != nil {
			f.Close()
			return nil, fmt.Errorf("bolt: %s: %w", path, err)
		}
		// Whoever held the lock may have put a compacted file in its place.
		if !named(path, f) {
			f.Close()
			continue
		}
		if err = look(f, path, o); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}

// named says whether path still names the open file.
func named(path string, f *os.File) bool {
	there, err := os.Stat(path)
	if err != nil {
		return false
	}
	held, err := f.Stat()
	return err == nil && os.SameFile(there, held)
}

// openPlain opens the file, and tells one that may only be read from one that
// is out of reach.
func openPlain(path string, readOnly bool) (*os.File, error) {
	flag := os.O_RDWR
	if readOnly {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flag, 0)
	if err == nil || readOnly || !errors.Is(err, fs.ErrPermission) {
		return f, err
	}
	r, readErr := os.Open(path)
	if readErr != nil {
		return nil, err
	}
	r.Close()
	return nil, fmt.Errorf("bolt: %s: %w: %w", path, kv.ErrReadOnly, err)
}

// look tightens the mode and checks the pages that bbolt would trust.
func look(f *os.File, path string, o Options) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return damaged(path, "it is not a regular file")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		o.Logger.Warn("others could reach the store's file", "path", path, "mode", mode.String())
		if !o.ReadOnly {
			if err := f.Chmod(0o600); err != nil {
				return err
			}
		}
	}
	oneMeta, err := inspect(f, info.Size())
	if err != nil {
		return damaged(path, err)
	}
	if oneMeta {
		o.Logger.Warn("one of the store's two meta pages is not valid, the other one counts; "+
			"a power cut may leave that behind", "path", path)
	}
	return nil
}

// create makes an empty store that appears at path only once it is whole and
// on the disk, with its name. If another process is faster, its store stands.
func create(path string, o Options) error {
	tmp, db, err := createBeside(path)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := db.Close(); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if o.NoSync {
		return nil
	}
	return syncDir(path)
}

// createBeside makes an empty store under a name of its own, locked and open.
func createBeside(path string) (tmp string, db *bbolt.DB, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return "", nil, err
	}
	tmp = f.Name()
	db, err = bbolt.Open(tmp, 0o600, &bbolt.Options{
		Timeout:      time.Second,
		FreelistType: freelistType,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
	if err == nil {
		db.AllocSize = 1 << 20 // how far it grows at once
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(bucket)
			return err
		})
		if err != nil {
			_ = db.Close()
		}
	}
	if err != nil {
		_ = os.Remove(tmp)
		return "", nil, err
	}
	return tmp, db, nil
}

// syncDir makes the name of a file durable; syncing the file does not.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
