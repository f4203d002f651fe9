package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"signet/resource/internal/vectors"
	"signet/resource/token"
)

const vectorFolder = "../testdata/vectors"

var rfcClasses = map[string]error{
	vectors.OK: nil, "ErrMalformed": token.ErrMalformed, "ErrAlgorithm": token.ErrAlgorithm, "ErrKey": token.ErrKey, "ErrSignature": token.ErrSignature,
}

// verify takes text apart and checks its signature with one key, under the
// algorithm that the header names.
func verify(text string, key crypto.PublicKey) error {
	c, err := token.ParseCompact(text)
	if err != nil {
		return err
	}
	return token.VerifySignature(c.Header.Alg, key, c.SigningInput, c.Signature)
}

func TestTheExamplesOfTheRFCsAreJudgedAsTheirFilesSay(t *testing.T) {
	for _, name := range []string{"rfc7515.json", "rfc7520.json", "rfc7797.json", "rfc8037.json"} {
		f, err := vectors.Load(vectorFolder, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range f.Vectors {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				want, known := rfcClasses[v.Want]
				err := verify(v.Token, publicKey(t, v.Key))
				if !known || !errors.Is(err, want) || (want == nil) != (err == nil) {
					t.Fatalf("got %v, want %s", err, v.Want)
				}
				if want == nil {
					refusesEveryOtherByte(t, v.Token, publicKey(t, v.Key))
				}
			})
		}
	}
}

// refusesEveryOtherByte changes each character of a good text.
func refusesEveryOtherByte(t *testing.T, text string, key crypto.PublicKey) {
	for i := range text {
		for _, other := range []string{"A", "Q", ""} {
			changed := text[:i] + other + text[i+1:]
			if err := verify(changed, key); err == nil && changed != text {
				t.Errorf("character %d may be %q", i, other)
			}
		}
	}
}

// publicKey reads a JWK of the RFCs; what Signet knows no key for is nil, and
// a secret is its bytes.
func publicKey(t *testing.T, jwk json.RawMessage) crypto.PublicKey {
	t.Helper()
	var k struct{ Kty, Crv, X, Y, N, E, K string }
	if jwk == nil {
		return nil
	}
	if err := json.Unmarshal(jwk, &k); err != nil {
		t.Fatal(err)
	}
	decode := func(s string) []byte {
		raw, err := token.Decode(s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	switch k.Kty {
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-521": elliptic.P521()}[k.Crv]
		pub, err := ecdsa.ParseUncompressedPublicKey(curve, []byte("\x04"+string(decode(k.X))+string(decode(k.Y))))
		if err != nil {
			t.Fatal(err)
		}
		return pub
	case "RSA":
		return &rsa.PublicKey{N: new(big.Int).SetBytes(decode(k.N)), E: int(new(big.Int).SetBytes(decode(k.E)).Int64())}
	case "OKP":
		return ed25519.PublicKey(decode(k.X))
	case "oct":
		return decode(k.K)
	}
	t.Fatalf("a key of type %s", k.Kty)
	return nil
}

// A program that is not on the list of algorithms could still be right: the
// examples that are refused as ES512 and PS384 are good signatures, or they
// would be no test of the list.
func TestTheExamplesOfOtherAlgorithmsAreGoodSignatures(t *testing.T) {
	checked := 0
	for _, name := range []string{"rfc7515.json", "rfc7520.json"} {
		f, err := vectors.Load(vectorFolder, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range f.Vectors {
			if v.Want != "ErrAlgorithm" || strings.Contains(v.Name, "changed") {
				continue
			}
			c, err := token.ParseCompact(v.Token)
			if err != nil {
				t.Fatal(err)
			}
			h := crypto.SHA512.New()
			if c.Header.Alg == "PS384" {
				h = crypto.SHA384.New()
			}
			h.Write([]byte(c.SigningInput))
			digest, good := h.Sum(nil), true
			switch pub := publicKey(t, v.Key).(type) {
			case *ecdsa.PublicKey:
				if c.Header.Alg != "ES512" {
					continue // an unsecured one beside a key
				}
				r, s := new(big.Int).SetBytes(c.Signature[:66]), new(big.Int).SetBytes(c.Signature[66:])
				good = ecdsa.Verify(pub, digest, r, s)
			case *rsa.PublicKey:
				good = rsa.VerifyPSS(pub, crypto.SHA384, digest, c.Signature, nil) == nil
			default:
				continue
			}
			if checked++; !good {
				t.Errorf("%s: the signature was copied wrongly", v.Name)
			}
		}
	}
	if checked != 3 {
		t.Errorf("%d examples were checked, want 3", checked)
	}
}
