package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

const api = "https://api.example"

// newGateway returns the handler that the flags make, and its issuer.
func newGateway(t *testing.T, flags ...string) (http.Handler, *issuertest.Issuer) {
	t.Helper()
	i := issuertest.New(t, "https://id.example")
	return gatewayOf(t, i, flags...), i
}

// newDeaf is newGateway with an issuer that never answers.
func newDeaf(t *testing.T, flags ...string) (http.Handler, *issuertest.Issuer) {
	t.Helper()
	i := issuertest.New(t, "https://id.example")
	i.Set(func(k *issuertest.Knobs) { k.Down = true })
	return gatewayOf(t, i, flags...), i
}

func gatewayOf(t *testing.T, i *issuertest.Issuer, flags ...string) http.Handler {
	t.Helper()
	s, err := parse(append([]string{"--issuer", i.URL}, flags...))
	if err != nil {
		t.Fatal(err)
	}
	opts := []resource.Option{resource.WithHTTPClient(i.Client()), resource.WithLogger(slog.New(slog.DiscardHandler)),
		resource.WithAudiences(s.audiences[1:]...)}
	if s.resource != "" {
		opts = append(opts, resource.WithResource(s.resource))
	}
	v, err := resource.New(s.issuer, s.audiences[0], opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return newHandler(v, s)
}

// ask sends GET to the path with the headers, which are name and value in turn.
func ask(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func bearer(raw string) []string { return []string{"Authorization", "Bearer " + raw} }

// told are the headers of the identity in an answer or a request.
func told(h http.Header) map[string]string {
	m := map[string]string{}
	for name, values := range h {
		if strings.HasPrefix(fold(name), prefix) {
			m[name] = strings.Join(values, "|")
		}
	}
	return m
}

func TestAGoodTokenIsAnsweredWithWhoItIs(t *testing.T) {
	h, i := newGateway(t)
	w := ask(h, "/auth", bearer(i.Token(func(c *token.Claims) {
		c.ID, c.Roles, c.Actor = "t1", []string{"author", "a/b:c"}, &token.Actor{Subject: "bob", ClientID: "job"}
	}))...)
	want := map[string]string{"X-Auth-Subject": "alice", "X-Auth-Client": "signet", "X-Auth-Scope": "posts openid",
		"X-Auth-Roles": "author a/b:c", "X-Auth-Token-Id": "t1", "X-Auth-Actor": "bob"}
	if w.Code != http.StatusNoContent || !maps.Equal(told(w.Header()), want) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// One that is missing there could come from a client.
func TestThePageAboutNginxNamesEveryHeader(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "nginx.md"))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(string(page)), " ")
	h, i := newGateway(t)
	everything := told(ask(h, "/auth", bearer(i.Token(func(c *token.Claims) { c.Actor = &token.Actor{Subject: "bob"} }))...).Header())
	if len(everything) < 6 {
		t.Errorf("the token says only %v", everything)
	}
	for name := range everything {
		variable := "$upstream_http_" + strings.ReplaceAll(fold(name), "-", "_") + ";"
		if !strings.Contains(words, "proxy_set_header "+name+" $auth_") || !strings.Contains(words, variable) {
			t.Errorf("docs/nginx.md does not set %s", name)
		}
	}
}

func TestWhatATokenDoesNotSayIsNotSaid(t *testing.T) {
	h, i := newGateway(t)
	w := ask(h, "/auth", bearer(i.Token(func(c *token.Claims) { c.Scope, c.Roles, c.ID = "", nil, "t1" }))...)
	if want := map[string]string{"X-Auth-Subject": "alice", "X-Auth-Client": "signet", "X-Auth-Token-Id": "t1"}; !maps.Equal(told(w.Header()), want) {
		t.Errorf("got %v", told(w.Header()))
	}
}

