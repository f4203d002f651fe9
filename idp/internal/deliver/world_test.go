package deliver

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/fetch"
	"signet/idp/internal/jose"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

const issuer = "https://id.example.com"

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var engines = map[string]func(t testing.TB) kv.Engine{
	"mem": func(testing.TB) kv.Engine { return mem.New() },
	"bolt": func(t testing.TB) kv.Engine {
		engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
		must(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		return engine
	},
}

// clients are those of a test, by id.
type clients map[string]*client.Client

func (c clients) Find(_ context.Context, id string) (*client.Client, error) {
	found, ok := c[id]
	switch {
	case !ok:
		return nil, client.ErrUnknown
	case found == nil: // its metadata document cannot be fetched
		return nil, client.ErrUnreachable
	}
	return found, nil
}

func (c clients) add(id, uri string, alg token.Alg) {
	c[id] = &client.Client{Client: data.Client{ID: id, Metadata: data.Metadata{BackLogoutURI: uri, IDTokenAlg: string(alg)}}}
}

type world struct {
	t       testing.TB
	engine  kv.Engine
	store   *data.Store
	ring    *keys.Ring
	clock   *clock
	clients clients
	poster  Poster
	log     *safeLog
	count   int
}

var testMaster = keys.NewMasterKey(rand.Reader)

func newWorld(t testing.TB, engine kv.Engine, now func() time.Time) *world {
	t.Helper()
	w := &world{t: t, engine: engine, clock: &clock{now: now()}, clients: clients{}, log: &safeLog{}}
	w.poster = fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Logger: slog.New(slog.DiscardHandler)})
	w.open(w.clock.Now)
	return w
}

// open opens the store and its ring, as a start does.
func (w *world) open(now func() time.Time) {
	w.t.Helper()
	ctx := context.Background()
	var err error
	w.store, err = data.Open(ctx, w.engine, data.Options{Now: now})
	must(w.t, err)
	c := keys.DefaultConfig()
	c.Algs, c.MaxLifetime = []keys.Alg{token.ES256, token.EdDSA}, map[keys.Alg]time.Duration{token.ES256: 10 * time.Minute}
	w.ring, err = keys.Open(ctx, keys.Options{Config: c, Store: w.store.Cell("ring"), Now: now, Logger: slog.New(slog.DiscardHandler),
		Sealer: keys.NewSealer(testMaster, w.store.Meta().StoreID)})
	must(w.t, err)
}

// later is that much later, after a restart.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.clock.Move(d)
	w.open(w.clock.Now)
}

// service is another node, or the same one after a restart.
func (w *world) service(now func() time.Time) *Service {
	return New(Options{Store: w.store, Clients: w.clients, Poster: w.poster, Now: now, Logger: slog.New(slog.NewJSONHandler(w.log, nil)),
		Mint: mint.New(mint.Options{Issuer: issuer, Ring: w.ring, Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}, Now: now})})
}

// add puts a logout token for the client in line.
func (w *world) add(client string) data.Delivery {
	w.t.Helper()
	w.count++
	now := w.store.Meta().CreatedAt
	if w.clock != nil {
		now = w.clock.Now()
	}
	d := data.Delivery{ID: fmt.Sprintf("delivery-%d", w.count), Client: client, Subject: "ann", SID: "session-1",
		NextAt: now, CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
	must(w.t, w.store.AddDeliveries(context.Background(), []data.Delivery{d}))
	return d
}

// round sends what is due, and waits for it.
func (w *world) round(s *Service) (wait time.Duration) {
	var sending sync.WaitGroup
	wait = s.send(context.Background(), &sending)
	sending.Wait()
	return wait
}

// left counts what is still in line.
func (w *world) left() int {
	w.t.Helper()
	n := 0
	must(w.t, w.engine.View(context.Background(), func(r kv.Reader) error {
		return r.Scan([]byte("d/"), nil, func(_, _ []byte) bool { n++; return true })
	}))
	return n
}

// party is a relying party with a backchannel_logout_uri.
type party struct {
	*httptest.Server
	w      *world
	mu     sync.Mutex
	status int
	tokens []string // that it was sent
}

func (w *world) newParty(t *testing.T, id string, alg token.Alg) *party {
	p := &party{w: w, status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.URL.RequestURI() != "/back?from=op" {
			t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		name, value, _ := strings.Cut(string(body), "=")
		if name != "logout_token" {
			t.Errorf("the body is %s", body)
		}
		p.tokens = append(p.tokens, value)
		rw.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	w.clients.add(id, p.URL+"/back?from=op", alg)
	return p
}

func (p *party) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *party) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tokens...)
}

// logoutToken is one as Back-Channel Logout, section 2.4, has it.
type logoutToken struct {
	Issuer   string                    `json:"iss"`
	Subject  string                    `json:"sub"`
	Audience jose.Audience             `json:"aud"`
	IssuedAt jose.NumericDate          `json:"iat"`
	Expiry   jose.NumericDate          `json:"exp"`
	JTI      string                    `json:"jti"`
	SID      string                    `json:"sid"`
	Nonce    *string                   `json:"nonce"`
	Events   map[string]map[string]any `json:"events"`
}

// read verifies a logout token as a client does (section 2.6).
func (w *world) read(t *testing.T, compact string) (logoutToken, jose.Header) {
	t.Helper()
	u, err := jose.Parse(compact)
	must(t, err)
	public, alg, _, ok := w.ring.Snapshot().Public(u.Header().Kid)
	if !ok {
		t.Fatal("its key is not in the JWKS")
	}
	v, err := u.VerifyKey(public, string(alg))
	must(t, err)
	var l logoutToken
	must(t, v.Claims(&l))
	return l, v.Header()
}

// safeLog is a log that many write at once.
type safeLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
