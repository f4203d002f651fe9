package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/signin"
	"signet/idp/internal/wellknown"
)

const (
	password = "correct horse battery"
	origin   = "http://localhost:3000"
)

// outside is how the tests reach an issuer. http.DefaultTransport would not do:
// a test server that closes takes idle connections from under everybody's
// requests on it.
var outside = http.DefaultTransport.(*http.Transport).Clone()

// issuer is the whole issuer on a port of its own, in this process.
type issuer struct {
	t       testing.TB
	house   *house
	handler http.Handler
	url     string
	log     *bytes.Buffer
	clock   *wallClock
}

// wallClock is a clock that somebody may set.
type wallClock struct{ off atomic.Int64 }

func (c *wallClock) now() time.Time           { return time.Now().Add(time.Duration(c.off.Load())) }
func (c *wallClock) setBack(by time.Duration) { c.off.Add(-int64(by)) }

// newIssuer starts one on an empty state folder. Settings are as in the
// environment: SIGNET_TOKENS_ACCESS_TTL=1m.
func newIssuer(t testing.TB, settings ...string) *issuer {
	t.Helper()
	i, _ := startIssuer(t, nil, "", append([]string{"SIGNET_KEYS_ALGS=ES256"}, settings...)...)
	return i
}

// startIssuer is newIssuer with a file of settings, on a listener that may be
// nil.
func startIssuer(t testing.TB, listener net.Listener, yaml string, settings ...string) (*issuer, *rooms) {
	t.Helper()
	return startIssuerOn(t, func(e *bolt.Engine) kv.Engine { return e }, listener, yaml, settings...)
}

// startIssuerOn is startIssuer with something between the records and the
// engine.
func startIssuerOn(t testing.TB, between func(*bolt.Engine) kv.Engine, listener net.Listener, yaml string, settings ...string) (*issuer, *rooms) {
	t.Helper()
	settings = append([]string{
		"SIGNET_STATE=" + t.TempDir(), "SIGNET_BROWSER_ORIGINS=" + origin, "SIGNET_PASSWORDS_HASHING_WAIT=20s",
	}, settings...)
	c, err := config.Parse("config.yaml", []byte(yaml), settings)
	if err != nil {
		t.Fatal(err)
	}
	c.Passwords.BcryptCost = signin.MinCost // nobody may configure that
	log, clock := new(bytes.Buffer), new(wallClock)
	logger := slog.New(slog.NewTextHandler(log, nil))
	engine, err := openEngine(t.Context(), c, logger)
	if err != nil {
		t.Fatal(err)
	}
	h, err := openHouseOn(t.Context(), c, nil, clock.now, logger, engine, between(engine.(*bolt.Engine)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	polls := wellknown.NewPolls(time.Minute, wellknown.Limits{InAll: 100, PerAddress: 100})
	r, err := h.newRooms()
	if err != nil {
		t.Fatal(err)
	}
	server, err := r.newServer(polls)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error)
	go func() { running <- r.status.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-running; err != nil {
			t.Error(err)
		}
	})
	listening := httptest.NewUnstartedServer(server.Handler)
	if listener != nil {
		listening.Listener.Close()
		listening.Listener = listener
	}
	listening.Start()
	t.Cleanup(listening.Close)
	return &issuer{t: t, house: h, handler: server.Handler, url: listening.URL, log: log, clock: clock}, r
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string

	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	ID           string `json:"id"`
	Email        string `json:"email"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
}

// call sends a request; a body is JSON unless a header says otherwise. Headers
// are pairs.
func (i *issuer) call(method, path, body string, headers ...string) answer {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), method, i.url+path, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n < len(headers); n += 2 {
		r.Header.Add(headers[n], headers[n+1])
		if headers[n] == "Content-Type" {
			r.Header.Set(headers[n], headers[n+1])
		}
	}
	response, err := outside.RoundTrip(r)
	if err != nil {
		i.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	a := answer{Status: response.StatusCode, Header: response.Header, Body: string(raw)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && method != http.MethodHead {
		if err := json.Unmarshal(raw, &a); err != nil {
			i.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

func (i *issuer) post(path, body string, headers ...string) answer {
	i.t.Helper()
	return i.call(http.MethodPost, path, body, headers...)
}

// want fails unless the answer has the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("got %d %s, want %d", a.Status, a.Body, status)
	}
	return a
}

func credentials(email string) string {
	return `{"email":"` + email + `","password":"` + password + `"}`
}

func refreshBody(token string) string { return `{"refresh_token":"` + token + `"}` }

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// signUp registers a person and logs them in.
func (i *issuer) signUp(email string) answer {
	i.t.Helper()
	i.post("/register", credentials(email)).want(i.t, http.StatusCreated)
	return i.login(email)
}

func (i *issuer) login(email string) answer {
	i.t.Helper()
	return i.post("/login", credentials(email)).want(i.t, http.StatusOK)
}
