package dpop

import (
	"crypto"
	"crypto/rsa"
	"slices"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"signet/resource/token"
)

// algorithm says which keys an alg takes, and how it is verified.
type algorithm struct {
	kty, crv string // crv is empty for RSA
	verifier jws.Verifier
}

// algorithms are the asymmetric ones; there is no other kind (RFC 9449 section
// 11.6). They are taken from jwx once, so that nothing registered with it
// later changes what a signature means here.
var algorithms = map[string]algorithm{
	"ES256":   {"EC", "P-256", verifier(jwa.ES256)},
	"ES384":   {"EC", "P-384", verifier(jwa.ES384)},
	"ES512":   {"EC", "P-521", verifier(jwa.ES512)},
	"EdDSA":   {"OKP", "Ed25519", verifier(jwa.EdDSA)},
	"Ed25519": {"OKP", "Ed25519", verifier(jwa.EdDSA)}, // the newer name (RFC 9864 section 2.2)
	"PS256":   {"RSA", "", pss{verifier(jwa.PS256)}},
	"RS256":   {"RSA", "", verifier(jwa.RS256)},
}

func verifier(alg jwa.SignatureAlgorithm) jws.Verifier {
	v, err := jws.NewVerifier(alg)
	if err != nil {
		panic("dpop: jwx does not know " + alg.String()) // a build with another jwx
	}
	return v
}

// pss is PS256 as package token verifies it: with a salt of one length (RFC
// 7518 section 3.5), where jwx takes any.
type pss struct{ jws.Verifier }

func (pss) Verify(input, sig []byte, key any) error {
	return token.VerifySignature(token.PS256, key, string(input), sig)
}

// Algs lists every algorithm that Verify knows, as
// dpop_signing_alg_values_supported names them.
func Algs() []string {
	return []string{"ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"}
}

// Known says whether alg is one of Algs. Names are case-sensitive.
func Known(alg string) bool { return slices.Contains(Algs(), alg) }

// verify checks sig over input. Every signature has one encoding and so one
// length: that of an ECDSA signature in ASN.1 is refused by jwx.
func (a algorithm) verify(key crypto.PublicKey, input string, sig []byte) error {
	if pub, ok := key.(*rsa.PublicKey); ok && len(sig) != pub.Size() {
		return ErrSignature
	}
	if err := a.verifier.Verify([]byte(input), sig, key); err != nil {
		return ErrSignature
	}
	return nil
}
