//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"signet/data/kv"
)

// lockFile takes the lock of a file: of a store that is too damaged to be opened,
// so that no other process puts another in its place, or of a state folder.
func lockFile(path string) (unlock func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = kv.ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
