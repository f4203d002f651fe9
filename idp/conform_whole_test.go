package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/resource/dpop/dpoptest"
)

// RFC 8414, section 3.1, and OpenID Discovery, section 4.1: an issuer whose URL
// has a path is under it with all that it has.
func TestAnIssuerWithAPath(t *testing.T) {
	t.Parallel()
	p := newProviderAt(t, "/auth/v1", oauthClients)
	rooted := p.request(t, http.MethodGet, p.origin+"/.well-known/oauth-authorization-server/auth/v1", "", "").ok()
	if rooted.text("issuer") != p.url {
		t.Errorf("issuer is %q", rooted.text("issuer"))
	}
	for name, v := range p.document {
		if text, isText := v.(string); isText && !strings.HasPrefix(text, p.url) {
			t.Errorf("%s is %q", name, text)
		}
	}
	if got := p.request(t, http.MethodGet, p.origin+"/oauth2/authorize", "", ""); got.status != http.StatusNotFound {
		t.Errorf("beside the path there is a %d", got.status)
	}
	c, b := p.client(t, "web"), p.browser(t)
	got := c.redeem(c.good(b.work(b.postFrom("https://web.example.com", p.at("authorization_endpoint"), c.asks()))).values.Get("code")).ok()
	if c.verified(got.text("id_token"))["iss"] != p.url {
		t.Error("iss is another")
	}
	c.userinfo(got.text("access_token")).ok()
	if asked := c.granted(b, "prompt", "none"); len(asked.pages) > 0 {
		t.Errorf("the person saw %v", asked.pages)
	}
	t.Run("a device", func(t *testing.T) { checkDevice(t, p, b) })
	t.Run("a pushed request", func(t *testing.T) { checkPushed(t, p, b) })
	t.Run("bound tokens", func(t *testing.T) { checkDPoP(t, p, b) })
	c.logout(b, "id_token_hint", got.text("id_token"))
	if c.isIn(b) {
		t.Error("the person is signed in")
	}
}

