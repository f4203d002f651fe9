package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/config"
)

// A line that is taken out of the configuration takes the client's access
// tokens with it, at the next start.
func TestAClientThatIsTakenOutOfTheConfigurationLosesItsAccessTokens(t *testing.T) {
	dir := t.TempDir()
	settings := []string{"SIGNET_STATE=" + filepath.Join(dir, "var"), "SIGNET_LISTEN=127.0.0.1:0", "SIGNET_KEYS_ALGS=ES256"}
	file := filepath.Join(dir, "config.yaml")
	serveOnce := func(yaml string) {
		t.Helper()
		must(t, os.WriteFile(file, []byte(yaml), 0o600))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		out, told := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{"serve", "--config", file}, environment{environ: settings, in: os.Stdin, out: told, err: io.Discard})
			_ = told.Close()
		}()
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			t.Fatalf("the issuer ended with %d", <-ended)
		}
		go func() { _, _ = io.Copy(io.Discard, out) }()
		stop()
		if code := <-ended; code != exitOK {
			t.Fatalf("the issuer ended with %d", code)
		}
	}
	inStore := func(do func(s *data.Store)) {
		t.Helper()
		c, err := config.Parse("config.yaml", nil, settings)
		must(t, err)
		h, err := openHouse(t.Context(), c, nil, time.Now, slog.New(slog.DiscardHandler))
		must(t, err)
		do(h.store)
		must(t, h.Close())
	}
	const stays = "clients:\n- {id: stays, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials]}\n"
	const goes = "- {id: goes, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials]}\n"

	serveOnce(stays + goes)
	of := map[string]data.Slot{}
	inStore(func(s *data.Store) {
		for _, id := range []string{"stays", "goes"} {
			slot, err := s.DrawClientSlot(t.Context(), id, []string{"api"})
			must(t, err)
			of[id] = slot
		}
	})
	serveOnce(stays)
	inStore(func(s *data.Store) {
		for id, slot := range of {
			bits, _, err := s.StatusBits(t.Context(), slot.List)
			must(t, err)
			if set := bits[slot.Index/8]>>(slot.Index%8)&1 == 1; set != (id == "goes") {
				t.Errorf("%s is revoked: %t", id, set)
			}
		}
	})
}
