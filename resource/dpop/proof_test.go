package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"signet/resource/dpop"
	"signet/resource/dpop/dpoptest"
)

const target = "https://api.example/posts"

var now = time.Unix(1700000000, 0)

func expect() dpop.Expect {
	return dpop.Expect{Method: "GET", URL: target, Now: now, MaxAge: time.Minute, Skew: 10 * time.Second}
}

func TestAGoodProofIsAcceptedUnderEachAlgorithm(t *testing.T) {
	for _, alg := range dpop.Algs() {
		key := dpoptest.NewKey(t, alg)
		e := expect()
		e.AccessToken = "tok"
		p, err := dpop.Verify(key.Proof("GET", target, now, dpoptest.ForToken("tok"), dpoptest.WithNonce("n"),
			func(p *dpoptest.Parts) { p.Claims["jti"] = "one" }), e)
		if err != nil {
			t.Errorf("%s: %v", alg, err)
			continue
		}
		if p.JKT != key.JKT() || p.JTI != "one" || p.Nonce != "n" || !p.IssuedAt.Equal(now) || !p.Until.Equal(now.Add(70*time.Second)) {
			t.Errorf("%s: got %+v", alg, p)
		}
		if !p.For("tok") || p.For("other") || p.For("") {
			t.Errorf("%s: the proof does not know its token", alg)
		}
	}
}

