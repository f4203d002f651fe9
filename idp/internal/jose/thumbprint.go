package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
)

// Thumbprint returns the JWK Thumbprint of a public key with SHA-256, in
// base64url (RFC 7638, section 3; RFC 8037, section 2). The error is ErrNoKey
// for anything but a key that ParseKeySet would take.
func Thumbprint(pub crypto.PublicKey) (string, error) {
	var canonical string // the required members alone, ordered by name
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if !soundRSA(pub) {
			return "", ErrNoKey
		}
		canonical = fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, b64(big.NewInt(int64(pub.E)).Bytes()), b64(pub.N.Bytes()))
	case *ecdsa.PublicKey:
		if pub == nil || pub.Curve == nil || curves[pub.Curve.Params().Name] != pub.Curve {
			return "", ErrNoKey
		}
		point, err := pub.Bytes() // 4, x, y
		if err != nil {
			return "", ErrNoKey
		}
		size := len(point) / 2
		canonical = fmt.Sprintf(`{"crv":"%s","kty":"EC","x":"%s","y":"%s"}`, pub.Curve.Params().Name, b64(point[1:1+size]), b64(point[1+size:]))
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize {
			return "", ErrNoKey
		}
		canonical = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, b64(pub))
	default:
		return "", ErrNoKey
	}
	sum := sha256.Sum256([]byte(canonical))
	return b64(sum[:]), nil
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
