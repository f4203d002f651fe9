package control

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
)

// Listen makes the control socket at path and listens there. The caller holds
// the store's lock: a socket that is there already is a dead issuer's, and is
// replaced. Anything else that bears the name stays, and is an error.
//
// The socket is made in a folder of its own, mode 0700, gets its mode 0600
// there and is moved to its place: there is no moment at which another user
// could reach it, whatever the umask. Closing the listener removes it.
func Listen(path string, logger *slog.Logger) (net.Listener, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("control: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("control: %s is in the way: it is no socket, so it stays; move it elsewhere", path)
	default:
		logger.Warn("an issuer before did not stop properly: its control socket is replaced", "path", path)
	}

	dir, err := os.MkdirTemp(filepath.Dir(path), ".control-*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := bind(made)
	if err != nil {
		return nil, err
	}
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, path)
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Lstat(path)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("control: %w", err)
	}
	return &listener{UnixListener: l, path: path, made: info, log: logger}, nil
}

func bind(path string) (l *net.UnixListener, err error) {
	err = short(path, func(name string) error {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	l.SetUnlinkOnClose(false) // it moves; listener.Close knows where to
	return l, nil
}

// maxPath is what a socket's address holds on every system (sun_path of 104 or
// 108 bytes, with its NUL).
const maxPath = 103

// short calls fn with a name of the socket at path that fits into an address.
// Linux names an open folder in a few characters; elsewhere the path itself
// has to be short.
func short(path string, fn func(name string) error) error {
	if len(path) <= maxPath {
		return fn(path)
	}
	tooLong := fmt.Errorf("the path of the control socket has %d bytes, and at most %d fit: choose a shorter state folder, or a relative one: %s",
		len(path), maxPath, path)
	if runtime.GOOS != "linux" {
		return tooLong
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	open := fmt.Sprintf("/proc/self/fd/%d", dir.Fd())
	if _, err := os.Stat(open); err != nil {
		return tooLong // no /proc here
	}
	return fn(filepath.Join(open, filepath.Base(path)))
}

// listener accepts only its own user and root, and takes the socket away when
// it is closed.
type listener struct {
	*net.UnixListener
	path string
	made fs.FileInfo
	log  *slog.Logger
}

// Accept closes the connections of strangers at once, before they say a word.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peerUID(c)
		if err == nil {
			err = allowed(uid, os.Geteuid())
		}
		if err == nil {
			return c, nil
		}
		l.log.Warn("someone was turned away from the control socket", "error", err)
		_ = c.Close()
	}
}

// allowed says who may use a socket of the user self.
func allowed(uid, self int) error {
	if uid == self || uid == 0 {
		return nil
	}
	return fmt.Errorf("control: user %d is not user %d, nor root", uid, self)
}

// Close removes the socket first, so that nobody finds one that is dead; it
// leaves one that is not its own.
func (l *listener) Close() error {
	if there, err := os.Lstat(l.path); err == nil && os.SameFile(there, l.made) {
		_ = os.Remove(l.path)
	}
	return l.UnixListener.Close()
}
