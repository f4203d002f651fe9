//go:build !unix || solaris || illumos || aix

package bolt

import (
	"os"
	"time"
)

// lock leaves it to bbolt, whose lock on these systems is not flock(2).
func lock(*os.File, bool, time.Time) error { return nil }

func drop(f *os.File) error { return f.Close() }
