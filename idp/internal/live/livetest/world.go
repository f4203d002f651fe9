package livetest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/mem"
	"signet/idp/internal/bearer"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/dpop"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

// Issuer is the issuer of every World.
const Issuer = "https://id.example"

// clients is the part of the configuration that says who may do what.
const clients = `
issuer: ` + Issuer + `
keys: {algs: [ES256, RS256]}
audiences: [api, files]
scopes: [posts]
client_documents: [apps.example]
clients:
- {id: web, secret: the-web-app-s-secret-of-32-bytes, redirect_uris: ['https://web.example/cb']}
- {id: other, secret: the-other-app-s-secret-of-32-bytes, redirect_uris: ['https://other.example/cb']}
- {id: app, token_endpoint_auth_method: none, redirect_uris: ['https://app.example/cb']}
- {id: private, secret: the-private-app-s-secret-of-32-bytes, redirect_uris: ['https://private.example/cb'], subject_type: pairwise}
- {id: signed, secret: the-signed-app-s-secret-of-32-bytes, redirect_uris: ['https://signed.example/cb'],
   userinfo_signed_response_alg: ES256, introspection_signed_response_alg: RS256}
- {id: service, secret: the-service-s-own-secret-of-32-bytes, grant_types: [client_credentials], exchange_audiences: [files]}
- {id: api, secret: the-resource-server-s-secret-of-32, grant_types: [client_credentials], introspect: true, audiences: [api]}
- {id: gateway, secret: the-api-gateway-s-secret-of-32-bytes, grant_types: [client_credentials], introspect: true}
`

// Secrets are those of the clients that have one.
var Secrets = map[string]string{
	"web": "the-web-app-s-secret-of-32-bytes", "other": "the-other-app-s-secret-of-32-bytes",
	"private": "the-private-app-s-secret-of-32-bytes", "signed": "the-signed-app-s-secret-of-32-bytes",
	"service": "the-service-s-own-secret-of-32-bytes", "api": "the-resource-server-s-secret-of-32",
	"gateway": "the-api-gateway-s-secret-of-32-bytes",
}

// moment is when every World begins.
var moment = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

// theKeys are made once for all tests: RSA keys take their time. Their clock
// stands still, so they never rotate.
var theKeys = sync.OnceValues(func() (*keys.Ring, *keys.MACs) {
	store, err := data.Open(context.Background(), mem.New(), data.Options{})
	must(err)
	ring, err := keys.Open(context.Background(), keyOptions(store, "ring"))
	must(err)
	macs, err := keys.OpenMACs(context.Background(), keyOptions(store, "macs"))
	must(err)
	return ring, macs
})

func keyOptions(store *data.Store, cell string) keys.Options {
	schedule := keys.DefaultConfig()
	for alg := range schedule.MaxLifetime {
		schedule.MaxLifetime[alg] = time.Hour
	}
	return keys.Options{Store: store.Cell(cell), Config: schedule, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return moment }, Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), "store")}
}

// NewRing returns a ring of its own, for tests that change it. It has no RSA
// keys.
func NewRing(t testing.TB) *keys.Ring {
	t.Helper()
	store, err := data.Open(t.Context(), mem.New(), data.Options{})
	must(err)
	o := keyOptions(store, "ring")
	o.Config.Algs, o.Config.MaxLifetime = []keys.Alg{token.ES256}, map[keys.Alg]time.Duration{token.ES256: time.Hour}
	ring, err := keys.Open(t.Context(), o)
	must(err)
	return ring
}

// must is for what only a broken test makes fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Clock is a wall clock that a test moves.
type Clock struct{ at atomic.Int64 }

// Now is the time on it.
func (c *Clock) Now() time.Time { return time.Unix(0, c.at.Load()).UTC() }

// Pass moves it on, or back.
func (c *Clock) Pass(d time.Duration) { c.at.Add(int64(d)) }

// Engine counts what is asked of it, and fails when it is told to.
type Engine struct {
	kv.Engine
	Views, Updates atomic.Int64
	Down           atomic.Bool
}

