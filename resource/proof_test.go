package resource_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const (
	api   = "https://api.example"
	posts = api + "/posts"
)

var ourselves = resource.WithResource(api)

// client holds a key, and a token that is bound to it.
type client struct {
	dpoptest.Key
	token string
}

func newClient(t testing.TB, i *issuertest.Issuer, alg string, edit ...func(*token.Claims)) client {
	t.Helper()
	key := dpoptest.NewKey(t, alg)
	bind := func(c *token.Claims) { c.Confirmation.JKT = key.JKT() }
	return client{key, i.Token(append([]func(*token.Claims){bind}, edit...)...)}
}

// prove makes a proof for GET /posts.
func (c client) prove(edit ...func(*dpoptest.Parts)) string {
	return c.Proof("GET", posts, time.Now(), append([]func(*dpoptest.Parts){dpoptest.ForToken(c.token)}, edit...)...)
}

// ask sends GET /posts with the credentials and the proofs.
func ask(h http.Handler, authorization string, proofs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/posts?page=2", nil)
	r.Header.Set("Authorization", authorization)
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func challenges(w *httptest.ResponseRecorder) string {
	return strings.Join(w.Header()["Www-Authenticate"], "\n")
}

func TestABoundTokenIsAcceptedWithItsProof(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	var got *resource.Token
	h := v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got, _ = resource.FromContext(r.Context()) }))
	for _, alg := range dpop.Algs() {
		c := newClient(t, i, alg, func(c *token.Claims) { c.ACR, c.Actor = "strong", &token.Actor{Subject: "bob"} })
		for _, scheme := range []string{"DPoP ", "dpop ", "DPoP  "} {
			got = nil
			if w := ask(h, scheme+c.token, c.prove()); w.Code != 200 || got == nil {
				t.Fatalf("%s as %q: %d %s", alg, scheme, w.Code, w.Body)
			}
			if got.JKT() != c.JKT() || got.ACR() != "strong" || got.Actor().Subject != "bob" {
				t.Errorf("%s: got %+v", alg, got.Claims())
			}
		}
	}
}

func TestABoundTokenAloneIsRefused(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	c := newClient(t, i, "ES256")
	for name, v := range map[string]*resource.Verifier{
		"by a server that takes proofs":           newVerifier(t, static(i.Key()), ourselves),
		"by one that does not know its URL":       newVerifier(t, static(i.Key())),
		"by one that takes nothing but proofs":    newVerifier(t, static(i.Key()), ourselves, resource.WithDPoPRequired()),
		"by one that does not remember any token": newVerifier(t, static(i.Key()), ourselves, resource.WithCacheBytes(0)),
	} {
		refused(t, v, c.token, resource.ErrBound)
		h := v.Middleware(whoami)
		for n, w := range []*httptest.ResponseRecorder{ask(h, "Bearer "+c.token), ask(h, "Bearer "+c.token, c.prove())} {
			if w.Code != 401 || !strings.Contains(challenges(w), `error="invalid_token", error_description="the token is bound to a key, and needs a DPoP proof"`) {
				t.Errorf("%s: answer %d: %d %s", name, n, w.Code, challenges(w))
			}
		}
	}
}

