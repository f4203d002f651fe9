package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"signet/data/kv"
)

// wrap names the file and, for the errors that people meet, the sentinel.
func wrap(path string, err error) error {
	if sentinel := sentinelOf(err); sentinel != nil {
		return fmt.Errorf("bolt: %s: %w: %w", path, sentinel, err)
	}
	return fmt.Errorf("bolt: %s: %w", path, err)
}

func sentinelOf(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return kv.ErrNoSpace
		}
	}
	if errors.Is(err, syscall.EROFS) {
		return kv.ErrReadOnly
	}
	return nil
}

func damaged(path string, reason any) error {
	return fmt.Errorf("bolt: %s: %w: %v", path, kv.ErrDamaged, reason)
}

// failedWrite says whether a commit failed while it wrote, and not while it
// synced. Then the engine may go on: bbolt writes new pages to places that no
// earlier commit uses, and its meta page last, over the older of two with a
// checksum; on an error it takes its list of free pages back to what the
// standing meta page says. After a failed sync nobody knows what the disk
// holds, not even after a second one succeeds: the kernel may have dropped the
// pages and marked them clean.
func failedWrite(err error) bool {
	var e *fs.PathError
	return errors.As(err, &e) && e.Op == "write"
}
