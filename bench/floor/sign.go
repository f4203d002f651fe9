package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// signer makes an ES256 token as large as the issuer's.
type signer func() (string, error)

func newSigner(issuer string) (signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text := base64.RawURLEncoding
	head := text.EncodeToString([]byte(`{"alg":"ES256","kid":"sILEG60Kl52-m7mroFjLZpCw7OZ3q41f1NDFa8IbL0k","typ":"at+jwt"}`))
	return func() (string, error) {
		now := time.Now().Unix()
		claims, err := json.Marshal(map[string]any{"iss": issuer, "sub": "tbnotoxneoitaow5aeahlqvruu", "aud": []string{"api"},
			"client_id": "signet", "iat": now, "exp": now + 600, "jti": rand.Text(), "sid": "rlCeRMtpqjOsQC5y4cUTZQ",
			"auth_time": now, "amr": []string{"pwd"}})
		if err != nil {
			return "", err
		}
		input := head + "." + text.EncodeToString(claims)
		digest := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return "", err
		}
		var signature [64]byte
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return input + "." + text.EncodeToString(signature[:]), nil
	}, nil
}
