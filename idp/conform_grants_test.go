package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/resource/dpop/dpoptest"
)

const (
	deviceGrant   = "urn:ietf:params:oauth:grant-type:device_code"
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccess    = "urn:ietf:params:oauth:token-type:access_token"
	orders        = "https://orders.example.com"
)

// TestOAuthExtensions is what stands beside the lines of RFC 6749: devices,
// exchange, resources, pushed requests, and keys that tokens are bound to.
func TestOAuthExtensions(t *testing.T) {
	t.Parallel()
	p := newProvider(t, oauthClients)
	b := p.signedIn(t)
	t.Run("RFC 8628: a device", func(t *testing.T) { checkDevice(t, p, b) })
	t.Run("RFC 8693: token exchange", func(t *testing.T) { checkExchange(t, p, b) })
	t.Run("RFC 8707: resources", func(t *testing.T) { checkResources(t, p, b) })
	t.Run("RFC 9126: pushed requests", func(t *testing.T) { checkPushed(t, p, b) })
	t.Run("RFC 9449: tokens that are bound to a key", func(t *testing.T) { checkDPoP(t, p, b) })
}

func checkDevice(t *testing.T, p *provider, b *userAgent) {
	tv := p.client(t, "tv")
	tv.auth = authNone
	start := func() reply {
		t.Helper()
		got := tv.send(p.at("device_authorization_endpoint"), url.Values{"scope": {"openid posts:read"}}).ok()
		for _, name := range []string{"device_code", "user_code", "verification_uri", "expires_in"} {
			if got.values[name] == nil {
				t.Errorf("3.2: there is no %s", name)
			}
		}
		if got.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("3.2: got %v", got.header)
		}
		return got
	}
	poll := func(codes reply) reply {
		t.Helper()
		return tv.token(deviceGrant, "device_code", codes.text("device_code"))
	}
	// decide goes to the page, by the code that is typed or the complete URL.
	decide := func(codes reply, complete bool, action string) {
		t.Helper()
		v := b.get(codes.text("verification_uri"))
		f, _ := formOf(v)
		if complete {
			v = b.get(codes.text("verification_uri_complete"))
		} else {
			f.values.Set("user_code", strings.ToLower(strings.ReplaceAll(codes.text("user_code"), "-", " "))) // 6.1
			v = b.post(f.action.String(), f.values)
		}
		f, found := formOf(v)
		if !found || !strings.Contains(v.body, "Television") || !strings.Contains(v.body, codes.text("user_code")) { // 3.3.1, 5.4
			t.Fatalf("3.3: the page does not say what is asked: %d %s", v.status, v.body)
		}
		f.values.Set("action", action)
		if done := b.post(f.action.String(), f.values); done.status != http.StatusOK {
			t.Fatalf("3.3: got %d %s", done.status, done.body)
		}
	}
	t.Run("3.5: until the person decides it is authorization_pending, and slow_down for who asks too often", func(t *testing.T) {
		codes := start()
		poll(codes).refused(http.StatusBadRequest, "authorization_pending")
		poll(codes).refused(http.StatusBadRequest, "slow_down")
		p.forward(30 * time.Second)
		poll(codes).refused(http.StatusBadRequest, "authorization_pending")
		decide(codes, false, "go")
		p.forward(30 * time.Second)
		got := poll(codes).ok()
		checkTokenAnswer(t, "device_code", got)
		if id := tv.verified(got.text("id_token")); id["sub"] != string(p.user.ID) {
			t.Errorf("the ID token says %v", id)
		}
		tv.token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
		poll(codes).refused(http.StatusBadRequest, "invalid_grant") // once
	})
	t.Run("3.5: who says no is access_denied", func(t *testing.T) {
		codes := start()
		decide(codes, true, "cancel")
		poll(codes).refused(http.StatusBadRequest, "access_denied")
	})
	t.Run("3.5: too late is expired_token", func(t *testing.T) {
		codes := start()
		p.forward(11 * time.Minute)
		poll(codes).refused(http.StatusBadRequest, "expired_token")
	})
	t.Run("3.4: a device code is for its client", func(t *testing.T) {
		p.client(t, "web").token(deviceGrant, "device_code", start().text("device_code")).refused(http.StatusBadRequest, "unauthorized_client")
		tv.token(deviceGrant, "device_code", "bogus").refused(http.StatusBadRequest, "invalid_grant")
		tv.token(deviceGrant).refused(http.StatusBadRequest, "invalid_request")
	})
	t.Run("3.1: only a client that registered the grant type", func(t *testing.T) {
		at := p.at("device_authorization_endpoint")
		p.client(t, "web").send(at, url.Values{}).refused(http.StatusBadRequest, "unauthorized_client")
		p.form(t, at, url.Values{"client_id": {"nobody"}}).refused(http.StatusUnauthorized, "invalid_client")
	})
}

