package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"testing"
)

// A floor that took any token would do less than it says.
func TestTheFloorChecksSignaturesOfEachAlgorithm(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := curve.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "EC", "crv": "P-256", "kid": "ES256", "x": text.EncodeToString(point[1:33]), "y": text.EncodeToString(point[33:])},
		{"kty": "RSA", "kid": "RS256", "n": text.EncodeToString(large.N.Bytes()), "e": text.EncodeToString(big.NewInt(int64(large.E)).Bytes())},
		{"kty": "OKP", "crv": "Ed25519", "kid": "EdDSA", "x": text.EncodeToString(public)},
		{"kty": "oct", "kid": "other"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	check := newVerifier(files{jwks: func() ([]byte, error) { return set, nil }})
	for alg, sign := range map[string]func([]byte) ([]byte, error){
		"ES256": func(input []byte) ([]byte, error) {
			digest := sha256.Sum256(input)
			r, s, err := ecdsa.Sign(rand.Reader, curve, digest[:])
			if err != nil {
				return nil, err
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
		},
		"RS256": func(input []byte) ([]byte, error) {
			digest := sha256.Sum256(input)
			return rsa.SignPKCS1v15(rand.Reader, large, crypto.SHA256, digest[:])
		},
		"EdDSA": func(input []byte) ([]byte, error) { return ed25519.Sign(private, input), nil },
	} {
		named := func(kid string) string {
			token, err := signer{alg, "issuer", text.EncodeToString([]byte(`{"kid":"` + kid + `"}`)), sign}.token()
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		if !check(named(alg)) {
			t.Errorf("%s: a good token is refused", alg)
		}
		for what, token := range map[string]string{
			"of no known key": named("none"), "of a key that signs nothing": named("other"), "with another claim": "x" + named(alg),
			"cut": named(alg)[:50], "of nothing": "", "of dots": "..",
		} {
			if check(token) {
				t.Errorf("%s: a token %s is taken", alg, what)
			}
		}
	}
}

func TestTheFloorSignsWhatCanBeChecked(t *testing.T) {
	sizes := map[string]int{"ES256": 64, "RS256": 256, "EdDSA": 64}
	seen := map[string]bool{}
	for _, s := range signers("http://issuer.example") {
		a, err := s.token()
		if err != nil {
			t.Fatal(err)
		}
		_, last, _ := cutLast(a, ".")
		if signature, err := text.DecodeString(last); err != nil || len(signature) != sizes[s.alg] {
			t.Errorf("%s: a signature of %d bytes, %v", s.alg, len(signature), err)
		}
		if b, _ := s.token(); b == a {
			t.Errorf("%s: the same token twice", s.alg)
		}
		seen[s.alg] = true
	}
	if len(seen) != len(sizes) {
		t.Errorf("%v", seen)
	}
}