// The proof of RFC 9449 section 4.1, and the thumbprint of its key in section
// 6.1.
func TestTheProofOfTheSpecificationIsAccepted(t *testing.T) {
	const proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik" +
		"VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR" +
		"nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE" +
		"QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj" +
		"oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia" +
		"WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg" +
		"4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	p, err := dpop.Verify(proof, dpop.Expect{Method: "POST", URL: "https://server.example.com/token", Now: time.Unix(1562262616, 0), MaxAge: time.Minute})
	if err != nil || p.JKT != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" || p.JTI != "-BwC3ESc6acc2lTc" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestBadProofsAreRefusedForWhatIsWrong(t *testing.T) {
	type parts = *dpoptest.Parts
	key := dpoptest.NewKey(t, "ES256")
	other := dpoptest.NewKey(t, "ES256")
	rsaKey := dpoptest.NewKey(t, "RS256")
	claim := func(name string, value any) func(parts) { return func(p parts) { p.Claims[name] = value } }
	header := func(name string, value any) func(parts) { return func(p parts) { p.Header[name] = value } }
	member := func(name string, value any) func(parts) {
		return func(p parts) { p.Header["jwk"].(map[string]any)[name] = value }
	}
	without := func(name string) func(parts) { return func(p parts) { delete(p.Claims, name) } }
	number := func(n string) json.RawMessage { return json.RawMessage(n) }

	for _, c := range []struct {
		name string
		edit func(parts)
		want error
	}{
		{"the typ of an access token", header("typ", "at+jwt"), dpop.ErrTyp},
		{"the typ JWT", header("typ", "JWT"), dpop.ErrTyp},
		{"no typ", func(p parts) { delete(p.Header, "typ") }, dpop.ErrTyp},
		{"alg none", header("alg", "none"), dpop.ErrAlgorithm},
		{"alg HS256", header("alg", "HS256"), dpop.ErrAlgorithm},
		{"alg in another case", header("alg", "es256"), dpop.ErrAlgorithm},
		{"an alg nobody uses", header("alg", "ES256K"), dpop.ErrAlgorithm},
		{"no alg", func(p parts) { delete(p.Header, "alg") }, dpop.ErrAlgorithm},
		{"a crit", header("crit", []string{"b64"}), dpop.ErrHeader},
		{"an empty crit", header("crit", []string{}), dpop.ErrHeader},
		{"a jku", header("jku", "https://evil.example/jwks"), dpop.ErrHeader},
		{"an x5u", header("x5u", "https://evil.example/cert"), dpop.ErrHeader},
		{"an x5c", header("x5c", []string{"MIIB"}), dpop.ErrHeader},
		{"no jwk", func(p parts) { delete(p.Header, "jwk") }, dpop.ErrHeader},
		{"a jwk that is null", header("jwk", nil), dpop.ErrKey},
		{"a jwk that is text", header("jwk", "key"), dpop.ErrKey},
		{"an empty jwk", header("jwk", map[string]any{}), dpop.ErrKey},
		{"a symmetric jwk", header("jwk", map[string]any{"kty": "oct", "k": "c2VjcmV0"}), dpop.ErrKey},
		{"a private jwk", member("d", "c2VjcmV0"), dpop.ErrKey},
		{"a private member that is null", member("d", nil), dpop.ErrKey},
		{"a private member of RSA", member("qi", "AQAB"), dpop.ErrKey},
		{"a symmetric member", member("k", "AQAB"), dpop.ErrKey},
		{"a jwk of another type", header("jwk", rsaKey.JWK()), dpop.ErrKey},
		{"a jwk on another curve", header("jwk", dpoptest.NewKey(t, "ES384").JWK()), dpop.ErrKey},
		{"the name of another curve", member("crv", "P-384"), dpop.ErrKey},
		{"a jwk for another alg", member("alg", "ES384"), dpop.ErrKey},
		{"a b64 that is not critical", header("b64", false), dpop.ErrHeader},
		{"a jwk for encryption", member("use", "enc"), dpop.ErrKey},
		{"a jwk that may only sign", member("key_ops", []string{"sign"}), dpop.ErrKey},
		{"a jwk whose x is a number", member("x", 1), dpop.ErrKey},
		{"a jwk without y", func(p parts) { delete(p.Header["jwk"].(map[string]any), "y") }, dpop.ErrKey},
		{"a point beside the curve", member("x", strings.Repeat("A", 42)+"E"), dpop.ErrKey},
		{"a padded x", func(p parts) { m := p.Header["jwk"].(map[string]any); m["x"] = m["x"].(string) + "=" }, dpop.ErrKey},
		{"a short x", member("x", "AQAB"), dpop.ErrKey},
		{"another key", header("jwk", other.JWK()), dpop.ErrSignature},
		{"no jti", without("jti"), dpop.ErrClaims},
		{"an empty jti", claim("jti", ""), dpop.ErrClaims},
		{"a jti that is null", claim("jti", nil), dpop.ErrClaims},
		{"a jti that is a number", claim("jti", 1), dpop.ErrClaims},
		{"a jti beyond the bound", claim("jti", strings.Repeat("x", dpop.MaxJTI+1)), dpop.ErrClaims},
		{"no htm", without("htm"), dpop.ErrClaims},
		{"no htu", without("htu"), dpop.ErrClaims},
		{"no iat", without("iat"), dpop.ErrClaims},
		{"an iat that is text", claim("iat", "1700000000"), dpop.ErrClaims},
		{"an iat that is null", claim("iat", nil), dpop.ErrClaims},
		{"an iat that is negative", claim("iat", -1), dpop.ErrClaims},
		{"an iat that is zero", claim("iat", 0), dpop.ErrClaims},
		{"an iat beyond all time", claim("iat", number("1e300")), dpop.ErrClaims},
		{"an iat with endless digits", claim("iat", number("1700000000."+strings.Repeat("0", 40))), dpop.ErrClaims},
		{"a nonce that is a number", claim("nonce", 1), dpop.ErrClaims},
		{"an ath that is a list", claim("ath", []string{"x"}), dpop.ErrClaims},
		{"an exp that is text", claim("exp", "x"), dpop.ErrClaims},
		{"an nbf that is text", claim("nbf", "x"), dpop.ErrClaims},
		{"another method", claim("htm", "POST"), dpop.ErrMethod},
		{"the method in lower case", claim("htm", "get"), dpop.ErrMethod},
		{"another host", claim("htu", "https://evil.example/posts"), dpop.ErrURL},
		{"another path", claim("htu", "https://api.example/post"), dpop.ErrURL},
		{"another scheme", claim("htu", "http://api.example/posts"), dpop.ErrURL},
		{"a path alone", claim("htu", "/posts"), dpop.ErrURL},
		{"an iat that is too old", claim("iat", now.Add(-time.Minute).Unix()), dpop.ErrExpired},
		{"an iat in the future", claim("iat", now.Add(11*time.Second).Unix()), dpop.ErrNotYet},
		{"milliseconds for seconds", claim("iat", now.UnixMilli()), dpop.ErrClaims},
		{"an exp that has come", claim("exp", now.Unix()), dpop.ErrExpired},
		{"an nbf in the future", claim("nbf", now.Add(11*time.Second).Unix()), dpop.ErrNotYet},
		{"no ath", without("ath"), dpop.ErrToken},
		{"the ath of another token", claim("ath", dpoptest.Hash("other")), dpop.ErrToken},
		{"a padded ath", claim("ath", dpoptest.Hash("tok")+"="), dpop.ErrToken},
		{"the token for its ath", claim("ath", "tok"), dpop.ErrToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := expect()
			e.AccessToken = "tok"
			proof := key.Proof("GET", target, now, dpoptest.ForToken("tok"), c.edit)
			p, err := dpop.Verify(proof, e)
			if !errors.Is(err, c.want) || !errors.Is(err, dpop.ErrProof) || p != (dpop.Proof{}) {
				t.Errorf("got %+v, %v; want %v", p, err, c.want)
			}
			if reason := dpop.Reason(err); reason == "" || strings.Contains(reason, "evil") || strings.Contains(err.Error(), "evil") {
				t.Errorf("reason %q", reason)
			}
		})
	}
}