func checkExchange(t *testing.T, p *provider, b *userAgent) {
	c := p.client(t, "middle")
	subject := c.tokens(b, "scope", "openid posts:read posts:write").text("access_token")
	own := c.token("client_credentials").ok().text("access_token")
	exchange := func(pairs ...string) reply {
		t.Helper()
		return c.token(exchangeGrant, append([]string{"subject_token", subject, "subject_token_type", typeAccess, "audience", orders}, pairs...)...)
	}
	t.Run("2.2: the answer", func(t *testing.T) {
		got := exchange("scope", "posts:read").ok()
		checkTokenAnswer(t, "token-exchange", got)
		claims := part(t, got.text("access_token"), 1)
		if got.text("issued_token_type") != typeAccess || got.values["refresh_token"] != nil || got.text("scope") != "posts:read" || claims["sub"] != string(p.user.ID) || claims["act"] != nil {
			t.Errorf("got %s, %v", got.body, claims)
		}
		if aud := audience(t, got); aud != orders {
			t.Errorf("aud is %v", aud)
		}
		if before := part(t, subject, 1); claims["exp"].(float64) > before["exp"].(float64) {
			t.Error("the token lives longer than the one that it was given for")
		}
	})
	t.Run("4.1: who acts", func(t *testing.T) {
		claims := part(t, exchange("actor_token", own, "actor_token_type", typeAccess).ok().text("access_token"), 1)
		if act, _ := claims["act"].(map[string]any); act["sub"] != "middle" {
			t.Errorf("act is %v", claims["act"])
		}
	})
	for _, tt := range []struct {
		name, code string
		pairs      []string
	}{
		{"2.1: no subject token", "invalid_request", []string{"subject_token", ""}},
		{"2.1: no type of it", "invalid_request", []string{"subject_token_type", ""}},
		{"2.1: another type", "invalid_request", []string{"subject_token_type", "urn:ietf:params:oauth:token-type:saml2"}},
		{"2.1: a type of an actor that is not there", "invalid_request", []string{"actor_token_type", typeAccess}},
		{"2.1: a token of another type is wanted", "invalid_request", []string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}},
		{"2.2.2: a subject token that does not hold", "invalid_request", []string{"subject_token", "bogus"}},
		{"2.2.2: of another client", "invalid_request", []string{"subject_token", p.client(t, "web").tokens(b).text("access_token")}},
		{"2.2.2: an audience that is not open to the client", "invalid_target", []string{"audience", "https://mail.example.com"}},
		{"2.2.2: an audience that nobody knows", "invalid_target", []string{"audience", "bogus"}},
		{"2.1: more scope than the subject token has", "invalid_scope", []string{"scope", "email"}},
	} {
		t.Run(tt.name, func(t *testing.T) { exchange(tt.pairs...).refused(http.StatusBadRequest, tt.code) })
	}
	t.Run("5: a client that may not", func(t *testing.T) {
		p.client(t, "web").token(exchangeGrant, "subject_token", subject, "subject_token_type", typeAccess).refused(http.StatusBadRequest, "unauthorized_client")
	})
}

