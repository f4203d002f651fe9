package token

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/dpop"
	"signet/idp/internal/fetch"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/keys"
	"signet/resource/dpop/dpoptest"
	"signet/resource/token"
)

const (
	issuer   = "https://id.example"
	endpoint = issuer + "/oauth2/token"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	callback = "https://app.example/callback"
)

// challenge is that of verifier (RFC 7636, appendix B).
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// theKeys are made once for all tests: RSA keys take their time. Their clock
// stands still, so they never rotate.
var theKeys = sync.OnceValue(func() (k struct {
	ring   *keys.Ring
	macs   *keys.MACs
	secret *keys.Secret
}) {
	ctx := context.Background()
	store, err := data.Open(ctx, mem.New(), data.Options{})
	fatal(err)
	schedule := keys.DefaultConfig()
	for alg := range schedule.MaxLifetime {
		schedule.MaxLifetime[alg] = time.Hour
	}
	options := func(cell string) keys.Options {
		return keys.Options{Store: store.Cell(cell), Config: schedule, Logger: slog.New(slog.DiscardHandler),
			Now:    func() time.Time { return moment },
			Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), "store")}
	}
	k.ring, err = keys.Open(ctx, options("ring"))
	fatal(err)
	k.macs, err = keys.OpenMACs(ctx, options("macs"))
	fatal(err)
	k.secret, err = keys.OpenSecret(ctx, options("secret"))
	fatal(err)
	return k
})

var moment = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func fatal(err error) {
	if err != nil {
		panic(err)
	}
}

// clock is a wall clock that a test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(moment.UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(int64(d)) }

// world is the endpoint on a store of its own, with a user and some clients.
type world struct {
	t       testing.TB
	clock   *clock
	engine  *kvtest.Counted
	store   *data.Store
	clients *client.Registry
	devices *devicecode.Service
	web     *web
	grants  *grant.Service
	mint    *mint.Mint
	api     *API
	user    data.User
	logged  *bytes.Buffer
}

func newWorld(t testing.TB, edit ...func(*Options)) *world {
	t.Helper()
	k := theKeys()
	w := &world{t: t, clock: newClock(), engine: &kvtest.Counted{Engine: mem.New()}, logged: &bytes.Buffer{}, web: &web{}}
	ctx := context.Background()
	logger := slog.New(slog.NewJSONHandler(w.logged, nil))
	var err error
	w.store, err = data.Open(ctx, w.engine, data.Options{Now: w.clock.now, Logger: logger})
	w.must(err)
	w.user, err = w.store.CreateUser(ctx, data.User{Email: "ada@example.com", EmailVerified: true, Roles: []string{"admin"},
		Profile: data.Profile{Name: "Ada Lovelace"}}, data.InvitationHash{})
	w.must(err)
	c := theConfig(t)
	w.clients, err = client.New(ctx, client.Options{Config: c, Store: w.store, Secret: k.secret, Fetch: w.web, Now: w.clock.now, Logger: logger})
	w.must(err)
	t.Cleanup(w.clients.Close)
	w.grants, err = grant.New(grant.Options{Store: w.store, MACs: k.macs, Secret: k.secret, Now: w.clock.now, Logger: logger,
		Refused: func(err error) bool {
			return errors.Is(err, keys.ErrMACMismatch) || errors.Is(err, keys.ErrMACRevoked) || errors.Is(err, keys.ErrMACUnknown)
		},
		Policy: grant.Policy{TTL: 30 * 24 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 30 * time.Second}})
	w.must(err)
	var profiles []mint.Profile
	for _, a := range c.Audiences {
		profiles = append(profiles, mint.Profile{Audience: a.Name, Alg: c.Alg(a), TTL: c.AccessTTL(a)})
	}
	w.mint = mint.New(mint.Options{Issuer: issuer, Ring: k.ring, Now: w.clock.now, Profiles: profiles})
	w.devices = devicecode.New(devicecode.Options{Store: w.store, TTL: c.Tokens.DeviceTTL, Now: w.clock.now})
	o := Options{
		Issuer: issuer, URL: endpoint, AccessTTL: 10 * time.Minute, IDTTL: time.Hour,
		Clients: w.clients, Grants: w.grants, Mint: w.mint, Devices: w.devices, Proofs: w.proofs(false), Store: w.store,
		Live:    live.New(live.Options{Issuer: issuer, Ring: k.ring, Store: w.store, Clients: w.clients, Now: w.clock.now}),
		Trusted: c.TrustedIssuers, Fetcher: w.web, Now: w.clock.now, Logger: logger,
	}
	for _, e := range edit {
		e(&o)
	}
	w.api = New(o)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// answered is what the endpoint said.
type answered struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	err    *wire.Error
}

