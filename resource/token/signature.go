package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// The failures of VerifySignature and CheckKey.
var (
	ErrAlgorithm = errors.New("token: the algorithm is not allowed")
	ErrKey       = errors.New("token: the key does not fit the algorithm")
	ErrSignature = errors.New("token: the signature is wrong")
)

// verifiers are taken from jwx once, so that nothing registered with it later
// changes what a signature means here.
var verifiers = func() map[Alg]jws.Verifier {
	m := make(map[Alg]jws.Verifier)
	for _, alg := range Algs() {
		v, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg))
		if err != nil {
			panic("token: jwx does not know " + string(alg)) // a build with another jwx
		}
		m[alg] = v
	}
	return m
}()

// CheckKey says whether key is a public key that alg can be verified with:
// *ecdsa.PublicKey on P-256, *rsa.PublicKey of 2048 to 8192 bits with an
// exponent of at least 65537, or ed25519.PublicKey of large order. The error is
// ErrAlgorithm or ErrKey.
func CheckKey(alg Alg, key crypto.PublicKey) error {
	if err := fits(alg, key); err != nil {
		return err
	}
	switch pub := key.(type) {
	case *ecdsa.PublicKey:
		if _, err := pub.Bytes(); err != nil {
			return fmt.Errorf("%w: the point is not on the curve", ErrKey)
		}
	case *rsa.PublicKey:
		if canBeFactored(pub.N) {
			return fmt.Errorf("%w: the RSA modulus can be factored", ErrKey)
		}
	case ed25519.PublicKey:
		if !isPoint(pub) {
			return fmt.Errorf("%w: it is no point of Ed25519, or one of small order", ErrKey)
		}
	}
	return nil
}

// fits is what of CheckKey costs nothing: all but a look at the point or the
// modulus itself.
func fits(alg Alg, key crypto.PublicKey) error {
	switch alg {
	case ES256:
		pub, ok := key.(*ecdsa.PublicKey)
		//lint:ignore SA1019 an empty key has no point, and Bytes panics
		if !ok || pub == nil || pub.Curve != elliptic.P256() || pub.X == nil || pub.Y == nil {
			return fmt.Errorf("%w: %s needs a P-256 key", ErrKey, alg)
		}
		return nil
	case RS256, PS256:
		pub, _ := key.(*rsa.PublicKey)
		return fitsRSA(alg, pub)
	case EdDSA:
		if pub, ok := key.(ed25519.PublicKey); !ok || len(pub) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: %s needs an Ed25519 key", ErrKey, alg)
		}
		return nil
	}
	return ErrAlgorithm
}

// VerifySignature checks sig over signingInput. The error is ErrAlgorithm,
// ErrKey or ErrSignature. An ECDSA signature has one encoding, the fixed 64
// bytes of RFC 7518 section 3.4; the ASN.1 one is refused.
func VerifySignature(alg Alg, key crypto.PublicKey, signingInput string, sig []byte) error {
	if err := fits(alg, key); err != nil {
		return err
	}
	if len(sig) != signatureSize(key) {
		return ErrSignature
	}
	if alg == PS256 {
		return verifyPSS(key.(*rsa.PublicKey), signingInput, sig)
	}
	if err := verifiers[alg].Verify([]byte(signingInput), sig, key); err != nil {
		return ErrSignature
	}
	return nil
}

// verifyPSS wants a salt as long as the hash (RFC 7518 section 3.5); jwx takes
// one of any length.
func verifyPSS(key *rsa.PublicKey, signingInput string, sig []byte) error {
	digest := sha256.Sum256([]byte(signingInput))
	if rsa.VerifyPSS(key, crypto.SHA256, digest[:], sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) != nil {
		return ErrSignature
	}
	return nil
}

func signatureSize(key crypto.PublicKey) int {
	if pub, ok := key.(*rsa.PublicKey); ok {
		return pub.Size()
	}
	return 64 // P-256 and Ed25519 alike
}
