package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/secret"
	"signet/keys"
)

// seeded is a seeder on a store that was filled before, at the time of now.
func seeded(t *testing.T, p plan) (*seeder, made) {
	t.Helper()
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	t.Chdir(dir)
	t.Setenv("SIGNET_STATE", state)
	t.Setenv("SIGNET_AUDIENCES", "api,other")
	t.Setenv("SIGNET_PASSWORDS_BCRYPT_COST", "10")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	create := func() ([]byte, error) { return keys.NewMasterKey(rand.Reader).Text(), nil }
	if _, err := secret.Find(secret.Places{StateFile: filepath.Join(state, secret.FileName)}, create); err != nil {
		t.Fatal(err)
	}
	m, err := run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("", false, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := bolt.Open(filepath.Join(state, storeFile), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	s := &seeder{plan: p, config: c, engine: engine, bulk: &bulk{Engine: engine}, now: time.Now()}
	if s.store, err = data.Open(t.Context(), s.bulk, data.Options{Now: s.clock}); err != nil {
		t.Fatal(err)
	}
	if err := s.services(t.Context(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return s, m
}

func TestASeededStoreIsAStoreInUse(t *testing.T) {
	p := plan{users: 150, grants: 200, clients: 7, password: "correct horse battery", secret: "a secret of at least 16 bytes",
		tokens: filepath.Join(t.TempDir(), "tokens"), keep: 50}
	s, m := seeded(t, p)
	ctx := t.Context()

	users, err := s.store.Users(ctx, "", 1000)
	if err != nil || len(users) != p.users {
		t.Fatalf("%d users, %v", len(users), err)
	}
	grants := 0
	clients := map[string]int{}
	for _, u := range users {
		alive, err := s.store.UserGrants(ctx, u.ID, data.GrantID{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		grants += len(alive)
		for _, g := range alive {
			clients[g.Client]++
			if g.Current != 2 || len(g.Status) != 1 {
				t.Errorf("a grant is not as it is after a turn: generation %d, %d slots", g.Current, len(g.Status))
			}
		}
	}
	if grants != p.grants || clients["signet"] != p.grants/2 || len(clients) != 1+p.clients {
		t.Errorf("%d live grants, of clients %v", grants, clients)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(users[0].PasswordHash), []byte(p.password)); err != nil {
		t.Errorf("the password: %v", err)
	}
	c, err := s.clients.Find(ctx, clientID(3))
	if err != nil || !s.clients.HasSecret(c, p.secret) {
		t.Errorf("a client has not its secret: %v", err)
	}
	if m.Grants != p.grants || m.UserBytes <= 0 || m.GrantBytes <= 0 || m.FileBytes <= m.FreeBytes {
		t.Errorf("it says %+v", m)
	}
	turnAll(t, ctx, s, p)
}

// turnAll spends the tokens that were written.
func turnAll(t *testing.T, ctx context.Context, s *seeder, p plan) {
	t.Helper()
	text, err := os.ReadFile(p.tokens)
	if err != nil {
		t.Fatal(err)
	}
	tokens := strings.Fields(string(text))
	if len(tokens) != p.keep {
		t.Errorf("%d tokens were written", len(tokens))
	}
	for _, token := range tokens {
		if _, err := s.starts.Turn(ctx, token, nil); err != nil {
			t.Fatalf("a token that was written: %v", err)
		}
	}
}

func TestAFailureAmongManyUndoesAll(t *testing.T) {
	p := plan{users: 10, password: "correct horse battery", tokens: filepath.Join(t.TempDir(), "tokens")}
	s, _ := seeded(t, p)
	err := s.each(t.Context(), "users", 3, func(i int) error {
		_, err := s.store.ImportUser(t.Context(), data.User{Email: []string{"new@example.com", "another@example.com", "no e-mail"}[i]})
		return err
	})
	if err == nil {
		t.Fatal("what is no e-mail was taken")
	}
	users, err := s.store.Users(t.Context(), "", 1000)
	if err != nil || len(users) != p.users {
		t.Errorf("%d users, %v", len(users), err)
	}
}
