//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"signet/idp/internal/secret"
)

// Root looks after the state folder of another user and leaves nothing behind
// that the other could not use. Other users than root cannot be in that place:
// for them everything is their own.
func TestWhatRootMakesBelongsToTheFoldersOwner(t *testing.T) {
	owner := os.Geteuid()
	state := filepath.Join(t.TempDir(), "var")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if owner == 0 {
		owner = 12345
		if err := os.Chown(state, owner, -1); err != nil {
			t.Fatal(err)
		}
	}
	h := mustOpen(t, state, nil)
	if _, err := h.reseal(t.Context(), filepath.Join(state, "new.key")); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(state)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; int(uid) != owner {
			t.Errorf("%s belongs to %d", e.Name(), uid)
		}
	}
	if err := os.Rename(filepath.Join(state, "new.key"), filepath.Join(state, secret.FileName)); err != nil {
		t.Fatal(err)
	}
	h = mustOpen(t, state, nil) // root reads a master key that is the owner's
	h.Close()
}

// The owner of the folder decides what the names in it mean, and must not get
// root's other files with them.
func TestRootGivesNothingAwayThatHasAnotherName(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root gives anything away
	}
	dir := t.TempDir()
	state, theirs := filepath.Join(dir, "var"), filepath.Join(dir, "shadow")
	for _, err := range []error{os.Mkdir(state, 0o700), os.Chown(state, 12345, -1), os.WriteFile(theirs, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []func(string, string) error{os.Link, os.Symlink} {
		name := filepath.Join(state, storeFile)
		if err := link(theirs, name); err != nil {
			t.Fatal(err)
		}
		_ = giveToOwner(state)
		info, err := os.Stat(theirs)
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
			t.Errorf("it was given away: %v", err)
		}
		os.Remove(name)
	}
}
