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
	secrets := leaveSecrets(t, s)
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
	for _, secret := range append(secrets, password, string(code), string(unspent), string(code)[len(invitationCodePrefix):]) {
		if strings.Contains(string(file), secret) {
			t.Error("a secret is in the file")
		}
	}
}

// leaveSecrets stores one of each kind that is shown to get something.
func leaveSecrets(t *testing.T, s *Store) (secrets []string) {
	t.Helper()
	secret := func(prefix string) Hash {
		text, hash, err := s.NewSecret(prefix)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, text[len(prefix):])
		return hash
	}
	end := s.now().Add(time.Hour)
	for _, err := range []error{
		s.Codes.Create(t.Context(), Code{Hash: secret("signet_ac_"), ExpiresAt: end}),
		s.Requests.Create(t.Context(), Request{Hash: secret("signet_rq_"), ExpiresAt: end}),
		s.CreateDevice(t.Context(), Device{Hash: secret("signet_dc_"), ExpiresAt: end}, UserCode{Hash: HashOfUserCode("BCDF-GHJK"), ExpiresAt: end}),
		s.InitialTokens.Create(t.Context(), InitialToken{Hash: secret("signet_ia_"), ExpiresAt: end}),
		s.CreateClient(t.Context(), Client{ID: "web", SecretHash: secret("signet_cs_"), RegistrationToken: secret("signet_ra_")}, 0),
		s.Sessions.Create(t.Context(), Session{Hash: secret(""), Secret: secret(""), Previous: secret(""), ExpiresAt: end}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(secrets, "BCDFGHJK", "BCDF-GHJK")
}
