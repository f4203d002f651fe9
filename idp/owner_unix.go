//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"signet/idp/internal/secret"
)

// ownerOf returns whom root acts for in a state folder that is another
// user's, and 0 for everyone else.
func ownerOf(state string) int {
	info, err := os.Stat(state)
	if err != nil || os.Geteuid() != 0 {
		return 0
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// giveToOwner gives what root made in another user's state folder to that
// user, whose issuer could not open it otherwise.
func giveToOwner(state string) error {
	if ownerOf(state) == 0 {
		return nil
	}
	var errs []error
	for _, name := range []string{storeFile, secret.FileName} {
		errs = append(errs, giveFile(filepath.Join(state, name), state))
	}
	return errors.Join(errs...)
}

// giveFile gives a file that root made to the owner of the state folder. The
// folder's owner decides what a name there means, so only a plain file of
// root's with no other name is given away.
func giveFile(path, state string) error {
	owner := ownerOf(state)
	if owner == 0 {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Uid != 0 || st.Nlink != 1 {
		return nil
	}
	if err := unix.Fchown(fd, owner, -1); err != nil {
		return fmt.Errorf("giving %s to its folder's owner: %w", path, err)
	}
	return nil
}
