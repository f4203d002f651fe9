//go:build unix

package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"signet/idp/internal/config"
)

func TestAFolderThatOthersMayChangeIsRefused(t *testing.T) {
	cases := []struct {
		name        string
		mode        fs.FileMode
		owner, user int
		refused     bool
	}{
		{"our own", 0o700, 1000, 1000, false},
		{"our own, which others may read", 0o755, 1000, 1000, false},
		{"our own, which the group may change", 0o775, 1000, 1000, false},
		{"our own, which the world may change", 0o707, 1000, 1000, true},
		{"one like /tmp", fs.ModeSticky | 0o777, 0, 1000, true},
		{"root's", 0o755, 0, 1000, false},
		{"a stranger's", 0o755, 1001, 1000, true},
		{"anybody's, for root", 0o700, 1001, 0, false},
		{"everybody's, for root", 0o777, 1001, 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := folderFault("var", c.mode, c.owner, c.user); errors.Is(err, errFolder) != c.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNothingIsMadeInAFolderThatOthersMayChange(t *testing.T) {
	state := t.TempDir()
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("", nil, []string{"SIGNET_STATE=" + state})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openHouse(t.Context(), c, nil, time.Now, slog.New(slog.DiscardHandler)); !errors.Is(err, errFolder) {
		t.Errorf("got %v", err)
	}
	if made, err := filepath.Glob(filepath.Join(state, "*")); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
}

// Who may write there may listen there, too, and be told the new passwords.
func TestNoCommandTalksToASocketInAFolderThatOthersMayChange(t *testing.T) {
	state := t.TempDir()
	if err := os.Chmod(state, 0o777); err != nil {
		t.Fatal(err)
	}
	fake, err := net.Listen("unix", filepath.Join(state, controlFile))
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	go func() {
		if conn, err := fake.Accept(); err == nil {
			close(asked)
			conn.Close()
		}
	}()
	defer fake.Close()
	env := &environment{environ: []string{"SIGNET_STATE=" + state}, err: io.Discard}
	if _, err := env.connect(t.Context(), existing); !errors.Is(err, errFolder) {
		t.Errorf("got %v", err)
	}
	select {
	case <-asked:
		t.Error("it was asked")
	default:
	}
}
