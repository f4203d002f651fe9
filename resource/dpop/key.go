package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// jwk is what Verify reads of a key (RFC 7517 section 4, RFC 7518 section 6).
// Other members, like a kid, say nothing here.
type jwk struct {
	Type  string   `json:"kty"`
	Curve string   `json:"crv"`
	X     string   `json:"x"`
	Y     string   `json:"y"`
	N     string   `json:"n"`
	E     string   `json:"e"`
	Alg   string   `json:"alg"`
	Use   string   `json:"use"`
	Ops   []string `json:"key_ops"`
}

// private names the members that only private and symmetric keys have. Who
// sends one has given the key away (RFC 9449 section 4.3, step 7).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// parseKey reads the jwk of a proof that is signed with alg, and returns the
// key and its thumbprint.
func parseKey(raw jsontext.Value, name string) (crypto.PublicKey, string, error) {
	var members map[string]jsontext.Value
	var k jwk
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(raw, &k) != nil {
		return nil, "", ErrKey
	}
	for _, member := range private {
		if _, ok := members[member]; ok {
			return nil, "", ErrKey
		}
	}
	alg := algorithms[name]
	switch {
	case k.Type != alg.kty || k.Curve != alg.crv:
		return nil, "", ErrKey
	case k.Alg != "" && !sameAlg(k.Alg, name): // RFC 8725 section 3.1
		return nil, "", ErrKey
	case k.Use != "" && k.Use != "sig", k.Ops != nil && !slices.Contains(k.Ops, "verify"):
		return nil, "", ErrKey
	}
	pub := k.public()
	if pub == nil {
		return nil, "", ErrKey
	}
	return pub, k.thumbprint(), nil
}

// sameAlg compares two names; Ed25519 has two (RFC 9864 section 2.2).
func sameAlg(a, b string) bool {
	return a == b || algorithms[a].crv == "Ed25519" && algorithms[b].crv == "Ed25519"
}

// public returns the key, or nil. Each value is read in one spelling only, so
// that a key has one thumbprint.
func (k jwk) public() crypto.PublicKey {
	switch k.Curve {
	case "P-256":
		return k.ec(elliptic.P256())
	case "P-384":
		return k.ec(elliptic.P384())
	case "P-521":
		return k.ec(elliptic.P521())
	case "Ed25519":
		x, err := token.Decode(k.X)
		if pub := ed25519.PublicKey(x); err == nil && token.CheckKey(token.EdDSA, pub) == nil {
			return pub
		}
		return nil
	}
	return k.rsa()
}

// ec reads a point; the coordinates have their full size (RFC 7518 section
// 6.2.1.2).
func (k jwk) ec(curve elliptic.Curve) crypto.PublicKey {
	size := (curve.Params().BitSize + 7) / 8
	x, errX := token.Decode(k.X)
	y, errY := token.Decode(k.Y)
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil // beside the curve
	}
	return pub
}

// rsa reads a modulus and an exponent without leading zeros (RFC 7518 section
// 6.3.1).
func (k jwk) rsa() crypto.PublicKey {
	n, errN := token.Decode(k.N)
	e, errE := token.Decode(k.E)
	if errN != nil || errE != nil || len(n) == 0 || len(n) > token.MaxRSABits/8 || len(e) == 0 || len(e) > 3 || n[0] == 0 || e[0] == 0 {
		return nil
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if token.CheckKey(token.RS256, pub) != nil {
		return nil
	}
	return pub
}

// thumbprint is that of RFC 7638 section 3, with SHA-256. No value here needs
// escaping in JSON: each was read as base64url, or is a name that is known.
func (k jwk) thumbprint() string {
	var canonical string
	switch k.Type {
	case "EC":
		canonical = `{"crv":"` + k.Curve + `","kty":"EC","x":"` + k.X + `","y":"` + k.Y + `"}`
	case "OKP": // RFC 8037 section 2
		canonical = `{"crv":"` + k.Curve + `","kty":"OKP","x":"` + k.X + `"}`
	default:
		canonical = `{"e":"` + k.E + `","kty":"RSA","n":"` + k.N + `"}`
	}
	return hash(canonical)
}

// hash is base64url(SHA-256(s)).
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
