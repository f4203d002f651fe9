package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"golang.org/x/oauth2"
)

// claims are those of a token.
type claims map[string]any

// with returns the claims with some changed; nil takes one out.
func (c claims) with(others claims) claims {
	all := maps.Clone(c)
	maps.Copy(all, others)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// issuer is a provider of a few lines, which says whatever a test wants.
type issuer struct {
	t        *testing.T
	url      string
	key      *ecdsa.PrivateKey
	now      time.Time
	code     string // the next code that works
	verifier string // the challenge that it was asked with
	idToken  claims
	userinfo claims
	refusal  string // the error of the token endpoint, if set
	requests []url.Values
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, key: newKey(t), now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.json(w, 200, claims{
			"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
			"userinfo_endpoint": i.url + "/userinfo", "jwks_uri": i.url + "/keys", "end_session_endpoint": i.url + "/logout?ui=1",
			"authorization_response_iss_parameter_supported": true, "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.Handle("GET /keys", &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: i.key.Public(), KeyID: "one", Algorithm: oidc.ES256}}})
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { i.json(w, 200, i.userinfo) })
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) {
		i.json(w, 200, claims{"heard": r.Header.Get("Authorization")})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	i.idToken = claims{"iss": i.url, "aud": "webapp", "sub": "ada", "sid": "s1", "iat": i.now.Unix(), "exp": i.now.Unix() + 60, "auth_time": i.now.Unix()}
	i.userinfo = claims{"sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}
	return i
}

func (i *issuer) json(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.t.Error(err)
	}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		i.t.Error(err)
	}
	if id, secret, _ := r.BasicAuth(); id != "webapp" || secret != "a+secret" { // RFC 6749, section 2.3.1: encoded as a form is
		i.t.Errorf("the client is %q %q", id, secret)
	}
	i.requests = append(i.requests, r.PostForm)
	hash := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case i.refusal != "":
		i.json(w, 400, claims{"error": i.refusal})
	case r.PostFormValue("grant_type") == "refresh_token" && r.PostFormValue("refresh_token") == "refresh",
		r.PostFormValue("code") == i.code && base64.RawURLEncoding.EncodeToString(hash[:]) == i.verifier:
		i.code = ""
		i.json(w, 200, claims{"access_token": "access", "token_type": "Bearer", "refresh_token": "refresh", "expires_in": 600,
			"scope": "openid email", "id_token": i.sign(i.idToken)})
	default:
		i.json(w, 400, claims{"error": "invalid_grant"})
	}
}

func (i *issuer) sign(c claims) string { return signed(i.t, i.key, c) }

func signed(t *testing.T, key *ecdsa.PrivateKey, c claims) string {
	raw, err := json.Marshal(c)
	if err != nil {
		t.Error(err)
	}
	return oidctest.SignIDToken(key, "one", oidc.ES256, string(raw))
}

// approve answers an authorization request as the issuer does when the person
// has said yes, and gives the parameters for the callback.
func (i *issuer) approve(asked url.Values) url.Values {
	i.code, i.verifier = oauth2.GenerateVerifier(), asked.Get("code_challenge")
	i.idToken = i.idToken.with(claims{"nonce": asked.Get("nonce")})
	return url.Values{"code": {i.code}, "state": {asked.Get("state")}, "iss": {i.url}}
}

// world is an issuer and the application.
type world struct {
	*issuer
	app *app
	web string // the application's URL
}

func newWorld(t *testing.T) *world {
	i := newIssuer(t)
	w := &world{issuer: i}
	server := httptest.NewUnstartedServer(nil)
	w.web = "http://" + server.Listener.Addr().String()
	w.app = newApp(settings{url: w.web, issuer: i.url, api: i.url + "/api", clientID: "webapp", clientSecret: "a secret",
		scope: "openid email"}, func() time.Time { return i.now })
	server.Config.Handler = w.app.handler()
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// browser is one with cookies of its own, which follows no redirect by itself.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what a browser got.
type answer struct {
	status   int
	body     string
	location *url.URL // of a redirect
	header   http.Header
	cookies  []*http.Cookie
}

func (b *browser) send(r *http.Request, err error) answer {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	location, _ := res.Location()
	return answer{res.StatusCode, string(body), location, res.Header, res.Cookies()}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.send(http.NewRequest(http.MethodGet, b.web+path, nil))
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.web+path, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(r, err)
}

// begin gives what the application asks the issuer for.
func (b *browser) begin(query string) url.Values {
	b.t.Helper()
	got := b.get("/login" + query)
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location.String(), b.url+"/authorize?") {
		b.t.Fatalf("got %d %s", got.status, got.body)
	}
	return got.location.Query()
}

func (b *browser) signIn() {
	b.t.Helper()
	if got := b.get("/callback?" + b.approve(b.begin("")).Encode()); got.status != http.StatusSeeOther {
		b.t.Fatalf("got %d %s", got.status, got.body)
	}
	b.signedIn(true)
}

// signedIn wants somebody to be signed in, or nobody.
func (b *browser) signedIn(want bool) string {
	b.t.Helper()
	body := b.get("/").body
	if got := strings.Contains(body, `id="who"`); got != want {
		b.t.Errorf("signed in: %v, want %v\n%s", got, want, body)
	}
	return body
}
