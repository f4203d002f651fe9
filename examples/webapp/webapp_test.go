package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAPersonSignsInAndSeesWhatTheIssuerSays(t *testing.T) {
	b := newWorld(t).browser()
	asked := b.begin("?login_hint=ada@example.com&ui_locales=de&evil=1")
	for name, want := range map[string]string{
		"client_id": "webapp", "response_type": "code", "scope": "openid email", "redirect_uri": b.web + "/callback",
		"code_challenge_method": "S256", "login_hint": "ada@example.com", "ui_locales": "de", "evil": "", "response_mode": "",
	} {
		if asked.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, asked.Get(name), want)
		}
	}
	got := b.get("/callback?" + b.approve(asked).Encode())
	if got.status != http.StatusSeeOther || got.location.Path != "/" || got.location.RawQuery != "" {
		t.Fatalf("got %d to %s", got.status, got.location)
	}
	body := b.signedIn(true)
	for _, want := range []string{`id="who">Ada Lovelace<`, `data-claim="sub">ada<`, `data-claim="email">ada@example.com<`, `data-claim="scope">openid email<`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s\n%s", want, body)
		}
	}
	if strings.Contains(body, "eyJ") || strings.Contains(body, `"access"`) {
		t.Error("the page holds a token")
	}
}

func TestTheSessionIsAFreshOneThatNoScriptReads(t *testing.T) {
	b := newWorld(t).browser()
	asked := b.get("/login")
	before := asked.cookies[0]
	got := b.get("/callback?" + b.approve(asked.location.Query()).Encode())
	after := got.cookies[0]
	if before.Value == after.Value {
		t.Error("the session keeps its id through the sign-in")
	}
	if b.app.sessions.exists(before.Value) {
		t.Error("the session of before the sign-in goes on")
	}
	if !after.HttpOnly || after.SameSite != http.SameSiteLaxMode || after.Secure {
		t.Errorf("the cookie is %s", after)
	}
	if s := (settings{url: "https://app.example"}); !s.cookie("x").Secure {
		t.Error("the cookie of an https application may travel in the clear")
	}
	b.now = b.now.Add(sessionTTL)
	b.signedIn(false)
}

func TestAnAnswerThatWasNotAskedForSignsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		query  string // of /login
		answer url.Values
		token  claims
		info   claims
	}{
		{name: "another state", answer: url.Values{"state": {"another"}}},
		{name: "no state", answer: url.Values{"state": nil}},
		{name: "another issuer", answer: url.Values{"iss": {"https://evil.example"}}},
		{name: "no issuer where all answers name it", answer: url.Values{"iss": nil}},
		{name: "another code", answer: url.Values{"code": {"another"}}},
		{name: "another nonce", token: claims{"nonce": "another"}},
		{name: "no nonce", token: claims{"nonce": nil}},
		{name: "a token of another issuer", token: claims{"iss": "https://evil.example"}},
		{name: "a token for another client", token: claims{"aud": "other"}},
		{name: "a token for several, and made for another", token: claims{"aud": []string{"webapp", "other"}, "azp": "other"}},
		{name: "a token for several, and made for nobody", token: claims{"aud": []string{"webapp", "other"}}},
		{name: "a token of old", token: claims{"exp": 1}},
		{name: "the hash of another access token", token: claims{"at_hash": "another"}},
		{name: "userinfo about another", info: claims{"sub": "bob"}},
		{name: "an old sign-in where a new one was asked for", query: "?max_age=0", token: claims{"auth_time": 1}},
		{name: "an unknown sign-in where a known one was asked for", query: "?max_age=3000000000", token: claims{"auth_time": nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t).browser()
			answer := b.approve(b.begin(c.query))
			for name, value := range c.answer {
				answer[name] = value
			}
			b.idToken, b.userinfo = b.idToken.with(c.token), b.userinfo.with(c.info)
			if got := b.get("/callback?" + answer.Encode()); got.status < 400 || !strings.Contains(got.body, "<h1>") {
				t.Errorf("got %d %s", got.status, got.body)
			}
			b.signedIn(false)
		})
	}
}

