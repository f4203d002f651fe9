package bolt

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

// In a large file two writes rarely share a page of the tree, or a branch above
// it, and each page is a place of its own on the disk. So what a group wrote to
// a large file is kept in a journal first, on pages side by side, and each pair
// comes to its place later, together with its neighbours: a hand moves through
// the keys, lap after lap, and places what waits there.
//
// The journal lies in the file and is part of the same commits. It is a bucket
// of runs under running numbers, and the bucket of the pairs lies in it too: so
// a version of Signet that knows of no journal finds no pairs, instead of old
// ones. Close places what waits, if that does not take long, and takes both apart.
var journalBucket = []byte("journal")

const (
	// journalFrom is how long a file is when its journal begins, in bytes. In a
	// shorter one the branches are few, and shared anyhow.
	journalFrom = 64 << 20
	// One key waits for so many bytes of the file, and mostWaiting at most, in
	// some 3 MB of memory. The more there are, the more neighbours come to their
	// places together.
	waitingEach = 64 << 10
	mostWaiting = 32 << 10
	// longValue is the length from which a value has pages of its own and gains
	// nothing: it goes to its place at once.
	longValue = 4 << 10
	// longRun is the length after which a run ends and another begins. bbolt
	// writes up to four runs again with each new one.
	longRun = 32 << 10
)

// room is how many keys may wait in a file of so many bytes. Where it is none,
// no journal begins.
func room(size int64) int {
	if size < journalFrom {
		return 0
	}
	return int(min(size/waitingEach, mostWaiting))
}

// openJournal finds the journal of a transaction, and the pairs in it. Where
// there is none, as in a small file, journal is nil.
func openJournal(tx *bbolt.Tx) (journal, pairs *bbolt.Bucket) {
	if pairs = tx.Bucket(bucket); pairs != nil {
		return nil, pairs
	}
	if journal = tx.Bucket(journalBucket); journal != nil {
		pairs = journal.Bucket(bucket)
	}
	return journal, pairs
}

// beginJournal makes an empty journal, and moves the pairs into it.
func beginJournal(tx *bbolt.Tx) error {
	journal, err := tx.CreateBucket(journalBucket)
	if err != nil {
		return err
	}
	return tx.MoveBucket(bucket, nil, journal)
}

// endJournal moves the pairs out of the journal, and removes it.
func endJournal(tx *bbolt.Tx) error {
	if err := tx.MoveBucket(bucket, tx.Bucket(journalBucket), nil); err != nil {
		return err
	}
	return tx.DeleteBucket(journalBucket)
}

const (
	// closeWithin is how long Close places what waits, and goes no further.
	closeWithin = 3 * time.Second
	// placedAtOnce bounds the pairs that it places in one commit.
	placedAtOnce = 512
)

// placeAll brings all that waits to its place and ends the journal, for as long
// as Close may take. What is left is no harm: the journal stays, for the next
// start and the next stop.
func (e *Engine) placeAll() {
	if e.versions.Load().stands.number == 0 {
		return
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	until := e.now().Add(closeWithin)
	for e.versions.Load().stands.number > 0 && e.usable() == nil {
		if !e.now().Before(until) {
			e.log.Info("the store keeps its journal, since placing it would take longer; the next stop goes on with it",
				"path", e.path, "waiting", e.versions.Load().stands.keys.Len())
			return
		}
		if err := e.placeSome(); err != nil {
			e.log.Warn("the store keeps its journal", "path", e.path, "error", err)
			return
		}
	}
}

// placeSome is one commit of placeAll.
func (e *Engine) placeSome() error {
	tx, err := e.begin(true)
	if err != nil {
		return err
	}
	defer e.rollback(tx)
	b, err := e.newBatch(tx)
	if err != nil {
		return err
	}
	if b.waiting.keys.Len() > 0 {
		return e.finish(b, 0, placedAtOnce)
	}
	fault := guard(func() { err = endJournal(tx) })
	if err = errors.Join(err, fault); err != nil {
		return wrap(e.path, err)
	}
	return e.finish(&batch{tx: tx, stood: b.stood, reader: reader{waiting: newWaiting()}}, 0, 0)
}
