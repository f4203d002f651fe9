package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"signet/resource/dpop/dpoptest"
)

// openRegistration lets everybody register, and keys be fetched from this
// machine.
const openRegistration = `
client_registration: open
fetch: {allow: ["127.0.0.0/8", "::1/128"]}
scopes: [{name: "posts:write", text: Write posts}]
`

// said is what a client says of itself.
type said map[string]any

// with is the same with more, or other, members.
func (s said) with(more said) said {
	all := said{}
	for _, part := range []said{s, more} {
		for name, value := range part {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
	}
	return all
}

// usual is what the certification tests register.
func usual(key dpoptest.Key) said {
	return said{"client_name": "Relying party", "redirect_uris": []string{"https://rp.example.com/cb"}, "response_types": []string{"code"},
		"grant_types": []string{"authorization_code"}, "contacts": []string{"rp@example.com"}, "token_endpoint_auth_method": authKey, "jwks": publicSet(key)}
}

func (p *provider) registers(t testing.TB, s said, headers ...string) reply {
	t.Helper()
	return p.request(t, http.MethodPost, p.at("registration_endpoint"), "application/json", string(jsonOf(s)), headers...)
}

// register registers a client whose keys are of key.
func (p *provider) register(t testing.TB, key dpoptest.Key, s said) (*relying, reply) {
	t.Helper()
	got := p.registers(t, s).ok()
	uris, _ := got.values["redirect_uris"].([]any)
	return &relying{t: t, p: p, id: got.text("client_id"), secret: got.text("client_secret"), auth: got.text("token_endpoint_auth_method"),
		key: key, redirect: uris[0].(string), scope: "openid"}, got
}

// TestOpenIDDynamicProfile is the certification profile Dynamic OP, and
// 3rd-Party-Initiated Login.
func TestOpenIDDynamicProfile(t *testing.T) {
	t.Parallel()
	p := newProvider(t, openRegistration)
	key := dpoptest.NewKey(t, "RS256")
	web := host(t)

	t.Run("OpenID Registration 3.2: what a client gets (oidcc-server)", func(t *testing.T) {
		c, got := p.register(t, key, usual(key))
		if got.status != http.StatusCreated || !strings.Contains(got.header.Get("Cache-Control"), "no-store") || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %d %v", got.status, got.header)
		}
		if c.id == "" || got.text("registration_access_token") == "" || got.text("registration_client_uri") == "" || got.values["client_id_issued_at"] == nil {
			t.Errorf("got %v", got.values)
		}
		if got.values["client_secret"] != nil {
			t.Error("who has keys has a secret too")
		}
		b := p.browser(t)
		id := c.verified(c.tokens(b).text("id_token"))
		if id["sub"] != string(p.user.ID) {
			t.Errorf("the ID token says %v", id)
		}
		if a := c.granted(b); !a.saw("/consent") {
			t.Error("consent was skipped for a client that registered itself")
		}
	})
	t.Run("RFC 7591 3.2.1: a secret comes with when it ends", func(t *testing.T) {
		for _, method := range []string{authBasic, authPost, authHMAC, ""} {
			s := usual(key).with(said{"token_endpoint_auth_method": method, "jwks": nil})
			if method == "" {
				delete(s, "token_endpoint_auth_method")
			}
			c, got := p.register(t, key, s)
			if c.secret == "" || got.values["client_secret_expires_at"] != 0.0 {
				t.Errorf("%s: got %v", method, got.values)
			}
			if method == "" && c.auth != authBasic {
				t.Errorf("RFC 7591 2: the default is %s", c.auth)
			}
			c.tokens(p.browser(t))
		}
	})
	t.Run("RFC 7591 2: a public client", func(t *testing.T) {
		c, got := p.register(t, key, usual(key).with(said{"token_endpoint_auth_method": "none", "jwks": nil}))
		if got.values["client_secret"] != nil {
			t.Errorf("got %v", got.values)
		}
		b := p.browser(t)
		c.authorize(b).told("invalid_request") // RFC 9700, section 2.1.1: without PKCE
		c.redeem(c.code(b, pkce()...), "code_verifier", verifier).ok()
	})
	t.Run("OpenID Registration 2: logo, policy and terms (oidcc-registration-logo-uri, -policy-uri, -tos-uri)", func(t *testing.T) {
		links := said{"logo_uri": "https://rp.example.com/logo.png", "policy_uri": "https://rp.example.com/policy", "tos_uri": "https://rp.example.com/tos", "client_uri": "https://rp.example.com/"}
		c, got := p.register(t, key, usual(key).with(links))
		for name, value := range links {
			if got.values[name] != value {
				t.Errorf("%s is %v", name, got.values[name])
			}
		}
		b := p.signedIn(t)
		page := b.get(b.get(p.at("authorization_endpoint") + "?" + c.asks().Encode()).to().String())
		for _, link := range []string{"policy_uri", "tos_uri"} {
			if !strings.Contains(page.body, fmt.Sprintf(`href="%s"`, links[link])) {
				t.Errorf("the consent page has no link to the %s", link)
			}
		}
		if strings.Contains(page.body, "logo.png") {
			t.Error("the browser is told to fetch the client's logo")
		}
	})
	t.Run("OpenID Registration 2: jwks_uri (oidcc-registration-jwks-uri)", func(t *testing.T) {
		s := usual(key).with(said{"jwks": nil, "jwks_uri": web.put("/jwks", string(jsonOf(publicSet(key))))})
		c, _ := p.register(t, key, s)
		c.tokens(p.browser(t))
	})
	t.Run("OpenID Core 10.1.1: keys of the client that rotate (oidcc-refresh-token-rp-key-rotation)", func(t *testing.T) {
		old, next := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256")
		s := usual(old).with(said{"jwks": nil, "jwks_uri": web.put("/rotating", string(jsonOf(publicSet(old)))), "grant_types": []string{"authorization_code", "refresh_token"}})
		c, _ := p.register(t, old, s)
		got := c.tokens(p.browser(t), "scope", "openid offline_access", "prompt", "consent")
		web.put("/rotating", string(jsonOf(publicSet(next))))
		c.key = next
		c.token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
	})
	t.Run("OpenID Core 10.1.1: keys of the issuer that rotate (oidcc-server-rotate-keys)", func(t *testing.T) {
		c, _ := p.register(t, key, usual(key))
		kid := func() any { return part(t, c.tokens(p.browser(t)).text("id_token"), 0)["kid"] }
		before := kid()
		if _, err := p.house.ring.Rotate(t.Context(), "", true); err != nil {
			t.Fatal(err)
		}
		if before == kid() {
			t.Error("the key is the same")
		}
		if set := p.request(t, http.MethodGet, p.at("jwks_uri"), "", "").ok().body; !strings.Contains(set, fmt.Sprint(before)) {
			t.Error("the old key is gone at once")
		}
	})
	t.Run("OpenID Registration 5: sector identifiers (oidcc-registration-sector-uri, -sector-bad)", func(t *testing.T) {
		good := web.put("/sector", `["https://rp.example.com/cb","https://other.example.com/cb"]`)
		s := usual(key).with(said{"sector_identifier_uri": good, "subject_type": "pairwise"})
		one, _ := p.register(t, key, s)
		two, _ := p.register(t, key, s.with(said{"redirect_uris": []string{"https://other.example.com/cb"}}))
		alone, _ := p.register(t, key, usual(key).with(said{"subject_type": "pairwise"}))
		var subjects []any
		for _, c := range []*relying{one, two, alone} {
			got := c.tokens(p.browser(t))
			sub := c.verified(got.text("id_token"))["sub"]
			if info := c.userinfo(got.text("access_token")).ok(); info.values["sub"] != sub {
				t.Errorf("userinfo is of %v, the ID token of %v", info.values["sub"], sub)
			}
			subjects = append(subjects, sub)
		}
		if subjects[0] != subjects[1] || subjects[0] == subjects[2] || subjects[0] == string(p.user.ID) {
			t.Errorf("OpenID Core 8.1: got %v", subjects)
		}
		p.registers(t, s.with(said{"redirect_uris": []string{"https://bogus.example.com/cb"}})).refused(http.StatusBadRequest, "invalid_client_metadata")
		p.registers(t, s.with(said{"sector_identifier_uri": web.URL + "/nothing"})).refused(http.StatusBadRequest, "invalid_client_metadata")
	})
	t.Run("OpenID Registration 2: a redirect URI with a fragment is refused (oidcc-redirect-uri-regfrag)", func(t *testing.T) {
		p.registers(t, usual(key).with(said{"redirect_uris": []string{"https://rp.example.com/cb#foo"}})).refused(http.StatusBadRequest, "invalid_redirect_uri")
		p.registers(t, usual(key).with(said{"redirect_uris": []string{}})).refused(http.StatusBadRequest, "invalid_redirect_uri")
	})
	t.Run("OpenID Registration 2: a redirect URI with a query (oidcc-redirect-uri-query-OK)", func(t *testing.T) {
		c, _ := p.register(t, key, usual(key).with(said{"redirect_uris": []string{"https://rp.example.com/cb?foo=bar"}}))
		c.tokens(p.browser(t))
	})
	t.Run("OpenID Registration 2: the algorithm of ID tokens (oidcc-idtoken-rs256, -unsigned)", func(t *testing.T) {
		for _, alg := range p.lists("id_token_signing_alg_values_supported") {
			c, _ := p.register(t, key, usual(key).with(said{"id_token_signed_response_alg": alg}))
			got := c.tokens(p.browser(t))
			if at := c.verified(got.text("id_token"), alg)["at_hash"]; at != halfHash(got.text("access_token")) {
				t.Errorf("%s: at_hash is %v", alg, at)
			}
		}
		p.registers(t, usual(key).with(said{"id_token_signed_response_alg": "none"})).refused(http.StatusBadRequest, "invalid_client_metadata")
	})
	t.Run("OpenID Core 5.3.2: signed userinfo (oidcc-userinfo-rs256)", func(t *testing.T) {
		c, _ := p.register(t, key, usual(key).with(said{"userinfo_signed_response_alg": "RS256"}))
		got := c.tokens(p.browser(t))
		info := c.userinfo(got.text("access_token")).ok()
		header, claims := part(t, info.body, 0), part(t, info.body, 1)
		if info.header.Get("Content-Type") != "application/jwt" || header["alg"] != "RS256" || claims["iss"] != p.url || claims["aud"] != c.id || claims["sub"] != string(p.user.ID) {
			t.Errorf("got %v %v %v", info.header, header, claims)
		}
	})
	t.Run("OpenID Core 6: request objects", func(t *testing.T) { checkObjects(t, p, key, web) })
	t.Run("RFC 7523 3: aud is the issuer (oidcc-ensure-client-assertion-with-iss-aud-succeeds), or the endpoint", func(t *testing.T) {
		c, _ := p.register(t, key, usual(key))
		b := p.browser(t)
		for aud, good := range map[string]bool{p.url: true, p.at("token_endpoint"): true, "https://other.example.com": false} {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {c.code(b)}, "redirect_uri": {c.redirect},
				"client_assertion_type": {assertionType}, "client_assertion": {c.assertion(map[string]any{"aud": aud})}}
			got := p.form(t, p.at("token_endpoint"), form)
			if !good {
				got.refused(http.StatusUnauthorized, "invalid_client")
				continue
			}
			got.ok()
			p.form(t, p.at("token_endpoint"), form).refused(http.StatusUnauthorized, "invalid_client") // once
		}
	})
	t.Run("OpenID Core 4: a sign-in that another starts (oidcc-3rd-party-init-login)", func(t *testing.T) {
		_, got := p.register(t, key, usual(key).with(said{"initiate_login_uri": "https://rp.example.com/login"}))
		read := p.request(t, http.MethodGet, got.text("registration_client_uri"), "", "", "Authorization", "Bearer "+got.text("registration_access_token")).ok()
		for _, r := range []reply{got, read} {
			if r.text("initiate_login_uri") != "https://rp.example.com/login" {
				t.Errorf("got %v", r.values)
			}
		}
		p.registers(t, usual(key).with(said{"initiate_login_uri": "http://rp.example.com/login"})).refused(http.StatusBadRequest, "invalid_client_metadata")
	})
	t.Run("OpenID Registration 2: each response type can be registered", func(t *testing.T) {
		for _, f := range flows {
			grants := []string{}
			if f.code {
				grants = append(grants, "authorization_code")
			}
			if f.front() {
				grants = append(grants, "implicit")
			}
			c, _ := p.register(t, key, usual(key).with(said{"response_types": []string{f.responseType}, "grant_types": grants}))
			a := c.granted(p.browser(t), "response_type", f.responseType)
			if f.code {
				c.redeem(a.values.Get("code")).ok()
			}
		}
	})
	t.Run("RFC 7592: a registration is read, changed and taken back", func(t *testing.T) { checkManagement(t, p, key) })
}

