package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const hybridClients = `
clients:
- id: hybrid
  secret: a-secret-that-is-long-enough-for-all
  first_party: true
  redirect_uris: ["https://hybrid.example.com/cb", "https://hybrid.example.com/cb?foo=bar"]
  grant_types: [authorization_code, implicit, refresh_token]
  response_types: [code, id_token, id_token token, code id_token, code token, code id_token token]
`

// flow is a response type with what its answer holds.
type flow struct {
	responseType         string
	code, idToken, token bool
}

var flows = []flow{
	{"code", true, false, false},
	{"id_token", false, true, false},
	{"id_token token", false, true, true},
	{"code id_token", true, true, false},
	{"code token", true, false, true},
	{"code id_token token", true, true, true},
}

func (f flow) front() bool { return f.idToken || f.token }

// TestOpenIDHybridProfiles are the certification profiles Implicit OP, Hybrid
// OP, and the three Form Post OPs: each module of them that tells one response
// type from another.
func TestOpenIDHybridProfiles(t *testing.T) {
	t.Parallel()
	p := newProvider(t, hybridClients)
	c, b := p.client(t, "hybrid"), p.signedIn(t)
	for _, f := range flows {
		for _, mode := range []string{"", "form_post"} {
			t.Run("OpenID Core 3.2.2.5, 3.3.2.5: "+f.responseType+" "+mode, func(t *testing.T) {
				c := *c
				c.t = t
				a := c.granted(b, "response_type", f.responseType, "response_mode", mode)
				f.checkMode(t, a, mode)
				f.checkContent(t, &c, a)
			})
		}
		t.Run("OAuth Multiple Response Types 3.0: words have no order: "+f.responseType, func(t *testing.T) {
			words := strings.Fields(f.responseType)
			slices.Reverse(words)
			c.granted(b, "response_type", strings.Join(words, " "))
		})
		if !f.front() {
			continue
		}
		t.Run("Multiple Response Types 3.0: no token goes into a query: "+f.responseType, func(t *testing.T) {
			if a := c.authorize(b, "response_type", f.responseType, "response_mode", "query").told("invalid_request"); a.mode != "fragment" {
				t.Errorf("the client was told by %s", a.mode)
			}
		})
		t.Run("Multiple Response Types 5: errors go the same way: "+f.responseType, func(t *testing.T) {
			if a := c.authorize(p.browser(t), "response_type", f.responseType, "prompt", "none").told("login_required"); a.mode != "fragment" || a.values.Get("state") != state {
				t.Errorf("the client was told by %s: %v", a.mode, a.values)
			}
		})
		if f.idToken {
			t.Run("OpenID Core 3.2.2.1: nonce is needed (oidcc-ensure-request-without-nonce-fails): "+f.responseType, func(t *testing.T) {
				if a := c.authorize(b, "response_type", f.responseType, "nonce", "").told("invalid_request"); a.mode != "fragment" {
					t.Errorf("the client was told by %s", a.mode)
				}
			})
			t.Run("OpenID Core 3.1.2.1: an ID token needs openid: "+f.responseType, func(t *testing.T) {
				c.authorize(b, "response_type", f.responseType, "scope", "email").told("invalid_request")
			})
		}
	}
	t.Run("Form Post Response Mode 2: errors are posted too", func(t *testing.T) {
		for _, wrong := range []string{"prompt=bogus", "response_type="} { // the second is oidcc-response-type-missing
			name, value, _ := strings.Cut(wrong, "=")
			if a := c.authorize(b, "response_mode", "form_post", name, value).told("invalid_request"); a.mode != "form_post" {
				t.Errorf("%s: the client was told by %s", wrong, a.mode)
			}
		}
	})
	t.Run("Form Post Response Mode 2: a query of the redirect URI stays (oidcc-redirect-uri-query-OK)", func(t *testing.T) {
		a := c.granted(b, "response_mode", "form_post", "redirect_uri", c.redirect+"?foo=bar")
		if a.client.String() != c.redirect+"?foo=bar" || a.values.Has("foo") {
			t.Errorf("the form goes to %v with %v", a.client, a.values)
		}
	})
	t.Run("Multiple Response Types 2.1: fragment for a code", func(t *testing.T) {
		if a := c.granted(b, "response_mode", "fragment"); a.mode != "fragment" || a.values.Get("code") == "" {
			t.Errorf("got %s %v", a.mode, a.values)
		}
	})
	t.Run("OpenID Core 5.4: with an ID token alone, the claims of the scopes are in it", func(t *testing.T) {
		a := c.granted(b, "response_type", "id_token", "scope", "openid email")
		if id := c.verified(a.values.Get("id_token")); id["email"] != personMail {
			t.Errorf("the ID token says %v", id)
		}
		a = c.granted(b, "response_type", "id_token token", "scope", "openid email")
		if id := c.verified(a.values.Get("id_token")); id["email"] != nil {
			t.Errorf("the ID token says %v", id)
		}
	})
	t.Run("OpenID Core 11: without a code there is no offline_access", func(t *testing.T) {
		a := c.granted(b, "response_type", "id_token token", "scope", "openid offline_access")
		if a.values.Get("scope") != "openid" || a.values.Has("refresh_token") {
			t.Errorf("got %v", a.values)
		}
	})
	t.Run("OpenID Core 3.3.2.1: PKCE holds for a hybrid code as for any", func(t *testing.T) {
		code := c.granted(b, pkce("response_type", "code id_token")...).values.Get("code")
		c.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
		c.redeem(code, "code_verifier", verifier).ok()
	})
}