// RFC 8414, section 2: each algorithm and each way to authenticate that is
// advertised works, and what is not advertised does not.
func TestTheMetadataIsTrue(t *testing.T) {
	t.Parallel()
	p := newProvider(t, openRegistration, "SIGNET_KEYS_ALGS=RS256,ES256,EdDSA")
	b := p.signedIn(t)
	key := dpoptest.NewKey(t, "RS256")
	t.Run("request_object_signing_alg_values_supported", func(t *testing.T) {
		for _, alg := range p.lists("request_object_signing_alg_values_supported") {
			key := dpoptest.NewKey(t, alg)
			c, _ := p.register(t, key, usual(key).with(said{"token_endpoint_auth_method": authBasic, "request_object_signing_alg": alg}))
			object := map[string]any{"iss": c.id, "aud": p.url}
			for name, values := range c.asks() {
				object[name] = values[0]
			}
			v := url.Values{"client_id": {c.id}, "request": {signJWT(key, "JWT", object)}}
			c.good(b.work(b.get(p.at("authorization_endpoint") + "?" + v.Encode())))
		}
	})
	t.Run("token_endpoint_auth_signing_alg_values_supported", func(t *testing.T) {
		for _, alg := range p.lists("token_endpoint_auth_signing_alg_values_supported") {
			key, method := dpoptest.NewKey(t, alg), authKey
			s := usual(key).with(said{"token_endpoint_auth_signing_alg": alg})
			if strings.HasPrefix(alg, "HS") {
				method = authHMAC
				s = s.with(said{"jwks": nil})
			}
			c, _ := p.register(t, key, s.with(said{"token_endpoint_auth_method": method}))
			c.tokens(b)
		}
	})
	t.Run("userinfo_ and introspection_signing_alg_values_supported", func(t *testing.T) {
		for _, alg := range p.lists("userinfo_signing_alg_values_supported") {
			c, _ := p.register(t, key, usual(key).with(said{"userinfo_signed_response_alg": alg, "introspection_signed_response_alg": alg}))
			access := c.tokens(b).text("access_token")
			signed := c.send(p.at("introspection_endpoint"), url.Values{"token": {access}}, "Accept", "application/token-introspection+jwt").ok()
			if signed.header.Get("Content-Type") != "application/token-introspection+jwt" {
				t.Errorf("RFC 9701 5: got %v", signed.header)
			}
			for _, jwt := range []string{signed.body, c.userinfo(access).ok().body} {
				if got := part(t, jwt, 0)["alg"]; got != alg {
					t.Errorf("%s: got %v", alg, got)
				}
			}
		}
	})
	t.Run("the ways to authenticate, at each endpoint that has them", func(t *testing.T) {
		for name, endpoint := range map[string]string{"token_endpoint": "token_endpoint", "revocation_endpoint": "revocation_endpoint",
			"introspection_endpoint": "introspection_endpoint", "token_endpoint at PAR": "pushed_authorization_request_endpoint"} {
			list, _, _ := strings.Cut(name, " ")
			for _, method := range p.lists(list + "_auth_methods_supported") {
				s := usual(key).with(said{"token_endpoint_auth_method": method})
				if method != authKey {
					s = s.with(said{"jwks": nil})
				}
				c, _ := p.register(t, key, s)
				form := url.Values{"token": {"x"}}
				switch endpoint {
				case "token_endpoint":
					form = url.Values{"grant_type": {"authorization_code"}, "code": {c.code(b, pkce()...)}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}}
				case "pushed_authorization_request_endpoint":
					form = c.asks(pkce()...)
				}
				c.send(p.at(endpoint), form).ok()
			}
		}
	})
	t.Run("what is not advertised is refused", func(t *testing.T) {
		for member, value := range map[string]any{
			"token_endpoint_auth_method": "tls_client_auth", "id_token_signed_response_alg": "HS256", "userinfo_signed_response_alg": "none",
			"request_object_signing_alg": "none", "token_endpoint_auth_signing_alg": "none", "subject_type": "secret",
			"response_types": []string{"token"}, "grant_types": []string{"password"},
		} {
			if got := p.registers(t, usual(key).with(said{member: value})); got.status != http.StatusBadRequest || got.text("error") != "invalid_client_metadata" {
				t.Errorf("%s: %d %s", member, got.status, got.body)
			}
		}
		c, _ := p.register(t, key, usual(key))
		for _, mode := range []string{"jwt", "query.jwt", "web_message"} {
			c.authorize(b, "response_mode", mode).told("invalid_request")
		}
		for _, responseType := range []string{"none", "code code", "code bogus"} {
			c.authorize(b, "response_type", responseType).told("unsupported_response_type")
		}
	})
	t.Run("RFC 7591 2, 3.2.1: what is not known is left out", func(t *testing.T) {
		_, got := p.register(t, key, usual(key).with(said{"bogus_member": "x", "scope": "openid bogus"}))
		if got.values["bogus_member"] != nil || got.text("scope") != "openid" {
			t.Errorf("got %s", got.body)
		}
		p.registers(t, usual(key).with(said{"software_statement": "x"})).refused(http.StatusBadRequest, "unapproved_software_statement")
	})
}

// RFC 7591, section 3: registration with an initial access token, and without.
func TestRegistrationWithAnInitialToken(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "client_registration: token\n", "SIGNET_KEYS_ALGS=RS256")
	key := dpoptest.NewKey(t, "RS256")
	if refused := p.registers(t, usual(key)).refused(http.StatusUnauthorized, "invalid_token"); !strings.HasPrefix(refused.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("WWW-Authenticate is %q", refused.header.Get("WWW-Authenticate"))
	}
	p.registers(t, usual(key), bearer("bogus")...).refused(http.StatusUnauthorized, "invalid_token")
	text, _, err := client.NewInitialToken(t.Context(), p.house.store, "", 1, p.clock.now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	p.registers(t, usual(key), bearer(text)...).ok()
	p.registers(t, usual(key), bearer(text)...).refused(http.StatusUnauthorized, "invalid_token")
}

