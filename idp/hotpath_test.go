package main

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/idp/internal/grant"
)

// hotPath is a request that an issuer answers all day long, with 200.
type hotPath struct {
	name     string
	requests func(h *hotHouse, n int) []*http.Request // n of them, each good for once
	most     cost
}

// cost is what a request costs, whatever the machine. What the server makes of
// every request, and what it costs to send an answer, is not in it.
type cost struct {
	allocs, bytes        float64
	views, updates, gets float64 // of the store
}

const (
	hotClient = "service"
	hotSecret = "a secret of a service that has more than 32 bytes"

	// A long lease: no ring runs that would renew it, and make keys meanwhile.
	withRSA = `
keys: {algs: [ES256, RS256], publish_ahead: 3h, lease: 1h}
audiences: [{name: api, alg: ES256}, {name: legacy, alg: RS256}]
`
	noRSA = `
keys: {algs: [ES256], publish_ahead: 3h, lease: 1h}
`
	hotYAML = `
clients:
  - id: service
    secret: "` + hotSecret + `"
    grant_types: [client_credentials, refresh_token, authorization_code]
    redirect_uris: [https://service.example/cb]
    introspect: true
`
)

// hotPaths and what each may cost at most. The test adds a margin: see the test.
var hotPaths = []hotPath{
	{"the keys", get("/.well-known/jwks.json"), cost{3, 50, 0, 0, 0}},
	{"the metadata", get("/.well-known/openid-configuration"), cost{2, 30, 0, 0, 0}},
	{"the status list", (*hotHouse).statusLists, cost{6, 140, 0, 0, 0}},
	{"a client's own token, ES256", tokens("grant_type=client_credentials&audience=api"), cost{92, 7450, 0, 0, 0}},
	{"a client's own token, RS256", tokens("grant_type=client_credentials&audience=legacy"), cost{41, 5400, 0, 0, 0}},
	{"a refresh", (*hotHouse).refreshes, cost{222, 25300, 0, 1, 2}},
	{"a refresh with an ID token", (*hotHouse).openIDRefreshes, cost{270, 33400, 0, 1, 2}},
	{"a refresh of the JSON API", (*hotHouse).apiRefreshes, cost{208, 28500, 0, 1, 2}},
	{"introspection at first sight", (*hotHouse).introspections, cost{145, 12100, 1, 0, 4}},
	{"introspection of a token seen before", (*hotHouse).introspectionsAgain, cost{30, 3400, 1, 0, 4}},
	{"userinfo at first sight", (*hotHouse).userinfos, cost{143, 10700, 1, 0, 4}},
	{"userinfo of a token seen before", (*hotHouse).userinfosAgain, cost{28, 1800, 1, 0, 4}},
}

// hotHouse is an issuer with a person and a service.
type hotHouse struct {
	*issuer
	counted *countingEngine
	user    data.User
}

func newHotHouse(t testing.TB, algs string) *hotHouse {
	t.Helper()
	h := &hotHouse{counted: &countingEngine{}}
	h.issuer, _ = startIssuerOn(t, func(e *bolt.Engine) kv.Engine {
		h.counted.Engine = e
		return h.counted
	}, nil, algs+hotYAML)
	h.signUp("ada@example.com")
	name, err := data.ParseEmail("ada@example.com")
	must(t, err)
	h.user, err = h.house.store.UserByEmail(t.Context(), name)
	must(t, err)
	return h
}

func get(path string) func(*hotHouse, int) []*http.Request {
	return func(_ *hotHouse, n int) []*http.Request {
		return repeat(n, func() *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) })
	}
}

func tokens(form string) func(*hotHouse, int) []*http.Request {
	return func(_ *hotHouse, n int) []*http.Request {
		return repeat(n, func() *http.Request { return byService("/oauth2/token", form) })
	}
}

func repeat(n int, one func() *http.Request) (list []*http.Request) {
	for range n {
		list = append(list, one())
	}
	return list
}

// byService is a form that the service sends.
func byService(path, form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(hotClient), url.QueryEscape(hotSecret))
	return r
}

func (h *hotHouse) statusLists(n int) []*http.Request {
	status := statusOf(h.t, h.tokenOf(hotClient, "ada@example.com", "openid"))
	u, err := url.Parse(status.URI)
	must(h.t, err)
	return get(u.Path)(h, n)
}

// grant starts a grant of the person.
func (h *hotHouse) grant(client, scope string) grant.Issued {
	issued, err := h.house.grants.Start(h.t.Context(), grant.StartRequest{User: h.user, Client: client, Scope: scope, Audience: []string{"api"}})
	must(h.t, err)
	return issued
}

func (h *hotHouse) refreshed(n int, scope string) []*http.Request {
	return repeat(n, func() *http.Request {
		return byService("/oauth2/token", "grant_type=refresh_token&refresh_token="+string(h.grant(hotClient, scope).RefreshToken))
	})
}

func (h *hotHouse) refreshes(n int) []*http.Request       { return h.refreshed(n, "") }
func (h *hotHouse) openIDRefreshes(n int) []*http.Request { return h.refreshed(n, "openid") }

