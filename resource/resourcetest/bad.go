package resourcetest

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"iter"
	"strings"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// BadToken is a token that must be refused.
type BadToken struct {
	Name  string // what is wrong, to stand after "a token"
	Token string
	Err   error // what resource.Verifier.Verify says of it
}

// Bad returns one token for each thing that can be wrong with one: all else
// about it is good. Each must be answered with 401 and invalid_token, or over
// gRPC with Unauthenticated.
func (i *Issuer) Bad() iter.Seq[BadToken] {
	return func(yield func(BadToken) bool) {
		i.t.Helper()
		for _, group := range []func() []BadToken{i.badClaims, i.badStatus, i.badHeaders, i.badSignatures, i.badSpellings} {
			for _, bad := range group() {
				if !yield(bad) {
					return
				}
			}
		}
	}
}

func (i *Issuer) bad(name string, err error, wrong ...TokenOption) BadToken {
	return BadToken{name, i.Token(wrong...), err}
}

func (i *Issuer) badClaims() []BadToken {
	return []BadToken{
		i.bad("from another issuer", resource.ErrIssuer, Claim("iss", "https://other.example")),
		i.bad("from an issuer with one slash more", resource.ErrIssuer, Claim("iss", i.URL+"/")),
		i.bad("for another audience", resource.ErrAudience, Audience("another-"+i.Audience)),
		i.bad("for no audience", resource.ErrAudience, Claim("aud", nil)),
		i.bad("that has expired", resource.ErrExpired, Expired()),
		i.bad("that never expires", resource.ErrClaims, Claim("exp", nil)),
		i.bad("that is not valid yet", resource.ErrNotYet, NotYet()),
		i.bad("from the future", resource.ErrNotYet, Claim("iat", token.At(i.now().Add(5*time.Minute)))),
		i.bad("for nobody", resource.ErrClaims, Claim("sub", nil)),
		i.bad("without a name of its own", resource.ErrClaims, Claim("jti", nil)),
		i.bad("that is bound to a key, without a proof", resource.ErrBound, BoundTo(dpoptest.NewKey(i.t, "ES256"))),
		i.bad("that is bound to a certificate", resource.ErrBinding, Claim("cnf", map[string]string{"x5t#S256": strings.Repeat("A", 43)})),
	}
}

func (i *Issuer) badStatus() []BadToken {
	elsewhere := token.Status{List: token.StatusRef{URI: "https://other.example/lists/1", Index: probePlace}}
	return []BadToken{
		i.bad("that was revoked", resource.ErrRevoked, i.at(revokedPlace)),
		i.bad("that cannot be revoked", resource.ErrStatus, Claim("status", nil)),
		i.bad("whose place is not in its status list", resource.ErrStatus, i.at(places)),
		i.bad("whose status list is not its issuer's", resource.ErrStatus, Claim("status", elsewhere)),
	}
}

func (i *Issuer) badHeaders() []BadToken {
	stranger := issuertest.NewKey(i.t, token.ES256, "stranger")
	return []BadToken{
		i.bad("that is an ID token", resource.ErrTyp, Header("typ", token.TypID)),
		i.bad("that is a logout token", resource.ErrTyp, Header("typ", token.TypLogout)),
		i.bad("that does not say what it is", resource.ErrTyp, Header("typ", nil)),
		i.bad("with a key that is not published", resource.ErrUnknownKey, signedBy(stranger)),
		i.bad("that brings its own key", resource.ErrHeader, signedBy(stranger), Header("jwk", stranger.JWK())),
		i.bad("that says where its key is", resource.ErrHeader, signedBy(stranger), Header("jku", "https://other.example/jwks.json")),
		i.bad("that names no key", resource.ErrHeader, Header("kid", "")),
		i.bad("whose claims are packed", resource.ErrHeader, Header("zip", "DEF")),
		i.bad("with an extension that nobody knows", resource.ErrHeader, Header("crit", []string{"x"}), Header("x", 1)),
	}
}

func (i *Issuer) badSignatures() []BadToken {
	key := i.signer()
	alg := key.Alg
	if _, isRSA := key.Private.(*rsa.PrivateKey); isRSA { // all RSA keys are one
		alg = token.ES256
	}
	stranger := issuertest.NewKey(i.t, alg, key.ID)
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		i.t.Fatalf("resourcetest: %v", err)
	}
	none := parts(i.Token(Header("alg", "none")))
	good, other := parts(i.Token()), parts(i.Token(Subject("root")))
	return []BadToken{
		{"whose claims were changed", good[0] + "." + other[1] + "." + good[2], resource.ErrSignature},
		{"with the signature of another token", good[0] + "." + good[1] + "." + other[2], resource.ErrSignature},
		i.bad("that was signed with another key", resource.ErrSignature, func(t *draft) { t.key = stranger }),
		{"without a signature", good[0] + "." + good[1] + ".", resource.ErrSignature},
		{"with alg none", none[0] + "." + none[1] + ".", resource.ErrAlgorithm},
		{"with the public key as an HMAC secret", i.confused(der), resource.ErrAlgorithm},
		{"with the public key in PEM as an HMAC secret", i.confused(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), resource.ErrAlgorithm},
	}
}

// confused is a token under HS256, for those who would take the issuer's public
// key for its secret (RFC 8725 section 2.1).
func (i *Issuer) confused(secret []byte) string {
	p := parts(i.Token(Header("alg", "HS256")))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(p[0] + "." + p[1]))
	return p[0] + "." + p[1] + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (i *Issuer) badSpellings() []BadToken {
	good := i.Token()
	return []BadToken{
		{"that is no token", "no-token", resource.ErrMalformed},
		{"with padding", good + "==", resource.ErrMalformed},
		{"with a fourth part", good + ".e30", resource.ErrMalformed},
		{"without its end", good[:strings.LastIndexByte(good, '.')], resource.ErrMalformed},
	}
}

// parts are the three of a compact JWS.
func parts(raw string) [3]string { return [3]string(strings.Split(raw, ".")) }
