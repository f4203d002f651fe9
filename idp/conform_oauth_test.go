package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const oauthClients = `
audiences: [{name: api}, {name: "https://orders.example.com"}, {name: "https://mail.example.com"}]
scopes: [{name: "posts:write", text: Write posts}, {name: "posts:read", text: Read posts}]
client_registration: open
clients:
- {id: web, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://web.example.com/cb"]}
- {id: other, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://other.example.com/cb"]}
- {id: posts, secret: a-secret-that-is-long-enough-for-all, first_party: true, token_endpoint_auth_method: client_secret_post, redirect_uris: ["https://posts.example.com/cb"]}
- {id: "odd:id", secret: "an odd+secret%with:odd&characters=ü", first_party: true, redirect_uris: ["https://odd.example.com/cb"]}
- {id: hmac, secret: a-secret-that-is-long-enough-for-all, first_party: true, token_endpoint_auth_method: client_secret_jwt, redirect_uris: ["https://hmac.example.com/cb"]}
- {id: spa, first_party: true, redirect_uris: ["https://spa.example.com/cb"]}
- {id: strict, secret: a-secret-that-is-long-enough-for-all, first_party: true, require_pkce: true, redirect_uris: ["https://strict.example.com/cb"]}
- {id: pushing, secret: a-secret-that-is-long-enough-for-all, first_party: true, require_pushed_authorization_requests: true, redirect_uris: ["https://pushing.example.com/cb"]}
- {id: bound, first_party: true, dpop_bound_access_tokens: true, redirect_uris: ["https://bound.example.com/cb"]}
- {id: tv, client_name: Television, grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]}
- {id: service, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials]}
- {id: guard, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials], introspect: true, audiences: [api]}
- id: middle
  secret: a-secret-that-is-long-enough-for-all
  grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange", client_credentials, authorization_code]
  first_party: true
  redirect_uris: ["https://middle.example.com/cb"]
  exchange_audiences: ["https://orders.example.com"]
`

