package bolt

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"signet/data/kv"
)

func writeError(errno syscall.Errno) error {
	return &fs.PathError{Op: "write", Path: "signet.db", Err: errno}
}

func TestErrorsOfTheDiskHaveASentinel(t *testing.T) {
	for _, c := range []struct {
		errno syscall.Errno
		want  error
	}{
		{syscall.ENOSPC, kv.ErrNoSpace},
		{syscall.EDQUOT, kv.ErrNoSpace},
		{syscall.EFBIG, kv.ErrNoSpace},
		{syscall.EROFS, kv.ErrReadOnly},
	} {
		err := wrap("signet.db", writeError(c.errno))
		if !errors.Is(err, c.want) || !errors.Is(err, c.errno) {
			t.Errorf("%v became %v", c.errno, err)
		}
	}
	if err := wrap("signet.db", writeError(syscall.EIO)); sentinelOf(err) != nil {
		t.Errorf("EIO became %v", err)
	}
}

func TestOnlyAFailedWriteLetsTheEngineGoOn(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"a write", writeError(syscall.ENOSPC), true},
		{"a sync, as fdatasync(2) says it", syscall.ENOSPC, false},
		{"a sync, as os.File says it", &fs.PathError{Op: "sync", Err: syscall.EIO}, false},
		{"anything else", errors.New("mmap allocate error"), false},
	} {
		if got := failedWrite(c.err); got != c.want {
			t.Errorf("after %s the engine goes on: %v", c.name, got)
		}
	}
}
