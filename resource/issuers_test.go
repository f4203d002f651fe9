package resource_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const (
	houseA = "https://a.example"
	houseB = "https://b.example"
)

// house is an issuer with the Verifier of its tokens.
type house struct {
	*issuertest.Issuer
	v *resource.Verifier
}

func newHouse(t testing.TB, url, audience string, opts ...resource.Option) house {
	t.Helper()
	i := issuertest.New(t, url)
	v, err := resource.New(url, audience, append([]resource.Option{quiet, static(i.Key()), ourselves}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return house{i, v}
}

func newIssuers(t testing.TB, verifiers ...*resource.Verifier) *resource.Issuers {
	t.Helper()
	is, err := resource.NewIssuers(verifiers...)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

func TestATokenIsCheckedByTheVerifierOfItsIssuer(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "files")
	is := newIssuers(t, a.v, b.v)
	forFiles := func(c *token.Claims) { c.Audience = []string{"files"} }
	for _, c := range []struct {
		name, token, issuer string
		want                error
	}{
		{"of the first", a.Token(), houseA, nil},
		{"of the second", b.Token(forFiles), houseB, nil},
		{"of the first for the second's audience", a.Token(forFiles), "", resource.ErrAudience},
		{"of the second for the first's audience", b.Token(), "", resource.ErrAudience},
		{"of a third", issuertest.New(t, "https://c.example").Token(), "", resource.ErrIssuer},
		{"of nobody", a.Token(func(c *token.Claims) { c.Issuer = "" }), "", resource.ErrIssuer},
		{"of the first with a slash", a.Token(func(c *token.Claims) { c.Issuer += "/" }), "", resource.ErrIssuer},
		{"of the first in capitals", a.Token(func(c *token.Claims) { c.Issuer = "https://A.example" }), "", resource.ErrIssuer},
		{"that has expired", b.Token(forFiles, func(c *token.Claims) { c.Expiry = token.At(time.Now().Add(-time.Hour)) }), "", resource.ErrExpired},
		{"that is none", "x.y.z", "", resource.ErrMalformed},
		{"that is too long", strings.Repeat("a", token.MaxLength+1), "", resource.ErrMalformed},
		{"whose claims are none", issuertest.Sign(t, a.Key(), a.Header(), []byte(`{"iss":"`+houseA+`","iss":"x"}`)), "", resource.ErrClaims},
		{"of another kind", issuertest.Sign(t, a.Key(), map[string]any{"alg": "ES256", "kid": "k1", "typ": "JWT"}, []byte(`{"iss":"`+houseA+`"}`)), "", resource.ErrTyp},
	} {
		for range 2 { // at first sight, and remembered
			got, err := is.Verify(t.Context(), c.token)
			if !errors.Is(err, c.want) || err == nil && got.Issuer() != c.issuer {
				t.Errorf("a token %s: got %v, want %v", c.name, err, c.want)
			}
		}
	}
}

// Two issuers use the same kid, and each tries to speak for the other.
func TestNoIssuerAnswersForAnother(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "api")
	is := newIssuers(t, a.v, b.v)
	claims := func(iss string) []byte {
		c := a.Claims()
		c.Issuer, c.Roles = iss, []string{"admin"}
		raw, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		name      string
		key       issuertest.Key
		iss       string
		wantOther error // for everybody but the issuer that signed
	}{
		{"a signs for b", a.Key(), houseB, resource.ErrSignature},
		{"b signs for a", b.Key(), houseA, resource.ErrSignature},
	} {
		raw := issuertest.Sign(t, c.key, map[string]any{"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, claims(c.iss))
		for range 2 {
			if _, err := is.Verify(t.Context(), raw); !errors.Is(err, c.wantOther) {
				t.Errorf("%s: got %v", c.name, err)
			}
			w := ask(is.RequireRole("admin")(whoami), "Bearer "+raw)
			if w.Code != 401 || !strings.Contains(challenges(w), `error="invalid_token"`) {
				t.Errorf("%s: got %d %s", c.name, w.Code, challenges(w))
			}
		}
	}
	// What one has accepted is no other's.
	good := a.Token()
	if _, err := is.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if _, err := b.v.Verify(t.Context(), good); !errors.Is(err, resource.ErrIssuer) {
		t.Errorf("b, of a's token: %v", err)
	}
	w := ask(is.Middleware(b.v.Middleware(whoami)), "Bearer "+good)
	if w.Code != 401 {
		t.Errorf("b's own middleware within lets a's token pass: %d", w.Code)
	}
	// Nor is the word of a Verifier taken that is none of these, though its
	// issuer is one of theirs.
	lax := newHouse(t, houseA, "files")
	w = ask(lax.v.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, _, err := is.Authenticate(r); !errors.Is(err, resource.ErrAudience) {
			t.Errorf("a token for another audience: %v", err)
		}
		if _, _, err := newIssuers(t, lax.v, b.v).Authenticate(r); err != nil {
			t.Errorf("a token that one of these has let pass: %v", err)
		}
	})), "Bearer "+lax.Token(func(c *token.Claims) { c.Audience = []string{"files"} }))
	if w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestSeveralIssuersAreUsedLikeOne(t *testing.T) {
	nonces := resource.WithDPoPNonces(make([]byte, 32))
	a, b := newHouse(t, houseA, "api", nonces), newHouse(t, houseB, "api", nonces)
	is := newIssuers(t, a.v, b.v)
	h := is.Middleware(is.RequireRole("author")(is.RequireScope("posts")(is.Require(resource.Requirement{MaxAge: time.Minute})(whoami))))
	old := b.Token(authenticated("1", time.Hour))
	if w := ask(h, "Bearer "+b.Token()); w.Code != 200 || w.Body.String() != "alice" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(is.Middleware(b.v.RequireRole("author")(whoami)), "Bearer "+b.Token()); w.Code != 200 {
		t.Errorf("the issuer's own requirement within: got %d", w.Code)
	}
	for _, c := range []struct{ name, auth string }{
		{"no token", ""}, {"another scheme", "Basic YTpi"}, {"no b64token", "Bearer a b"}, {"a malformed token", "Bearer x"},
		{"an old sign-in", "Bearer " + old}, {"a role less", "Bearer " + b.Token(func(c *token.Claims) { c.Roles = nil })},
		{"no proof", "DPoP " + b.Token()},
	} {
		alone := b.v.Require(resource.Requirement{Roles: []string{"author"}, MaxAge: time.Minute})(whoami)
		want, got := ask(alone, c.auth), ask(is.Require(resource.Requirement{Roles: []string{"author"}, MaxAge: time.Minute})(whoami), c.auth)
		if got.Code != want.Code || challenges(got) != challenges(want) || got.Body.String() != want.Body.String() || want.Code == 200 {
			t.Errorf("%s: got %d %s, want %d %s", c.name, got.Code, challenges(got), want.Code, challenges(want))
		}
	}
	stranger := newClient(t, issuertest.New(t, "https://c.example"), "ES256")
	if w := ask(h, "DPoP "+stranger.token, stranger.prove()); w.Code != 401 || !strings.HasPrefix(challenges(w), `DPoP error="invalid_token", error_description="the token is from another issuer"`) {
		t.Errorf("a stranger's bound token: got %d %s", w.Code, challenges(w))
	}
}

func TestAProofWorksOnceAtSeveralIssuers(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "api")
	is := newIssuers(t, a.v, b.v)
	c := newClient(t, b.Issuer, "ES256")
	proof := c.prove()
	// Through two middlewares: the second must not use the proof up again.
	h := is.Middleware(is.RequireRole("author")(whoami))
	if w := ask(h, "DPoP "+c.token, proof); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, challenges(w))
	}
	if w := ask(h, "DPoP "+c.token, proof); w.Code != 401 || !strings.Contains(challenges(w), "the proof was used before") {
		t.Errorf("replayed: got %d %s", w.Code, challenges(w))
	}
}

