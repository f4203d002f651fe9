//go:build unix

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// errFolder says that others than the issuer's own user may put files into
// the state folder, and so a store or a key of theirs in the place of ours.
var errFolder = errors.New("others may change the state folder")

// checkFolder refuses such a folder. Root works in anybody's, and a group is
// trusted: people have one of their own on many systems, and a umask that lets
// it write.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner := 0
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	return folderFault(path, info.Mode(), owner, os.Geteuid())
}

func folderFault(path string, mode fs.FileMode, owner, user int) error {
	switch {
	case mode.Perm()&0o002 != 0:
		return fmt.Errorf("%w: %s has mode %04o; run: chmod 700 %s", errFolder, path, mode.Perm(), path)
	case owner != 0 && user != 0 && owner != user:
		return fmt.Errorf("%w: %s belongs to user %d, and this is user %d", errFolder, path, owner, user)
	}
	return nil
}