func checkResources(t *testing.T, p *provider, b *userAgent) {
	c := p.client(t, "web")
	aud := func(r reply) string { return audience(t, r) }
	query := c.asks("resource", orders)
	query.Add("resource", "https://mail.example.com")
	both := func() reply {
		return c.redeem(c.good(b.work(b.get(p.at("authorization_endpoint") + "?" + query.Encode()))).values.Get("code"))
	}
	t.Run("2: one resource is the audience", func(t *testing.T) {
		if got := aud(c.tokens(b, "resource", orders)); got != orders {
			t.Errorf("aud is %v", got)
		}
	})
	t.Run("2: several are, too", func(t *testing.T) {
		if got := aud(both()); got != orders+" https://mail.example.com" {
			t.Errorf("aud is %v", got)
		}
	})
	t.Run("2.2: one of them at the token endpoint, and another at a refresh", func(t *testing.T) {
		code := c.good(b.work(b.get(p.at("authorization_endpoint") + "?" + query.Encode()))).values.Get("code")
		c.redeem(code, "resource", "api").refused(http.StatusBadRequest, "invalid_target")
		got := c.redeem(code, "resource", orders)
		if aud(got) != orders {
			t.Errorf("aud is %v", aud(got))
		}
		if again := aud(c.token("refresh_token", "refresh_token", got.text("refresh_token"), "resource", "https://mail.example.com")); again != "https://mail.example.com" {
			t.Errorf("aud is %v", again)
		}
	})
	t.Run("2: what is no absolute URI, has a fragment, or was not granted, is invalid_target", func(t *testing.T) {
		for _, resource := range []string{"api/x", orders + "#x", "https://nobody.example.com"} {
			c.authorize(b, "resource", resource).told("invalid_target")
		}
		got := c.tokens(b, "resource", orders)
		c.token("refresh_token", "refresh_token", got.text("refresh_token"), "resource", "https://mail.example.com").refused(http.StatusBadRequest, "invalid_target")
		p.client(t, "service").token("client_credentials", "resource", "https://nobody.example.com").refused(http.StatusBadRequest, "invalid_target")
	})
}

// audience is the aud of the access token, which may be one or a list (RFC
// 7519, section 4.1.3).
func audience(t *testing.T, got reply) string {
	t.Helper()
	aud := part(t, got.ok().text("access_token"), 1)["aud"]
	list, isList := aud.([]any)
	if !isList {
		return fmt.Sprint(aud)
	}
	return strings.TrimSuffix(fmt.Sprintln(list...), "\n")
}

func checkPushed(t *testing.T, p *provider, b *userAgent) {
	at, c := p.at("pushed_authorization_request_endpoint"), p.client(t, "pushing")
	push := func(c *relying, changes ...string) reply {
		t.Helper()
		return c.send(at, c.asks(changes...))
	}
	come := func(c *relying, uri string, pairs ...string) arrival {
		t.Helper()
		v := change(url.Values{"client_id": {c.id}, "request_uri": {uri}}, pairs...)
		return b.work(b.get(p.at("authorization_endpoint") + "?" + v.Encode()))
	}
	t.Run("2.2: the answer, and 4: its use", func(t *testing.T) {
		got := push(c).ok()
		if expires, _ := got.values["expires_in"].(float64); got.status != http.StatusCreated || expires < 5 || expires > 600 || !strings.HasPrefix(got.text("request_uri"), "urn:ietf:params:oauth:request_uri:") || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %v %s", got.status, got.header, got.body)
		}
		a := c.good(come(c, got.text("request_uri")))
		c.redeem(a.values.Get("code")).ok()
		come(c, got.text("request_uri")).shown() // 7.3: once
	})
	t.Run("4: what is beside it does not count", func(t *testing.T) {
		a := c.good(come(c, push(c).ok().text("request_uri"), "redirect_uri", "https://evil.example.com/", "state", "other"))
		if a.client.Host != "pushing.example.com" {
			t.Errorf("the answer went to %v", a.client)
		}
	})
	t.Run("5: a client that must push", func(t *testing.T) { c.authorize(b).told("invalid_request") })
	t.Run("4: of another client, unknown, or too old", func(t *testing.T) {
		come(p.client(t, "web"), push(c).ok().text("request_uri")).shown()
		come(c, "urn:ietf:params:oauth:request_uri:bogus").shown()
		old := push(c).ok().text("request_uri")
		p.forward(91 * time.Second)
		come(c, old).shown()
	})
	t.Run("2.3: what is wrong is said at once", func(t *testing.T) {
		push(c, "redirect_uri", "https://evil.example.com/").refused(http.StatusBadRequest, "invalid_request")
		push(c, "response_type", "").refused(http.StatusBadRequest, "invalid_request")
		push(c, "response_type", "id_token").refused(http.StatusBadRequest, "unauthorized_client")
		push(c, "request_uri", "urn:ietf:params:oauth:request_uri:x").refused(http.StatusBadRequest, "invalid_request")
		push(c, "scope", "bogus").refused(http.StatusBadRequest, "invalid_scope")
		push(c, "client_id", "web").refused(http.StatusBadRequest, "invalid_request")
	})
	t.Run("2: the client authenticates", func(t *testing.T) {
		wrong := *c
		wrong.secret = "wrong"
		push(&wrong).refused(http.StatusUnauthorized, "invalid_client")
		p.form(t, at, c.asks()).refused(http.StatusUnauthorized, "invalid_client")
	})
}