func TestTheMetadataNamesEveryIssuer(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "api")
	is := newIssuers(t, b.v, a.v)
	w := httptest.NewRecorder()
	is.Metadata().ServeHTTP(w, httptest.NewRequest(http.MethodGet, is.MetadataPath(), nil))
	var m struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m.Resource != api || len(m.Servers) != 2 || m.Servers[0] != houseB || m.Servers[1] != houseA {
		t.Errorf("got %s", w.Body)
	}
}

func TestVerifiersThatCannotStandTogetherAreRefused(t *testing.T) {
	a := newHouse(t, houseA, "api").v
	for _, c := range []struct {
		name      string
		verifiers []*resource.Verifier
		says      string
	}{
		{"none", nil, "no issuers"},
		{"one that is nil", []*resource.Verifier{a, nil}, "nil"},
		{"two of one issuer", []*resource.Verifier{a, newHouse(t, houseA, "files").v}, "two verifiers"},
		{"another resource", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithResource("https://other.example")).v}, "WithResource"},
		{"other metadata", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithMetadata(resource.Metadata{Name: "x"})).v}, "WithMetadata"},
		{"another public URL", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithPublicURL("https://api.example/v1")).v}, "WithPublicURL"},
		{"bound tokens only", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithDPoPRequired()).v}, "WithDPoPRequired"},
		{"other algorithms of proofs", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithDPoPAlgs("ES256")).v}, "WithDPoPAlgs"},
		{"nonces", []*resource.Verifier{a, newHouse(t, houseB, "api", resource.WithDPoPNonces(make([]byte, 32))).v}, "WithDPoPNonces"},
	} {
		if _, err := resource.NewIssuers(c.verifiers...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestOneIssuerThatIsGoneTakesNoOtherAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := issuertest.New(t, houseA), issuertest.New(t, houseB)
		a.Set(func(k *issuertest.Knobs) { k.Down = true })
		var both []*resource.Verifier
		for _, i := range []*issuertest.Issuer{a, b} {
			v, err := resource.New(i.URL, "api", quiet, resource.WithHTTPClient(i.Client()))
			if err != nil {
				t.Fatal(err)
			}
			both = append(both, v)
		}
		is := newIssuers(t, both...)
		synctest.Wait()
		h := is.Health()
		if !h.Ready() || h[houseA].State != resource.Starting || h[houseB].State != resource.Following {
			t.Errorf("health is %+v", h)
		}
		if _, err := is.Verify(t.Context(), b.Token()); err != nil {
			t.Errorf("of the one that is there: %v", err)
		}
		if _, err := is.Verify(t.Context(), a.Token()); !errors.Is(err, resource.ErrUnavailable) {
			t.Errorf("of the one that is gone: %v", err)
		}
		if (resource.IssuersHealth{houseA: h[houseA]}).Ready() {
			t.Error("ready with no keys at all")
		}
		is.Close() // else the bubble would not end
	})
}

