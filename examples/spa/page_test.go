//go:build browser

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"signet/prove/chrome"
)

var chromium *chrome.Browser

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "spa-")
	if err != nil {
		panic(err)
	}
	var stop func()
	if chromium, stop, err = chrome.Start(dir); err != nil {
		panic(err)
	}
	code := m.Run()
	stop()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// issuer is a provider and an API of a few lines, which signs a person in
// without a question, and says whatever a test wants.
type issuer struct {
	t    *testing.T
	url  string
	page string // the application's

	mu        sync.Mutex
	answer    url.Values     // changes the answer to the page
	claims    map[string]any // changes the next ID token
	asked     url.Values     // at the authorization endpoint, last
	person    string         // of whom userinfo speaks
	silent    bool           // whether prompt=none succeeds
	refresh   string         // the refresh token that works now
	lifetime  int            // of access tokens, in seconds
	turns     int
	presented []string // refresh tokens
}

// newWorld starts the issuer and the page, and opens it.
func newWorld(t *testing.T) (*issuer, *chrome.Tab) {
	i := &issuer{t: t, silent: true, lifetime: 600, person: "ada"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.json(w, 200, map[string]any{"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
			"end_session_endpoint": i.url + "/logout", "userinfo_endpoint": i.url + "/userinfo", "authorization_response_iss_parameter_supported": true})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /logout", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("id_token_hint") == "" || r.FormValue("client_id") != "spa" {
			t.Errorf("signed out with %q", r.URL.RawQuery)
		}
		http.Redirect(w, r, r.FormValue("post_logout_redirect_uri"), http.StatusSeeOther)
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.json(w, 200, map[string]any{"sub": i.person, "name": "Ada ↑"})
	})
	mux.HandleFunc("/posts", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions && r.Header.Get("Authorization") == "" {
			t.Error("the API is called without a token")
		}
		i.json(w, 200, map[string]any{"posts": []map[string]string{{"text": "<b>old</b>"}}, "text": "new"})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	page := httptest.NewServer(handler(settings{Issuer: i.url, ClientID: "spa", Scope: "openid", API: i.url}))
	t.Cleanup(page.Close)
	i.page = page.URL
	b := chromium.NewProfile(t)
	b.Open(i.page)
	return i, b
}

func (i *issuer) json(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.t.Error(err)
	}
}

func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = r.URL.Query()
	answer := url.Values{"code": {"c"}, "state": {i.asked.Get("state")}, "iss": {i.url}}
	if i.asked.Get("prompt") == "none" && !i.silent {
		answer = url.Values{"error": {"login_required"}, "state": {i.asked.Get("state")}, "iss": {i.url}}
	}
	maps.Copy(answer, i.answer)
	http.Redirect(w, r, i.asked.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.FormValue("client_id") != "spa" || r.Header.Get("Cookie") != "" {
		i.t.Errorf("asked with %q and the cookies %q", r.PostForm, r.Header.Get("Cookie"))
	}
	if r.FormValue("grant_type") == "refresh_token" {
		i.presented = append(i.presented, r.FormValue("refresh_token"))
		if r.FormValue("refresh_token") != i.refresh {
			i.json(w, 400, map[string]any{"error": "invalid_grant"})
			return
		}
	} else if oauth2.S256ChallengeFromVerifier(r.FormValue("code_verifier")) != i.asked.Get("code_challenge") || r.FormValue("redirect_uri") != i.page+"/" {
		i.t.Errorf("redeemed with %q", r.PostForm)
	}
	i.turns++
	i.refresh = fmt.Sprint("refresh ", i.turns)
	claims := map[string]any{"iss": i.url, "aud": "spa", "sub": "ada", "nonce": i.asked.Get("nonce"), "exp": time.Now().Unix() + 600}
	maps.Copy(claims, i.claims)
	raw, err := json.Marshal(claims)
	if err != nil {
		i.t.Error(err)
	}
	i.json(w, 200, map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": i.lifetime, "refresh_token": i.refresh,
		"id_token": "e30." + base64.RawURLEncoding.EncodeToString(raw) + ".x"})
}

