package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"signet/data/kv/bolt"

	"golang.org/x/crypto/bcrypt"
)

// Whoever copies the file finds no password and no invitation code in it, in
// the pairs and in what the engine wrote around them.
func TestAStolenFileHoldsNoPasswordAndNoCode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stolen.db")
	engine, err := bolt.Open(path, bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, engine, newClock())
	const password = "correct horse battery staple"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := s.CreateInvitation(t.Context(), Email{}, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(t.Context(), User{Email: "ann@example.com", PasswordHash: string(hash)}, code.Hash()); err != nil {
		t.Fatal(err)
	}
	unspent, _, err := s.CreateInvitation(t.Context(), Email{}, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), string(hash)) {
		t.Fatal("the test reads the wrong file")
	}
	for _, secret := range []string{password, string(code), string(unspent), string(code)[len(invitationCodePrefix):]} {
		if strings.Contains(string(file), secret) {
			t.Error("a secret is in the file")
		}
	}
}
