// Package seed makes stores of many users, clients and live grants for the
// bench, and says what is in one.
package seed

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"signet/prove/issuer"
)

// The password of all users and the secret of all clients. Nobody but the bench
// starts an issuer on such a store.
const (
	Password = "correct horse battery"
	Secret   = "the secret of every client of the bench"
)

// Email and ClientID name the i-th user and the i-th client.
func Email(i int) string    { return fmt.Sprintf("person%07d@example.com", i) }
func ClientID(i int) string { return fmt.Sprintf("client%06d", i) }

// Store is a seeded store in a folder.
type Store struct {
	Dir       string `json:"-"`
	Audiences int    `json:"audiences"`
	Made
}

// Made is what the seeder says of a store.
type Made struct {
	Users       int   `json:"users"`
	Grants      int   `json:"grants"`
	Clients     int   `json:"clients"`
	UserBytes   int64 `json:"user_bytes"`
	GrantBytes  int64 `json:"grant_bytes"`
	ClientBytes int64 `json:"client_bytes"`
	FileBytes   int64 `json:"file_bytes"`
	FreeBytes   int64 `json:"free_bytes"`
	Took        int64 `json:"took_ns"`
}

const (
	stateName    = "state"
	tokensName   = "tokens"
	manifestName = "seed.json"
)

// State is the issuer's state folder.
func (s Store) State() string { return filepath.Join(s.Dir, stateName) }

// Settings are those that an issuer on the store needs.
func (s Store) Settings() issuer.Settings {
	names := []string{"api"}
	for i := 1; i < s.Audiences; i++ {
		names = append(names, fmt.Sprintf("api%04d", i))
	}
	return issuer.Settings{"audiences": strings.Join(names, ",")}
}

// Command is `bench seed`.
func Command(ctx context.Context, args []string) error {
	var s Store
	set := flag.NewFlagSet("bench seed", flag.ContinueOnError)
	set.StringVar(&s.Dir, "store", "", "the folder to make; it must not be there")
	set.IntVar(&s.Users, "users", 1_000_000, "how many users")
	set.IntVar(&s.Grants, "grants", 1_000_000, "how many live grants")
	set.IntVar(&s.Clients, "clients", 100_000, "how many clients, beside the one of the JSON API")
	set.IntVar(&s.Audiences, "audiences", 1000, "how many audiences")
	if err := set.Parse(args); err != nil {
		return err
	}
	if s.Dir == "" || set.NArg() > 0 {
		return errors.New("seed: say where with -store DIR")
	}
	if s.Users < 1 || s.Grants < 0 || s.Clients < 0 || s.Audiences < 1 {
		return errors.New("seed: there is at least one user and one audience, and nothing less than none")
	}
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		return err
	}
	if err := s.make(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(s.Dir))
	}
	_, err := fmt.Printf("%s: %d users, %d grants, %d clients, %d audiences in %d MB, of which %d MB are free pages\n",
		s.Dir, s.Users, s.Grants, s.Clients, s.Audiences, s.FileBytes>>20, s.FreeBytes>>20)
	return err
}

// make has an issuer make an empty store, and the seeder fill it.
func (s *Store) make(ctx context.Context) error {
	tools, err := os.MkdirTemp("", "signet-seed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tools)
	idp, err := issuer.Build(tools, "idp")
	if err != nil {
		return err
	}
	seeder, err := issuer.Build(tools, "idp/internal/seed")
	if err != nil {
		return err
	}
	home, err := issuer.NewHome(idp, s.Dir, issuer.Roomy.With(s.Settings()))
	if err != nil {
		return err
	}
	p, err := home.Start()
	if err != nil {
		return err
	}
	if err := p.Stop(); err != nil {
		return err
	}
	home.Binary = seeder
	cmd := home.Command(ctx, "-users", fmt.Sprint(s.Users), "-grants", fmt.Sprint(s.Grants), "-clients", fmt.Sprint(s.Clients),
		"-password", Password, "-secret", Secret, "-tokens", filepath.Join(s.Dir, tokensName))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the seeder: %w", err)
	}
	if err := json.Unmarshal(out, &s.Made); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, manifestName), append(text, '\n'), 0o600)
}

// Open reads what is in the folder that Command made.
func Open(dir string) (s Store, err error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	s.Dir = dir
	if err != nil {
		return s, fmt.Errorf("%s is no folder that `bench seed` made: %w", dir, err)
	}
	return s, nil
}

// Tokens are refresh tokens of the JSON API, each of another grant.
func (s Store) Tokens() (tokens []string, err error) {
	f, err := os.Open(filepath.Join(s.Dir, tokensName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		tokens = append(tokens, lines.Text())
	}
	return tokens, lines.Err()
}