// checkMode holds the way of the answer against what was asked.
func (f flow) checkMode(t *testing.T, a arrival, mode string) {
	t.Helper()
	want := mode
	switch {
	case mode == "" && f.front():
		want = "fragment"
	case mode == "":
		want = "query"
	}
	if a.mode != want {
		t.Errorf("the answer went by %s", a.mode)
	}
	if want == "fragment" && a.client.RawQuery != "" {
		t.Errorf("there is a query: %s", a.client.RawQuery)
	}
	if want == "form_post" {
		for name, value := range map[string]string{"Cache-Control": "no-store", "Content-Type": "text/html"} {
			if !strings.Contains(a.header.Get(name), value) {
				t.Errorf("%s is %q", name, a.header.Get(name))
			}
		}
		if a.status != http.StatusOK || a.client.String() != "https://hybrid.example.com/cb" || !strings.Contains(a.body, `method="post"`) ||
			strings.Contains(a.header.Get("Content-Security-Policy"), "form-action") {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if a.header.Get("Referrer-Policy") == "" {
		t.Error("RFC 9700 4.2.4: there is no Referrer-Policy")
	}
}

// checkContent holds the values of the answer against what was asked.
func (f flow) checkContent(t *testing.T, c *relying, a arrival) {
	t.Helper()
	for name, there := range map[string]bool{"code": f.code, "id_token": f.idToken, "access_token": f.token, "token_type": f.token, "expires_in": f.token, "refresh_token": false} {
		if a.values.Has(name) != there {
			t.Errorf("%s: %t in %v", name, !there, a.values)
		}
	}
	var front map[string]any
	if f.idToken {
		front = c.verified(a.values.Get("id_token"))
		hashes := url.Values{"s_hash": {state}, "c_hash": a.values["code"], "at_hash": a.values["access_token"]}
		for name := range hashes {
			if of := hashes.Get(name); of == "" && front[name] != nil || of != "" && front[name] != halfHash(of) {
				t.Errorf("%s is %v", name, front[name])
			}
		}
		if front["nonce"] != nonce || front["auth_time"] == nil {
			t.Errorf("the ID token says %v", front)
		}
	}
	if f.token {
		if !strings.EqualFold(a.values.Get("token_type"), "Bearer") {
			t.Errorf("token_type is %q", a.values.Get("token_type"))
		}
		info := c.userinfo(a.values.Get("access_token")).ok()
		if front != nil && info.text("sub") != front["sub"] {
			t.Errorf("userinfo is of %v", info.values)
		}
	}
	if !f.code {
		return
	}
	got := c.redeem(a.values.Get("code")).ok()
	back := c.verified(got.text("id_token"))
	if back["nonce"] != nonce || front != nil && (back["sub"] != front["sub"] || back["iss"] != front["iss"]) { // Core, section 3.3.3.6
		t.Errorf("%v in front, %v behind", front, back)
	}
	c.userinfo(got.text("access_token")).ok()
	// OIDC Core, section 3.3.3.2, and RFC 6749, section 4.1.2.
	c.redeem(a.values.Get("code")).refused(http.StatusBadRequest, "invalid_grant")
	c.userinfo(got.text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
}