// RFC 6585, section 4: who registers too many is told when to come back.
func TestRegistrationsOfOneNetworkAreCounted(t *testing.T) {
	t.Parallel()
	p := newProvider(t, openRegistration, "SIGNET_KEYS_ALGS=RS256", "SIGNET_THROTTLE_REGISTER_BURST=3")
	s := usual(dpoptest.NewKey(t, "RS256"))
	for n := range 10 {
		got := p.registers(t, s)
		if got.status == http.StatusCreated {
			continue
		}
		if n > 3 || got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
			t.Errorf("the registration %d: %d %v %s", n, got.status, got.header, got.body)
		}
		return
	}
	t.Error("they are not counted")
}

// OpenID Core, section 3.1.2.6, and RFC 6749, section 4.1.2.1: what cannot be
// read is the client's mistake, shown to the person, and never a failure of
// ours.
func TestStrangeAuthorizationRequestsAreShownToThePerson(t *testing.T) {
	t.Parallel()
	p := newProvider(t, oauthClients, "SIGNET_KEYS_ALGS=RS256")
	b := p.browser(t)
	at, good := p.at("authorization_endpoint"), p.client(t, "web").asks().Encode()
	for name, query := range map[string]string{
		"nothing": "", "a percent sign": "client_id=%zz", "a byte that is no text": "client_id=%00", "no UTF-8": "client_id=web&redirect_uri=%ff",
		"two clients": good + "&client_id=other", "two redirect URIs": good + "&redirect_uri=https%3A%2F%2Fweb.example.com%2Fcb",
		"two redirect URIs for a client that has one": "client_id=web&response_type=code&redirect_uri=https%3A%2F%2Fa.example.com&redirect_uri=https%3A%2F%2Fb.example.com",
		"a client whose id is a URL":                  "client_id=https%3A%2F%2Fevil.example.com%2Fclient.json&redirect_uri=https%3A%2F%2Fevil.example.com%2Fcb&response_type=code",
		"a script":                                    "client_id=%3Cscript%3Ealert(1)%3C%2Fscript%3E&redirect_uri=javascript:alert(1)",
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			if a := b.work(b.get(at + "?" + query)).shown(); strings.Contains(a.body, "<script>alert") {
				t.Errorf("the page repeats it: %s", a.body)
			}
		})
	}
	b.t = t
	b.work(b.get(p.url + "/oauth2/authorize/continue?request=bogus")).shown()
	for _, page := range []string{"/sign-in", "/consent", "/accounts", "/sign-up"} {
		b.work(b.get(p.url + page + "?request=bogus")).shown()
	}
	for _, mediaType := range []string{"application/json", "multipart/form-data; boundary=x", ""} {
		if got := p.request(t, http.MethodPost, at, mediaType, good); got.status < 400 || got.status > 499 {
			t.Errorf("a POST of %q: %d", mediaType, got.status)
		}
	}
	long := strings.Repeat("x", 4000)
	v := p.client(t, "web").asks("state", long, "nonce", long)
	if a := b.work(b.get(at + "?" + v.Encode())); a.values.Get("state") != long {
		t.Errorf("a long state: %d %v", a.status, a.client)
	}
}

// OpenID Session Management, sections 2 and 3.
func TestSessionManagementIsThereWhereItIsSwitchedOn(t *testing.T) {
	t.Parallel()
	p := newProvider(t, oauthClients, "SIGNET_OAUTH_SESSION_MANAGEMENT=true")
	c, b := p.client(t, "web"), p.browser(t)
	before := c.granted(b).values.Get("session_state")
	if hash, salt, found := strings.Cut(before, "."); !found || hash == "" || salt == "" || strings.Contains(before, " ") {
		t.Errorf("session_state is %q", before)
	}
	frame := b.get(p.at("check_session_iframe"))
	if frame.status != http.StatusOK || strings.Contains(frame.header.Get("Content-Security-Policy"), "frame-ancestors") {
		t.Errorf("the frame: %d %v", frame.status, frame.header)
	}
	off := newProvider(t, oauthClients, "SIGNET_KEYS_ALGS=RS256")
	if off.document["check_session_iframe"] != nil || off.client(t, "web").granted(off.browser(t)).values.Has("session_state") {
		t.Error("it is there where it is off")
	}
	if got := off.request(t, http.MethodGet, off.url+"/oauth2/check_session", "", ""); got.status != http.StatusNotFound {
		t.Errorf("where it is off, the frame answers %d", got.status)
	}
}