// checkObjects is about requests in JWTs (OpenID Core, section 6; RFC 9101).
func checkObjects(t *testing.T, p *provider, key dpoptest.Key, web *hosted) {
	c, _ := p.register(t, key, usual(key).with(said{"request_uris": []string{web.URL + "/object", web.URL + "/unsigned#hash"}, "request_object_signing_alg": "RS256"}))
	object := func(changes map[string]any) map[string]any {
		claims := map[string]any{"iss": c.id, "aud": p.url}
		for name, values := range c.asks() {
			claims[name] = values[0]
		}
		for name, value := range changes {
			claims[name] = value
		}
		return claims
	}
	b := p.browser(t)
	about := func(pairs ...string) arrival {
		v := change(url.Values{"client_id": {c.id}, "response_type": {"code"}, "scope": {"openid"}}, pairs...)
		return b.work(b.get(p.at("authorization_endpoint") + "?" + v.Encode()))
	}
	t.Run("by reference, signed (oidcc-request-uri-signed-rs256)", func(t *testing.T) {
		uri := web.put("/object", signJWT(key, "JWT", object(nil)))
		a := c.good(about("request_uri", uri))
		c.redeem(a.values.Get("code")).ok()
		again := c.good(about("request_uri", uri+"#another-version"))
		c.redeem(again.values.Get("code")).ok()
	})
	t.Run("by reference, unsigned, is request_uri_not_supported (oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported)", func(t *testing.T) {
		uri := web.put("/unsigned", unsignedJWT(object(nil)))
		about("request_uri", uri, "redirect_uri", c.redirect, "state", state).told("request_uri_not_supported")
	})
	t.Run("by value, signed", func(t *testing.T) {
		a := c.good(about("request", signJWT(key, "oauth-authz-req+jwt", object(nil))))
		c.redeem(a.values.Get("code")).ok()
	})
	t.Run("RFC 9101 6.3: what is beside it does not count", func(t *testing.T) {
		a := c.good(about("request", signJWT(key, "JWT", object(nil)), "redirect_uri", "https://evil.example.com/", "state", "another"))
		if !strings.HasPrefix(a.client.String(), c.redirect) {
			t.Errorf("the answer went to %v", a.client)
		}
	})
	t.Run("OpenID Core 6.1: numbers and objects are themselves", func(t *testing.T) {
		a := c.good(about("request", signJWT(key, "JWT", object(map[string]any{"max_age": 0, "claims": map[string]any{"id_token": map[string]any{"email": nil}}}))))
		if id := c.verified(c.redeem(a.values.Get("code")).ok().text("id_token")); !a.saw("/sign-in") || id["email"] != personMail {
			t.Errorf("%v after %v", id, a.pages)
		}
	})
	t.Run("RFC 9101 5: one by value and one by reference are invalid_request", func(t *testing.T) {
		about("request", signJWT(key, "JWT", object(nil)), "request_uri", web.URL+"/object", "redirect_uri", c.redirect, "state", state).told("invalid_request")
	})
	t.Run("RFC 9101 10.5: who registered for signed requests is taken at its word", func(t *testing.T) {
		c, _ := p.register(t, key, usual(key).with(said{"require_signed_request_object": true}))
		c.authorize(b).told("invalid_request")
	})
	other := dpoptest.NewKey(t, "ES256")
	for name, text := range map[string]string{
		"of another's key":     signJWT(other, "JWT", object(nil)),
		"for another server":   signJWT(key, "JWT", object(map[string]any{"aud": "https://other.example.com"})),
		"by another client":    signJWT(key, "JWT", object(map[string]any{"iss": "other"})),
		"that has expired":     signJWT(key, "JWT", object(map[string]any{"exp": 1})),
		"that is an assertion": c.assertion(map[string]any{"aud": p.url}),
		"inside another":       signJWT(key, "JWT", object(map[string]any{"request": "x"})),
		"made with the secret": hmacJWT(c.id, object(nil)),
		"that is none":         "bogus",
	} {
		t.Run("one "+name+" is invalid_request_object", func(t *testing.T) {
			a := about("request", text, "redirect_uri", c.redirect, "state", state)
			if a.values.Get("error") == "request_not_supported" {
				return // a kind of signature that is not taken at all
			}
			a.told("invalid_request_object")
		})
	}
}