func TestAnAnswerWorksOnceAndInItsBrowserOnly(t *testing.T) {
	w := newWorld(t)
	mine, other := w.browser(), w.browser()
	answer := "/callback?" + w.approve(mine.begin("")).Encode()
	other.begin("")
	if got := other.get(answer); got.status != http.StatusBadRequest || len(w.requests) != 0 {
		t.Errorf("another browser got %d", got.status)
	}
	other.signedIn(false)
	if got := mine.get(answer); got.status != http.StatusSeeOther {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := mine.get(answer); got.status != http.StatusBadRequest || len(w.requests) != 1 {
		t.Errorf("the second time got %d", got.status)
	}
	mine.signedIn(true)

	late := "/callback?" + w.approve(other.begin("")).Encode()
	w.now = w.now.Add(attemptTTL)
	if got := other.get(late); got.status != http.StatusBadRequest {
		t.Errorf("too late got %d", got.status)
	}
}

func TestAnAnswerMayComeByFormPost(t *testing.T) {
	b := newWorld(t).browser()
	b.app.responseMode = "form_post"
	asked := b.begin("")
	if asked.Get("response_mode") != "form_post" {
		t.Errorf("asked for %q", asked)
	}
	if got := b.post("/callback", b.approve(asked)); got.status != http.StatusSeeOther {
		t.Errorf("got %d %s", got.status, got.body)
	}
	b.signedIn(true)
}

func TestARefusalIsToldAsWhatItIs(t *testing.T) {
	for _, c := range []struct {
		query, code string
		status      int
		says        string
	}{
		{"", "access_denied", 303, "You did not let this application in"},
		{"?prompt=none", "login_required", 303, "without asking you (login_required)"},
		{"?prompt=none", "consent_required", 303, "without asking you (consent_required)"},
		{"?prompt=none", "invalid_request", 502, "The issuer refused"},
		{"", "login_required", 502, "The issuer refused"},
		{"", "<b>", 502, "&lt;b&gt;"},
	} {
		t.Run(c.code+c.query, func(t *testing.T) {
			b := newWorld(t).browser()
			asked := b.begin(c.query)
			got := b.get("/callback?" + url.Values{"error": {c.code}, "state": {asked.Get("state")}, "iss": {b.url}}.Encode())
			if got.status != c.status {
				t.Errorf("got %d %s", got.status, got.body)
			}
			if again := b.get("/callback?" + b.approve(asked).Encode()); again.status != 400 {
				t.Errorf("its state works again: %d", again.status)
			}
			if page := got.body + b.signedIn(false); !strings.Contains(page, c.says) {
				t.Errorf("the page is %s", page)
			}
			if b.signedIn(false); strings.Contains(b.get("/").body, c.says) {
				t.Error("it is said again")
			}
		})
	}
}

func TestASilentCheckIsAboutThePersonWhoIsHere(t *testing.T) {
	b := newWorld(t).browser()
	b.signIn()
	asked := b.begin("?prompt=none")
	if asked.Get("prompt") != "none" || asked.Get("id_token_hint") == "" {
		t.Errorf("asked %q", asked)
	}
	answer := b.approve(asked)
	b.idToken, b.userinfo = b.idToken.with(claims{"sub": "bob"}), claims{"sub": "bob", "name": "Bob"}
	if got := b.get("/callback?" + answer.Encode()); got.status != http.StatusBadGateway {
		t.Errorf("somebody else: %d", got.status)
	}
	if body := b.signedIn(true); !strings.Contains(body, "Ada") {
		t.Error("the session went to somebody else")
	}

	answer = b.approve(b.begin("?prompt=none"))
	b.idToken, b.userinfo = b.idToken.with(claims{"sub": "ada"}), claims{"sub": "ada", "name": "Ada"}
	b.get("/callback?" + answer.Encode())
	if body := b.signedIn(true); !strings.Contains(body, "still signed in") {
		t.Errorf("the page is %s", body)
	}
}

func TestTokensAreRefreshedForTheSamePersonOnly(t *testing.T) {
	b := newWorld(t).browser()
	b.signIn()
	b.idToken = b.idToken.with(claims{"nonce": nil, "acr": "high"})
	b.post("/refresh", nil)
	if body := b.signedIn(true); !strings.Contains(body, "The tokens are new") || !strings.Contains(body, `data-claim="acr">high<`) {
		t.Errorf("the page is %s", body)
	}
	b.idToken, b.userinfo = b.idToken.with(claims{"sub": "bob"}), claims{"sub": "bob", "name": "Bob"}
	if got := b.post("/refresh", nil); got.status != http.StatusBadGateway {
		t.Errorf("somebody else: %d", got.status)
	}
	if body := b.signedIn(true); !strings.Contains(body, "Ada") {
		t.Error("the session went to somebody else")
	}
	b.refusal = "temporarily_unavailable"
	b.post("/refresh", nil)
	b.signedIn(true)
	b.refusal = "invalid_grant"
	b.post("/refresh", nil)
	if body := b.signedIn(false); !strings.Contains(body, "ended your sign-in") {
		t.Errorf("the page is %s", body)
	}
}

func TestTheAPIIsCalledWithALiveToken(t *testing.T) {
	b := newWorld(t).browser()
	b.post("/call", nil)
	b.signIn()
	b.post("/call", nil)
	if body := b.signedIn(true); !strings.Contains(body, "200 OK: {&#34;heard&#34;:&#34;Bearer access&#34;}") {
		t.Errorf("the page is %s", body)
	}
}

func TestSigningOutEndsTheSessionHereAndLeadsThere(t *testing.T) {
	b := newWorld(t).browser()
	b.signIn()
	got := b.post("/logout", nil)
	q := got.location.Query()
	if got.status != http.StatusSeeOther || got.location.Path != "/logout" || q.Get("ui") != "1" ||
		!strings.HasPrefix(q.Get("id_token_hint"), "eyJ") || q.Get("post_logout_redirect_uri") != b.web+"/signed-out" {
		t.Errorf("got %d to %s", got.status, got.location)
	}
	if len(got.cookies) != 1 || got.cookies[0].MaxAge >= 0 {
		t.Errorf("the cookie stays: %v", got.cookies)
	}
	b.signedIn(false)
	if got := b.get("/signed-out"); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	if got := b.post("/logout", nil); got.location.Path != "/signed-out" {
		t.Errorf("a second time leads to %s", got.location)
	}
}

func TestNoOtherSiteActsInAPersonsName(t *testing.T) {
	b := newWorld(t).browser()
	b.signIn()
	for _, path := range []string{"/logout", "/refresh", "/call"} {
		r, err := http.NewRequest(http.MethodPost, b.web+path, nil)
		if err == nil {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		if got := b.send(r, err); got.status != http.StatusForbidden {
			t.Errorf("%s got %d", path, got.status)
		}
	}
	b.signedIn(true)
	if got := b.get("/login?iss=https://evil.example"); got.status != http.StatusBadRequest {
		t.Errorf("another issuer: %d", got.status)
	}
}

func TestPagesAreLockedDown(t *testing.T) {
	b := newWorld(t).browser()
	h := b.get("/").header
	if p := h.Get("Content-Security-Policy"); strings.Contains(p, "unsafe") || !strings.Contains(p, "default-src 'none'") || !strings.HasSuffix(p, "form-action 'self' "+b.url) {
		t.Errorf("the policy is %q", p)
	}
	if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the header is %v", h)
	}
}

func TestTheApplicationStartsBeforeItsIssuer(t *testing.T) {
	w := newWorld(t)
	there := w.url
	w.app.issuer = "http://127.0.0.1:1"
	if got := w.browser().get("/login"); got.status != http.StatusBadGateway {
		t.Errorf("got %d", got.status)
	}
	w.app.issuer = there
	w.browser().signIn()
}

func TestRunRefusesWhatItCannotServe(t *testing.T) {
	for _, args := range [][]string{{"--listen", "nonsense"}, {"--listen", "localhost:0", "--issuer", "nonsense"}, {"extra"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	stop()
	if err := run(ctx, []string{"--listen", "127.0.0.1:0"}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestTheStoreOfSessionsIsBounded(t *testing.T) {
	s := newSessions(time.Now)
	for range maxSessions + 5 {
		s.create(nil, "")
	}
	if len(s.byID) != maxSessions {
		t.Errorf("%d sessions", len(s.byID))
	}
	id := s.create(nil, "")
	for n := range maxAttempts + 5 {
		s.begin(id, string(rune('a'+n)), attempt{})
	}
	if len(s.byID[id].attempts) != maxAttempts {
		t.Errorf("%d attempts", len(s.byID[id].attempts))
	}
}
