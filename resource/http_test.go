package resource_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// whoami answers with the subject of the token that came through.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	t, ok := resource.FromContext(r.Context())
	if !ok {
		http.Error(w, "no token in the context", http.StatusTeapot)
		return
	}
	_, _ = w.Write([]byte(t.Subject()))
})

const metadataParam = `resource_metadata="https://api.example/.well-known/oauth-protected-resource"`

func TestWhatARequestIsAnswered(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), resource.WithResource("https://api.example"))
	mux := http.NewServeMux()
	mux.Handle("/any", v.Middleware(whoami))
	mux.Handle("/write", v.RequireScope("posts", "write")(whoami))
	mux.Handle("/posts", v.RequireScope("posts")(whoami))
	mux.Handle("/admin", v.Middleware(v.RequireRole("admin")(whoami)))
	mux.Handle("/author", v.RequireRole("author")(whoami))

	good := i.Token()
	old := i.Token(func(c *token.Claims) { c.Expiry = token.At(time.Now().Add(-time.Minute)) })
	const invalid = `{"error":"invalid_token","error_description":"`
	const badRequest = `Bearer error="invalid_request", error_description="a token is presented once, in one Authorization header", ` + metadataParam
	const badBody = `{"error":"invalid_request","error_description":"a token is presented once, in one Authorization header"}` + "\n"
	// Whatever the Bearer challenge says, DPoP is offered next to it.
	const algs = `algs="ES256 ES384 ES512 EdDSA Ed25519 PS256 RS256", ` + metadataParam
	second := map[int]string{200: "", 401: "\nDPoP " + algs, 403: "",
		400: "\n" + strings.Replace(strings.Replace(badRequest, "Bearer", "DPoP", 1), metadataParam, algs, 1)}
	const missing = `{"error":"missing_token","error_description":"an access token is required"}` + "\n"
	for _, c := range []struct {
		name, path string
		auth       []string
		status     int
		challenge  string
		body       string
	}{
		{"a good token", "/any", []string{"Bearer " + good}, 200, "", "alice"},
		{"a good token, the scheme in another case", "/any", []string{"bEARER " + good}, 200, "", "alice"},
		{"a good token with its scope", "/posts", []string{"Bearer " + good}, 200, "", "alice"},
		{"a good token with its role", "/author", []string{"Bearer " + good}, 200, "", "alice"},
		{"no token", "/any", nil, 401, "Bearer " + metadataParam, missing},
		{"another scheme", "/any", []string{"Basic YTpi"}, 401, "Bearer " + metadataParam, missing},
		{"a token in the query only", "/any?access_token=" + good, nil, 401, "Bearer " + metadataParam, missing},
		{"a token in the query and in the header", "/any?access_token=x", []string{"Bearer " + good}, 400, badRequest, badBody},
		{"two headers", "/any", []string{"Bearer " + good, "Bearer " + good}, 400, badRequest, badBody},
		{"two headers of two schemes", "/any", []string{"Basic YTpi", "Bearer " + good}, 400, badRequest, badBody},
		{"the scheme alone", "/any", []string{"Bearer"}, 400, badRequest, badBody},
		{"the scheme and a space", "/any", []string{"Bearer "}, 400, badRequest, badBody},
		{"two tokens in one header", "/any", []string{"Bearer " + good + ", Bearer " + good}, 400, badRequest, badBody},
		{"a space inside", "/any", []string{"Bearer " + good[:20] + " " + good[20:]}, 400, badRequest, badBody},
		{"quotes", "/any", []string{`Bearer "` + good + `"`}, 400, badRequest, badBody},
		{"a padded token", "/any", []string{"Bearer " + good + "="}, 401,
			`Bearer error="invalid_token", error_description="the token is malformed", ` + metadataParam, invalid + "the token is malformed\"}\n"},
		{"an expired token", "/any", []string{"Bearer " + old}, 401,
			`Bearer error="invalid_token", error_description="the token has expired", ` + metadataParam, invalid + "the token has expired\"}\n"},
		{"a token that lacks a scope", "/write", []string{"Bearer " + good}, 403,
			`Bearer error="insufficient_scope", error_description="the token lacks a scope that is needed here", scope="posts write", ` + metadataParam,
			`{"error":"insufficient_scope","error_description":"the token lacks a scope that is needed here"}` + "\n"},
		{"a token that lacks a role", "/admin", []string{"Bearer " + good}, 403,
			`Bearer error="insufficient_scope", error_description="the role admin is needed here", ` + metadataParam,
			`{"error":"insufficient_scope","error_description":"the role admin is needed here"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, c.path, nil)
			r.Header["Authorization"] = c.auth
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			got, want := strings.Join(w.Header()["Www-Authenticate"], "\n"), c.challenge+second[c.status]
			if w.Code != c.status || got != want || w.Body.String() != c.body {
				t.Errorf("got  %d %q %q\nwant %d %q %q", w.Code, got, w.Body, c.status, want, c.body)
			}
			if c.status != 200 && (w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json") {
				t.Errorf("header %v", w.Header())
			}
		})
	}
}

func TestWithoutAResourceTheChallengeNamesTheAudience(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()))
	w := httptest.NewRecorder()
	v.Middleware(whoami).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got, want := w.Header().Get("WWW-Authenticate"), `Bearer realm="api"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutKeysARequestIsToldToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuertest.New(t, issuerURL)
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		v := newVerifier(t, resource.WithHTTPClient(i.Client()))
		defer v.Close()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+i.Token())
		w := httptest.NewRecorder()
		v.Middleware(whoami).ServeHTTP(w, r)
		if w.Code != 503 || w.Header().Get("Retry-After") != "5" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
	})
}

func TestARequirementDoesNotTakeAnotherVerifiersWord(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	ours := newVerifier(t, static(i.Key()))
	other, err := resource.New("https://other.example", "api", static(i.Key()))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+i.Token())
	w := httptest.NewRecorder()
	ours.Middleware(other.RequireRole("author")(whoami)).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("got %d", w.Code)
	}
}
