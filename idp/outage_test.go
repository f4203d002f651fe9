package main

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data/kv/kvtest"
	"signet/resource/dpop/dpoptest"
)

// fromMemory are the routes that are answered while the store is away.
var fromMemory = []string{
	"GET /ping", "GET /healthz", "GET /.well-known/jwks.json", "GET /.well-known/openid-configuration",
	"GET /.well-known/oauth-authorization-server", "GET /oauth2/status_lists", "GET /oauth2/status_lists/:id",
	"GET /.well-known/change-password", "GET /oauth2/check_session",
}

// tableOfRoutes reads the routes where they are written.
func tableOfRoutes(t *testing.T) (routes []string) {
	t.Helper()
	text, err := os.ReadFile("internal/web/routes.go")
	must(t, err)
	for _, row := range regexp.MustCompile(`http\.Method(\w+), "([^"]+)"`).FindAllSubmatch(text, -1) {
		routes = append(routes, strings.ToUpper(string(row[1]))+" "+string(row[2]))
	}
	if len(routes) < 50 {
		t.Fatalf("only %d routes were read", len(routes))
	}
	return routes
}

// sent is a request as it was sent, to be sent again.
type sent struct {
	*http.Request
	body []byte
}

// again is the request once more.
func (s sent) again(t *testing.T, p *provider) reply {
	t.Helper()
	var headers []string
	for name, values := range s.Header {
		for _, v := range values {
			headers = append(headers, name, v)
		}
	}
	return p.request(t, s.Method, p.origin+s.URL.RequestURI(), "", string(s.body), headers...)
}

// routeOf is the row of the table that a request is of.
func routeOf(r *http.Request) string {
	path := r.URL.Path
	for _, parent := range []string{"/oauth2/status_lists/", "/oauth2/register/"} {
		if strings.HasPrefix(path, parent) {
			path = parent + ":id"
		}
	}
	return r.Method + " " + path
}

// recorder keeps the last request of each route that was answered well, one of a
// browser that is known before one of a stranger.
type recorder struct {
	mu  sync.Mutex
	all map[string]sent
}

func (k *recorder) record(w http.ResponseWriter, r *http.Request, h http.Handler) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	one, noted := sent{r.Clone(r.Context()), body}, &statusNoted{ResponseWriter: w}
	h.ServeHTTP(noted, r)
	k.mu.Lock()
	defer k.mu.Unlock()
	last, there := k.all[routeOf(r)]
	if there && (noted.status >= 400 || len(last.Cookies()) > len(one.Cookies())) {
		return
	}
	k.all[routeOf(r)] = one
}

type statusNoted struct {
	http.ResponseWriter
	status int
}

func (w *statusNoted) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
func (w *statusNoted) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// traffic is all that people and programs send, as it was sent. What it would
// spend is spent, but the store is asked first.
func traffic(t *testing.T, c *cluster) map[string]sent {
	t.Helper()
	p, b := c.provider, c.signedIn(t)
	t.Run("a person", func(t *testing.T) { walk(t, c, b) })
	t.Run("devices", func(t *testing.T) { checkDevice(t, p, c.signedIn(t)) })
	t.Run("pushed requests", func(t *testing.T) { checkPushed(t, p, c.signedIn(t)) })
	t.Run("a registration", func(t *testing.T) { checkManagement(t, p, dpoptest.NewKey(t, "RS256")) })
	t.Run("a revocation", func(t *testing.T) { checkRevocation(t, p, c.signedIn(t)) })
	t.Run("introspection", func(t *testing.T) { checkIntrospection(t, p, c.signedIn(t)) })
	t.Run("the JSON API", func(t *testing.T) { checkAPI(t, c) })
	t.Run("programs", func(t *testing.T) { programs(t, c) })
	c.seen.mu.Lock()
	defer c.seen.mu.Unlock()
	return maps.Clone(c.seen.all)
}

// walk goes over all the pages.
func walk(t *testing.T, c *cluster, b *userAgent) {
	web := c.client(t, "web")
	web.tokens(c.browser(t))
	for _, page := range []string{"/sign-up", "/device", "/signed-out", "/.well-known/change-password", "/oauth2/check_session",
		"/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/healthz", "/readyz", "/ping"} {
		b.get(c.url + page)
	}
	key := dpoptest.NewKey(t, "RS256")
	unvouched, _ := c.register(t, key, usual(key))
	unvouched.code(b) // the person is asked
	web.code(b, "prompt", "select_account")
	f, found := formOf(b.get(c.url + "/account"))
	if !found {
		t.Fatal("the account page has no form")
	}
	f.values.Set("name", "Ada")
	f.values.Set("current", "wrong "+password)
	f.values.Set("new", password+" more")
	f.values.Set("id", "x")
	for _, path := range []string{"name", "password", "devices", "apps"} {
		b.post(c.url+"/account/"+path, f.values)
	}
	f, _ = formOf(b.get(c.url + "/sign-up"))
	f.values.Set("email", "new@example.com")
	f.values.Set("password", password)
	b.post(c.url+"/sign-up", f.values)
	b.post(c.url+"/oauth2/authorize", web.asks())
	other := c.signedIn(t)
	other.post(c.url+"/oauth2/logout", url.Values{"id_token_hint": {web.tokens(other).text("id_token")}})
	other.work(other.get(c.url + "/oauth2/logout"))
	other = c.signedIn(t)
	f, _ = formOf(other.get(c.url + "/account"))
	other.post(c.url+"/account/sign-out", f.values)
}

