package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"
)

var text = base64.RawURLEncoding

// signer makes tokens as large as the issuer's, with the standard library.
type signer struct {
	alg, issuer string
	head        string // the same for all, encoded
	sign        func(input []byte) ([]byte, error)
}

// signers has one for each algorithm. A key is made when it is first needed.
func signers(issuer string) (all []signer) {
	for alg, sign := range map[string]func([]byte) ([]byte, error){"ES256": es256(), "RS256": rs256(), "EdDSA": edDSA()} {
		head := text.EncodeToString([]byte(`{"alg":"` + alg + `","kid":"sILEG60Kl52-m7mroFjLZpCw7OZ3q41f1NDFa8IbL0k","typ":"at+jwt"}`))
		all = append(all, signer{alg, issuer, head, sign})
	}
	return all
}

// claims are what the issuer's access tokens have, in any case of that length.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Client   string   `json:"client_id"`
	IssuedAt int64    `json:"iat"`
	Expiry   int64    `json:"exp"`
	ID       string   `json:"jti"`
	Session  string   `json:"sid"`
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
	Status   status   `json:"status"`
}

type status struct {
	List struct {
		Index int    `json:"idx"`
		URI   string `json:"uri"`
	} `json:"status_list"`
}

func (s signer) token() (string, error) {
	now := time.Now().Unix()
	c := claims{Issuer: s.issuer, Subject: "tbnotoxneoitaow5aeahlqvruu", Audience: []string{"api"}, Client: "signet", IssuedAt: now, Expiry: now + 600,
		ID: rand.Text(), Session: "rlCeRMtpqjOsQC5y4cUTZQ", AuthTime: now, AMR: []string{"pwd"}}
	c.Status.List.Index, c.Status.List.URI = 123456, s.issuer+"/oauth2/status_lists/rlCeRMtpqjOsQC5y4cUTZQ"
	payload, err := json.Marshal(&c)
	if err != nil {
		return "", err
	}
	input := s.head + "." + text.EncodeToString(payload)
	signature, err := s.sign([]byte(input))
	return input + "." + text.EncodeToString(signature), err
}

func es256() func([]byte) ([]byte, error) {
	key := sync.OnceValues(func() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) })
	return func(input []byte) ([]byte, error) {
		key, err := key()
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature, nil
	}
}

func rs256() func([]byte) ([]byte, error) {
	key := sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	return func(input []byte) ([]byte, error) {
		key, err := key()
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(input)
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	}
}

func edDSA() func([]byte) ([]byte, error) {
	key := sync.OnceValues(func() (ed25519.PrivateKey, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	})
	return func(input []byte) ([]byte, error) {
		key, err := key()
		if err != nil {
			return nil, err
		}
		return ed25519.Sign(key, input), nil
	}
}