func checkDPoP(t *testing.T, p *provider, b *userAgent) {
	key, other, token := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256"), p.at("token_endpoint")
	c := p.client(t, "bound")
	c.auth = authNone
	serverNonce := ""
	prove := func(key dpoptest.Key, method, at string, edit ...func(*dpoptest.Parts)) string {
		return key.Proof(method, at, p.clock.now(), append([]func(*dpoptest.Parts){dpoptest.WithNonce(serverNonce)}, edit...)...)
	}
	redeem := func(proof ...string) reply {
		t.Helper()
		form := url.Values{"grant_type": {"authorization_code"}, "code": {c.code(b, pkce()...)}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}}
		var headers []string
		for _, one := range proof {
			headers = append(headers, "DPoP", one)
		}
		return c.send(token, form, headers...)
	}
	t.Run("8: the first proof hears of the nonce", func(t *testing.T) {
		got := redeem(key.Proof(http.MethodPost, token, p.clock.now())).refused(http.StatusBadRequest, "use_dpop_nonce")
		if serverNonce = got.header.Get("DPoP-Nonce"); serverNonce == "" {
			t.Fatal("there is none")
		}
	})
	got := redeem(prove(key, http.MethodPost, token)).ok()
	access := got.text("access_token")
	t.Run("5: the answer is bound", func(t *testing.T) {
		cnf, _ := part(t, access, 1)["cnf"].(map[string]any)
		if got.text("token_type") != "DPoP" || cnf["jkt"] != key.JKT() || got.header.Get("DPoP-Nonce") == "" {
			t.Errorf("got %s, cnf %v", got.body, cnf)
		}
	})
	t.Run("5.2: a client that registered for it needs a proof", func(t *testing.T) { redeem().refused(http.StatusBadRequest, "invalid_dpop_proof") })
	t.Run("4.3: a proof that does not hold", func(t *testing.T) {
		spent := prove(key, http.MethodPost, token)
		redeem(spent).ok()
		for name, proofs := range map[string][]string{
			"step 1: two":                     {prove(key, http.MethodPost, token), prove(key, http.MethodPost, token)},
			"step 2: one that is none":        {"bogus"},
			"step 4: another typ":             {prove(key, http.MethodPost, token, func(p *dpoptest.Parts) { p.Header["typ"] = "JWT" })},
			"step 5: alg none":                {prove(key, http.MethodPost, token, func(p *dpoptest.Parts) { p.Header["alg"] = "none" })},
			"step 6: another key's signature": {prove(key, http.MethodPost, token, func(p *dpoptest.Parts) { p.Header["jwk"] = other.JWK() })},
			"step 8: another method":          {prove(key, http.MethodGet, token)},
			"step 9: another URL":             {prove(key, http.MethodPost, p.at("userinfo_endpoint"))},
			"step 11: too old":                {key.Proof(http.MethodPost, token, p.clock.now().Add(-time.Hour), dpoptest.WithNonce(serverNonce))},
			"11.1: a replay":                  {spent},
		} {
			if got := redeem(proofs...); got.status != http.StatusBadRequest || got.text("error") != "invalid_dpop_proof" {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
		redeem(prove(key, http.MethodPost, token, dpoptest.WithNonce("bogus"))).refused(http.StatusBadRequest, "use_dpop_nonce")
	})
	at := p.at("userinfo_endpoint")
	info := func(scheme string, headers ...string) reply {
		t.Helper()
		return p.request(t, http.MethodGet, at, "", "", append([]string{"Authorization", scheme + " " + access}, headers...)...)
	}
	t.Run("7: the resource", func(t *testing.T) {
		info("DPoP", "DPoP", prove(key, http.MethodGet, at, dpoptest.ForToken(access))).ok()
		for name, refused := range map[string]reply{
			"7.2: as a bearer token":   info("Bearer"),
			"7.1: without a proof":     info("DPoP"),
			"4.3: with another's key":  info("DPoP", "DPoP", prove(other, http.MethodGet, at, dpoptest.ForToken(access))),
			"4.3: without the hash":    info("DPoP", "DPoP", prove(key, http.MethodGet, at)),
			"4.3: with another's hash": info("DPoP", "DPoP", prove(key, http.MethodGet, at, dpoptest.ForToken("other"))),
		} {
			challenge := refused.header.Get("WWW-Authenticate")
			if refused.status != http.StatusUnauthorized || !strings.HasPrefix(challenge, "DPoP ") || !strings.Contains(challenge, "algs=") {
				t.Errorf("%s: %d %q", name, refused.status, challenge)
			}
		}
		if first := info("DPoP", "DPoP", key.Proof(http.MethodGet, at, p.clock.now(), dpoptest.ForToken(access))); first.text("error") != "use_dpop_nonce" || first.header.Get("DPoP-Nonce") == "" {
			t.Errorf("9: %d %s", first.status, first.body)
		}
	})
	t.Run("5: a public client's refresh token is bound", func(t *testing.T) {
		refresh := func(proof string) reply {
			return c.send(token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.text("refresh_token")}}, "DPoP", proof)
		}
		refresh(prove(other, http.MethodPost, token)).refused(http.StatusBadRequest, "invalid_grant")
		refresh(prove(key, http.MethodPost, token)).ok()
	})
	t.Run("10: a code is bound by dpop_jkt", func(t *testing.T) {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {c.code(b, pkce("dpop_jkt", key.JKT())...)}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}}
		c.send(token, form, "DPoP", prove(other, http.MethodPost, token)).refused(http.StatusBadRequest, "invalid_grant")
		c.send(token, form, "DPoP", prove(key, http.MethodPost, token)).ok()
	})
	t.Run("10.1: and by the proof of a pushed request", func(t *testing.T) {
		at := p.at("pushed_authorization_request_endpoint")
		uri := c.send(at, c.asks(pkce()...), "DPoP", prove(key, http.MethodPost, at)).ok().text("request_uri")
		v := url.Values{"client_id": {c.id}, "request_uri": {uri}}
		code := c.good(b.work(b.get(p.at("authorization_endpoint") + "?" + v.Encode()))).values.Get("code")
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}}
		c.send(token, form, "DPoP", prove(other, http.MethodPost, token)).refused(http.StatusBadRequest, "invalid_grant")
		c.send(token, form, "DPoP", prove(key, http.MethodPost, token)).ok()
		c.send(at, c.asks(pkce("dpop_jkt", other.JKT())...), "DPoP", prove(key, http.MethodPost, at)).refused(http.StatusBadRequest, "invalid_dpop_proof")
	})
	t.Run("6.2: introspection says the key", func(t *testing.T) {
		said := p.client(t, "guard").send(p.at("introspection_endpoint"), url.Values{"token": {access}}).ok()
		if cnf, _ := said.values["cnf"].(map[string]any); said.text("token_type") != "DPoP" || cnf["jkt"] != key.JKT() {
			t.Errorf("got %s", said.body)
		}
	})
	t.Run("5.1: every algorithm that is advertised works", func(t *testing.T) {
		for _, alg := range p.lists("dpop_signing_alg_values_supported") {
			redeem(prove(dpoptest.NewKey(t, alg), http.MethodPost, token)).ok()
		}
	})
}
