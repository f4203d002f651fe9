package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"signet/data"
	"signet/idp/internal/config"
)

// A restore that is interrupted, or killed, leaves the store as it was.
func TestARestoreThatIsInterrupted(t *testing.T) {
	state := t.TempDir()
	h := mustOpen(t, state, nil)
	if _, err := h.store.CreateUser(t.Context(), data.User{Email: "ana@example.com"}, data.InvitationHash{}); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	var copied bytes.Buffer
	if _, err := h.store.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(backup, copied.Bytes(), 0o600), h.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(state, storeFile))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse("", nil, []string{"SIGNET_STATE=" + state, "SIGNET_KEYS_ALGS=ES256"})
	if err != nil {
		t.Fatal(err)
	}
	restore := func(ctx context.Context) error {
		r := &restoring{env: &environment{}, config: c, force: true}
		return errors.Join(r.run(ctx, backup), r.close())
	}

	killed := filepath.Join(state, ".restore-killed")
	if err := os.Mkdir(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := restore(interrupted); !errors.Is(err, context.Canceled) {
		t.Fatalf("it went on: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(state, storeFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the store is another: %v", err)
	}
	if err := restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := func() (list []string) {
		entries, _ := os.ReadDir(state)
		for _, e := range entries {
			list = append(list, e.Name())
		}
		return list
	}()
	if len(names) != 3 { // master.key, signet.db and the one that was replaced
		t.Errorf("left behind: %v", names)
	}
}
