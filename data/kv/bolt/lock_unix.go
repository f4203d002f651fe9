//go:build unix && !solaris && !illumos && !aix

package bolt

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"signet/data/kv"
)

// lock takes the lock that bbolt takes, earlier: the file is looked at while
// no other process writes to it. bbolt's own attempt then finds it held by
// the same open file, which succeeds.
func lock(f *os.File, exclusive bool, until time.Time) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock: %w", err)
		}
		left := time.Until(until)
		if left <= 0 {
			return fmt.Errorf("%w; stop it first, or reach it through its control socket", kv.ErrInUse)
		}
		time.Sleep(min(left, 20*time.Millisecond)) // flock tells nobody that it is free
	}
}

// drop closes a file that bbolt may still have mapped. The mapping keeps the
// open file alive, and the lock with it, so the lock is let go by name.
func drop(f *os.File) error {
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	return f.Close()
}