func TestWhatARequestWithAProofIsAnswered(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves, resource.WithDPoPAlgs("ES256", "EdDSA"))
	h := v.Middleware(whoami)
	c, other, rsa := newClient(t, i, "ES256"), newClient(t, i, "ES256"), newClient(t, i, "RS256")
	old := newClient(t, i, "ES256", func(c *token.Claims) { c.Expiry = token.At(time.Now().Add(-time.Minute)) })
	spent := c.prove()
	if w := ask(h, "DPoP "+c.token, spent); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	claim := func(name string, value any) func(*dpoptest.Parts) {
		return func(p *dpoptest.Parts) { p.Claims[name] = value }
	}
	const oneProof = "a DPoP proof is sent once, in one DPoP header"
	for _, r := range []struct {
		name, authorization string
		proofs              []string
		code, description   string
	}{
		{"no proof", "DPoP " + c.token, nil, "invalid_dpop_proof", oneProof},
		{"two proofs", "DPoP " + c.token, []string{c.prove(), c.prove()}, "invalid_dpop_proof", oneProof},
		{"one proof twice", "DPoP " + c.token, []string{spent, spent}, "invalid_dpop_proof", oneProof},
		{"an empty proof", "DPoP " + c.token, []string{""}, "invalid_dpop_proof", "the proof is not a JWT in its one compact form"},
		{"the token for a proof", "DPoP " + c.token, []string{c.token}, "invalid_dpop_proof", "the proof's typ is not dpop+jwt"},
		{"a proof that was used", "DPoP " + c.token, []string{spent}, "invalid_dpop_proof", "the proof was used before"},
		{"another jti's proof for it", "DPoP " + c.token, []string{c.prove(claim("ath", dpoptest.Hash("x")))}, "invalid_dpop_proof", "the proof is for another access token, or for none"},
		{"a proof for no token", "DPoP " + c.token, []string{c.Proof("GET", posts, time.Now())}, "invalid_dpop_proof", "the proof is for another access token, or for none"},
		{"the proof for another token", "DPoP " + c.token, []string{other.prove()}, "invalid_dpop_proof", "the proof is for another access token, or for none"},
		{"another's proof for this token", "DPoP " + c.token, []string{client{other.Key, c.token}.prove()}, "invalid_token", "the token is bound to another key"},
		{"a proof for another method", "DPoP " + c.token, []string{c.prove(claim("htm", "POST"))}, "invalid_dpop_proof", "the proof is for another method"},
		{"a proof for another server", "DPoP " + c.token, []string{c.prove(claim("htu", "https://other.example/posts"))}, "invalid_dpop_proof", "the proof is for another URL"},
		{"a proof for another path", "DPoP " + c.token, []string{c.prove(claim("htu", api+"/post"))}, "invalid_dpop_proof", "the proof is for another URL"},
		{"an old proof", "DPoP " + c.token, []string{c.prove(claim("iat", time.Now().Add(-61*time.Second).Unix()))}, "invalid_dpop_proof", "the proof is too old"},
		{"an early proof", "DPoP " + c.token, []string{c.prove(claim("iat", time.Now().Add(40*time.Second).Unix()))}, "invalid_dpop_proof", "the proof was made in the future"},
		{"an algorithm that is not allowed", "DPoP " + rsa.token, []string{rsa.prove()}, "invalid_dpop_proof", "the proof's algorithm is not accepted"},
		{"a token that is not bound", "DPoP " + i.Token(), []string{c.prove()}, "invalid_token", "the token is not bound to a key"},
		{"a token that has expired", "DPoP " + old.token, []string{old.prove()}, "invalid_token", "the token has expired"},
		{"a token that is none", "DPoP x", []string{c.prove()}, "invalid_token", "the token is malformed"},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := ask(h, r.authorization, r.proofs...)
			want := `DPoP error="` + r.code + `", error_description="` + r.description + `", algs="ES256 EdDSA", ` + metadataParam + "\nBearer " + metadataParam
			if w.Code != 401 || challenges(w) != want {
				t.Errorf("got  %d %s\nwant 401 %s", w.Code, challenges(w), want)
			}
			if w.Header().Get("DPoP-Nonce") != "" || !strings.Contains(w.Body.String(), `"error":"`+r.code+`"`) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %s %v", w.Body, w.Header())
			}
		})
	}
	if w := ask(h, "DPoP "+c.token+" x", c.prove()); w.Code != 400 || !strings.HasPrefix(challenges(w), `DPoP error="invalid_request"`) || !strings.HasSuffix(challenges(w), "\nBearer "+metadataParam) {
		t.Errorf("a space inside: %d %s", w.Code, challenges(w))
	}
	if w := ask(v.RequireScope("admin")(whoami), "DPoP "+c.token, c.prove()); w.Code != 403 ||
		challenges(w) != `DPoP error="insufficient_scope", error_description="the token lacks a scope that is needed here", scope="admin", algs="ES256 EdDSA", `+metadataParam {
		t.Errorf("a scope that is missing: %d %s", w.Code, challenges(w))
	}
}

