package requesttest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/fetch"
	"signet/idp/internal/request"
	"signet/keys"
)

// Issuer is who issues.
const Issuer = "https://id.example.com"

// Secret is that of every client in Clients that has one.
const Secret = "a secret of at least 32 characters"

// Clients are declared in the configuration of a World.
const Clients = `
keys: {algs: [ES256, EdDSA]}
audiences: [api, "https://billing.example.com", {name: other, alg: EdDSA}]
scopes:
  - {name: posts, text: Read posts}
  - {name: "posts:write", text: Write posts}
clients:
  - {id: web, client_name: Web, secret: ` + Secret + `, redirect_uris: ["https://web.example.com/cb"]}
  - {id: strict, secret: ` + Secret + `, redirect_uris: ["https://strict.example.com/cb?x=1"], require_pkce: true}
  - {id: spa, token_endpoint_auth_method: none, redirect_uris: ["https://spa.example.com/cb", "https://spa.example.com/other"]}
  - {id: cli, token_endpoint_auth_method: none, application_type: native, redirect_uris: ["http://127.0.0.1/cb", "http://[::1]:7/cb", "com.example.cli:/cb"]}
  - {id: ours, secret: ` + Secret + `, redirect_uris: ["https://ours.example.com/cb"], first_party: true}
  - id: all
    secret: ` + Secret + `
    redirect_uris: ["https://all.example.com/cb"]
    grant_types: [authorization_code, refresh_token, implicit]
    response_types: [code, id_token, id_token token, code id_token, code token, code id_token token]
  - {id: pushes, secret: ` + Secret + `, redirect_uris: ["https://pushes.example.com/cb"], require_pushed_authorization_requests: true}
  - {id: bound, secret: ` + Secret + `, redirect_uris: ["https://bound.example.com/cb"], dpop_bound_access_tokens: true,
     grant_types: [authorization_code, implicit], response_types: [code, code id_token, code token]}
  - {id: narrow, secret: ` + Secret + `, redirect_uris: ["https://narrow.example.com/cb"], scope: openid posts, audiences: [api], default_max_age: 600}
  - id: signs
    secret: ` + Secret + `
    redirect_uris: ["https://signs.example.com/cb", "https://signs.example.com/two"]
    request_uris: ["https://signs.example.com/request"]
    jwks: JWKS
  - id: mustsign
    secret: ` + Secret + `
    redirect_uris: ["https://mustsign.example.com/cb"]
    require_signed_request_object: true
    request_object_signing_alg: EdDSA
    jwks: JWKS
  - {id: otherwise, secret: ` + Secret + `, redirect_uris: ["https://otherwise.example.com/cb"], request_object_signing_alg: ES256, jwks: JWKS}
`

// Clock is a clock that a test moves.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// World is an issuer: its store, its keys, its clients.
type World struct {
	*Clock
	Config   config.Config
	Store    *data.Store
	Ring     *keys.Ring
	MACs     *keys.MACs
	Secret   *keys.Secret
	Registry *client.Registry
	Parser   *request.Parser
	Key      ed25519.PrivateKey // of the clients that sign

	mu  sync.Mutex
	web map[string]string
}

// New makes a World. settings is added to its configuration.
func New(t testing.TB, settings string) *World {
	t.Helper()
	w := &World{Clock: &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, web: map[string]string{}}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	w.Key = private
	jwks := `{keys: [{kty: OKP, crv: Ed25519, kid: k1, x: ` + B64(public) + `}]}`
	file := "issuer: " + Issuer + "\n" + strings.ReplaceAll(Clients, "JWKS", jwks) + settings
	w.Config, err = config.Parse("config.yaml", []byte(file), nil)
	must(t, err)
	w.Store, err = data.Open(t.Context(), mem.New(), data.Options{Now: w.Now})
	must(t, err)
	schedule := keys.DefaultConfig()
	schedule.Algs = w.Config.Keys.Algs // no RSA keys, which take their time
	schedule.MaxLifetime = map[keys.Alg]time.Duration{}
	for _, alg := range schedule.Algs {
		schedule.MaxLifetime[alg] = time.Hour
	}
	quiet := slog.New(slog.DiscardHandler)
	began := w.Now() // the ring's clock stands, or its lease would end
	o := keys.Options{Config: schedule, Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), w.Store.Meta().StoreID), Now: func() time.Time { return began }, Logger: quiet}
	of := func(cell string) keys.Options { o.Store = w.Store.Cell(cell); return o }
	w.Ring, err = keys.Open(t.Context(), of("ring"))
	must(t, err)
	w.MACs, err = keys.OpenMACs(t.Context(), of("macs"))
	must(t, err)
	w.Secret, err = keys.OpenSecret(t.Context(), of("secret"))
	must(t, err)
	w.Registry, err = client.New(t.Context(), client.Options{Config: w.Config, Store: w.Store, Secret: w.Secret, Fetch: w, Now: w.Now, Logger: quiet})
	must(t, err)
	t.Cleanup(w.Registry.Close)
	w.Parser = request.New(request.Options{Issuer: Issuer, Clients: w.Registry, Fetch: w, Ring: w.Ring,
		RequirePKCE: w.Config.OAuth.RequirePKCE, RequirePushed: w.Config.OAuth.RequirePushed, Now: w.Now})
	return w
}

// Put makes a document of the network.
func (w *World) Put(url, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.web[url] = body
}

// Get plays the fetcher.
func (w *World) Get(_ context.Context, url, _ string, _ bool) (fetch.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, ok := w.web[url]
	if !ok {
		return fetch.Document{}, &fetch.Error{Reason: fetch.Name}
	}
	return fetch.Document{Body: []byte(body), FetchedAt: w.Now()}, nil
}

// Check plays the fetcher.
func (w *World) Check(url string) error {
	if !strings.HasPrefix(url, "https://") {
		return errors.New("only https")
	}
	return nil
}

// Sign makes a request object with the clients' key. A header without alg gets
// alg and kid.
func (w *World) Sign(header, claims map[string]any) string {
	if header == nil {
		header = map[string]any{"typ": "oauth-authz-req+jwt"}
	}
	if header["alg"] == nil {
		header["alg"], header["kid"] = "EdDSA", "k1"
	}
	return w.SignRaw(encoded(header), encoded(claims))
}

// SignRaw signs whatever header and payload there are.
func (w *World) SignRaw(header, payload string) string {
	input := B64([]byte(header)) + "." + B64([]byte(payload))
	return input + "." + B64(ed25519.Sign(w.Key, []byte(input)))
}

func encoded(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// B64 is base64url without padding.
func B64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// Person makes a user.
func (w *World) Person(t testing.TB, email string) data.User {
	t.Helper()
	u, err := w.Store.CreateUser(t.Context(), data.User{Email: email}, data.InvitationHash{})
	must(t, err)
	return u
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
