// Command seed fills a store with many users, clients and live grants, so that
// the bench can say what their number costs. `go run ./bench seed` builds and
// runs it; it is no part of the issuer's binary.
//
// What it writes is made by the functions by which the issuer makes it, on an
// engine that joins many of their transactions to one: see bulk. The store's
// clock runs through the last weeks meanwhile, so the grants are as old, and end
// as far apart, as those of a store that has been in use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/secret"
	"signet/keys"
)

func main() {
	var p plan
	flag.IntVar(&p.users, "users", 1_000_000, "how many users there are to be")
	flag.IntVar(&p.grants, "grants", 1_000_000, "how many live grants")
	flag.IntVar(&p.clients, "clients", 100_000, "how many clients")
	flag.StringVar(&p.password, "password", "", "the password of all users")
	flag.StringVar(&p.secret, "secret", "", "the secret of all clients")
	flag.StringVar(&p.tokens, "tokens", "", "the file for refresh tokens of the JSON API, a line each")
	flag.IntVar(&p.keep, "keep", 100_000, "how many refresh tokens to write there, at most")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	made, err := run(ctx, p)
	stop()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(made)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
}

// plan is what the store is to hold.
type plan struct {
	users, grants, clients int
	password, secret       string
	tokens                 string
	keep                   int
}

// made says what the store takes.
type made struct {
	Users       int           `json:"users"`
	Grants      int           `json:"grants"`
	Clients     int           `json:"clients"`
	UserBytes   int64         `json:"user_bytes"`   // of the file's pages, for the users
	GrantBytes  int64         `json:"grant_bytes"`  // for the grants
	ClientBytes int64         `json:"client_bytes"` // for the clients
	FileBytes   int64         `json:"file_bytes"`   // all pages, with those that are free
	FreeBytes   int64         `json:"free_bytes"`
	Took        time.Duration `json:"took_ns"`
}

// The names that package main of idp gives them.
const (
	storeFile  = "signet.db"
	macsCell   = "macs"
	secretCell = "secret"
)

// run opens the state folder that the configuration names. An issuer has made
// it, and is not running.
func run(ctx context.Context, p plan) (m made, err error) {
	c, err := config.Load("config.yaml", false, os.Environ())
	if err != nil {
		return m, err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := bolt.Open(filepath.Join(c.State, storeFile), bolt.Options{Logger: logger})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	s := &seeder{plan: p, config: c, engine: engine, bulk: &bulk{Engine: engine}, now: time.Now()}
	if s.store, err = data.Open(ctx, s.bulk, data.Options{Now: s.clock, Logger: logger, AccessTTL: c.Tokens.AccessTTL}); err != nil {
		return m, err
	}
	beside, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.services(beside, logger); err != nil {
		return m, err
	}
	return s.run(ctx)
}

// services opens what the issuer makes grants and clients with. The MAC keys
// are confirmed beside it until ctx ends, by a store of their own: s.store is
// in the middle of a transaction.
func (s *seeder) services(ctx context.Context, logger *slog.Logger) error {
	found, err := secret.Find(secret.Places{
		File: s.config.MasterKeyFile, Environ: os.Environ(), StateFile: filepath.Join(s.config.State, secret.FileName),
	}, nil)
	if err != nil {
		return err
	}
	master, err := keys.ParseMasterKey(found.Text)
	if err != nil {
		return err
	}
	plain, err := data.Open(ctx, s.engine, data.Options{Logger: logger})
	if err != nil {
		return err
	}
	o := keys.Options{Config: keys.DefaultConfig(), Sealer: keys.NewSealer(master, s.store.Meta().StoreID), Logger: logger,
		Store: plain.Cell(macsCell), KeepMACs: s.config.Tokens.RefreshMax}
	macs, err := keys.OpenMACs(ctx, o)
	if err != nil {
		return err
	}
	go func() { _ = macs.Run(ctx) }() // without its lease no token is made, and that is an error of its own
	o.Store = plain.Cell(secretCell)
	sealed, err := keys.OpenSecret(ctx, o)
	if err != nil {
		return err
	}
	if s.starts, err = s.grantsOn(s.store, macs, sealed, s.clock, logger); err != nil {
		return err
	}
	ahead, err := data.Open(ctx, s.bulk, data.Options{Now: s.later, Logger: logger, AccessTTL: s.config.Tokens.AccessTTL})
	if err != nil {
		return err
	}
	if s.turns, err = s.grantsOn(ahead, macs, sealed, s.later, logger); err != nil {
		return err
	}
	s.clients, err = client.New(ctx, client.Options{Config: s.config, Store: s.store, Secret: sealed, Now: s.clock, Logger: logger})
	return err
}

func (s *seeder) grantsOn(store *data.Store, macs *keys.MACs, sealed *keys.Secret, now func() time.Time, logger *slog.Logger) (*grant.Service, error) {
	t := s.config.Tokens
	return grant.New(grant.Options{
		Store: store, MACs: macs, Secret: sealed, Refused: func(error) bool { return false }, Now: now, Logger: logger,
		Policy: grant.Policy{TTL: t.RefreshTTL, Max: t.RefreshMax, Grace: t.RefreshGrace, Late: grant.LateFork},
	})
}
