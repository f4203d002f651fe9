package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"golang.org/x/oauth2"
)

// issuer is a provider and an API of a few lines.
type issuer struct {
	t   *testing.T
	url string
	key *ecdsa.PrivateKey

	mu        sync.Mutex
	refusal   string       // the error of the token endpoint, if set
	nonce     string       // of the next ID token
	person    string       // of whom userinfo speaks
	audience  string       // of the next ID token
	challenge string       // what the verifier must fit, if set
	requests  []url.Values // to the token endpoint
	revoked   []string
}

func newIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, audience: "cli", person: "ada"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.json(w, 200, map[string]any{
			"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
			"device_authorization_endpoint": i.url + "/device", "revocation_endpoint": i.url + "/revoke", "userinfo_endpoint": i.url + "/userinfo",
			"authorization_response_iss_parameter_supported": true, "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.Handle("GET /keys", &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "one", Algorithm: oidc.ES256}}})
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		i.json(w, 200, map[string]any{"device_code": "dc", "user_code": "BCDF-GHJK", "verification_uri": i.url + "/device",
			"verification_uri_complete": i.url + "/device?user_code=BCDF-GHJK", "expires_in": 60, "interval": 1})
	})
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("POST /revoke", func(_ http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.revoked = append(i.revoked, r.PostFormValue("client_id")+" "+r.PostFormValue("token"))
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.json(w, 200, map[string]any{"sub": i.person, "email": "ada@example.com"})
	})
	mux.HandleFunc("GET /api", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, "hello")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
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
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		i.t.Error(err)
	}
	i.requests = append(i.requests, r.PostForm)
	if i.refusal != "" {
		i.json(w, 400, map[string]any{"error": i.refusal})
		return
	}
	if i.challenge != "" && oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) != i.challenge {
		i.json(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	claims, err := json.Marshal(map[string]any{"iss": i.url, "aud": i.audience, "sub": "ada",
		"exp": time.Now().Add(time.Minute).Unix(), "nonce": i.nonce})
	if err != nil {
		i.t.Error(err)
	}
	i.json(w, 200, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 600, "refresh_token": "refresh",
		"id_token": oidctest.SignIDToken(i.key, "one", oidc.ES256, string(claims))})
}

// start runs the tool; said gives what it has said when it has ended.
func (i *issuer) start(args ...string) (lines func(match string) string, ended func() (string, error)) {
	out, in := io.Pipe()
	var err error
	go func() {
		err = run(i.t.Context(), append([]string{"--issuer", i.url, "--api", i.url + "/api"}, args...), in)
		in.Close()
	}()
	var said strings.Builder
	read := make([]byte, 4096)
	lines = func(match string) string {
		i.t.Helper()
		want := regexp.MustCompile(match)
		for {
			if found := want.FindString(said.String()); found != "" {
				return found
			}
			n, err := out.Read(read)
			said.Write(read[:n])
			if err != nil {
				i.t.Fatalf("it did not say %s, but %s", match, &said)
			}
		}
	}
	return lines, func() (string, error) {
		rest, _ := io.ReadAll(out)
		said.Write(rest)
		return said.String(), err
	}
}

func TestACodeSignsInFromAnotherDevice(t *testing.T) {
	i := newIssuer(t)
	_, ended := i.start()
	said, err := ended()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Open " + i.url + "/device and type the code BCDF-GHJK\n", "Signed in as ada@example.com.\n", "hello"} {
		if !strings.Contains(said, want) {
			t.Errorf("it said %q, without %q", said, want)
		}
	}
	if r := i.requests[0]; r.Get("client_id") != "cli" || r.Get("device_code") != "dc" || r.Get("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" {
		t.Errorf("it asked %q", r)
	}
	if len(i.revoked) != 1 || i.revoked[0] != "cli refresh" {
		t.Errorf("it gave back %q", i.revoked)
	}
}

func TestADeviceHearsWhyNot(t *testing.T) {
	for refusal, want := range map[string]string{"access_denied": "you said no", "expired_token": "the code has expired", "invalid_client": "invalid_client"} {
		t.Run(refusal, func(t *testing.T) {
			i := newIssuer(t)
			i.refusal = refusal
			_, ended := i.start()
			if said, err := ended(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(said, "hello") {
				t.Errorf("%v", err)
			}
		})
	}
}

// authorize reads where the tool sends the browser.
func (i *issuer) authorize(lines func(string) string) url.Values {
	i.t.Helper()
	u, err := url.Parse(strings.TrimSpace(lines(regexp.QuoteMeta(i.url) + `/authorize\S+\n`)))
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.nonce, i.challenge = u.Query().Get("nonce"), u.Query().Get("code_challenge")
	return u.Query()
}

func get(t *testing.T, to string, answer url.Values) (int, string) {
	t.Helper()
	res, err := http.Get(to + "?" + answer.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestABrowserOnThisMachineSignsIn(t *testing.T) {
	i := newIssuer(t)
	lines, ended := i.start("--browser")
	asked := i.authorize(lines)
	to := asked.Get("redirect_uri")
	if !strings.HasPrefix(to, "http://127.0.0.1:") || asked.Get("code_challenge_method") != "S256" {
		t.Errorf("asked %q", asked)
	}
	if status, body := get(t, to, url.Values{"code": {"evil"}, "state": {"another"}, "iss": {i.url}}); status != 400 {
		t.Errorf("another state got %d %s", status, body)
	}
	if status, body := get(t, to, url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {i.url}}); status != 200 || !strings.Contains(body, "close this tab") {
		t.Errorf("got %d %s", status, body)
	}
	said, err := ended()
	if err != nil || !strings.Contains(said, "Signed in as ada@example.com.\n") || !strings.Contains(said, "hello") {
		t.Errorf("said %q, %v", said, err)
	}
	if len(i.requests) != 1 || i.requests[0].Get("code") != "c" || i.requests[0].Get("redirect_uri") != to {
		t.Errorf("it asked %q", i.requests)
	}
}

func TestAnAnswerThatWasNotAskedForSignsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer url.Values
		change func(*issuer)
		says   string
	}{
		{"a person who says no", url.Values{"error": {"access_denied"}}, nil, "you said no"},
		{"another issuer", url.Values{"iss": {"https://evil.example"}}, nil, "another issuer"},
		{"no issuer where all answers name it", url.Values{"iss": nil}, nil, "another issuer"},
		{"another nonce", nil, func(i *issuer) { i.nonce = "another" }, "another sign-in"},
		{"a token for another client", nil, func(i *issuer) { i.audience = "other" }, "audience"},
		{"userinfo about another", nil, func(i *issuer) { i.person = "bob" }, "somebody else"},
		{"another challenge", nil, func(i *issuer) { i.challenge = "another" }, "invalid_grant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := newIssuer(t)
			lines, ended := i.start("--browser")
			asked := i.authorize(lines)
			if c.change != nil {
				i.mu.Lock()
				c.change(i)
				i.mu.Unlock()
			}
			answer := url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {i.url}}
			for name, value := range c.answer {
				answer[name] = value
			}
			get(t, asked.Get("redirect_uri"), answer)
			if said, err := ended(); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(said, "hello") {
				t.Errorf("said %q, %v", said, err)
			}
		})
	}
}