// checkManagement is RFC 7592.
func checkManagement(t *testing.T, p *provider, key dpoptest.Key) {
	s := usual(key)
	c, got := p.register(t, key, s)
	at, with := got.text("registration_client_uri"), []string{"Authorization", "Bearer " + got.text("registration_access_token")}
	send := func(method string, body said, headers ...string) reply {
		raw, mediaType := "", ""
		if body != nil {
			raw, mediaType = string(jsonOf(body)), "application/json"
		}
		return p.request(t, method, at, mediaType, raw, headers...)
	}
	if read := send(http.MethodGet, nil, with...).ok(); read.text("client_id") != c.id || !strings.Contains(read.header.Get("Cache-Control"), "no-store") {
		t.Errorf("2.1: got %s", read.body)
	}
	for name, headers := range map[string][]string{"no token": nil, "another's token": {"Authorization", "Bearer signet_ra_bogus"}} {
		if refused := send(http.MethodGet, nil, headers...).refused(http.StatusUnauthorized, "invalid_token"); !strings.HasPrefix(refused.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", name, refused.header.Get("WWW-Authenticate"))
		}
	}
	changed := send(http.MethodPut, s.with(said{"client_id": c.id, "client_name": "Another name"}), with...).ok()
	if changed.text("client_name") != "Another name" {
		t.Errorf("2.2: got %s", changed.body)
	}
	send(http.MethodPut, s.with(said{"client_id": "other"}), with...).refused(http.StatusBadRequest, "invalid_request")
	if gone := send(http.MethodDelete, nil, with...); gone.status != http.StatusNoContent {
		t.Errorf("2.3: got %d", gone.status)
	}
	send(http.MethodGet, nil, with...).refused(http.StatusUnauthorized, "invalid_token")
	c.authorize(p.browser(t)).shown()
}
