package control

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyItsUserAndRootMayUseASocket(t *testing.T) {
	for _, tt := range []struct {
		uid, self int
		ok        bool
	}{
		{1000, 1000, true}, {0, 1000, true}, {0, 0, true}, {1001, 1000, false}, {1000, 0, false},
	} {
		if err := allowed(tt.uid, tt.self); (err == nil) != tt.ok {
			t.Errorf("user %d at a socket of %d: %v", tt.uid, tt.self, err)
		}
	}
}

func TestTheKernelSaysWhoConnects(t *testing.T) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accepted, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if uid, err := peerUID(accepted); uid != os.Geteuid() || err != nil {
		t.Errorf("user %d, %v", uid, err)
	}
}

func TestASocketIsItsOwnersWhateverTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	path := filepath.Join(dir, "control.sock")
	l, err := Listen(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something was left: %v", entries)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestWhatIsInTheWayOfASocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "control.sock")
	for name, put := range map[string]func() error{
		"a file":   func() error { return os.WriteFile(path, []byte("note"), 0o644) },
		"a folder": func() error { return os.Mkdir(path, 0o755) },
		"a link":   func() error { return os.Symlink("elsewhere", path) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		l, err := Listen(path, quiet)
		if err == nil {
			l.Close()
			t.Errorf("%s was taken for a dead socket", name)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s was replaced: %v", name, err)
		}
		os.Remove(path)
	}
}

func TestAnotherIssuersSocketIsLeftInItsPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	first, err := Listen(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Listen(path, quiet) // whoever holds the store's lock
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the first one took it away: %v", err)
	}
}

func TestAPathThatNoAddressHolds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "control.sock")
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNobody) {
		t.Errorf("before there is one: %v", err)
	}
	serve(t, path, NewHandler(services(t)))
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