// set changes what the issuer says next.
func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func TestAPersonSignsInAndStaysThroughAReload(t *testing.T) {
	i, b := newWorld(t)
	b.Click("#sign-in")
	b.Reads("#who", "Ada ↑")
	b.Reads("#posts li", "<b>old</b>")
	if got := b.URL(); got != i.page+"/" {
		t.Errorf("the address is %s", got)
	}
	b.Fill("#text", "new\r")
	b.Reads("#posts li:last-child", "new")
	b.Click("#refresh")
	b.Reads("#notice", "The tokens are new.")

	b.Open(i.page)
	b.Reads("#who", "Ada ↑")
	if i.set(func() {}); i.asked.Get("prompt") != "none" {
		t.Errorf("the reload asked %q", i.asked)
	}
	i.set(func() { i.silent = false })
	b.Open(i.page)
	b.Reads("h1", "You are not signed in")
	if b.Has("#notice") {
		t.Errorf("a silent no is told: %s", b.Text("#notice"))
	}
	i.set(func() { i.silent = true })
	b.Click("#sign-in")
	b.Reads("#who", "Ada ↑")
	b.Click("#sign-out")
	b.Reads("h1", "You are not signed in")
	b.Open(i.page)
	b.Reads("h1", "You are not signed in")
}

func TestAnAnswerThatWasNotAskedForSignsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer url.Values
		claims map[string]any
		says   string
	}{
		{"another state", url.Values{"state": {"another"}}, nil, "not begun here"},
		{"another issuer", url.Values{"iss": {"https://evil.example"}}, nil, "another issuer"},
		{"no issuer where all answers name it", url.Values{"iss": nil}, nil, "another issuer"},
		{"a person who says no", url.Values{"error": {"access_denied"}}, nil, "You did not let this application in"},
		{"a refusal", url.Values{"error": {"invalid_scope"}}, nil, "invalid_scope"},
		{"another nonce", nil, map[string]any{"nonce": "another"}, "not for this sign-in"},
		{"no nonce", nil, map[string]any{"nonce": nil}, "not for this sign-in"},
		{"a token of another issuer", nil, map[string]any{"iss": "https://evil.example"}, "not for this sign-in"},
		{"a token for another", nil, map[string]any{"aud": "other"}, "not for this sign-in"},
		{"a token for several, made for another", nil, map[string]any{"aud": []string{"spa", "other"}, "azp": "other"}, "not for this sign-in"},
		{"a token of old", nil, map[string]any{"exp": 1}, "not for this sign-in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, b := newWorld(t)
			i.set(func() { i.answer, i.claims = c.answer, c.claims })
			b.Click("#sign-in")
			b.Reads("#notice", c.says)
			b.Reads("h1", "You are not signed in")
			i.set(func() { i.answer, i.claims = nil, nil })
			b.Open(i.page) // and nothing of it is left
			b.Reads("h1", "You are not signed in")
		})
	}
}

func TestAnAnswerWithoutAQuestionSignsNobodyIn(t *testing.T) {
	i, b := newWorld(t)
	b.Open(i.page + "/?code=theirs&state=theirs&iss=" + url.QueryEscape(i.url))
	b.Reads("#notice", "not begun here")
	if i.set(func() {}); i.turns != 0 {
		t.Error("the code was redeemed")
	}
}

func TestARefreshTokenIsUsedOnce(t *testing.T) {
	i, b := newWorld(t)
	i.set(func() { i.lifetime = 1 }) // every call needs a new one
	b.Click("#sign-in")
	b.Reads("#posts li", "old")
	chrome.Eval[bool](b, `Promise.all([1, 2, 3].map(() => document.getElementById('refresh').click())).then(() => true)`)
	b.Reads("#notice", "The tokens are new.")
	b.Fill("#text", "new\r")
	b.Reads("#posts li:last-child", "new")
	i.set(func() {
		seen := map[string]bool{}
		for _, token := range i.presented {
			if seen[token] {
				t.Errorf("presented %q", i.presented)
			}
			seen[token] = true
		}
		i.refresh = "ended"
	})
	b.Click("#refresh")
	b.Reads("#notice", "Your sign-in has ended")
	b.Reads("h1", "You are not signed in")
}

func TestUserinfoSpeaksOfTheSamePerson(t *testing.T) {
	i, b := newWorld(t)
	i.set(func() { i.person = "bob" })
	b.Click("#sign-in")
	b.Reads("#notice", "Userinfo speaks of somebody else.")
	b.Reads("h1", "You are not signed in")
}

func TestARefreshSpeaksOfTheSamePerson(t *testing.T) {
	i, b := newWorld(t)
	b.Click("#sign-in")
	b.Reads("#who", "Ada")
	i.set(func() { i.claims = map[string]any{"sub": "bob"} })
	b.Click("#refresh")
	b.Reads("#notice", "not for this sign-in")
}
