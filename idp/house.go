package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/control"
	"signet/idp/internal/fetch"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/secret"
	"signet/idp/internal/signin"
	"signet/keys"
)

// The names in the state folder.
const (
	storeFile   = "signet.db"
	controlFile = "control.sock"
)

// lockWait is how long to wait for another process to let the store go.
const lockWait = time.Second

// house is an opened state folder: the store, its keys, and the services that
// stand on them. The issuer serves from one; a command that finds no issuer
// running opens one for itself.
type house struct {
	config  config.Config
	now     func() time.Time
	logger  *slog.Logger
	engine  *bolt.Engine
	store   *data.Store
	ring    *keys.Ring
	macs    *keys.MACs
	secret  *keys.Secret
	signin  *signin.Service
	grants  *grant.Service
	fetch   *fetch.Fetcher
	clients *client.Registry

	shared    bool        // other nodes may be on the same store
	leaving   atomic.Bool // it drains: it is not ready any more
	resealing sync.Mutex  // one change of the master key at a time
	guard     sync.Mutex  // guards master and sealer
	master    secret.Found
	sealer    *keys.Sealer
}

// openHouse opens the state folder that c names, and makes it, with a master
// key and a key ring, where there is none.
func openHouse(ctx context.Context, c config.Config, environ []string, now func() time.Time, logger *slog.Logger) (*house, error) {
	return openHouseOn(ctx, c, environ, now, logger, func(e *bolt.Engine) kv.Engine { return e })
}

// openHouseOn is openHouse with something between the records and the engine,
// such as a test that counts what is asked of it.
func openHouseOn(ctx context.Context, c config.Config, environ []string, now func() time.Time, logger *slog.Logger,
	between func(*bolt.Engine) kv.Engine) (_ *house, err error) {
	if err := makeFolder(c.State); err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	if err := checkFolder(c.State); err != nil {
		return nil, err
	}
	engine, err := bolt.Open(filepath.Join(c.State, storeFile), bolt.Options{Timeout: lockWait, Logger: logger})
	if err != nil {
		return nil, err
	}
	h := &house{config: c, now: now, logger: logger, engine: engine}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	seen := between(engine)
	_, alone := seen.(*bolt.Engine) // one process has the file
	h.shared = !alone
	if h.store, err = data.Open(ctx, seen, data.Options{Now: now, Logger: logger, AccessTTL: longestAccess(c)}); err != nil {
		return nil, err
	}
	master, err := h.openKeys(ctx, environ)
	if err != nil {
		return nil, err
	}
	if err := h.openServices(ctx, master); err != nil {
		return nil, err
	}
	return h, giveToOwner(c.State)
}

// makeFolder makes the state folder where there is none. A power cut must not
// take away its name with all that was acknowledged in it.
func makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
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
		Now:    h.now,
		Policy: grant.Policy{TTL: t.RefreshTTL, Max: t.RefreshMax, Grace: h.grace(), Late: late},
	})
	if err != nil {
		return err
	}
	h.signin, err = signin.New(ctx, signin.Options{
		Store: h.store, Registration: signin.Registration(h.config.Registration),
		Cost: p.BcryptCost, MinLength: p.MinLength, Workers: p.HashingWorkers, Wait: p.HashingWait,
		Throttle: signin.Throttle(h.config.Throttle), CookieKey: master.Derive("signin"), Now: h.now, Logger: h.logger,
	})
	if err != nil {
		return err
	}
	h.fetch = h.newFetcher()
	h.clients, err = client.New(ctx, client.Options{
		Config: h.config, Store: h.store, Secret: h.secret, Fetch: h.fetch, Documents: h.newFetcher(), Now: h.now, Logger: h.logger,
	})
	return err
}

// grace is how long after a turn the spent token gets the same answer. The node
// that is asked again may be another than the one that noted the time, and its
// clock ahead: nobody is signed out for that.
func (h *house) grace() time.Duration {
	g := h.config.Tokens.RefreshGrace
	if h.shared && g > 0 {
		g += h.config.Keys.Skew
	}
	return g
}

// newFetcher makes a way to fetch with room and memory of its own, so that what
// strangers make it fetch holds up nobody else's keys and logouts.
func (h *house) newFetcher() *fetch.Fetcher {
	return fetch.New(fetch.Options{Allow: h.config.Fetch.Allow, Now: h.now, Logger: h.logger})
}

// macRefused tells a token's fault from the store's.
func macRefused(err error) bool {
	return errors.Is(err, keys.ErrMACMismatch) || errors.Is(err, keys.ErrMACRevoked) || errors.Is(err, keys.ErrMACUnknown)
}

// keyConfig is the schedule of the ring that the configuration asks for.
func keyConfig(c config.Config) keys.Config {
	k := keys.Config{
		Algs: c.Keys.Algs, RSABits: c.Keys.RSABits, RotateEvery: c.Keys.RotateEvery, PublishAhead: c.Keys.PublishAhead,
		Lease: c.Keys.Lease, Skew: c.Keys.Skew, MaxLifetime: map[keys.Alg]time.Duration{},
	}
	for _, a := range c.Audiences {
		alg := c.Alg(a)
		k.MaxLifetime[alg] = max(k.MaxLifetime[alg], c.AccessTTL(a))
	}
	for _, alg := range c.Keys.Algs { // a client chooses what signs its ID tokens
		k.MaxLifetime[alg] = max(k.MaxLifetime[alg], c.Tokens.IDTTL)
	}
	return k
}

// longestAccess is the longest that an access token lives.
func longestAccess(c config.Config) (longest time.Duration) {
	for _, a := range c.Audiences {
		longest = max(longest, c.AccessTTL(a))
	}
	return longest
}

// control returns the operations on this house.
func (h *house) control() http.Handler {
	return control.NewHandler(control.Services{
		Store: h.store, Ring: h.ring, MACs: h.macs, Signin: h.signin, Clients: h.clients, Grants: h.grants,
		Live: live.New(live.Options{Issuer: h.config.Issuer, Ring: h.ring, Store: h.store, Clients: h.clients, Now: h.now}),
		MasterKey: func() (id, from string) {
			h.guard.Lock()
			defer h.guard.Unlock()
			return h.sealer.MasterKeyID(), h.master.From
		},
		Reseal: h.reseal,
		StoreStats: func() control.StoreStats {
			s := h.engine.Stats()
			return control.StoreStats{Transactions: s.Updates, Commits: s.Commits, Bytes: s.Bytes, Free: s.Free}
		},
		Ballast:            func() uint64 { return uint64(held.Load()) },
		AccessLifetime:     longestAccess(h.config),
		Registration:       string(h.config.Registration),
		ClientRegistration: string(h.config.ClientRegistration),
		State:              h.config.State,
		Version:            version(),
		Now:                h.now,
		Logger:             h.logger,
	})
}

// listenControl makes the control socket; serve it with control.Serve. The
// house holds the store's lock, so a socket that is there is a dead issuer's.
func (h *house) listenControl() (net.Listener, error) {
	return control.Listen(filepath.Join(h.config.State, controlFile), h.logger)
}

// Close lets the store go.
func (h *house) Close() error {
	// Before the lock is let go: what was made meanwhile, by a compaction too.
	err := giveToOwner(h.config.State)
	if h.clients != nil {
		h.clients.Close()
	}
	return errors.Join(err, h.engine.Close())
}