func (h *hotHouse) apiRefreshes(n int) []*http.Request {
	return repeat(n, func() *http.Request {
		body := refreshBody(string(h.grant("signet", "").RefreshToken))
		r := httptest.NewRequest(http.MethodPost, "/refresh", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return r
	})
}

func (h *hotHouse) introspections(n int) []*http.Request {
	return repeat(n, func() *http.Request {
		return byService("/oauth2/introspect", "token="+h.tokenOf(hotClient, "ada@example.com", "openid"))
	})
}

func (h *hotHouse) userinfos(n int) []*http.Request {
	return repeat(n, func() *http.Request { return withBearer(h.tokenOf(hotClient, "ada@example.com", "openid")) })
}

// introspectionsAgain are of one token, which has been asked about.
func (h *hotHouse) introspectionsAgain(n int) []*http.Request {
	form := "token=" + h.tokenOf(hotClient, "ada@example.com", "openid")
	h.answered(byService("/oauth2/introspect", form))
	return repeat(n, func() *http.Request { return byService("/oauth2/introspect", form) })
}

func (h *hotHouse) userinfosAgain(n int) []*http.Request {
	token := h.tokenOf(hotClient, "ada@example.com", "openid")
	h.answered(withBearer(token))
	return repeat(n, func() *http.Request { return withBearer(token) })
}

func withBearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// answered has the handler answer.
func (h *hotHouse) answered(r *http.Request) {
	h.t.Helper()
	w := sink{header: make(http.Header, 16)}
	h.handler.ServeHTTP(&w, r)
	w.want200(h.t)
}

// sink takes an answer and costs little. Its header is there before, as that
// of a real one is made by the server.
type sink struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(b []byte) (int, error) {
	if s.status != http.StatusOK {
		s.body.Write(b)
	}
	return len(b), nil
}

func (s *sink) want200(t testing.TB) {
	t.Helper()
	if s.status != http.StatusOK {
		t.Fatalf("got %d %s", s.status, s.body.Bytes())
	}
}

// measure answers requests in a few turns and says what one costs: on average
// of the store, and else in the best turn, since what else goes on in the
// process allocates, too.
func (h *hotHouse) measure(p hotPath) (c cost) {
	const turns, each = 5, 10
	for _, r := range p.requests(h, 50) { // what is made once is made, and a client's block is a large one
		h.answered(r)
	}
	requests, sinks := p.requests(h, turns*each), make([]sink, turns*each)
	for i := range sinks {
		sinks[i].header = make(http.Header, 16)
	}
	h.counted.reset()
	c.allocs, c.bytes = math.Inf(1), math.Inf(1)
	for turn := range turns {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := turn * each; i < (turn+1)*each; i++ {
			h.handler.ServeHTTP(&sinks[i], requests[i])
		}
		runtime.ReadMemStats(&after)
		c.allocs = min(c.allocs, float64(after.Mallocs-before.Mallocs)/each)
		c.bytes = min(c.bytes, float64(after.TotalAlloc-before.TotalAlloc)/each)
	}
	for i := range sinks {
		sinks[i].want200(h.t)
	}
	asked := func(n *atomic.Uint64) float64 { return float64(n.Load()) / (turns * each) }
	c.views, c.updates, c.gets = asked(&h.counted.views), asked(&h.counted.updates), asked(&h.counted.gets)
	return c
}

// The margin is for what is not the request's own: pages of the store that are
// split, and now and then a block of indices.
func TestARequestCostsNoMoreThanItMay(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	h := newHotHouse(t, withRSA)
	for _, p := range hotPaths {
		t.Run(p.name, func(t *testing.T) {
			got, most := h.measure(p), p.most
			t.Log(got)
			if got.allocs > 1.03*most.allocs+1 || got.bytes > 1.2*most.bytes ||
				got.views > most.views+0.1 || got.updates > most.updates+0.1 || got.gets > most.gets+0.2 {
				t.Errorf("got %s\nwant at most %s", got, most)
			}
		})
	}
}

// A map of Go's holds eight entries before it grows, and net/http copies it for
// every answer: of ten headers a request for the keys made five allocations more.
func TestThePublishedHaveNoMoreHeadersThanASmallMapHolds(t *testing.T) {
	h := newHotHouse(t, noRSA)
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/oauth2/status_lists"} {
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		got := w.Result().Header
		if len(got) > 7 || w.Code != http.StatusOK { // and Strict-Transport-Security, with https
			t.Errorf("%s: %d with %d headers: %v", path, w.Code, len(got), got)
		}
		// What keeps a browser from making a page of it.
		if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func (c cost) String() string {
	return fmt.Sprintf("%.1f allocations, %.0f bytes; of the store %.2f views, %.2f updates, %.2f gets", c.allocs, c.bytes, c.views, c.updates, c.gets)
}

// BenchmarkRequest answers the same requests, in this process and without a
// network.
func BenchmarkRequest(b *testing.B) {
	for _, p := range hotPaths {
		b.Run(strings.ReplaceAll(p.name, " ", "-"), func(b *testing.B) {
			h := newHotHouse(b, withRSA)
			requests, header := p.requests(h, b.N), make(http.Header, 16)
			b.ReportAllocs()
			b.ResetTimer()
			for _, r := range requests {
				w := sink{header: header}
				h.handler.ServeHTTP(&w, r)
				w.want200(b)
				clear(header)
			}
		})
	}
}
