package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// logoutToken is one that signs out what the issuer's ID token signed in.
func (i *issuer) logoutToken() claims {
	return claims{"iss": i.url, "aud": "webapp", "iat": i.now.Unix(), "exp": i.now.Unix() + 60, "jti": "j1", "sub": "ada", "sid": "s1",
		"events": claims{"http://schemas.openid.net/event/backchannel-logout": claims{}}}
}

func (b *browser) logout(token string) answer {
	b.t.Helper()
	return b.post("/backchannel-logout", url.Values{"logout_token": {token}})
}

func TestALogoutTokenEndsWhatItNames(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   claims
		signedIn bool // afterwards
	}{
		{"the session of the person", claims{}, false},
		{"all sessions of the person", claims{"sid": nil}, false},
		{"the session alone", claims{"sub": nil}, false},
		{"another session", claims{"sid": "s2"}, true},
		{"another person", claims{"sub": "bob", "sid": nil}, true},
		{"several audiences", claims{"aud": []string{"webapp", "other"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b, server := w.browser(), w.browser()
			b.signIn()
			got := server.logout(w.sign(w.logoutToken().with(c.change)))
			if got.status != http.StatusOK || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %s", got.status, got.body)
			}
			b.signedIn(c.signedIn)
		})
	}
}

func TestABadLogoutTokenEndsNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change claims
	}{
		{"another issuer", claims{"iss": "https://evil.example"}},
		{"another client", claims{"aud": "other"}},
		{"nobody", claims{"sub": nil, "sid": nil}},
		{"a nonce", claims{"nonce": "n"}},
		{"no jti", claims{"jti": nil}},
		{"no exp", claims{"exp": nil}},
		{"expired", claims{"exp": 1}},
		{"no iat", claims{"iat": nil}},
		{"long ago", claims{"iat": 1, "exp": 1 << 40}},
		{"in the future", claims{"iat": 1 << 40, "exp": 1 << 41}},
		{"no events", claims{"events": nil}},
		{"another event", claims{"events": claims{"http://example.com": claims{}}}},
		{"an event that is no object", claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": 1}}},
		{"an event that is null", claims{"events": claims{"http://schemas.openid.net/event/backchannel-logout": []any{nil}[0]}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t).browser()
			b.signIn()
			got := b.logout(b.sign(b.logoutToken().with(c.change)))
			if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"error":"invalid_request"`) {
				t.Errorf("got %d %s", got.status, got.body)
			}
			b.signedIn(true)
		})
	}
	t.Run("another key", func(t *testing.T) {
		b := newWorld(t).browser()
		b.signIn()
		for _, token := range []string{"", "x", signed(t, newKey(t), b.logoutToken()), b.sign(b.idToken)} {
			if got := b.logout(token); got.status != http.StatusBadRequest {
				t.Errorf("got %d %s", got.status, got.body)
			}
		}
		b.signedIn(true)
	})
}

func TestALogoutTokenWorksOnce(t *testing.T) {
	b := newWorld(t).browser()
	b.signIn()
	token := b.sign(b.logoutToken())
	b.logout(token)
	b.signedIn(false)
	b.signIn()
	if got := b.logout(token); got.status != http.StatusBadRequest {
		t.Errorf("got %d %s", got.status, got.body)
	}
	b.signedIn(true)
}

// A sign-out elsewhere takes its time to arrive, and may find the person in the
// middle of signing in again.
func TestALogoutTokenLeavesASignInThatHasBegun(t *testing.T) {
	w := newWorld(t)
	b, server := w.browser(), w.browser()
	b.signIn()
	asked := b.begin("")
	if got := server.logout(w.sign(w.logoutToken())); got.status != http.StatusOK {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	b.signedIn(false)
	if got := b.get("/callback?" + b.approve(asked).Encode()); got.status != http.StatusSeeOther {
		t.Errorf("got %d %s", got.status, got.body)
	}
	b.signedIn(true)
}

func TestTheFrontChannelEndsTheSessionThatItNames(t *testing.T) {
	for _, c := range []struct {
		name, iss, sid string
		status         int
		signedIn       bool
	}{
		{"the session", "", "s1", 200, false},
		{"another session", "", "s2", 200, true},
		{"no session", "", "", 400, true},
		{"another issuer", "https://evil.example", "s1", 400, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b, frame := w.browser(), w.browser() // without the cookie
			b.signIn()
			if c.iss == "" {
				c.iss = w.url
			}
			got := frame.get("/frontchannel-logout?" + url.Values{"iss": {c.iss}, "sid": {c.sid}}.Encode())
			if got.status != c.status || !strings.HasSuffix(got.header.Get("Content-Security-Policy"), "frame-ancestors "+w.url) {
				t.Errorf("got %d %v", got.status, got.header)
			}
			b.signedIn(c.signedIn)
		})
	}
}