// It is found by its hash, and not read again.
func TestATokenThatOneOfSeveralRemembersIsNotRead(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "api")
	is := newIssuers(t, a.v, b.v)
	raw := b.Token()
	allocations := testing.AllocsPerRun(200, func() {
		if _, err := is.Verify(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 2 { // the copies that are hashed
		t.Errorf("%v allocations", allocations)
	}
}

func TestACallThatIsNoHTTPRequestIsAdmitted(t *testing.T) {
	a, b := newHouse(t, houseA, "api"), newHouse(t, houseB, "api")
	bound := newClient(t, b.Issuer, "ES256")
	need := resource.Requirement{Roles: []string{"author"}}
	for name, g := range map[string]resource.Guard{"one issuer": b.v, "several": newIssuers(t, a.v, b.v)} {
		for _, c := range []struct {
			name   string
			values []string
			want   error
		}{
			{"a good token", []string{"Bearer " + b.Token()}, nil},
			{"a token that lacks the role", []string{"bearer " + b.Token(func(c *token.Claims) { c.Roles = nil })}, resource.ErrInsufficientScope},
			{"nothing", nil, resource.ErrNoToken},
			{"another scheme", []string{"Basic YTpi"}, resource.ErrNoToken},
			{"two values", []string{"Bearer x", "Bearer x"}, resource.ErrRequest},
			{"no token", []string{"Bearer "}, resource.ErrRequest},
			{"a malformed token", []string{"Bearer x"}, resource.ErrMalformed},
			{"a bound token", []string{"Bearer " + bound.token}, resource.ErrBound},
			{"a bearer token by the scheme of bound ones", []string{"DPoP " + b.Token()}, resource.ErrBound},
			{"a bound token by its scheme", []string{"DPoP " + bound.token}, resource.ErrBound},
		} {
			ctx, err := g.AdmitBearer(t.Context(), c.values, need)
			tok, ok := resource.FromContext(ctx)
			if !errors.Is(err, c.want) || ok != (c.want == nil) || ok && tok.Subject() != "alice" {
				t.Errorf("%s, %s: got %v, token %t", name, c.name, err, ok)
			}
		}
	}
}

func TestALifetimeEndsWithTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, houseA, "api", resource.WithLeeway(5*time.Second))
		is := newIssuers(t, newHouse(t, houseB, "api").v, h.v)
		for name, g := range map[string]resource.Guard{"one issuer": h.v, "several": is} {
			began := time.Now()
			ctx, err := g.AdmitBearer(t.Context(), []string{"Bearer " + h.Token()}, resource.Requirement{})
			if err != nil {
				t.Fatal(err)
			}
			tok, _ := resource.FromContext(ctx)
			ctx, stop := g.Lifetime(ctx, tok)
			<-ctx.Done()
			stop()
			if got := time.Since(began); got != 10*time.Minute+5*time.Second {
				t.Errorf("%s: ended after %v", name, got)
			}
			if _, ok := resource.FromContext(ctx); !ok {
				t.Error("the token is gone")
			}
		}
	})
}
