package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"signet/resource/token"
)

const input = "aGVhZGVy.cGF5bG9hZA"

func sign(t testing.TB, alg token.Alg, key crypto.Signer) []byte {
	t.Helper()
	s, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign([]byte(input), key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerifySignatureTakesEachAlgorithmAndNoFlippedBit(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rs := rsaKey(t, 2048)
	for alg, key := range map[token.Alg]crypto.Signer{
		token.ES256: ecKey(t, elliptic.P256()), token.EdDSA: ed, token.RS256: rs, token.PS256: rs,
	} {
		sig := sign(t, alg, key)
		if err := token.VerifySignature(alg, key.Public(), input, sig); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		for bit := range 8 * len(sig) {
			sig[bit/8] ^= 1 << (bit % 8)
			if err := token.VerifySignature(alg, key.Public(), input, sig); !errors.Is(err, token.ErrSignature) {
				t.Errorf("%s with bit %d flipped: %v", alg, bit, err)
			}
			sig[bit/8] ^= 1 << (bit % 8)
		}
		for _, bad := range [][]byte{nil, sig[:len(sig)-1], append(sig[:len(sig):len(sig)], 0)} {
			if err := token.VerifySignature(alg, key.Public(), input, bad); !errors.Is(err, token.ErrSignature) {
				t.Errorf("%s with %d bytes: %v", alg, len(bad), err)
			}
		}
	}
}

func TestVerifySignatureRefusesTheASN1EncodingOfECDSA(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	digest := sha256.Sum256([]byte(input))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := token.VerifySignature(token.ES256, key.Public(), input, sig); !errors.Is(err, token.ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestVerifySignatureRefusesKeysThatDoNotFit(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // the small key must exist to be refused
	p256, p384, rs := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384()), rsaKey(t, 2048)
	small := rsaKey(t, 1024)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for _, c := range []struct {
		name string
		alg  token.Alg
		key  crypto.PublicKey
		want error
	}{
		{"none", "none", p256.Public(), token.ErrAlgorithm},
		{"no algorithm", "", p256.Public(), token.ErrAlgorithm},
		{"HS256 over the public key", "HS256", p256.Public(), token.ErrAlgorithm},
		{"ES384, which is not offered", "ES384", p384.Public(), token.ErrAlgorithm},
		{"another case", "es256", p256.Public(), token.ErrAlgorithm},
		{"ES256 with a P-384 key", token.ES256, p384.Public(), token.ErrKey},
		{"ES256 with an RSA key", token.ES256, rs.Public(), token.ErrKey},
		{"RS256 with a P-256 key", token.RS256, p256.Public(), token.ErrKey},
		{"RS256 with 1024 bits", token.RS256, small.Public(), token.ErrKey},
		{"PS256 with 1024 bits", token.PS256, small.Public(), token.ErrKey},
		{"RS256 with an even exponent", token.RS256, &rsa.PublicKey{N: rs.N, E: 4}, token.ErrKey},
		{"RS256 with the exponent one", token.RS256, &rsa.PublicKey{N: rs.N, E: 1}, token.ErrKey},
		{"RS256 with the exponent three", token.RS256, &rsa.PublicKey{N: rs.N, E: 3}, token.ErrKey},
		{"PS256 with the exponent below the least", token.PS256, &rsa.PublicKey{N: rs.N, E: 65535}, token.ErrKey},
		{"RS256 with an even modulus", token.RS256, &rsa.PublicKey{N: new(big.Int).Lsh(rs.N, 1), E: rs.E}, token.ErrKey},
		{"EdDSA with a short key", token.EdDSA, ed.Public().(ed25519.PublicKey)[:31], token.ErrKey},
		{"no key", token.ES256, nil, token.ErrKey},
		{"a key without a point", token.ES256, &ecdsa.PublicKey{Curve: elliptic.P256()}, token.ErrKey},
		{"a private key", token.ES256, p256, token.ErrKey},
		{"bytes", token.ES256, []byte("secret"), token.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, err := range []error{token.CheckKey(c.alg, c.key), token.VerifySignature(c.alg, c.key, input, make([]byte, 64))} {
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			}
		})
	}
}

func TestVerifySignatureWantsASaltAsLongAsTheHash(t *testing.T) {
	key := rsaKey(t, 2048)
	digest := sha256.Sum256([]byte(input))
	for _, salt := range []int{20, 31, 32, 33, 222} {
		sig, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if err := token.VerifySignature(token.PS256, key.Public(), input, sig); (err == nil) != (salt == 32) {
			t.Errorf("a salt of %d bytes: %v", salt, err)
		}
	}
}

func TestCheckKeyRefusesAModulusThatCanBeFactored(t *testing.T) {
	good := rsaKey(t, 2048)
	if err := token.CheckKey(token.RS256, good.Public()); err != nil {
		t.Errorf("an honest key: %v", err)
	}
	for _, factor := range []int64{3, 5, 167} {
		n := new(big.Int).Mul(good.N, big.NewInt(factor))
		if err := token.CheckKey(token.PS256, &rsa.PublicKey{N: n, E: good.E}); !errors.Is(err, token.ErrKey) {
			t.Errorf("a modulus that %d divides: %v", factor, err)
		}
	}
	// A power of 65537 is one to every modulus, as those of the chips are.
	chip := new(big.Int).Exp(big.NewInt(65537), big.NewInt(150), nil)
	if err := token.CheckKey(token.RS256, &rsa.PublicKey{N: chip, E: 65537}); !errors.Is(err, token.ErrKey) {
		t.Errorf("a modulus of %d bits as the chips made them: %v", chip.BitLen(), err)
	}
}

func TestCheckKeyTakesEveryHonestEd25519Key(t *testing.T) {
	for range 200 {
		pub, _, _ := ed25519.GenerateKey(rand.Reader)
		if err := token.CheckKey(token.EdDSA, pub); err != nil {
			t.Errorf("%x: %v", pub, err)
		}
	}
}

func TestCheckKeyRefusesAPointBesideTheCurve(t *testing.T) {
	//lint:ignore SA1019 no constructor makes a wrong point
	key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}
	if err := token.CheckKey(token.ES256, key); !errors.Is(err, token.ErrKey) {
		t.Errorf("got %v", err)
	}
}
