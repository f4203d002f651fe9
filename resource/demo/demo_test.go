package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// newDemo returns the demo's handler and its issuer.
func newDemo(t *testing.T) (http.Handler, *issuertest.Issuer) {
	t.Helper()
	i := issuertest.New(t, "https://id.example")
	s := settings{issuer: i.URL, audience: issuertest.Audience, resource: "http://localhost:3000", origin: "http://app.example"}
	v, err := resource.New(s.issuer, s.audience, resource.WithHTTPClient(i.Client()),
		resource.WithResource(s.resource), resource.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return newAPI(v, s), i
}

func ask(h http.Handler, method, path, bearer, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func as(name string, roles ...string) func(*token.Claims) {
	return func(c *token.Claims) { c.Subject, c.Roles = name, roles }
}

func TestEachSeesTheirOwnPosts(t *testing.T) {
	h, i := newDemo(t)
	alice, bob, root := i.Token(as("alice")), i.Token(as("bob")), i.Token(as("root", "admin"))
	if w := ask(h, "POST", "/posts", alice, `{"text":"hello"}`); w.Code != 201 || !strings.Contains(w.Body.String(), `"text":"hello"`) {
		t.Errorf("POST got %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/posts", alice, ""); w.Code != 200 || !strings.Contains(w.Body.String(), "hello") {
		t.Errorf("the author got %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/posts", bob, ""); w.Code != 200 || w.Body.String() != "{\"posts\":[]}\n" {
		t.Errorf("another got %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/admin", bob, ""); w.Code != 403 {
		t.Errorf("no admin got %d", w.Code)
	}
	if w := ask(h, "GET", "/admin", root, ""); w.Code != 200 || w.Body.String() != "{\"posts_by_subject\":{\"alice\":1}}\n" {
		t.Errorf("the admin got %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/protected", bob, ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"sub":"bob"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestBadRequestsGetAClearAnswer(t *testing.T) {
	h, i := newDemo(t)
	good := i.Token()
	for _, c := range []struct {
		name, method, path, bearer, body string
		status                           int
	}{
		{"no token", "GET", "/posts", "", "", 401},
		{"no token, a post", "POST", "/posts", "", `{"text":"x"}`, 401},
		{"no content type", "POST", "/posts", good, "", 415},
		{"no JSON", "POST", "/posts", good, "text=x", 400},
		{"another type", "POST", "/posts", good, `{"text":1}`, 400},
		{"null", "POST", "/posts", good, `null`, 400},
		{"a null text", "POST", "/posts", good, `{"text":null}`, 400},
		{"a list", "POST", "/posts", good, `["x"]`, 400},
		{"an unknown member", "POST", "/posts", good, `{"text":"x","author":"bob"}`, 400},
		{"a repeated member", "POST", "/posts", good, `{"text":"x","text":"y"}`, 400},
		{"a second value", "POST", "/posts", good, `{"text":"x"}{}`, 400},
		{"invalid UTF-8", "POST", "/posts", good, "{\"text\":\"\xff\"}", 400},
		{"a NUL", "POST", "/posts", good, `{"text":"a\u0000b"}`, 400},
		{"an empty text", "POST", "/posts", good, `{"text":" "}`, 400},
		{"a long text", "POST", "/posts", good, `{"text":"` + strings.Repeat("x", maxText+1) + `"}`, 400},
		{"a huge body", "POST", "/posts", good, `{"text":"` + strings.Repeat("x", maxRequest) + `"}`, 413},
		{"another method", "DELETE", "/posts", good, "", 405},
		{"nothing there", "GET", "/nothing", "", "", 404},
		{"a path that climbs", "GET", "/static/%2e%2e/api.go", "", "", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, c.method, c.path, c.bearer, c.body)
			if w.Code != c.status || !strings.HasPrefix(w.Body.String(), `{"error":"`) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.status)
			}
		})
	}
}

func TestThePageMayTalkToTheIssuerAndNobodyElse(t *testing.T) {
	h, _ := newDemo(t)
	w := ask(h, "GET", "/", "", "")
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "<!doctype html>") ||
		!strings.Contains(policy, "connect-src 'self' https://id.example;") || strings.Contains(policy, "unsafe") {
		t.Errorf("got %d, policy %q", w.Code, policy)
	}
	if w := ask(h, "GET", "/config.json", "", ""); w.Body.String() != "{\"audience\":\"api\",\"issuer\":\"https://id.example\"}\n" {
		t.Errorf("config %s", w.Body)
	}
}

func TestTheDemoSaysWhoseTokensItTakes(t *testing.T) {
	h, i := newDemo(t)
	w := ask(h, "GET", resource.MetadataPath, "", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"resource":"http://localhost:3000","authorization_servers":["https://id.example"]`) ||
		w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("metadata %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := ask(h, "OPTIONS", resource.MetadataPath, "", ""); w.Code != 204 {
		t.Errorf("preflight %d", w.Code)
	}
	if w := ask(h, "GET", "/posts", "", ""); !strings.Contains(w.Header().Get("WWW-Authenticate"), `resource_metadata="http://localhost:3000`+resource.MetadataPath+`"`) {
		t.Errorf("challenge %v", w.Header())
	}
	key := dpoptest.NewKey(t, "ES256")
	bound := i.Token(func(c *token.Claims) { c.Confirmation.JKT = key.JKT() })
	r := httptest.NewRequest("GET", "/posts", nil)
	r.Header.Set("Authorization", "DPoP "+bound)
	r.Header.Set("DPoP", key.Proof("GET", "http://localhost:3000/posts", time.Now(), dpoptest.ForToken(bound)))
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 200 {
		t.Errorf("a bound token with its proof: %d %s", w.Code, w.Body)
	}
}

func TestThePageOfOneOtherOriginMayCall(t *testing.T) {
	h, i := newDemo(t)
	for _, c := range []struct {
		name, method, origin, allowed string
		status                        int
	}{
		{"asks", "OPTIONS", "http://app.example", "http://app.example", 204},
		{"calls", "GET", "http://app.example", "http://app.example", 200},
		{"another asks", "OPTIONS", "http://evil.example", "", 405},
		{"another calls", "GET", "http://evil.example", "", 200},
		{"nobody in particular", "GET", "", "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/posts", nil)
			r.Header.Set("Authorization", "Bearer "+i.Token())
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != c.allowed ||
				w.Header().Get("Access-Control-Allow-Credentials") != "" || w.Header().Get("Vary") != "Origin" {
				t.Errorf("got %d %v", w.Code, w.Header())
			}
		})
	}
}

func TestHealthSaysWhetherTokensAreJudged(t *testing.T) {
	h, i := newDemo(t)
	ask(h, "GET", "/posts", i.Token(), "") // waits for the first keys
	if w := ask(h, "GET", "/healthz", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"following"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTheBoardForgetsTheOldest(t *testing.T) {
	b := newBoard()
	for n := range maxPosts + 5 {
		b.add("alice", fmt.Sprint(n), time.Now())
	}
	if posts := b.of("alice"); len(posts) != maxPosts || posts[0].Text != "5" {
		t.Errorf("%d posts, the first %q", len(posts), posts[0].Text)
	}
	for n := range maxAuthors {
		b.add(fmt.Sprint("author ", n), "x", time.Now())
	}
	if len(b.of("alice")) != 0 || len(b.counts()) != maxAuthors {
		t.Errorf("%d authors", len(b.counts()))
	}
}

func TestRunRefusesWhatItCannotServe(t *testing.T) {
	for _, args := range [][]string{
		{"--listen", "nonsense"}, {"--listen", "localhost:0", "--issuer", "http://id.example"},
		{"--listen", "localhost:0", "--audience", ""}, {"extra"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestRunServesWithoutAnIssuerAndStopsWhenTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--listen", "127.0.0.1:0", "--issuer", "http://127.0.0.1:1"}, in)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	lines.Scan()
	var addr string
	if _, err := fmt.Sscanf(lines.Text(), "demo listens on %s and takes tokens", &addr); err != nil {
		t.Fatalf("said %q", lines.Text())
	}
	if lines.Scan(); !strings.HasPrefix(lines.Text(), "try: curl ") {
		t.Errorf("said %q", lines.Text())
	}
	res, err := http.Get(addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 503 || !strings.Contains(string(body), `"state":"starting"`) {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