func TestANameThatNoHeaderCarriesIsToldNobody(t *testing.T) {
	h, i := newGateway(t)
	for name, c := range map[string]struct {
		edit func(*token.Claims)
		want int
	}{
		// Package resource has refused these.
		"a subject of two lines": {func(c *token.Claims) { c.Subject = "alice\r\nX-Auth-Roles: admin" }, 401},
		"a scope with a NUL":     {func(c *token.Claims) { c.Scope = "a\x00b" }, 401},
		"an actor with a tab":    {func(c *token.Claims) { c.Actor = &token.Actor{ClientID: "a\tb"} }, 401},
		"an id with a DEL":       {func(c *token.Claims) { c.ID = "a\x7f" }, 401},

		"a role of two words":       {func(c *token.Claims) { c.Roles = []string{"an admin"} }, 403},
		"an empty role":             {func(c *token.Claims) { c.Roles = []string{""} }, 403},
		"a client in Cyrillic":      {func(c *token.Claims) { c.ClientID = "клиент" }, 403},
		"a subject of two words":    {func(c *token.Claims) { c.Subject = "alice admin" }, 403},
		"a scope with a wide gap":   {func(c *token.Claims) { c.Scope = "posts\u2003admin" }, 403},
		"an actor without a name":   {func(c *token.Claims) { c.Actor = &token.Actor{} }, 403},
		"an id that is not visible": {func(c *token.Claims) { c.ID = "\u200b" }, 403},
	} {
		if w := ask(h, "/auth", bearer(i.Token(c.edit))...); w.Code != c.want || len(told(w.Header())) > 0 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: got %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
}

func TestARefusedRequestIsToldWhy(t *testing.T) {
	h, i := newGateway(t, "--role", "author")
	good := i.Token()
	for _, c := range []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"no token", nil, 401, `Bearer realm="api"`},
		{"another scheme", []string{"Authorization", "Basic YTpi"}, 401, `Bearer realm="api"`},
		{"two Authorization headers", append(bearer(good), bearer(good)...), 401, `error="invalid_request"`},
		{"two tokens", bearer(good + " " + good), 401, `error="invalid_request"`},
		{"a list of two", bearer(good + ", Bearer " + good), 401, `error="invalid_request"`},
		{"a cut signature", bearer(good[:len(good)-4]), 401, `error="invalid_token"`},
		{"a giant", bearer(strings.Repeat("a", 40<<10)), 401, `error="invalid_token"`},
		{"another audience", bearer(i.Token(func(c *token.Claims) { c.Audience = []string{"other"} })), 401, "another audience"},
		{"an expired one", bearer(i.Token(func(c *token.Claims) { c.Expiry = token.At(time.Now().Add(-time.Minute)) })), 401, "has expired"},
		{"no author", bearer(i.Token(func(c *token.Claims) { c.Roles = nil })), 403, "the role author"},
		{"a token that is bound to a key", bearer(i.Token(func(c *token.Claims) { c.Confirmation.JKT = "k" })), 401, "needs a DPoP proof"},
		{"a token that is bound, by its scheme", []string{"Authorization", "DPoP " + good}, 401, `Bearer realm="api"`},
		{"a token in the original URL", append(bearer(good), "X-Original-Method", "GET", "X-Original-URI", "/posts?access_token="+good), 401, `error="invalid_request"`},
	} {
		w := ask(h, "/auth", c.headers...)
		if w.Code != c.status || !strings.Contains(w.Header().Get("WWW-Authenticate"), c.challenge) || len(told(w.Header())) > 0 {
			t.Errorf("%s: got %d %v", c.name, w.Code, w.Header())
		}
	}
}

func TestALocationNeedsWhatItsURLSays(t *testing.T) {
	h, i := newGateway(t, "--scope", "openid")
	plain := bearer(i.Token())
	admin := bearer(i.Token(func(c *token.Claims) { c.Roles = []string{"author", "admin"} }))
	for _, c := range []struct {
		path   string
		token  []string
		status int
	}{
		{"/auth?role=author&scope=posts", plain, 204},
		{"/auth?role=author&role=admin", plain, 403},
		{"/auth?role=author&role=admin", admin, 204},
		{"/auth?scope=posts:write", admin, 403},
		{"/auth?role=author", bearer(i.Token(func(c *token.Claims) { c.Scope = "posts" })), 403}, // --scope stays
		{"/auth?rol=author", admin, 500},
		{"/auth?role=", admin, 500},
		{"/auth?role=a;role=b", admin, 500},
		{"/auth?access_token=x", admin, 500},
		{"/auth/", admin, 404},
		{"/", admin, 404},
	} {
		if w := ask(h, c.path, c.token...); w.Code != c.status {
			t.Errorf("%s got %d, want %d: %s", c.path, w.Code, c.status, w.Body)
		}
	}
	if w := ask(h, "/auth", plain...); w.Code != 204 {
		t.Errorf("what one location needed stayed: %d", w.Code)
	}
}

