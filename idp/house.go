package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/secret"
	"signet/idp/internal/signin"
	"signet/keys"
	"signet/resource/token"
)

// The names in the state folder.
const (
	storeFile   = "signet.db"
	controlFile = "control.sock"
)

// lockWait is how long a command waits for another one to let the store go.
const lockWait = time.Second

// house is an opened state folder: the store, its keys, and the services that
// stand on them. The issuer serves from one; a command that finds no issuer
// running opens one for itself.
type house struct {
	config config.Config
	logger *slog.Logger
	engine *bolt.Engine
	store  *data.Store
	master secret.Found
	sealer *keys.Sealer
	ring   *keys.Ring
	macs   *keys.MACs
	signin *signin.Service
	grants *grant.Service
}

// openHouse opens the state folder that c names, and makes it, with a master
// key and a key ring, where there is none.
func openHouse(ctx context.Context, c config.Config, environ []string, logger *slog.Logger) (_ *house, err error) {
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	if err := checkFolder(c.State); err != nil {
		return nil, err
	}
	engine, err := bolt.Open(filepath.Join(c.State, storeFile), bolt.Options{Timeout: lockWait, Logger: logger})
	if err != nil {
		return nil, err
	}
	h := &house{config: c, logger: logger, engine: engine}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.store, err = data.Open(ctx, engine, data.Options{Logger: logger}); err != nil {
		return nil, err
	}
	master, err := h.openKeys(ctx, environ)
	if err != nil {
		return nil, err
	}
	return h, h.openServices(ctx, master)
}

// openKeys finds the master key and opens what it seals.
func (h *house) openKeys(ctx context.Context, environ []string) (keys.MasterKey, error) {
	ring, macs := h.store.Cell("ring"), h.store.Cell("macs")
	master, err := h.findMaster(ctx, ring, environ)
	if err != nil {
		return master, err
	}
	h.sealer = keys.NewSealer(master, h.store.Meta().StoreID)
	schedule := keyConfig(h.config)
	if err := schedule.Validate(); err != nil {
		return master, fmt.Errorf("%s: %w", cmp.Or(h.config.File, "the configuration"), err)
	}
	h.ring, err = keys.Open(ctx, keys.Options{Config: schedule, Store: ring, Sealer: h.sealer, Logger: h.logger})
	if err != nil {
		return master, err
	}
	h.macs, err = keys.OpenMACs(ctx, keys.Options{Config: schedule, Store: macs, Sealer: h.sealer, Logger: h.logger})
	return master, err
}

// findMaster makes a master key only for a store that has nothing sealed: for
// any other a new one would be the wrong one.
func (h *house) findMaster(ctx context.Context, ring *data.Cell, environ []string) (keys.MasterKey, error) {
	sealed, err := ring.Load(ctx)
	if err != nil {
		return keys.MasterKey{}, err
	}
	create := func() ([]byte, error) { return keys.NewMasterKey(rand.Reader).Text(), nil }
	if sealed != nil {
		create = nil
	}
	h.master, err = secret.Find(secret.Places{
		File: h.config.MasterKeyFile, Environ: environ, StateFile: filepath.Join(h.config.State, secret.FileName),
	}, create)
	if err != nil {
		return keys.MasterKey{}, err
	}
	master, err := keys.ParseMasterKey(h.master.Text)
	if err != nil {
		return keys.MasterKey{}, fmt.Errorf("%s: %w", h.master.From, err)
	}
	return master, nil
}

func keyConfig(c config.Config) keys.Config {
	k := keys.Config{
		RSABits: c.Keys.RSABits, RotateEvery: c.Keys.RotateEvery, PublishAhead: c.Keys.PublishAhead,
		Lease: c.Keys.Lease, Skew: c.Keys.Skew, MaxLifetime: map[keys.Alg]time.Duration{},
	}
	for _, alg := range c.Keys.Algs {
		k.Algs = append(k.Algs, token.Alg(alg))
	}
	for _, a := range c.Audiences {
		alg := token.Alg(c.Alg(a))
		k.MaxLifetime[alg] = max(k.MaxLifetime[alg], c.AccessTTL(a))
	}
	return k
}

// openServices starts the services on the opened store and keys.
func (h *house) openServices(ctx context.Context, master keys.MasterKey) (err error) {
	t, p := h.config.Tokens, h.config.Passwords
	late := grant.LateFork
	if t.RefreshLate == config.LateRevoke {
		late = grant.LateRevoke
	}
	h.grants, err = grant.New(grant.Options{
		Store: h.store, MACs: h.macs, Refused: macRefused, Logger: h.logger,
		Policy: grant.Policy{TTL: t.RefreshTTL, Max: t.RefreshMax, Grace: t.RefreshGrace, Late: late},
	})
	if err != nil {
		return err
	}
	h.signin, err = signin.New(ctx, signin.Options{
		Store: h.store, Registration: signin.Registration(h.config.Registration),
		Cost: p.BcryptCost, MinLength: p.MinLength, Workers: p.HashingWorkers, Wait: p.HashingWait,
		Throttle: signin.Throttle(h.config.Throttle), CookieKey: master.Derive("signin"), Logger: h.logger,
	})
	return err
}

// macRefused tells a token's fault from the store's.
func macRefused(err error) bool {
	return errors.Is(err, keys.ErrMACMismatch) || errors.Is(err, keys.ErrMACRevoked) || errors.Is(err, keys.ErrMACUnknown)
}

// Close lets the store go.
func (h *house) Close() error {
	if h.engine == nil {
		return nil
	}
	return h.engine.Close()
}
