package registration

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/fetch"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
	"signet/keys"
)

const issuer = "https://id.example.com"

// world is the endpoints with all that they stand on.
type world struct {
	echo  *echo.Echo
	store *data.Store

	clients *client.Registry

	mu    sync.Mutex
	now   time.Time
	tried int // how often the limiter was asked
	full  bool
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) TryClient(context.Context, netip.Addr) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tried++; w.full {
		return &signin.ThrottledError{RetryAfter: time.Minute}
	}
	return nil
}

// noNetwork fails a test that fetches.
type noNetwork struct{ t testing.TB }

func (n noNetwork) Get(_ context.Context, url, _ string, _ bool) (fetch.Document, error) {
	n.t.Errorf("%s was fetched", url)
	return fetch.Document{}, fetch.ErrRefused
}

func (n noNetwork) Check(string) error { return nil }

func newWorld(t testing.TB, mode config.ClientRegistration) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c, err := config.Parse("c.yaml", []byte("issuer: "+issuer+"\nclient_documents: ['*']\nscopes: [posts:write]\nclients:\n- {id: configured, redirect_uris: ['https://a.example/cb']}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.store, err = data.Open(t.Context(), mem.New(), data.Options{Now: w.clock}); err != nil {
		t.Fatal(err)
	}
	k := keys.Config{Algs: c.Keys.Algs, RSABits: 2048, RotateEvery: c.Keys.RotateEvery, PublishAhead: c.Keys.PublishAhead, Lease: c.Keys.Lease, Skew: c.Keys.Skew,
		MaxLifetime: map[keys.Alg]time.Duration{c.Keys.Algs[0]: time.Minute}}
	secret, err := keys.OpenSecret(t.Context(), keys.Options{Config: k, Store: w.store.Cell("secret"),
		Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), w.store.Meta().StoreID)})
	if err != nil {
		t.Fatal(err)
	}
	w.clients, err = client.New(t.Context(), client.Options{Config: c, Store: w.store, Secret: secret, Fetch: noNetwork{t}, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.clients.Close)
	a := New(Options{Issuer: issuer, Mode: mode, Clients: w.clients, Store: w.store, Limiter: w})
	w.echo = echo.New()
	w.echo.HTTPErrorHandler = writeError
	w.echo.POST(Path, a.Register)
	w.echo.GET(Path+"/:id", a.Read)
	w.echo.PUT(Path+"/:id", a.Update)
	w.echo.DELETE(Path+"/:id", a.Delete)
	return w
}

// writeError stands in for the one place that writes errors.
func writeError(err error, c echo.Context) {
	e := &wire.Error{Status: http.StatusInternalServerError, Code: wire.CodeServerError, Description: err.Error()}
	errors.As(err, &e)
	c.Response().Header().Set("WWW-Authenticate", e.Challenge)
	_ = c.JSON(e.Status, map[string]string{"error": e.Code, "error_description": e.Description})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

func (a answer) list(name string) string {
	list, _ := a.body[name].([]any)
	var all []string
	for _, item := range list {
		all = append(all, item.(string))
	}
	return strings.Join(all, " ")
}

func (w *world) send(t testing.TB, method, path, token, body string) answer {
	t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.echo.ServeHTTP(rec, req)
	a := answer{status: rec.Code, header: rec.Header()}
	if raw, _ := io.ReadAll(rec.Body); len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
	}
	return a
}

func (w *world) register(t testing.TB, token, body string) answer {
	t.Helper()
	return w.send(t, http.MethodPost, Path, token, body)
}

func (w *world) initialToken(t testing.TB, uses int) string {
	t.Helper()
	text, _, err := client.NewInitialToken(t.Context(), w.store, "", uses, w.clock(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