func TestATokenThatIsBoundOtherwiseIsRefused(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	key := dpoptest.NewKey(t, "ES256")
	for _, cnf := range []map[string]any{
		{"x5t#S256": "x"}, {"jkt": key.JKT(), "x5t#S256": "x"}, {"jwk": key.JWK()}, {"jkt": ""}, {},
	} {
		var claims map[string]any
		payload, _ := i.Claims().Marshal()
		_ = json.Unmarshal(payload, &claims)
		claims["exp"], claims["iat"] = time.Now().Add(time.Minute).Unix(), time.Now().Unix()
		delete(claims, "auth_time")
		claims["cnf"] = cnf
		payload, _ = json.Marshal(claims)
		c := client{key, issuertest.Sign(t, i.Key(), i.Header(), payload)}
		refused(t, v, c.token, resource.ErrBinding)
		if w := ask(v.Middleware(whoami), "DPoP "+c.token, c.prove()); w.Code != 401 {
			t.Errorf("%v: got %d", cnf, w.Code)
		}
	}
}

func TestAServerMayRequireBoundTokens(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves, resource.WithDPoPRequired(), resource.WithDPoPAlgs("ES256"))
	h := v.Middleware(whoami)
	refused(t, v, i.Token(), resource.ErrUnbound)
	const offer = `algs="ES256", ` + metadataParam
	if w := ask(h, "Bearer "+i.Token()); w.Code != 401 || challenges(w) != `DPoP error="invalid_token", error_description="the token is not bound to a key", `+offer {
		t.Errorf("a bearer token: %d %s", w.Code, challenges(w))
	}
	if w := ask(h, ""); w.Code != 401 || challenges(w) != "DPoP "+offer {
		t.Errorf("no token: %d %s", w.Code, challenges(w))
	}
	c := newClient(t, i, "ES256")
	if w := ask(h, "DPoP "+c.token, c.prove()); w.Code != 200 {
		t.Errorf("a bound token: %d %s", w.Code, challenges(w))
	}
}

func TestWithoutItsURLAServerTakesNoProofs(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	h := newVerifier(t, static(i.Key())).Middleware(whoami)
	c := newClient(t, i, "ES256")
	if w := ask(h, "DPoP "+c.token, c.prove()); w.Code != 401 || challenges(w) != `Bearer realm="api"` {
		t.Errorf("got %d %s", w.Code, challenges(w))
	}
}

func TestAServersNonceIsAskedForAndKnownAgain(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	now := time.Unix(1700000100, 0) // a span begins here
	at := func(c *token.Claims) { c.IssuedAt, c.Expiry = token.At(now), token.At(now.Add(time.Hour)) }
	opts := []resource.Option{static(i.Key()), ourselves, resource.WithDPoPNonces(bytes.Repeat([]byte{1}, 32)),
		resource.WithDPoPAlgs("ES256"), resource.WithNow(func() time.Time { return now })}
	one, two := newVerifier(t, opts...).Middleware(whoami), newVerifier(t, opts...).Middleware(whoami)
	c := newClient(t, i, "ES256", at)
	prove := func(nonce string) string {
		return c.Proof("GET", posts, now, dpoptest.ForToken(c.token), dpoptest.WithNonce(nonce))
	}
	w := ask(one, "DPoP "+c.token, c.Proof("GET", posts, now, dpoptest.ForToken(c.token)))
	const want = `DPoP error="use_dpop_nonce", error_description="the proof needs the nonce of the DPoP-Nonce header", algs="ES256", ` +
		metadataParam + "\nBearer " + metadataParam
	nonce := w.Header().Get("DPoP-Nonce")
	if w.Code != 401 || challenges(w) != want || nonce == "" || strings.Join(w.Header()["Access-Control-Expose-Headers"], ", ") != "WWW-Authenticate, DPoP-Nonce" {
		t.Fatalf("got %d %s %v", w.Code, challenges(w), w.Header())
	}
	if w := ask(two, "DPoP "+c.token, prove("x"+nonce[1:])); w.Code != 401 || w.Header().Get("DPoP-Nonce") != nonce {
		t.Errorf("another nonce: %d", w.Code)
	}
	if w := ask(two, "DPoP "+c.token, prove(nonce)); w.Code != 200 || w.Header().Get("DPoP-Nonce") != nonce {
		t.Errorf("its nonce: %d %s", w.Code, challenges(w))
	}
	now = now.Add(9 * time.Minute)
	w = ask(two, "DPoP "+c.token, prove(nonce))
	next := w.Header().Get("DPoP-Nonce")
	if w.Code != 200 || next == nonce || next == "" {
		t.Errorf("in the next span: %d, the nonce %q", w.Code, next)
	}
	now = now.Add(2 * time.Minute)
	if w := ask(two, "DPoP "+c.token, prove(nonce)); w.Code != 401 {
		t.Errorf("in the one after: %d", w.Code)
	}
	if w := ask(two, "DPoP "+c.token, prove(next)); w.Code != 200 {
		t.Errorf("with the nonce that was given: %d %s", w.Code, challenges(w))
	}
	// Bearer tokens have nothing to do with it.
	if w := ask(one, "Bearer "+i.Token(at)); w.Code != 200 || w.Header().Get("DPoP-Nonce") != "" {
		t.Errorf("a bearer token: %d %v", w.Code, w.Header())
	}
}

