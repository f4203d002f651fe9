package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"signet/resource/dpop/dpoptest"
)

const (
	verifier  = "a-verifier-of-at-least-43-characters-0123456789"
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
	authHMAC  = "client_secret_jwt"
	authKey   = "private_key_jwt"
	authNone  = "none"
	nonce     = "n-0S6_WzA2Mj"
	state     = "the state of things"

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// relying is a client: the relying party.
type relying struct {
	t        testing.TB
	p        *provider
	id       string
	secret   string
	auth     string
	key      dpoptest.Key // of private_key_jwt
	redirect string
	scope    string
}

// client is a relying party with the secret of all.
func (p *provider) client(t testing.TB, id string) *relying {
	return &relying{t: t, p: p, id: id, secret: secretText, auth: authBasic, redirect: "https://" + id + ".example.com/cb", scope: "openid"}
}

// asks are the parameters of a good request for a code, with changes: pairs of
// a name and a value, "" taking the parameter away.
func (c *relying) asks(changes ...string) url.Values {
	v := url.Values{"client_id": {c.id}, "response_type": {"code"}, "redirect_uri": {c.redirect}, "scope": {c.scope}, "state": {state}, "nonce": {nonce}}
	return change(v, changes...)
}

// change sets, and takes away what is "".
func change(v url.Values, changes ...string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return v
}

// pkce are the changes that make a request one with a challenge.
func pkce(changes ...string) []string {
	sum := sha256.Sum256([]byte(verifier))
	return append([]string{"code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method", "S256"}, changes...)
}

// authorize sends the browser there, and back.
func (c *relying) authorize(b *userAgent, changes ...string) arrival {
	c.t.Helper()
	return b.work(b.get(c.p.at("authorization_endpoint") + "?" + c.asks(changes...).Encode()))
}

// granted is authorize that has to be successful, as every good answer is: with
// its state, by this issuer.
func (c *relying) granted(b *userAgent, changes ...string) arrival {
	c.t.Helper()
	return c.good(c.authorize(b, changes...))
}

func (c *relying) good(a arrival) arrival {
	c.t.Helper()
	if a.client == nil || a.values.Has("error") {
		c.t.Fatalf("got %d %v %v after %v: %s", a.status, a.client, a.values, a.pages, a.body)
	}
	if a.values.Get("state") != state || a.values.Get("iss") != c.p.url {
		c.t.Errorf("state is %q, iss %q", a.values.Get("state"), a.values.Get("iss"))
	}
	return a
}

// code is the code that a good request gets.
func (c *relying) code(b *userAgent, changes ...string) string {
	c.t.Helper()
	a := c.granted(b, changes...)
	if a.values.Get("code") == "" {
		c.t.Fatalf("there is no code in %v", a.values)
	}
	return a.values.Get("code")
}

// reply is the answer to a program.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
	values map[string]any
}

func (r reply) text(name string) string { s, _ := r.values[name].(string); return s }

// ok fails unless the answer is a good one.
func (r reply) ok() reply {
	r.t.Helper()
	if r.status < 200 || r.status > 299 {
		r.t.Fatalf("got %d %s", r.status, r.body)
	}
	return r
}

// refused fails unless the answer is that error.
func (r reply) refused(status int, code string) reply {
	r.t.Helper()
	if r.status != status || r.text("error") != code {
		r.t.Fatalf("got %d %s, want %d %s", r.status, r.body, status, code)
	}
	return r
}

// call sends a request of a program; headers are pairs.
func (p *provider) request(t testing.TB, method, target, mediaType, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := p.dialer.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := reply{t: t, status: response.StatusCode, header: response.Header, body: string(raw)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") && len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.values); err != nil {
			t.Fatalf("%s %s: %v in %s", method, target, err, raw)
		}
	}
	return a
}

const formType = "application/x-www-form-urlencoded"

func (p *provider) form(t testing.TB, target string, form url.Values, headers ...string) reply {
	t.Helper()
	return p.request(t, http.MethodPost, target, formType, form.Encode(), headers...)
}

// send posts a form as the client, authenticated as it is registered.
func (c *relying) send(target string, form url.Values, headers ...string) reply {
	c.t.Helper()
	form = maps.Clone(form)
	switch c.auth {
	case authBasic:
		pair := url.QueryEscape(c.id) + ":" + url.QueryEscape(c.secret)
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case authPost:
		form.Set("client_id", c.id)
		form.Set("client_secret", c.secret)
	case authNone:
		form.Set("client_id", c.id)
	case authKey, authHMAC:
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", c.assertion(nil))
	}
	return c.p.form(c.t, target, form, headers...)
}

// assertion is a client assertion, with changes to its claims.
func (c *relying) assertion(changes map[string]any) string {
	now, aud := c.p.clock.now(), c.p.at("token_endpoint")
	if c.auth == authHMAC && c.secret == secretText { // configured: draft-ietf-oauth-rfc7523bis
		aud = c.p.url
	}
	claims := map[string]any{"iss": c.id, "sub": c.id, "aud": aud, "jti": unique(), "iat": now.Unix(), "exp": now.Unix() + 60}
	maps.Copy(claims, changes)
	if c.auth == authHMAC {
		return hmacJWT(c.secret, claims)
	}
	return signJWT(c.key, "JWT", claims)
}

// token asks the token endpoint; pairs of names and values.
func (c *relying) token(grantType string, pairs ...string) reply {
	c.t.Helper()
	return c.send(c.p.at("token_endpoint"), change(url.Values{"grant_type": {grantType}}, pairs...))
}

// redeem redeems a code.
func (c *relying) redeem(code string, pairs ...string) reply {
	c.t.Helper()
	return c.token("authorization_code", append([]string{"code", code, "redirect_uri", c.redirect}, pairs...)...)
}

// tokens are what a good request ends with.
func (c *relying) tokens(b *userAgent, changes ...string) reply {
	c.t.Helper()
	return c.redeem(c.code(b, changes...)).ok()
}

// verified checks an ID token with a library that is not ours, and returns its
// claims.
func (c *relying) verified(raw string, algs ...string) map[string]any {
	c.t.Helper()
	if len(algs) == 0 {
		algs = []string{"RS256"}
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(c.t.Context(), &http.Client{Transport: c.p.dialer}), c.p.at("jwks_uri"))
	token, err := oidc.NewVerifier(c.p.url, keys, &oidc.Config{ClientID: c.id, SupportedSigningAlgs: algs, Now: c.p.clock.now}).Verify(c.t.Context(), raw)
	if err != nil {
		c.t.Fatalf("the ID token %s: %v", raw, err)
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		c.t.Fatal(err)
	}
	for _, needed := range []string{"iss", "sub", "aud", "exp", "iat"} { // OpenID Connect Core, section 2
		if claims[needed] == nil {
			c.t.Errorf("the ID token has no %s", needed)
		}
	}
	return claims
}

// userinfo asks about the person.
func (c *relying) userinfo(access string) reply {
	c.t.Helper()
	return c.p.request(c.t, http.MethodGet, c.p.at("userinfo_endpoint"), "", "", "Authorization", "Bearer "+access)
}