// RFC 7523, section 2.1: a JWT of an issuer that is trusted is a grant.
func TestAJWTOfATrustedIssuerIsAGrant(t *testing.T) {
	t.Parallel()
	web, key := host(t), dpoptest.NewKey(t, "ES256")
	jwks := web.put("/jwks", string(jsonOf(publicSet(key))))
	p := newProvider(t, `
fetch: {allow: ["127.0.0.0/8", "::1/128"]}
scopes: [{name: "posts:write", text: Write posts}]
clients: [{id: ci, secret: a-secret-that-is-long-enough-for-all, grant_types: ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}]
trusted_issuers: [{issuer: "https://ci.example.com", jwks_uri: "`+jwks+`", subjects: email, scopes: ["posts:write"], clients: [ci]}]
`, "SIGNET_KEYS_ALGS=RS256")
	c := p.client(t, "ci")
	jwt := func(changes map[string]any) string {
		now := p.clock.now().Unix()
		claims := map[string]any{"iss": "https://ci.example.com", "sub": personMail, "aud": p.url, "iat": now, "exp": now + 60, "jti": unique()}
		for name, value := range changes {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		return signJWT(key, "JWT", claims)
	}
	const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	good := jwt(nil)
	got := c.token(grant, "assertion", good, "scope", "posts:write").ok()
	checkTokenAnswer(t, "jwt-bearer", got)
	if part(t, got.text("access_token"), 1)["sub"] != string(p.user.ID) || got.values["refresh_token"] != nil {
		t.Errorf("got %s", got.body)
	}
	for name, assertion := range map[string]string{
		"section 3: used before": good, "section 3, 3: for another": jwt(map[string]any{"aud": "https://other.example.com"}),
		"section 3, 4: expired": jwt(map[string]any{"exp": 1}), "section 3, 4: without an end": jwt(map[string]any{"exp": nil}),
		"section 3, 1: of another issuer": jwt(map[string]any{"iss": "https://other.example.com"}), "section 3, 2: of nobody": jwt(map[string]any{"sub": "nobody@example.com"}),
		"section 3, 10: no JWT": "bogus",
	} {
		if refused := c.token(grant, "assertion", assertion); refused.status != http.StatusBadRequest || refused.text("error") != "invalid_grant" { // section 3.1
			t.Errorf("%s: %d %s", name, refused.status, refused.body)
		}
	}
	c.token(grant).refused(http.StatusBadRequest, "invalid_request")
}

// What happens to people reaches the tokens that clients hold for them.
func TestTheTokensOfAPersonWhoIsDisabledAreDead(t *testing.T) {
	t.Parallel()
	p := newProvider(t, oauthClients, "SIGNET_KEYS_ALGS=RS256")
	c, b := p.client(t, "web"), p.browser(t)
	got, code := c.tokens(b), c.code(b)
	if _, err := p.house.store.ChangeUser(t.Context(), p.user.ID, func(u *data.User) error { u.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	c.userinfo(got.text("access_token")).refused(http.StatusUnauthorized, "invalid_token")
	c.token("refresh_token", "refresh_token", got.text("refresh_token")).refused(http.StatusBadRequest, "invalid_grant")
	c.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
	c.authorize(b, "prompt", "none").told("login_required")
	said := c.send(p.at("introspection_endpoint"), url.Values{"token": {got.text("access_token")}}).ok()
	if said.values["active"] != false {
		t.Errorf("introspection says %s", said.body)
	}
}
