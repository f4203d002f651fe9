package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
)

// verifier tells whether the signature of a token is one of a known key.
type verifier func(token string) bool

// newVerifier takes the keys from the JWKS that the bench has put there, at the
// first token.
func newVerifier(f files) verifier {
	keys := sync.OnceValues(func() (map[string]crypto.PublicKey, error) {
		raw, err := f.jwks()
		if err != nil {
			return nil, err
		}
		return parseKeys(raw)
	})
	return func(token string) bool {
		known, err := keys()
		if err != nil {
			return false
		}
		input, last, cut := cutLast(token, ".")
		head, _, _ := strings.Cut(input, ".")
		signature, err1 := text.DecodeString(last)
		raw, err2 := text.DecodeString(head)
		var header struct{ KID string }
		if !cut || errors.Join(err1, err2, json.Unmarshal(raw, &header)) != nil {
			return false
		}
		return verifies(known[header.KID], []byte(input), signature)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func verifies(key crypto.PublicKey, input, signature []byte) bool {
	digest := sha256.Sum256(input)
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return len(signature) == 64 &&
			ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, input, signature)
	}
	return false
}

// parseKeys reads a JWKS (RFC 7517, section 5); keys of other kinds than those
// that the floor can use are left out.
func parseKeys(raw []byte) (map[string]crypto.PublicKey, error) {
	var set struct {
		Keys []struct{ KID, Kty, Crv, X, Y, N, E string }
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, err
	}
	known := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		x, errX := text.DecodeString(k.X)
		y, errY := text.DecodeString(k.Y)
		n, errN := text.DecodeString(k.N)
		e, errE := text.DecodeString(k.E)
		if err := errors.Join(errX, errY, errN, errE); err != nil {
			return nil, err
		}
		switch {
		case k.Kty == "EC" && k.Crv == "P-256":
			key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
			if err != nil {
				return nil, err
			}
			known[k.KID] = key
		case k.Kty == "RSA":
			known[k.KID] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		case k.Kty == "OKP" && k.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize:
			known[k.KID] = ed25519.PublicKey(x)
		}
	}
	return known, nil
}
