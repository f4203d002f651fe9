package bolt

import (
	"fmt"
	"os"

	"signet/data/kv"
)

// grow lengthens the file before a commit that may need it. bbolt would do so
// in the middle of the commit and hand back an error that no longer says
// whether it was the truncate, after which the engine may go on, or the sync,
// after which it may not. The new length is synced before anything is written
// behind it, which ext4 wants (boltdb issue 284).
//
// The need is estimated from above: no page beyond those that exist is rewritten,
// a pair touches few of them, new pages are at least half full, and a leaf of the
// journal holds five runs: the last one, and the first one where runs were removed.
// If it should ever be too low, bbolt grows the file itself, and an error of that
// stops the engine. A short value between some of 16 KB and more makes it too low:
// the store has few of those.
func (e *Engine) grow(b *batch) error {
	page := int64(os.Getpagesize())
	rewritten := min(int64(b.placed)*4*page, b.tx.Size())
	need := b.tx.Size() + rewritten + 2*b.bytes + int64(e.db.Stats().FreelistInuse) + 16*page
	if b.journal != nil {
		need += 2 * 5 * (longRun + longValue + 2*kv.MaxKey)
	}

	info, err := e.file.Stat()
	if err != nil {
		return wrap(e.path, err)
	}
	if info.Size() >= need {
		return nil
	}
	const step = 1 << 20
	length := (max(need, info.Size()+info.Size()/8) + step - 1) / step * step
	if err := e.file.Truncate(length); err != nil {
		return wrap(e.path, err)
	}
	if e.o.NoSync {
		return nil
	}
	if err := e.file.Sync(); err != nil {
		err = fmt.Errorf("bolt: %s: %w: %w", e.path, kv.ErrFailed, err)
		e.fail(err, false)
		return err
	}
	return nil
}
