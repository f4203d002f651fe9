package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"signet/resource/dpop/dpoptest"
)

func unique() string { return rand.Text() }

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func jsonOf(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// signJWT is a JWT of a client. Its kid is the thumbprint.
func signJWT(key dpoptest.Key, typ string, claims map[string]any) string {
	return key.Sign(jsonOf(map[string]any{"alg": key.Alg, "typ": typ, "kid": key.JKT()}), jsonOf(claims))
}

// hmacJWT is one that is made with a secret.
func hmacJWT(secret string, claims map[string]any) string {
	input := b64(jsonOf(map[string]any{"alg": "HS256", "typ": "JWT"})) + "." + b64(jsonOf(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(input))
	return input + "." + b64(mac.Sum(nil))
}

// unsignedJWT has alg none.
func unsignedJWT(claims map[string]any) string {
	return b64(jsonOf(map[string]any{"alg": "none"})) + "." + b64(jsonOf(claims)) + "."
}

// publicSet is a JWKS with the public halves.
func publicSet(keys ...dpoptest.Key) map[string]any {
	set := []map[string]any{}
	for _, key := range keys {
		jwk := key.JWK()
		jwk["kid"], jwk["alg"], jwk["use"] = key.JKT(), key.Alg, "sig"
		set = append(set, jwk)
	}
	return map[string]any{"keys": set}
}

// part reads a part of a JWT: 0 is the header, 1 the claims.
func part(t testing.TB, jwt string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", jwt)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

// halfHash is at_hash and its sisters for a SHA-256 alg.
func halfHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return b64(sum[:16])
}
