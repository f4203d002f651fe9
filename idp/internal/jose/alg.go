package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha256" // registered with crypto.Hash
	_ "crypto/sha512"
	"math/big"

	"signet/resource/token"
)

// The algorithms that a token may be signed with, by their JWS names (RFC
// 7518, section 3.1; RFC 8037, section 3.1), in the order of metadata
// documents.
var (
	Asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	Symmetric  = []string{"HS256", "HS384", "HS512"}
)

// family is a kind of signature; the kind of key follows from it.
type family int

const (
	pkcs1 family = iota + 1
	pss
	ec
	ed
	mac
)

type algorithm struct {
	family family
	hash   crypto.Hash    // 0 for EdDSA, which hashes by itself
	curve  elliptic.Curve // of ec alone: each has one (RFC 7518, section 3.4)
}

var algorithms = map[string]algorithm{
	"RS256": {family: pkcs1, hash: crypto.SHA256},
	"RS384": {family: pkcs1, hash: crypto.SHA384},
	"RS512": {family: pkcs1, hash: crypto.SHA512},
	"PS256": {family: pss, hash: crypto.SHA256},
	"PS384": {family: pss, hash: crypto.SHA384},
	"PS512": {family: pss, hash: crypto.SHA512},
	"ES256": {family: ec, hash: crypto.SHA256, curve: elliptic.P256()},
	"ES384": {family: ec, hash: crypto.SHA384, curve: elliptic.P384()},
	"ES512": {family: ec, hash: crypto.SHA512, curve: elliptic.P521()},
	"EdDSA": {family: ed},
	"HS256": {family: mac, hash: crypto.SHA256},
	"HS384": {family: mac, hash: crypto.SHA384},
	"HS512": {family: mac, hash: crypto.SHA512},
}

// fits says whether key is a public key that a can be verified with. The type
// of the key decides, never the token alone (RFC 8725, section 3.1).
func (a algorithm) fits(key crypto.PublicKey) bool {
	switch pub := key.(type) {
	case *rsa.PublicKey:
		return (a.family == pkcs1 || a.family == pss) && soundRSA(pub)
	case *ecdsa.PublicKey:
		return a.family == ec && pub != nil && pub.Curve == a.curve
	case ed25519.PublicKey:
		return a.family == ed && len(pub) == ed25519.PublicKeySize
	}
	return false
}

// soundRSA refuses keys that can be factored, and those that are so large that
// a check burns our time.
func soundRSA(pub *rsa.PublicKey) bool { return token.CheckKey(token.RS256, pub) == nil }

// verify checks sig over input with a key that fits.
func (a algorithm) verify(key crypto.PublicKey, input string, sig []byte) bool {
	if a.family == ed {
		return ed25519.Verify(key.(ed25519.PublicKey), []byte(input), sig)
	}
	h := a.hash.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	switch a.family {
	case pkcs1:
		return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), a.hash, digest, sig) == nil
	case pss:
		// The salt is as long as the hash (RFC 7518, section 3.5).
		return rsa.VerifyPSS(key.(*rsa.PublicKey), a.hash, digest, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case ec:
		return verifyEC(key.(*ecdsa.PublicKey), digest, sig)
	}
	return false
}

// verifyEC reads the one encoding of a JWS: r and s, each as long as the
// curve's order (RFC 7518, section 3.4). The ASN.1 one is refused; r and s of
// zero are refused by crypto/ecdsa.
func verifyEC(pub *ecdsa.PublicKey, digest, sig []byte) bool {
	size := (pub.Curve.Params().BitSize + 7) / 8
	if len(sig) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
	return ecdsa.Verify(pub, digest, r, s)
}

// verifyMAC compares in constant time.
func (a algorithm) verifyMAC(secret []byte, input string, sig []byte) bool {
	h := hmac.New(a.hash.New, secret)
	h.Write([]byte(input))
	return hmac.Equal(h.Sum(nil), sig)
}
