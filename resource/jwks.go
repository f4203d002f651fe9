package resource

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

var errJWKS = errors.New("not a JWK Set")

// jwk is an entry of a JWK Set, as far as a verifier cares (RFC 7517).
type jwk struct {
	Type   string         `json:"kty"`
	ID     string         `json:"kid"`
	Alg    string         `json:"alg"`
	Use    string         `json:"use"`
	Ops    []string       `json:"key_ops"`
	Curve  string         `json:"crv"`
	X      string         `json:"x"`
	Y      string         `json:"y"`
	N      string         `json:"n"`
	E      string         `json:"e"`
	Secret jsontext.Value `json:"d"`
}

// parseJWKS reads a JWK Set. An entry that cannot be used is left out and
// told in ignored; it never drops the others (RFC 7517 section 5). A kid that
// names two usable keys names none. Keys that are in old already are taken
// from there, so that a key keeps its identity while it stays.
func parseJWKS(body []byte, allowed []token.Alg, old map[string]Key) (keys map[string]Key, ignored []error, err error) {
	var set struct {
		Keys *[]jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, nil, errJWKS // the decoder's error would quote the body
	}
	keys = make(map[string]Key, len(*set.Keys))
	twice := make(map[string]bool)
	for i, raw := range *set.Keys {
		key, err := parseJWK(raw, allowed)
		if err != nil {
			ignored = append(ignored, fmt.Errorf("entry %d: %w", i, err))
			continue
		}
		if _, ok := keys[key.ID]; ok {
			ignored = append(ignored, fmt.Errorf("entry %d: its kid names another entry too", i))
			twice[key.ID] = true
		}
		if before, ok := old[key.ID]; ok && before.same(key) {
			key = before
		}
		keys[key.ID] = key
	}
	for kid := range twice {
		delete(keys, kid)
	}
	return keys, ignored, nil
}

func parseJWK(raw jsontext.Value, allowed []token.Alg) (Key, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil {
		return Key{}, errors.New("not a JWK")
	}
	switch {
	case k.ID == "":
		return Key{}, errors.New("no kid")
	case k.Secret != nil:
		return Key{}, errors.New("a private key")
	case k.Use != "" && k.Use != "sig":
		return Key{}, errors.New("its use is not sig")
	case k.Ops != nil && !slices.Contains(k.Ops, "verify"):
		return Key{}, errors.New("its key_ops lack verify")
	}
	alg, pub, err := k.public()
	if err != nil {
		return Key{}, err
	}
	if !slices.Contains(allowed, alg) {
		return Key{}, errors.New("its alg is not allowed")
	}
	if err := token.CheckKey(alg, pub); err != nil {
		return Key{}, err
	}
	return Key{ID: k.ID, Alg: alg, Public: pub}, nil
}

// public returns the key and the one algorithm that it is for (RFC 8725
// section 3.1). An entry without alg stands for the usual one of its type.
func (k jwk) public() (token.Alg, crypto.PublicKey, error) {
	alg := token.Alg(k.Alg)
	or := func(usual token.Alg) token.Alg {
		if alg == "" {
			return usual
		}
		return alg
	}
	switch {
	case k.Type == "EC" && k.Curve == "P-256":
		pub, err := k.p256()
		return or(token.ES256), pub, err
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x, err := token.Decode(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return "", nil, errors.New("a malformed Ed25519 key")
		}
		return or(token.EdDSA), ed25519.PublicKey(x), nil
	case k.Type == "RSA":
		pub, err := k.rsa()
		return or(token.RS256), pub, err
	}
	return "", nil, errors.New("its type is not supported")
}

// p256 reads a point; the coordinates have their full size (RFC 7518 section
// 6.2.1.2).
func (k jwk) p256() (crypto.PublicKey, error) {
	x, errX := token.Decode(k.X)
	y, errY := token.Decode(k.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("malformed coordinates")
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("a point that is not on the curve")
	}
	return pub, nil
}

func (k jwk) rsa() (crypto.PublicKey, error) {
	n, errN := token.Decode(k.N)
	e, errE := token.Decode(k.E)
	if errN != nil || errE != nil || len(n) > token.MaxRSABits/8+1 || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("a malformed RSA key")
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	if exponent > 1<<31-1 {
		return nil, errors.New("an RSA exponent that is too large")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, nil
}
