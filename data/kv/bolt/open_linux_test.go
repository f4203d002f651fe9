package bolt

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"signet/data/kv"
)

// asNobody runs fn with the rights of a user who owns nothing, which the
// kernel keeps for each thread; root would be refused nothing.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Getuid() == 0 {
		if err := unix.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Setfsuid(0) }()
	}
	fn()
}

func TestAFileThatMayNotBeWrittenIsReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "signet") // t.TempDir lies below a closed folder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := dir + "/signet.db"
	e := openAt(t, path)
	if err := errors.Join(e.Close(), os.Chmod(dir, 0o755), os.Chmod(path, 0o444)); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if _, err := Open(path, Options{}); !errors.Is(err, kv.ErrReadOnly) {
			t.Errorf("got %v, want kv.ErrReadOnly", err)
		}
	})
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if _, err := Open(path, Options{}); !errors.Is(err, fs.ErrPermission) || errors.Is(err, kv.ErrReadOnly) {
			t.Errorf("got %v, want fs.ErrPermission alone", err)
		}
	})
}

// openFiles counts this process's open files named path.
func openFiles(path string) (n int) {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == path {
			n++
		}
	}
	return n
}

func TestWhoWaitedWhileTheFileWasCompactedOpensTheNewOne(t *testing.T) {
	e := openNew(t)
	type opened struct {
		e   *Engine
		err error
	}
	next := make(chan opened, 1)
	before := openFiles(e.path)
	go func() {
		e, err := Open(e.path, Options{Timeout: time.Minute})
		next <- opened{e, err}
	}()
	for openFiles(e.path) == before { // it has the old file open, and waits for its lock
		runtime.Gosched()
	}
	if err := errors.Join(e.Compact(t.Context()), e.Update(t.Context(), write("k")), e.Close()); err != nil {
		t.Fatal(err)
	}
	o := <-next
	if o.err != nil {
		t.Fatal(o.err)
	}
	defer o.e.Close()
	if !has(t, o.e, "k") {
		t.Fatal("the store was opened in the file that was replaced")
	}
}
