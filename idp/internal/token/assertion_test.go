package token

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// signer is a trusted issuer's key.
type signer struct {
	dpoptest.Key
	kid string
}

func newSigner(kid string) signer { return signer{newKey(), kid} }

// publish puts the issuer's key set where it is looked for.
func (w *world) publish(keys ...signer) {
	w.t.Helper()
	set := []map[string]any{}
	for _, k := range keys {
		jwk := maps.Clone(k.JWK())
		jwk["kid"] = k.kid
		set = append(set, jwk)
	}
	raw, err := json.Marshal(map[string]any{"keys": set})
	w.must(err)
	w.web.put(partner+"/jwks", string(raw))
}

// assert signs claims, after edit has changed them. A claim of nil is left out.
func (k signer) assert(edit map[string]any, header ...string) string {
	claims := map[string]any{"iss": partner, "sub": "ada@example.com", "aud": issuer, "jti": fmt.Sprint(len(edit), moment, edit["jti"], serial()),
		"iat": moment.Unix(), "exp": moment.Add(5 * time.Minute).Unix()}
	for name, value := range edit {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	h := map[string]any{"alg": k.Alg, "kid": k.kid}
	for i := 0; i < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	first, err := json.Marshal(h)
	fatal(err)
	second, err := json.Marshal(claims)
	fatal(err)
	return k.Sign(first, second)
}

func asserting(assertion string, more ...string) sent {
	return with(sent{asBasic: serviceSecret, "grant_type": wire.GrantJWTBearer, "assertion": assertion}, more...)
}

// RFC 7523, section 2.1.
func TestTheWordOfATrustedIssuerIsAGrant(t *testing.T) {
	w := newWorld(t)
	key := newSigner("k1")
	w.publish(key)
	got := w.post(asserting(key.assert(nil))).ok()
	if got.Scope != "openid posts" || got.RefreshToken != "" || got.IDToken != "" || got.TokenType != "Bearer" {
		t.Errorf("got %+v", got)
	}
	says := payload(t, got.AccessToken)
	if says["sub"] != string(w.user.ID) || says["client_id"] != "service" || says["sid"] == nil || says["auth_time"] != nil || says["amr"] != nil {
		t.Errorf("got %v", says)
	}
	if w.alive() != 1 {
		t.Errorf("%d grants", w.alive())
	}
	w.clock.pass(10 * time.Minute)
	if w.alive() != 0 {
		t.Error("the grant outlives its token")
	}
}

func TestAnAssertionIsRefused(t *testing.T) {
	key, other := newSigner("k1"), newSigner("k1")
	at := func(d time.Duration) int64 { return moment.Add(d).Unix() }
	own := dpoptest.NewKey(t, "ES256")
	cases := []struct {
		name      string
		assertion string
		form      []string
		want      string
	}{
		{"RFC 7523 2.1: that is not there", "", nil, wire.CodeInvalidRequest},
		{"RFC 7523 3 8: that is no JWT", "x", nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 9: signed with another key", other.assert(nil), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 9: signed with a key that is not known", signer{own, "k2"}.assert(nil), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 1: of an issuer that is not trusted", key.assert(map[string]any{"iss": "https://evil.example"}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 1: without an issuer", key.assert(map[string]any{"iss": nil}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 2: about nobody", key.assert(map[string]any{"sub": nil}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 2: about somebody who is not here", key.assert(map[string]any{"sub": "bob@example.com"}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 2: about no e-mail", key.assert(map[string]any{"sub": "ada"}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 3: for nobody", key.assert(map[string]any{"aud": nil}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 3: for somebody else", key.assert(map[string]any{"aud": "https://other.example"}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 3: for us and somebody else, who could bring it here", key.assert(map[string]any{"aud": []string{issuer, "https://other.example"}}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 4: without an end", key.assert(map[string]any{"exp": nil}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 4: that has ended", key.assert(map[string]any{"exp": at(0)}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 4: with an end that is too far away", key.assert(map[string]any{"exp": at(time.Hour + time.Minute)}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 5: that is not good yet", key.assert(map[string]any{"nbf": at(time.Minute)}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 6: from the future", key.assert(map[string]any{"iat": at(time.Minute)}), nil, wire.CodeInvalidGrant},
		{"RFC 7523 3 7: without a name", key.assert(map[string]any{"jti": nil}), nil, wire.CodeInvalidGrant},
		{"RFC 8725 3.12: that is an access token", key.assert(nil, "typ", "at+jwt"), nil, wire.CodeInvalidGrant},
		{"RFC 8725 3.12: that is a logout token", key.assert(nil, "typ", "application/logout+jwt"), nil, wire.CodeInvalidGrant},
		{"with a claim of another type", key.assert(map[string]any{"sub": 7}), nil, wire.CodeInvalidGrant},
		{"by a client that has not registered the grant type", key.assert(nil), []string{asBasic, webSecret}, wire.CodeUnauthorizedClient},
		{"for a scope that the issuer cannot give", key.assert(nil), []string{"scope", "posts:write"}, wire.CodeInvalidScope},
		{"for an audience that is not there", key.assert(nil), []string{"resource", "https://nobody.example"}, wire.CodeInvalidTarget},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.publish(key)
			w.post(asserting(c.assertion, c.form...)).refused(c.want)
			if w.alive() != 0 {
				t.Error("there is a grant")
			}
		})
	}
}