// sent is a form, and what else a request has.
type sent map[string]string

const (
	asBasic = "Authorization" // id:secret, not encoded yet
	asProof = "DPoP"
)

// post sends a form. A value with several lines is sent as often; the names
// above become headers.
func (w *world) post(form sent) answered {
	w.t.Helper()
	values, header := url.Values{}, http.Header{}
	for name, value := range form {
		switch name {
		case asBasic:
			header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
		case asProof:
			header.Set("DPoP", value)
		default:
			values[name] = strings.Split(value, "\n")
		}
	}
	return w.raw(values.Encode(), header)
}

func (w *world) raw(body string, header http.Header) answered {
	req := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(body))
	req.Header = header
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	rec := httptest.NewRecorder()
	err := w.api.Token(echo.New().NewContext(req, rec))
	a := answered{t: w.t, status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	if err != nil && !errors.As(err, &a.err) {
		a.err = &wire.Error{Status: http.StatusInternalServerError, Code: wire.CodeServerError, Cause: err}
	}
	if a.err != nil {
		a.status, a.body = a.err.Status, ""
	}
	return a
}

// ok wants tokens.
func (a answered) ok() answer {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v (%v)", a.err, a.err.Cause)
	}
	var out answer
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		a.t.Fatal(err)
	}
	return out
}

// refused wants an error, with 400 unless it is of the client.
func (a answered) refused(code string) *wire.Error {
	a.t.Helper()
	status := http.StatusBadRequest
	if code == wire.CodeInvalidClient {
		status = http.StatusUnauthorized
	}
	if a.err == nil || a.err.Code != code || a.status != status {
		a.t.Fatalf("got %d %v %s, want %d %s", a.status, a.err, a.body, status, code)
	}
	return a.err
}