// programs call what nobody else did.
func programs(t *testing.T, c *cluster) {
	got := c.login(personMail)
	form := url.Values{}
	c.form(t, c.at("userinfo_endpoint"), form, bearer(got.AccessToken)...).ok()
	c.post("/me/password", `{"current":"wrong one","new":"another long way in"}`, bearer(got.AccessToken)...)
	c.call(http.MethodGet, "/oauth2/status_lists", "").want(t, http.StatusOK)
	list, err := url.Parse(statusOf(t, got.AccessToken).URI)
	must(t, err)
	c.call(http.MethodGet, list.Path, "").want(t, http.StatusOK)
	c.call(http.MethodDelete, "/logout", "", bearer(got.AccessToken)...).want(t, http.StatusNoContent)
}

// While the store is away a route is answered from memory, or says quickly and
// in its own way that it cannot be answered now: no other answer is there.
func TestEveryRouteIsAnsweredWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*kvtest.Faulty){"is cut off": (*kvtest.Faulty).Cut, "does not answer": (*kvtest.Faulty).Stall} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 1, oauthClients, "SIGNET_KEYS_ALGS=RS256", "SIGNET_OAUTH_SESSION_MANAGEMENT=true", "SIGNET_KEYS_LEASE=40m", "SIGNET_TOKENS_ACCESS_TTL=2h")
			c.seen = &recorder{all: map[string]sent{}}
			all, table := traffic(t, c), tableOfRoutes(t)
			c.each(do)
			for _, lapsed := range []bool{false, true} {
				if lapsed {
					c.forward(41 * time.Minute)
				}
				for _, route := range table {
					checkRoute(t, c, route, all[route], lapsed)
				}
			}
			c.each((*kvtest.Faulty).Mend)
			eventually(t, "the node is ready again", func() bool {
				return c.call(http.MethodGet, "/readyz", "").Status == http.StatusOK
			})
			web := c.client(t, "web")
			got := web.tokens(c.browser(t), "scope", "openid offline_access")
			web.token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
		})
	}
}

// checkRoute sends the request again. lapsed says that the outage is longer than
// the lease.
func checkRoute(t *testing.T, c *cluster, route string, s sent, lapsed bool) {
	t.Helper()
	if s.Request == nil {
		t.Errorf("nobody sends %s", route)
		return
	}
	began := time.Now()
	got := s.again(t, c.provider)
	if took := time.Since(began); took > 2*patience+time.Second {
		t.Errorf("%s took %s", route, took)
	}
	switch {
	case route == "GET /readyz":
		if ready := got.status == http.StatusOK; ready == lapsed || !ready && !strings.Contains(got.text("error_description"), "store") {
			t.Errorf("/readyz: %d %s", got.status, got.body)
		}
	case !slices.Contains(fromMemory, route):
		checkAway(t, route, got)
	case got.status > 399:
		t.Errorf("%s: %d %s", route, got.status, got.body)
	case strings.Contains(route, "jwks") || strings.Contains(route, "status_lists"):
		if aged := got.header.Get("Age") != "" && got.header.Get("Cache-Control") == "no-store, max-age=0"; aged != lapsed {
			t.Errorf("%s: %v", route, got.header)
		}
	}
}

// checkAway holds an answer against the form of its route.
func checkAway(t *testing.T, route string, got reply) {
	t.Helper()
	switch {
	case got.status >= 400 && got.status < 500: // it was refused before the store was asked
		t.Logf("%s: %d %s", route, got.status, got.text("error_description"))
		return
	case got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.header.Get("Cache-Control") != "no-store":
		t.Errorf("%s: %d %v %s", route, got.status, got.header, got.body)
	}
	if page := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); !page && got.text("error") != "temporarily_unavailable" {
		t.Errorf("%s: %s", route, got.body)
	}
	for _, inside := range []string{"goroutine", "kv:", "keys:", "cut off"} {
		if strings.Contains(got.body, inside) {
			t.Errorf("%s: the answer says %q: %s", route, inside, got.body)
		}
	}
}

func asked(t *testing.T, method, target string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	must(t, err)
	for n := 0; n < len(headers); n += 2 {
		r.Header.Add(headers[n], headers[n+1])
	}
	return r
}