func TestEveryAudienceIsTaken(t *testing.T) {
	h, i := newGateway(t, "--audience", "orders", "--audience", "bills")
	for aud, status := range map[string]int{"orders": 204, "bills": 204, "api": 401} {
		if w := ask(h, "/auth", bearer(i.Token(func(c *token.Claims) { c.Audience = []string{aud} }))...); w.Code != status {
			t.Errorf("%s got %d", aud, w.Code)
		}
	}
}

func TestAProofIsForTheOriginalRequest(t *testing.T) {
	h, i := newGateway(t, "--resource", api)
	key := dpoptest.NewKey(t, "ES256")
	bound := i.Token(func(c *token.Claims) { c.Confirmation.JKT = key.JKT() })
	prove := func(method, url string) []string {
		return []string{"Authorization", "DPoP " + bound, "DPoP", key.Proof(method, url, time.Now(), dpoptest.ForToken(bound))}
	}
	asked := func(method, uri string) []string {
		return []string{"X-Original-Method", method, "X-Original-URI", uri}
	}
	for _, c := range []struct {
		name            string
		proof, original []string
		status          int
	}{
		{"the request that was made", prove("PUT", api+"/posts"), asked("PUT", "/posts?page=2"), 204},
		{"another method", prove("GET", api+"/posts"), asked("DELETE", "/posts"), 401},
		{"another path", prove("GET", api+"/posts"), asked("GET", "/admin"), 401},
		{"the gateway's own", prove("GET", api+"/auth"), asked("GET", "/posts"), 401},
		{"a proxy that says nothing", prove("GET", api+"/auth"), nil, 500},
		{"a proxy that adds to what its client said", prove("GET", api+"/posts"), append(asked("GET", "/posts"), asked("GET", "/admin")...), 500},
		{"half of it", prove("GET", api+"/posts"), asked("GET", "/posts")[:2], 500},
		{"no path", prove("GET", api+"/posts"), asked("GET", "https://api.example/posts"), 500},
		{"no URL", prove("GET", api+"/posts"), asked("GET", "/%zz"), 401},
		{"a bearer token without the original", bearer(i.Token()), nil, 500},
		{"a bearer token", bearer(i.Token()), asked("GET", "/posts"), 204},
	} {
		if w := ask(h, "/auth", append(c.proof, c.original...)...); w.Code != c.status {
			t.Errorf("%s: got %d %v %s", c.name, w.Code, w.Header(), w.Body)
		}
	}
	used := append(prove("GET", api+"/posts"), asked("GET", "/posts")...)
	if first, second := ask(h, "/auth", used...).Code, ask(h, "/auth", used...).Code; first != 204 || second != 401 {
		t.Errorf("a proof that was used twice got %d, then %d", first, second)
	}
	w := ask(h, "/auth", asked("GET", "/posts")...)
	if !strings.Contains(w.Header().Get("WWW-Authenticate"), `resource_metadata="`+api+resource.MetadataPath+`"`) {
		t.Errorf("nobody is told where the metadata is: %v", w.Header())
	}
	if w := ask(h, resource.MetadataPath); w.Code != 200 || !strings.Contains(w.Body.String(), `"authorization_servers":["https://id.example"]`) {
		t.Errorf("the metadata is %d %s", w.Code, w.Body)
	}
}

func TestWithoutKeysNobodyPasses(t *testing.T) {
	for _, flags := range [][]string{nil, {"--upstream", "http://127.0.0.1:1"}} {
		h, i := newDeaf(t, flags...)
		if w := ask(h, "/auth", bearer(i.Token())...); w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: got %d %v", flags, w.Code, w.Header())
		}
	}
}

func TestHealthSaysWhetherTokensAreJudged(t *testing.T) {
	h, i := newGateway(t)
	if w := ask(h, "/auth", bearer(i.Token())...); w.Code != 204 { // the keys are there
		t.Fatalf("got %d", w.Code)
	}
	if w := ask(h, "/healthz"); w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"following","keys":1`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	h, _ = newDeaf(t)
	if w := ask(h, "/healthz"); w.Code != 503 || !strings.Contains(w.Body.String(), `"state":"starting","keys":0`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