// payload is what a JWT says.
func payload(t testing.TB, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", jwt)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// newCode gives out an authorization code of the web app's, as the
// authorization endpoint does.
func (w *world) newCode(edit ...func(*data.Code)) string {
	w.t.Helper()
	text, hash, err := w.store.NewSecret("signet_ac_")
	w.must(err)
	c := data.Code{
		Hash: hash, RedirectURI: callback, SentURI: true, Challenge: challenge, Nonce: "n-0S6_WzA2Mj",
		Authorization: data.Authorization{
			Client: "web", User: w.user.ID, Epoch: w.user.Epoch, Scope: "openid profile posts", Audience: []string{"api", "https://files.example"},
			SID: "session-of-web", AuthTime: w.clock.now().Add(-time.Minute), AMR: []string{"pwd"}, ACR: "1",
		},
		ExpiresAt: w.clock.now().Add(time.Minute),
	}
	for _, e := range edit {
		e(&c)
	}
	w.must(w.store.Codes.Create(context.Background(), c))
	return text
}

// redeeming is the form that redeems a code of newCode.
func (w *world) redeeming(code string, more ...string) sent {
	return with(sent{asBasic: webSecret, "grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}, more...)
}

// with changes a form: name, value, name, value. An empty value takes the
// parameter away.
func with(form sent, more ...string) sent {
	for i := 0; i < len(more); i += 2 {
		if form[more[i]] = more[i+1]; more[i+1] == "" {
			delete(form, more[i])
		}
	}
	return form
}

// alive tells how many grants of the user are.
func (w *world) alive() int {
	w.t.Helper()
	list, err := w.store.UserGrants(context.Background(), w.user.ID, data.GrantID{}, 0)
	w.must(err)
	return len(list)
}

// The clients of the tests that have secrets.
const (
	webSecret     = "web:the-web-app-s-secret-of-32-bytes"
	serviceSecret = "service:the-service-s-secret-of-32-bytes"
	apiSecret     = "api:the-api-server-s-secret-of-32-bytes"
)

const partner = "https://partner.example"

func theConfig(t testing.TB) config.Config {
	t.Helper()
	c, err := config.Parse("c.yaml", []byte("issuer: "+issuer+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Audiences = []config.Audience{{Name: "api"}, {Name: "https://files.example", AccessTTL: 5 * time.Minute}, {Name: "billing", Alg: token.RS256, AccessTTL: time.Minute}}
	c.Scopes = []config.Scope{{Name: "posts"}, {Name: "posts:write"}, {Name: wire.ScopeRoles}}
	c.TrustedIssuers = []config.TrustedIssuer{
		{Issuer: partner, JWKSURI: partner + "/jwks", Subjects: "email", Scopes: []string{"openid", "posts"}, Clients: []string{"service", "app"}},
		{Issuer: partner + "/ids", JWKSURI: partner + "/jwks", Subjects: "id", Scopes: []string{"posts"}, Clients: []string{"service"}},
	}
	person := []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken}
	secret := func(pair string) string { return pair[strings.IndexByte(pair, ':')+1:] }
	with := func(m data.Metadata) data.Metadata {
		if slices.Contains(m.GrantTypes, wire.GrantAuthorizationCode) {
			m.RedirectURIs = []string{callback}
		}
		return m
	}
	c.Clients = []config.Client{
		{ID: "web", Secret: secret(webSecret), FirstParty: true, Metadata: with(data.Metadata{GrantTypes: append(person, wire.GrantDeviceCode)})},
		{ID: "once", Metadata: with(data.Metadata{GrantTypes: person[:1]})},
		{ID: "app", Metadata: with(data.Metadata{GrantTypes: append(person, wire.GrantDeviceCode, wire.GrantJWTBearer), IDTokenAlg: "ES256"})},
		{ID: "strict", Metadata: with(data.Metadata{GrantTypes: person, DPoPBound: true})},
		{ID: "pair", Metadata: with(data.Metadata{GrantTypes: person, SubjectType: "pairwise"})},
		{ID: "service", Secret: secret(serviceSecret), ExchangeAudiences: []string{"https://files.example", "billing"},
			Metadata: with(data.Metadata{GrantTypes: []string{wire.GrantClientCredentials, wire.GrantTokenExchange, wire.GrantJWTBearer}, Scope: "openid posts posts:write"})},
		{ID: "api", Secret: secret(apiSecret), ExchangeAudiences: []string{"https://files.example"},
			Metadata: with(data.Metadata{GrantTypes: []string{wire.GrantClientCredentials, wire.GrantTokenExchange}, Scope: "openid posts"})},
	}
	return c
}

func (w *world) proofs(nonces bool) *dpop.Service {
	w.t.Helper()
	s, err := dpop.New(dpop.Options{Replays: w.store, Key: make([]byte, 32), Now: w.clock.now, RequireNonce: nonces})
	w.must(err)
	return s
}

// web plays the network.
type web struct {
	mu    sync.Mutex
	pages map[string]string
	asked []bool // whether fresh, of each time
}

func (w *web) put(url, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pages == nil {
		w.pages = map[string]string{}
	}
	w.pages[url] = body
}

func (w *web) Check(string) error { return nil }

func (w *web) Get(_ context.Context, url, _ string, fresh bool) (fetch.Document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, fresh)
	body, found := w.pages[url]
	if !found {
		return fetch.Document{}, &fetch.Error{Reason: fetch.Network}
	}
	return fetch.Document{Body: []byte(body)}, nil
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// halfHash is at_hash with SHA-256 (OpenID Connect Core, section 3.1.3.6).
func halfHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// header is the JOSE header of a JWT.
func header(t testing.TB, jwt string) string {
	t.Helper()
	first, _, _ := strings.Cut(jwt, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var serials atomic.Int64

// serial is another number each time.
func serial() int64 { return serials.Add(1) }

// newKey makes a key where no test is at hand.
func newKey() dpoptest.Key {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(err)
	return dpoptest.Key{Alg: "ES256", Private: private}
}