func TestWhatAProofMayAlsoSay(t *testing.T) {
	type parts = *dpoptest.Parts
	key := dpoptest.NewKey(t, "ES256")
	for name, edit := range map[string]func(parts){
		"the typ as a media type": func(p parts) { p.Header["typ"] = "application/DPoP+jwt" },
		"a kid":                   func(p parts) { p.Header["kid"] = "k" },
		"members that browsers export": func(p parts) {
			m := p.Header["jwk"].(map[string]any)
			m["ext"], m["key_ops"] = true, []string{"verify"}
		},
		"what the key is for": func(p parts) {
			m := p.Header["jwk"].(map[string]any)
			m["use"], m["alg"], m["kid"] = "sig", "ES256", "k"
		},
		"claims of an extension":           func(p parts) { p.Claims["x"] = map[string]any{"y": []int{1}} },
		"an iat with a fraction":           func(p parts) { p.Claims["iat"] = 1700000000.75 },
		"an exp and an nbf that fit":       func(p parts) { p.Claims["exp"], p.Claims["nbf"] = now.Add(time.Second).Unix(), now.Unix() },
		"a hash where no token came":       dpoptest.ForToken("tok"),
		"a query and a fragment":           func(p parts) { p.Claims["htu"] = target + "?a=b#c" },
		"the longest jti":                  func(p parts) { p.Claims["jti"] = strings.Repeat("x", dpop.MaxJTI) },
		"an iat at the end of its age":     func(p parts) { p.Claims["iat"] = now.Add(-59 * time.Second).Unix() },
		"an iat that is ahead by the skew": func(p parts) { p.Claims["iat"] = now.Add(10 * time.Second).Unix() },
	} {
		if p, err := dpop.Verify(key.Proof("GET", target, now, edit), expect()); err != nil || p.JKT != key.JKT() || p.For("tok") {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
}

func TestOnlyTheAllowedAlgorithmsAreAccepted(t *testing.T) {
	e := expect()
	e.Algs = []string{"ES256"}
	if _, err := dpop.Verify(dpoptest.NewKey(t, "ES256").Proof("GET", target, now), e); err != nil {
		t.Error(err)
	}
	if _, err := dpop.Verify(dpoptest.NewKey(t, "EdDSA").Proof("GET", target, now), e); !errors.Is(err, dpop.ErrAlgorithm) {
		t.Errorf("got %v", err)
	}
	e.Algs = []string{"HS256", "none"} // nobody can allow what is not asymmetric
	for _, alg := range e.Algs {
		proof := dpoptest.NewKey(t, "ES256").Proof("GET", target, now, func(p *dpoptest.Parts) { p.Header["alg"] = alg })
		if _, err := dpop.Verify(proof, e); !errors.Is(err, dpop.ErrAlgorithm) {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestRepeatedNamesAreRefused(t *testing.T) {
	key := dpoptest.NewKey(t, "ES256")
	jwk, _ := json.Marshal(key.JWK())
	good := `{"jti":"a","htm":"GET","htu":"` + target + `","iat":1700000000}`
	head := `{"typ":"dpop+jwt","alg":"ES256","jwk":` + string(jwk) + `}`
	if _, err := dpop.Verify(key.Sign([]byte(head), []byte(good)), expect()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, header, payload string
		want                  error
	}{
		{"a claim", head, strings.Replace(good, `"jti":"a"`, `"jti":"a","jti":"b"`, 1), dpop.ErrClaims},
		{"a claim, once escaped", head, strings.Replace(good, `"jti":"a"`, `"jti":"a","\u006ati":"b"`, 1), dpop.ErrClaims},
		{"a member of the header", strings.Replace(head, `"typ"`, `"typ":"x","typ"`, 1), good, dpop.ErrMalformed},
		{"a member of the key", strings.Replace(head, `"kty"`, `"kty":"oct","kty"`, 1), good, dpop.ErrMalformed},
		{"an inner name of a claim", head, strings.Replace(good, `"jti":"a"`, `"jti":"a","x":{"y":1,"y":2}`, 1), dpop.ErrClaims},
		{"text after the claims", head, good + `{}`, dpop.ErrClaims},
		{"claims that are a list", head, `[]`, dpop.ErrClaims},
		{"claims that are null", head, `null`, dpop.ErrClaims},
		{"no UTF-8", head, strings.Replace(good, `"a"`, "\"\xff\"", 1), dpop.ErrClaims},
		{"a claim in another case", head, strings.Replace(good, `"jti"`, `"JTI"`, 1), dpop.ErrClaims},
	} {
		if _, err := dpop.Verify(key.Sign([]byte(c.header), []byte(c.payload)), expect()); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestOtherSpellingsOfAGoodProofAreRefused(t *testing.T) {
	key := dpoptest.NewKey(t, "ES256")
	good := key.Proof("GET", target, now)
	if _, err := dpop.Verify(good, expect()); err != nil {
		t.Fatal(err)
	}
	for name, proof := range map[string]string{
		"nothing": "", "two proofs": good + ", " + good, "padded": good + "=", "a space": " " + good, "a line break": good + "\n",
		"cut off": good[:strings.LastIndexByte(good, '.')], "a fourth part": good + ".x", "beyond the bound": good + strings.Repeat("A", dpop.MaxLength),
	} {
		if _, err := dpop.Verify(proof, expect()); !errors.Is(err, dpop.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for bit := range 8 * len(good) {
		raw := []byte(good)
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := dpop.Verify(string(raw), expect()); !errors.Is(err, dpop.ErrProof) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
	}
}

func TestSignaturesThatAreNotTheKeysAreRefused(t *testing.T) {
	key := dpoptest.NewKey(t, "ES256")
	good := key.Proof("GET", target, now)
	input := good[:strings.LastIndexByte(good, '.')]
	b64 := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256([]byte(input))
	asn1, err := ecdsa.SignASN1(rand.Reader, key.Private.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(key.Private.Public())
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(input))
	for name, sig := range map[string][]byte{"ASN.1": asn1, "none": nil, "zeros": make([]byte, 64), "a MAC with the public key": mac.Sum(nil)} {
		if _, err := dpop.Verify(input+"."+b64(sig), expect()); !errors.Is(err, dpop.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWeakRSAKeysAreRefused(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // the small key must exist to be refused
	b64 := base64.RawURLEncoding.EncodeToString
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key := dpoptest.NewKey(t, "RS256")
	n := key.Private.Public().(*rsa.PublicKey).N.Bytes()
	for name, jwk := range map[string]map[string]any{
		"1024 bits":           {"kty": "RSA", "n": b64(small.N.Bytes()), "e": "AQAB"},
		"16384 bits":          {"kty": "RSA", "n": b64(new(big.Int).Lsh(big.NewInt(1), 16383).Bytes()), "e": "AQAB"},
		"the exponent one":    {"kty": "RSA", "n": b64(n), "e": "AQ"},
		"an even exponent":    {"kty": "RSA", "n": b64(n), "e": "Ag"},
		"a huge exponent":     {"kty": "RSA", "n": b64(n), "e": "AQAAAQ"},
		"a zero before n":     {"kty": "RSA", "n": b64(append([]byte{0}, n...)), "e": "AQAB"},
		"a zero before e":     {"kty": "RSA", "n": b64(n), "e": b64([]byte{0, 1, 1})},
		"no modulus":          {"kty": "RSA", "e": "AQAB"},
		"the name of a curve": {"kty": "RSA", "crv": "P-256", "n": b64(n), "e": "AQAB"},
	} {
		proof := key.Proof("GET", target, now, func(p *dpoptest.Parts) { p.Header["jwk"] = jwk })
		if _, err := dpop.Verify(proof, expect()); !errors.Is(err, dpop.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProofIsNamedByItsKeyAndItsJTI(t *testing.T) {
	one, two := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "ES256")
	id := func(key dpoptest.Key, jti string) [32]byte {
		p, err := dpop.Verify(key.Proof("GET", target, now, func(p *dpoptest.Parts) { p.Claims["jti"] = jti }), expect())
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	if first, again := id(one, "a"), id(one, "a"); first != again {
		t.Error("the same proof, signed twice, has two names")
	}
	if id(one, "a") == id(one, "b") || id(one, "a") == id(two, "a") {
		t.Error("two proofs have one name")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.eyJqdGkiOiJhIn0.")
	f.Fuzz(func(t *testing.T, proof string) {
		p, err := dpop.Verify(proof, expect())
		if err != nil {
			if !errors.Is(err, dpop.ErrProof) || p != (dpop.Proof{}) {
				t.Fatalf("got %+v, %v", p, err)
			}
			return
		}
		if len(p.JKT) != 43 || p.JTI == "" || len(p.JTI) > dpop.MaxJTI || !p.Until.After(now) {
			t.Fatalf("accepted as %+v", p)
		}
	})
}

// FuzzVerifyContent signs what it is given with a good key, so that the
// content is reached.
func FuzzVerifyContent(f *testing.F) {
	key := dpoptest.NewKey(f, "ES256")
	jwk, _ := json.Marshal(key.JWK())
	f.Add([]byte(`"kid":"x"`), []byte(`{"jti":"a","htm":"GET","htu":"https://api.example/posts","iat":1700000000}`))
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		head := append([]byte(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+string(jwk)+`,`), append(header, '}')...)
		p, err := dpop.Verify(key.Sign(head, payload), expect())
		if err != nil {
			if !errors.Is(err, dpop.ErrProof) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if p.JKT != key.JKT() || p.JTI == "" {
			t.Fatalf("accepted as %+v", p)
		}
	})
}

func TestAKeyHasOneThumbprint(t *testing.T) {
	key, ed := dpoptest.NewKey(t, "ES256"), dpoptest.NewKey(t, "EdDSA")
	raw, err := key.Private.Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for _, c := range []struct {
		name, alg string
		key       dpoptest.Key
		jwk       map[string]any
	}{
		{"coordinates that share their bytes otherwise", "ES256", key, map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:32]), "y": b64(raw[32:])}},
		{"an Ed25519 key that calls itself EC", "EdDSA", ed, map[string]any{"kty": "EC", "crv": "Ed25519", "x": ed.JWK()["x"]}},
	} {
		proof := c.key.Proof("GET", target, now, func(p *dpoptest.Parts) { p.Header["jwk"] = c.jwk })
		if _, err := dpop.Verify(proof, expect()); !errors.Is(err, dpop.ErrKey) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAPointOfAnotherCurveIsNoKey(t *testing.T) {
	key := dpoptest.NewKey(t, "ES256")
	stranger, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	raw, _ := stranger.PublicKey.Bytes()
	b64 := base64.RawURLEncoding.EncodeToString
	proof := key.Proof("GET", target, now, func(p *dpoptest.Parts) {
		p.Header["jwk"] = map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:49]), "y": b64(raw[49:])}
	})
	if _, err := dpop.Verify(proof, expect()); !errors.Is(err, dpop.ErrKey) {
		t.Errorf("got %v", err)
	}
}