func TestAnAssertionWorksOnce(t *testing.T) {
	w := newWorld(t)
	key := newSigner("k1")
	w.publish(key)
	assertion := key.assert(nil)
	// What is wrong with the rest of the request does not spend it.
	w.post(asserting(assertion, "scope", "nothing")).refused(wire.CodeInvalidScope)
	redeemed := 0
	for _, a := range atOnce(100, func() answered { return w.post(asserting(assertion)) }) {
		if a.err == nil {
			redeemed++
			continue
		}
		a.refused(wire.CodeInvalidGrant)
	}
	if redeemed != 1 {
		t.Errorf("it worked %d times", redeemed)
	}
	// Another issuer may use the same name.
	w.post(asserting(key.assert(map[string]any{"jti": "one"}))).ok()
	w.post(asserting(key.assert(map[string]any{"jti": "one", "iss": partner + "/ids", "sub": string(w.user.ID)}))).ok()
	w.post(asserting(key.assert(map[string]any{"jti": "one"}))).refused(wire.CodeInvalidGrant)
}

// The operator says whose word a client may bring.
func TestAnAssertionIsBroughtByAClientThatMay(t *testing.T) {
	w := newWorld(t)
	key := newSigner("k1")
	w.publish(key)
	ids := map[string]any{"iss": partner + "/ids", "sub": string(w.user.ID)}
	w.post(asserting(key.assert(ids), asBasic, "", "client_id", "app")).refused(wire.CodeInvalidGrant)
	w.post(asserting(key.assert(ids))).ok()
	w.post(asserting(key.assert(nil), asBasic, "", "client_id", "app")).ok()
}

// What others can register is no proof of who they are.
func TestAnEMailThatIsNotVerifiedNamesNobody(t *testing.T) {
	w := newWorld(t)
	key := newSigner("k1")
	w.publish(key)
	change := func(fn func(*data.User)) {
		_, err := w.store.ChangeUser(t.Context(), w.user.ID, func(u *data.User) error { fn(u); return nil })
		w.must(err)
	}
	change(func(u *data.User) { u.EmailVerified = false })
	w.post(asserting(key.assert(nil))).refused(wire.CodeInvalidGrant)
	w.post(asserting(key.assert(map[string]any{"iss": partner + "/ids", "sub": string(w.user.ID)}))).ok()
	w.post(asserting(key.assert(map[string]any{"iss": partner + "/ids"}))).refused(wire.CodeInvalidGrant)
	change(func(u *data.User) { u.EmailVerified, u.Disabled = true, true })
	w.post(asserting(key.assert(nil))).refused(wire.CodeInvalidGrant)
}

func TestAKeyThatIsNewIsFetchedOnce(t *testing.T) {
	w := newWorld(t)
	key, next := newSigner("k1"), newSigner("k2")
	w.publish(key)
	w.post(asserting(next.assert(nil))).refused(wire.CodeInvalidGrant)
	if got := fmt.Sprint(w.web.asked); got != "[false true]" {
		t.Errorf("asked %s", got)
	}
	w.publish(key, next)
	w.post(asserting(next.assert(nil))).ok()
}

func TestKeysThatCannotBeHadAreNoFaultOfTheClient(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{"", "{}"} {
		if body != "" {
			w.web.put(partner+"/jwks", body)
		}
		if a := w.post(asserting(newSigner("k1").assert(nil))); a.status != 503 || a.err.Code != wire.CodeUnavailable {
			t.Errorf("got %d %v", a.status, a.err)
		}
	}
}

func TestAnAssertionsTokenIsForWhatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	key := newSigner("k1")
	w.publish(key)
	proof := dpoptest.NewKey(t, "ES256")
	got := w.post(asserting(key.assert(map[string]any{"aud": []string{issuer, endpoint}}, "typ", "JWT"),
		"scope", "posts posts:write", "audience", files, asProof, proof.Proof("POST", endpoint, moment))).ok()
	says := payload(t, got.AccessToken)
	if got.Scope != "posts" || got.TokenType != "DPoP" || fmt.Sprint(says["aud"]) != "["+files+"]" {
		t.Errorf("got %+v", got)
	}
}

// A grant type that nobody can use is not there, and not advertised.
func TestWithoutTrustedIssuersThereAreNoAssertions(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Trusted = nil })
	w.post(asserting("x")).refused(wire.CodeUnsupportedGrantType)
	if got := len(w.api.GrantTypes()); got != 5 {
		t.Errorf("got %v", w.api.GrantTypes())
	}
}
