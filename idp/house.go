package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
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
	"signet/idp/internal/nodes"
	"signet/idp/internal/secret"
	"signet/idp/internal/signin"
	"signet/keys"
)

// The names in the state folder.
const (
	storeFile   = config.StoreFile
	controlFile = "control.sock"
	issuerLock  = "issuer.lock" // of an issuer whose store has no lock of its own
)

// lockWait is how long to wait for another process to let the store go.
const lockWait = time.Second

// house is an opened store with its keys, and the services that stand on them. The issuer serves from one; a command that finds no issuer
// running opens one for itself.
type house struct {
	config  config.Config
	now     func() time.Time
	logger  *slog.Logger
	engine  kv.Engine
	store   *data.Store
	ring    *keys.Ring
	macs    *keys.MACs
	secret  *keys.Secret
	signin  *signin.Service
	grants  *grant.Service
	fetch   *fetch.Fetcher
	clients *client.Registry
	nodes   *nodes.Service // nil where no other node can be

	shared    bool        // other nodes may be on the same store
	leaving   atomic.Bool // it drains: it is not ready any more
	resealing sync.Mutex  // one change of the master key at a time
	guard     sync.Mutex  // guards master and sealer
	master    secret.Found
	sealer    *keys.Sealer

	unlock func() error // lets the state folder go; nil where the store's lock is enough
}

// openHouse opens the store that c names, and makes it, with a master key and a
// key ring, where there is none.
func openHouse(ctx context.Context, c config.Config, environ []string, now func() time.Time, logger *slog.Logger) (*house, error) {
	engine, err := openEngine(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	return openHouseOn(ctx, c, environ, now, logger, engine, engine)
}

// openHouseOn is openHouse on an engine that is open, with what the records see
// of it, such as a test that counts what is asked. The house closes the engine.
func openHouseOn(ctx context.Context, c config.Config, environ []string, now func() time.Time, logger *slog.Logger,
	engine, seen kv.Engine) (_ *house, err error) {
	h := &house{config: c, now: now, logger: logger, engine: engine}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	_, alone := seen.(*bolt.Engine) // one process has the file
	h.shared = !alone
	if h.store, err = data.Open(ctx, seen, data.Options{Now: now, Logger: logger, AccessTTL: longestAccess(c), Shared: c.StoreAddress().Shared()}); err != nil {
		return nil, err
	}
	master, err := h.openKeys(ctx, environ)
	if err != nil {
		return nil, err
	}
	if err := h.openServices(ctx, master); err != nil {
		return nil, err
	}
	return h, h.giveToOwner()
}

// formHinted is what issuers give out since a while, and what those of before do
// not read (nodes.EveryNodeReads): refresh tokens that hint at their user.
const formHinted = 1

// hinted tells whether refresh tokens hint at their user. It saves a way to a
// store that is elsewhere, and nothing where it is a file.
func (h *house) hinted() bool { return h.shared && h.nodes.EveryNodeReads(formHinted) }

// openServices starts the services on the opened store and keys.
func (h *house) openServices(ctx context.Context, master keys.MasterKey) (err error) {
	t, p := h.config.Tokens, h.config.Passwords
	late := grant.LateFork
	if t.RefreshLate == config.LateRevoke {
		late = grant.LateRevoke
	}
	if h.shared {
		k := h.config.Keys
		h.nodes, err = nodes.New(nodes.Options{Store: h.store, Every: k.Lease / 3, Skew: k.Skew, Reads: formHinted, Now: h.now, Logger: h.logger})
		if err != nil {
			return err
		}
	}
	h.grants, err = grant.New(grant.Options{
		Store: h.store, MACs: h.macs, Secret: h.secret, Hinted: h.hinted, Refused: macRefused, Logger: h.logger,
		Now:    h.now,
		Policy: grant.Policy{TTL: t.RefreshTTL, Max: t.RefreshMax, Grace: h.grace(), Late: late},
	})
	if err != nil {
		return err
	}
	h.signin, err = signin.New(ctx, signin.Options{
		Store: h.store, Registration: signin.Registration(h.config.Registration),
		Cost: p.BcryptCost, MinLength: p.MinLength, Workers: p.HashingWorkers, Wait: p.HashingWait,
		Throttle: signin.Throttle(h.config.Throttle), Shared: h.shared, CookieKey: master.Derive("signin"), Now: h.now, Logger: h.logger,
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

// control returns the operations on this house. ready is what /readyz asks; nil
// where nothing serves.
func (h *house) control(ready func() error) http.Handler {
	return control.NewHandler(control.Services{
		Store: h.store, Ring: h.ring, MACs: h.macs, Signin: h.signin, Clients: h.clients, Grants: h.grants,
		Live: live.New(live.Options{Issuer: h.config.Issuer, Ring: h.ring, Store: h.store, Clients: h.clients, Now: h.now}),
		MasterKey: func() (id, from string) {
			h.guard.Lock()
			defer h.guard.Unlock()
			return h.sealer.MasterKeyID(), h.master.From
		},
		Reseal:             h.reseal,
		StoreStats:         h.storeStats,
		Ready:              ready,
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
// house holds a lock, so a socket that is there is a dead issuer's.
func (h *house) listenControl() (net.Listener, error) {
	if err := h.lockState(); err != nil {
		return nil, err
	}
	return control.Listen(filepath.Join(h.config.State, controlFile), h.logger)
}

// Close lets the store go.
func (h *house) Close() error {
	// Before the lock is let go: what was made meanwhile, by a compaction too.
	err := h.giveToOwner()
	if h.clients != nil {
		h.clients.Close()
	}
	if h.store != nil {
		h.store.Close()
	}
	err = errors.Join(err, h.engine.Close())
	if h.unlock != nil {
		err = errors.Join(err, h.unlock())
	}
	return err
}