// TestOAuth is what the RFCs ask of the endpoints that programs call.
func TestOAuth(t *testing.T) {
	t.Parallel()
	p := newProvider(t, oauthClients)
	b := p.signedIn(t)
	c := p.client(t, "web")
	token := p.at("token_endpoint")

	t.Run("RFC 6749 5.1: a token answer is JSON, and is not stored", func(t *testing.T) {
		got := c.tokens(b, "scope", "openid offline_access posts:write")
		for name, answer := range map[string]reply{
			"authorization_code": got, "refresh_token": c.token("refresh_token", "refresh_token", got.text("refresh_token")).ok(),
			"client_credentials": p.client(t, "service").token("client_credentials").ok(),
		} {
			checkTokenAnswer(t, name, answer)
		}
	})
	t.Run("RFC 6749 5.2: what is wrong with a token request", func(t *testing.T) { checkTokenErrors(t, p, b) })
	t.Run("RFC 6749 2.3.1: id and secret are form-encoded before they are joined", func(t *testing.T) {
		odd := p.client(t, "odd:id")
		odd.secret, odd.redirect = "an odd+secret%with:odd&characters=ü", "https://odd.example.com/cb"
		odd.tokens(b)
	})
	t.Run("OpenID Core 9: every way to authenticate works, and no other than the registered one", func(t *testing.T) {
		for id, method := range map[string]string{"web": authBasic, "posts": authPost, "hmac": authHMAC, "spa": authNone} {
			for _, tried := range []string{authBasic, authPost, authHMAC, authNone} {
				c := p.client(t, id)
				c.auth = tried
				code := c.code(b, pkce()...)
				got := c.redeem(code, "code_verifier", verifier)
				if tried != method {
					got.refused(http.StatusUnauthorized, "invalid_client")
					c.auth = method
					got = c.redeem(code, "code_verifier", verifier) // the code is not spent by a failure
				}
				got.ok()
			}
		}
	})
	t.Run("RFC 7636: the verifier", func(t *testing.T) {
		for _, tt := range []struct {
			name, client string
			challenge    bool
			verifier     string
			good         bool
		}{
			{"4.6: the right one", "web", true, verifier, true},
			{"4.6: of a public client", "spa", true, verifier, true},
			{"4.6: none", "web", true, "", false},
			{"4.6: another", "web", true, strings.ToUpper(verifier), false},
			{"4.1: one that is too short", "web", true, verifier[:42], false},
			{"RFC 9700 4.8.2: one for a code without a challenge", "web", false, verifier, false},
			{"without either", "web", false, "", true},
		} {
			c := p.client(t, tt.client)
			if tt.client == "spa" {
				c.auth = authNone
			}
			var changes []string
			if tt.challenge {
				changes = pkce()
			}
			got := c.redeem(c.code(b, changes...), "code_verifier", tt.verifier)
			if !tt.good {
				got.refused(http.StatusBadRequest, "invalid_grant")
			} else if got.status != http.StatusOK {
				t.Errorf("%s: %s", tt.name, got.body)
			}
		}
		for _, id := range []string{"spa", "strict"} { // 4.4.1; RFC 9700, section 2.1.1
			p.client(t, id).authorize(b).told("invalid_request")
		}
	})
	t.Run("RFC 6749 4.1.2: a code is for its client, and lives a minute", func(t *testing.T) {
		code := c.code(b)
		other := p.client(t, "other")
		other.redirect = c.redirect
		other.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
		c.redeem(code).ok()
		code = c.code(b)
		p.forward(61 * time.Second)
		c.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
	})
	t.Run("RFC 6749 4.1.2: of a hundred who present a code at once one is served, and not for long", func(t *testing.T) {
		code, start, answers := c.code(b), make(chan struct{}), make(chan reply, 100)
		var group sync.WaitGroup
		for range cap(answers) {
			group.Go(func() { <-start; answers <- c.redeem(code) })
		}
		close(start)
		group.Wait()
		close(answers)
		var served []reply
		for got := range answers {
			if got.status == http.StatusOK {
				served = append(served, got)
			} else if got.text("error") != "invalid_grant" {
				t.Errorf("got %d %s", got.status, got.body)
			}
		}
		if len(served) != 1 {
			t.Fatalf("%d were served", len(served))
		}
		c.userinfo(served[0].text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
		c.token("refresh_token", "refresh_token", served[0].text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
	})
	t.Run("RFC 6749 6: a refresh narrows the scope, and never widens it", func(t *testing.T) {
		got := c.tokens(b, "scope", "openid posts:read")
		narrow := c.token("refresh_token", "refresh_token", got.text("refresh_token"), "scope", "posts:read").ok()
		if narrow.text("scope") != "posts:read" || narrow.values["id_token"] != nil {
			t.Errorf("got %s", narrow.body)
		}
		c.token("refresh_token", "refresh_token", narrow.text("refresh_token"), "scope", "openid posts:write").refused(http.StatusBadRequest, "invalid_scope")
		if wide := c.token("refresh_token", "refresh_token", narrow.text("refresh_token")).ok(); wide.text("scope") != "openid posts:read" {
			t.Errorf("got %s", wide.body)
		}
	})
	t.Run("RFC 9700 4.14.2: a refresh token that was used up ends the grant", func(t *testing.T) {
		first := c.tokens(b).text("refresh_token")
		second := c.token("refresh_token", "refresh_token", first).ok().text("refresh_token")
		third := c.token("refresh_token", "refresh_token", second).ok().text("refresh_token")
		c.token("refresh_token", "refresh_token", first).refused(http.StatusBadRequest, "invalid_grant")
		c.token("refresh_token", "refresh_token", third).refused(http.StatusBadRequest, "invalid_grant")
	})
	t.Run("RFC 9068 2: the access token", func(t *testing.T) {
		got := c.tokens(b, "scope", "openid posts:write")
		header, claims := part(t, got.text("access_token"), 0), part(t, got.text("access_token"), 1)
		if header["typ"] != "at+jwt" || header["alg"] == "none" || header["kid"] == nil {
			t.Errorf("2.1: the header is %v", header)
		}
		for _, name := range []string{"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "auth_time"} {
			if claims[name] == nil {
				t.Errorf("2.2: there is no %s", name)
			}
		}
		if claims["iss"] != p.url || claims["client_id"] != "web" || claims["scope"] != "openid posts:write" || claims["sub"] != string(p.user.ID) {
			t.Errorf("2.2: the claims are %v", claims)
		}
		own := part(t, p.client(t, "service").token("client_credentials").ok().text("access_token"), 1)
		if own["sub"] != "service" || own["auth_time"] != nil {
			t.Errorf("2.2: the claims of the client's own are %v", own)
		}
	})
	t.Run("RFC 6749 4.4: client credentials give no refresh token and no ID token", func(t *testing.T) {
		got := p.client(t, "service").token("client_credentials", "scope", "posts:read").ok()
		if got.values["refresh_token"] != nil || got.values["id_token"] != nil || got.text("scope") != "posts:read" {
			t.Errorf("got %s", got.body)
		}
	})
	t.Run("RFC 6750 3: what is said of a token that is missing or bad", func(t *testing.T) { checkBearer(t, p, b) })
	t.Run("RFC 7009: revocation", func(t *testing.T) { checkRevocation(t, p, b) })
	t.Run("RFC 7662: introspection", func(t *testing.T) { checkIntrospection(t, p, b) })
	t.Run("CORS: pages of any origin call what a browser's client needs, and nothing else", func(t *testing.T) { checkCORS(t, p) })
	t.Run("RFC 8414 2: the grant types that are advertised are there, and no other is", func(t *testing.T) {
		all := []string{"authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
			"urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer", "password"}
		for _, name := range all {
			known := c.token(name).text("error") != "unsupported_grant_type"
			if advertised := slices.Contains(p.lists("grant_types_supported"), name); advertised != known {
				t.Errorf("%s: advertised %t, known %t", name, advertised, known)
			}
		}
		c.send(token, url.Values{"grant_type": {"implicit"}}).refused(http.StatusBadRequest, "unsupported_grant_type") // it has no token request
	})
	t.Run("RFC 9700 4.12, 4.16, 4.2.4: the pages are answered 303, framed by nobody, and tell no referrer", func(t *testing.T) {
		v := p.browser(t).get(p.at("authorization_endpoint") + "?" + c.asks().Encode())
		if v.status != http.StatusSeeOther {
			t.Errorf("got %d", v.status)
		}
		page := p.browser(t).get(v.to().String())
		if !strings.Contains(page.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || page.header.Get("Cache-Control") != "no-store" ||
			!slices.Contains([]string{"no-referrer", "same-origin"}, page.header.Get("Referrer-Policy")) {
			t.Errorf("got %v", page.header)
		}
	})
}

// checkTokenAnswer is RFC 6749, section 5.1.
func checkTokenAnswer(t *testing.T, name string, got reply) {
	t.Helper()
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") ||
		got.header.Get("Cache-Control") != "no-store" || got.header.Get("Pragma") != "no-cache" {
		t.Errorf("%s: %d %v", name, got.status, got.header)
	}
	if expires, _ := got.values["expires_in"].(float64); got.text("token_type") == "" || got.text("access_token") == "" || expires <= 0 {
		t.Errorf("%s: %s", name, got.body)
	}
}

func checkTokenErrors(t *testing.T, p *provider, b *userAgent) {
	token, web := p.at("token_endpoint"), p.client(t, "web")
	basic := func(id, secret string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
	}
	good := basic("web", secretText)
	for _, tt := range []struct {
		name    string
		form    string
		headers []string
		status  int
		code    string
	}{
		{"no grant_type", "", good, 400, "invalid_request"},
		{"an unknown grant_type", "grant_type=bogus", good, 400, "unsupported_grant_type"},
		{"the password of a person (RFC 9700 2.4)", "grant_type=password&username=a&password=b", good, 400, "unsupported_grant_type"},
		{"a grant type that the client did not register", "grant_type=client_credentials", good, 400, "unauthorized_client"},
		{"no code", "grant_type=authorization_code", good, 400, "invalid_request"},
		{"an unknown code", "grant_type=authorization_code&code=bogus&redirect_uri=x", good, 400, "invalid_grant"},
		{"an unknown refresh token", "grant_type=refresh_token&refresh_token=bogus", good, 400, "invalid_grant"},
		{"a parameter twice", "grant_type=refresh_token&grant_type=refresh_token&refresh_token=x", good, 400, "invalid_request"},
		{"a wrong secret", "grant_type=refresh_token&refresh_token=x", basic("web", "wrong"), 401, "invalid_client"},
		{"an unknown client", "grant_type=refresh_token&refresh_token=x", basic("nobody", "wrong"), 401, "invalid_client"},
		{"no client", "grant_type=refresh_token&refresh_token=x", nil, 401, "invalid_client"},
		{"another scheme", "grant_type=refresh_token&refresh_token=x", []string{"Authorization", "Digest x"}, 401, "invalid_client"},
		{"two ways at once (2.3)", "grant_type=refresh_token&refresh_token=x&client_id=web&client_secret=" + secretText, good, 400, "invalid_request"},
		{"two clients", "grant_type=refresh_token&refresh_token=x&client_id=other", good, 400, "invalid_request"},
		{"an assertion of an unknown type", "grant_type=refresh_token&refresh_token=x&client_assertion=x&client_assertion_type=bogus", nil, 400, "invalid_request"},
		{"an assertion that is none", "grant_type=refresh_token&refresh_token=x&client_assertion=x&client_assertion_type=" + url.QueryEscape(assertionType), nil, 401, "invalid_client"},
		{"a secret without its client", "grant_type=refresh_token&refresh_token=x&client_secret=" + secretText, nil, 401, "invalid_client"},
	} {
		got := p.request(t, http.MethodPost, token, formType, tt.form, tt.headers...)
		if got.status != tt.status || got.text("error") != tt.code {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, got.status, got.body, tt.status, tt.code)
		}
		if got.header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %v", tt.name, got.header)
		}
		if challenged := got.header.Get("WWW-Authenticate"); tt.status == 401 && len(tt.headers) > 0 && !strings.HasPrefix(challenged, "Basic ") {
			t.Errorf("%s: WWW-Authenticate is %q", tt.name, challenged)
		}
		if strings.ContainsAny(got.text("error_description"), "\"\\\r\n") || strings.Contains(got.body, secretText) {
			t.Errorf("%s: %s", tt.name, got.body)
		}
	}
	t.Run("2.3.1: credentials in the URL do not count", func(t *testing.T) {
		q := url.Values{"client_id": {"posts"}, "client_secret": {secretText}}
		p.form(t, token+"?"+q.Encode(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}).refused(http.StatusUnauthorized, "invalid_client")
	})
	t.Run("4.1.3: another redirect URI, or none", func(t *testing.T) {
		code := web.code(b)
		web.redeem(code, "redirect_uri", web.redirect+"/other").refused(http.StatusBadRequest, "invalid_grant")
		web.redeem(code, "redirect_uri", "").refused(http.StatusBadRequest, "invalid_grant")
		web.redeem(code).ok()
	})
	t.Run("3.2: JSON is no form", func(t *testing.T) {
		got := p.request(t, http.MethodPost, token, "application/json", `{"grant_type":"refresh_token"}`, good...)
		got.refused(http.StatusBadRequest, "invalid_request")
	})
}

func checkBearer(t *testing.T, p *provider, b *userAgent) {
	at, c := p.at("userinfo_endpoint"), p.client(t, "web")
	access := c.tokens(b).text("access_token")
	narrow := c.tokens(b, "scope", "posts:read").text("access_token")
	own := p.client(t, "service").token("client_credentials").ok().text("access_token")
	form := url.Values{"access_token": {access}}.Encode()
	for _, tt := range []struct {
		name, method, at, form string
		headers                []string
		status                 int
		code, challenge        string
	}{
		{"3.1: without a token nothing is said of an error", "GET", at, "", nil, 401, "", `Bearer `},
		{"3.1: a token that is none", "GET", at, "", bearer("bogus"), 401, "invalid_token", `error="invalid_token"`},
		{"3.1: a token with another signature", "GET", at, "", bearer(access[:len(access)-8] + "AAAAAAAA"), 401, "invalid_token", `error="invalid_token"`},
		{"3.1: a token without openid", "GET", at, "", bearer(narrow), 403, "insufficient_scope", `scope="openid"`},
		{"3.1: a token of no person", "GET", at, "", bearer(own), 403, "insufficient_scope", `error="insufficient_scope"`},
		{"2: a token twice", "POST", at, form, bearer(access), 400, "invalid_request", `error="invalid_request"`},
		{"RFC 9700 4.3.2: a token in the URL does not count", "GET", at + "?" + form, "", nil, 401, "", `Bearer `},
		{"RFC 9449 7.2: a token that is bound to nothing is no DPoP token", "GET", at, "", []string{"Authorization", "DPoP " + access}, 401, "invalid_token", "DPoP "},
	} {
		mediaType := ""
		if tt.form != "" {
			mediaType = formType
		}
		got := p.request(t, tt.method, tt.at, mediaType, tt.form, tt.headers...)
		challenge := got.header.Get("WWW-Authenticate")
		if got.status != tt.status || tt.code != "" && got.text("error") != tt.code || !strings.Contains(challenge, tt.challenge) {
			t.Errorf("%s: got %d %q %s", tt.name, got.status, challenge, got.body)
		}
		if tt.code == "" && strings.Contains(challenge, "error=") {
			t.Errorf("%s: %q", tt.name, challenge)
		}
	}
	p.request(t, http.MethodGet, at, "", "", "Authorization", "bearer "+access).ok() // RFC 9110, section 11.1: schemes have no case
	p.forward(11 * time.Minute)
	c.userinfo(access).refused(http.StatusUnauthorized, "invalid_token")
}

func checkRevocation(t *testing.T, p *provider, b *userAgent) {
	at, c, other := p.at("revocation_endpoint"), p.client(t, "web"), p.client(t, "other")
	got := c.tokens(b)
	access, refresh := got.text("access_token"), got.text("refresh_token")
	quiet := func(r reply) {
		t.Helper()
		if r.status != http.StatusOK {
			t.Errorf("2.2: got %d %s", r.status, r.body)
		}
	}
	quiet(other.send(at, url.Values{"token": {access}}))
	quiet(other.send(at, url.Values{"token": {refresh}}))
	c.userinfo(access).ok() // 2.1: another's token stays
	quiet(c.send(at, url.Values{"token": {"bogus"}}))
	quiet(c.send(at, url.Values{"token": {access}, "token_type_hint": {"refresh_token"}})) // a hint may be wrong
	c.userinfo(access).refused(http.StatusUnauthorized, "invalid_token")
	next := c.token("refresh_token", "refresh_token", refresh).ok()
	quiet(c.send(at, url.Values{"token": {next.text("refresh_token")}, "token_type_hint": {"bogus"}}))
	c.token("refresh_token", "refresh_token", next.text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
	c.userinfo(next.text("access_token")).refused(http.StatusUnauthorized, "invalid_token") // 2.1: with the refresh token, its access tokens
	c.send(at, url.Values{}).refused(http.StatusBadRequest, "invalid_request")
	p.form(t, at, url.Values{"token": {"x"}}).refused(http.StatusUnauthorized, "invalid_client")

	spa := p.client(t, "spa")
	spa.auth = authNone
	got = spa.redeem(spa.code(b, pkce()...), "code_verifier", verifier).ok()
	quiet(spa.send(at, url.Values{"token": {got.text("refresh_token")}})) // 2.1: public clients too
	spa.userinfo(got.text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
}

func checkIntrospection(t *testing.T, p *provider, b *userAgent) {
	at, c, guard := p.at("introspection_endpoint"), p.client(t, "web"), p.client(t, "guard")
	got := c.tokens(b, "scope", "openid posts:write")
	access := got.text("access_token")
	ask := func(c *relying, token string) reply {
		t.Helper()
		r := c.send(at, url.Values{"token": {token}}).ok()
		if !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("2.2: got %v", r.header)
		}
		return r
	}
	for name, asker := range map[string]*relying{"its client": c, "a resource server": guard} {
		r := ask(asker, access)
		if r.values["active"] != true || r.text("client_id") != "web" || r.text("scope") != "openid posts:write" || r.text("iss") != p.url ||
			r.text("sub") != string(p.user.ID) || r.values["exp"] == nil || r.text("token_type") != "Bearer" {
			t.Errorf("2.2: %s hears %s", name, r.body)
		}
	}
	if r := ask(c, got.text("refresh_token")); r.values["active"] != true {
		t.Errorf("2.2: of a refresh token: %s", r.body)
	}
	foreign := c.tokens(b, "resource", "https://mail.example.com").text("access_token")
	for name, r := range map[string]reply{
		"of what is no token": ask(c, "bogus"), "of another client's token": ask(p.client(t, "other"), access),
		"of another client's refresh token": ask(guard, got.text("refresh_token")), "of a token for another audience": ask(guard, foreign),
		"of an ID token": ask(c, got.text("id_token")),
	} {
		if strings.TrimSpace(r.body) != `{"active":false}` {
			t.Errorf("2.2, 4: %s: %s", name, r.body)
		}
	}
	c.send(p.at("revocation_endpoint"), url.Values{"token": {access}}).ok()
	if r := ask(guard, access); r.values["active"] != false {
		t.Errorf("2.2: of a token that was revoked: %s", r.body)
	}
	spa := p.client(t, "spa")
	spa.auth = authNone
	spa.send(at, url.Values{"token": {access}}).refused(http.StatusUnauthorized, "invalid_client") // 2.1
	p.form(t, at, url.Values{"token": {access}}).refused(http.StatusUnauthorized, "invalid_client")
	c.send(at, url.Values{}).refused(http.StatusBadRequest, "invalid_request")
}

func checkCORS(t *testing.T, p *provider) {
	const page = "https://spa.example.com"
	for name, open := range map[string]bool{
		"token_endpoint": true, "userinfo_endpoint": true, "registration_endpoint": true, "revocation_endpoint": true,
		"pushed_authorization_request_endpoint": true, "device_authorization_endpoint": true, "jwks_uri": true,
		"authorization_endpoint": false, "introspection_endpoint": false, "end_session_endpoint": false,
	} {
		method := methodsOf(name)[len(methodsOf(name))-1]
		asked := p.request(t, http.MethodOptions, p.at(name), "", "", "Origin", page, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,content-type,dpop")
		answered := p.request(t, method, p.at(name), formType, "", "Origin", page)
		for _, got := range []reply{asked, answered} {
			origin := got.header.Get("Access-Control-Allow-Origin")
			if open != (origin == "*") || !open && origin != "" || got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: %d allows %q, with credentials %q", name, got.status, origin, got.header.Get("Access-Control-Allow-Credentials"))
			}
		}
		if !open {
			continue
		}
		headers := strings.ToLower(asked.header.Get("Access-Control-Allow-Headers"))
		for _, header := range []string{"authorization", "content-type", "dpop"} {
			if !strings.Contains(headers, header) {
				t.Errorf("%s: a page may not send %s", name, header)
			}
		}
		if asked.status/100 != 2 || !strings.Contains(asked.header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s: %d %v", name, asked.status, asked.header)
		}
		for _, header := range []string{"DPoP-Nonce", "WWW-Authenticate"} {
			if !strings.Contains(answered.header.Get("Access-Control-Expose-Headers"), header) {
				t.Errorf("%s: a page does not see %s", name, header)
			}
		}
	}
}