func TestVerifyBoundWantsAProofForThisToken(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()))
	c, other := newClient(t, i, "ES256"), newClient(t, i, "ES256")
	verified := func(c client, accessToken string) dpop.Proof {
		p, err := dpop.Verify(client{c.Key, accessToken}.prove(),
			dpop.Expect{Method: "GET", URL: posts, AccessToken: accessToken, Now: time.Now(), MaxAge: time.Minute, Skew: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if tok, err := v.VerifyBound(t.Context(), c.token, verified(c, c.token)); err != nil || tok.JKT() != c.JKT() {
		t.Errorf("got %v, %v", tok, err)
	}
	for _, r := range []struct {
		name, token string
		proof       dpop.Proof
		want        error
	}{
		{"another's key", c.token, verified(other, c.token), resource.ErrOtherKey},
		{"another token of the key", c.token, verified(c, other.token), dpop.ErrToken},
		{"a proof that was never verified", c.token, dpop.Proof{JKT: c.JKT()}, dpop.ErrToken},
		{"no proof", c.token, dpop.Proof{}, resource.ErrOtherKey},
		{"a token that is not bound", i.Token(), verified(c, c.token), resource.ErrUnbound},
		{"a token that is none", "x", verified(c, "x"), resource.ErrMalformed},
	} {
		if tok, err := v.VerifyBound(t.Context(), r.token, r.proof); tok != nil || !errors.Is(err, r.want) {
			t.Errorf("%s: got %v, want %v", r.name, err, r.want)
		}
	}
}

func TestNewRefusesProofsThatCannotBeChecked(t *testing.T) {
	key := make([]byte, 32)
	for name, opts := range map[string][]resource.Option{
		"nonces without a URL":       {resource.WithDPoPNonces(key)},
		"bound tokens without a URL": {resource.WithDPoPRequired()},
		"a short key for nonces":     {ourselves, resource.WithDPoPNonces(key[:31])},
		"a symmetric algorithm":      {ourselves, resource.WithDPoPAlgs("HS256")},
		"no algorithm":               {ourselves, resource.WithDPoPAlgs()},
		"an age of nothing":          {ourselves, resource.WithProofAge(0)},
		"room for nothing":           {ourselves, resource.WithReplayRoom(0)},
		"a public URL with a query":  {resource.WithPublicURL("https://api.example?x")},
		"a public URL on plain http": {resource.WithPublicURL("http://api.example")},
	} {
		if _, err := resource.New(issuerURL, "api", append(opts, static())...); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Proofs must cost nothing where there are none: neither to check a token that
// was seen before, nor to find it in a request.
func TestABearerTokenThatWasSeenBeforeCostsNoMemory(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	public := i.Key().Private.Public()
	v := newVerifier(t, ourselves, resource.WithKeys(resource.KeyFunc(func(kid string) (resource.Key, bool) {
		return resource.Key{ID: kid, Alg: token.ES256, Public: public}, true
	})))
	raw := i.Token()
	r := httptest.NewRequest(http.MethodGet, "/posts", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	for name, work := range map[string]func() error{
		"Verify":        func() error { _, err := v.Verify(r.Context(), raw); return err },
		"VerifyRequest": func() error { _, err := v.VerifyRequest(r); return err },
	} {
		if err := work(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = work() }); n > 1 { // the copy of the token that is hashed
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