// ErrDown is what an Engine says that is Down.
var ErrDown = errors.New("livetest: the store is down")

// View counts.
func (e *Engine) View(ctx context.Context, fn func(kv.Reader) error) error {
	if e.Down.Load() {
		return ErrDown
	}
	e.Views.Add(1)
	return e.Engine.View(ctx, fn)
}

// Update counts.
func (e *Engine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if e.Down.Load() {
		return ErrDown
	}
	e.Updates.Add(1)
	return e.Engine.Update(ctx, fn)
}

// World is one issuer.
type World struct {
	T        testing.TB
	Clock    *Clock
	Engine   *Engine
	Store    *data.Store
	Ring     *keys.Ring
	Clients  *client.Registry
	Grants   *grant.Service
	Mint     *mint.Mint
	DPoP     *dpop.Service
	Live     *live.Reader
	Bearer   *bearer.Service
	User     data.User
	Log      *strings.Builder
	logMutex sync.Mutex
}

// Options change a World before it is made.
type Options struct {
	Ring   *keys.Ring // that of all tests, unless set
	Nonces bool       // DPoP proofs need one
}

// New makes a World.
func New(t testing.TB, o Options) *World {
	t.Helper()
	ring, macs := theKeys()
	if o.Ring != nil {
		ring = o.Ring
	}
	w := &World{T: t, Clock: &Clock{}, Engine: &Engine{Engine: mem.New()}, Ring: ring, Log: &strings.Builder{}}
	w.Clock.at.Store(moment.UnixNano())
	c, err := config.Parse("c.yaml", []byte(clients), nil)
	must(err)
	ctx := context.Background()
	w.Store, err = data.Open(ctx, w.Engine, data.Options{Now: w.Clock.Now, Logger: w.Logger()})
	must(err)
	secret, err := keys.OpenSecret(ctx, keyOptions(w.Store, "secret"))
	must(err)
	w.Clients, err = client.New(ctx, client.Options{Config: c, Store: w.Store, Secret: secret, Now: w.Clock.Now})
	must(err)
	t.Cleanup(w.Clients.Close)
	w.Grants, err = grant.New(grant.Options{Store: w.Store, MACs: macs, Secret: secret, Now: w.Clock.Now, Logger: w.Logger(),
		Refused: func(err error) bool {
			return errors.Is(err, keys.ErrMACMismatch) || errors.Is(err, keys.ErrMACRevoked) || errors.Is(err, keys.ErrMACUnknown)
		},
		Policy: grant.Policy{TTL: 30 * 24 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 30 * time.Second}})
	must(err)
	w.Mint = mint.New(mint.Options{Issuer: Issuer, Ring: ring, Now: w.Clock.Now, Profiles: []mint.Profile{
		{Audience: "api", Alg: token.ES256, TTL: 10 * time.Minute}, {Audience: "files", Alg: token.ES256, TTL: 10 * time.Minute},
	}})
	w.DPoP, err = dpop.New(dpop.Options{Replays: w.Store, Key: make([]byte, 32), Now: w.Clock.Now, RequireNonce: o.Nonces})
	must(err)
	w.Live = live.New(live.Options{Issuer: Issuer, Ring: ring, Store: w.Store, Clients: w.Clients, Now: w.Clock.Now})
	w.Bearer = bearer.New(bearer.Options{Live: w.Live, DPoP: w.DPoP})
	w.User, err = w.Store.CreateUser(ctx, data.User{Email: "ada@example.com", EmailVerified: true, Roles: []string{"admin"},
		Profile: data.Profile{Name: "Ada Lovelace", GivenName: "Ada", PhoneNumber: "+44 20 7946 0000"}}, data.InvitationHash{})
	must(err)
	return w
}

// Logger writes to Log.
func (w *World) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// Write is for the logger.
func (w *World) Write(line []byte) (int, error) {
	w.logMutex.Lock()
	defer w.logMutex.Unlock()
	return w.Log.Write(line)
}
