package jose

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func TestParseKeySetKeepsWhatItUnderstands(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // the small key must exist to be skipped
	good := jwk(p256().Public(), `,"kid":"good"`)
	small := newRSA(1024)
	for name, entry := range map[string]string{
		"an unknown type":                `{"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA"}`,
		"an unknown curve":               `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`,
		"another curve of that type":     `{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		"no type":                        `{"kid":"x"}`,
		"a type that is a number":        `{"kty":7}`,
		"null":                           `null`,
		"a weak RSA key":                 jwk(small.Public(), ""),
		"a huge RSA key":                 jwk(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8192, 1), E: 65537}, ""),
		"an even modulus":                jwk(&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}, ""),
		"the exponent one":               jwk(&rsa.PublicKey{N: rsaKey().N, E: 1}, ""),
		"the exponent three":             jwk(&rsa.PublicKey{N: rsaKey().N, E: 3}, ""),
		"a modulus as some chips made":   jwk(&rsa.PublicKey{N: new(big.Int).Exp(big.NewInt(65537), big.NewInt(150), nil), E: 65537}, ""),
		"a modulus with a small factor":  jwk(&rsa.PublicKey{N: new(big.Int).Mul(rsaKey().N, big.NewInt(3)), E: 65537}, ""),
		"an even exponent":               jwk(&rsa.PublicKey{N: rsaKey().N, E: 65536}, ""),
		"a huge exponent":                jwk(&rsa.PublicKey{N: rsaKey().N, E: 1<<32 + 1}, ""),
		"an RSA key without n":           `{"kty":"RSA","e":"AQAB"}`,
		"an RSA key in base64":           `{"kty":"RSA","e":"AQAB","n":"+/+/"}`,
		"an EC key without y":            `{"kty":"EC","crv":"P-256","x":"AA"}`,
		"a point beside the curve":       `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 42) + `E","y":"` + strings.Repeat("A", 42) + `E"}`,
		"a coordinate that is too long":  strings.Replace(jwk(p256().Public(), ""), `"x":"`, `"x":"AAAA`, 1),
		"an Ed25519 key of order one":    `{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		"half an Ed25519 key":            `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"}`,
		"a key for encryption":           jwk(rsaKey().Public(), `,"use":"enc"`),
		"a key that only signs":          jwk(rsaKey().Public(), `,"key_ops":["sign"]`),
		"an algorithm of another type":   jwk(rsaKey().Public(), `,"alg":"ES256"`),
		"an algorithm of another curve":  jwk(p256().Public(), `,"alg":"ES384"`),
		"a symmetric algorithm":          jwk(rsaKey().Public(), `,"alg":"HS256"`),
		"an algorithm for encryption":    jwk(rsaKey().Public(), `,"alg":"RSA-OAEP"`),
		"a kid that is a number":         jwk(p256().Public(), `,"kid":7`),
		"an alg that is null":            jwk(p256().Public(), `,"alg":null`),
		"key_ops that are not a list":    jwk(p256().Public(), `,"key_ops":"verify"`),
		"members of another type of key": `{"kty":"RSA","crv":"P-256","x":"AA","y":"AA"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseKeySet([]byte(set(entry, good)))
			if err != nil || s.Len() != 1 || len(s.Skipped()) != 1 || s.keys[0].kid != "good" {
				t.Errorf("%d keys, skipped %v, %v", s.Len(), s.Skipped(), err)
			}
		})
	}
}

func TestParseKeySetReadsEveryTypeOfKey(t *testing.T) {
	public := []crypto.PublicKey{rsaKey().Public(), p256().Public(), p384().Public(), p521().Public(), edKey().Public()}
	var entries []string
	for _, pub := range public {
		entries = append(entries, jwk(pub, `,"x5t":"ignored"`))
	}
	s := keySet(t, entries...)
	if s.Len() != len(public) || len(s.Skipped()) != 0 {
		t.Fatalf("%d keys, skipped %v", s.Len(), s.Skipped())
	}
	for i, pub := range public {
		if !pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(s.keys[i].public) {
			t.Errorf("entry %d is another key", i)
		}
	}
}

func TestParseKeySetRefusesASet(t *testing.T) {
	good := jwk(p256().Public(), "")
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrKeySet},
		{"an array", `[` + good + `]`, ErrKeySet},
		{"a single key", good, ErrKeySet},
		{"keys that are null", `{"keys":null}`, ErrKeySet},
		{"keys that are an object", `{"keys":` + good + `}`, ErrKeySet},
		{"an entry that is a string", set(`"key"`, good), ErrKeySet},
		{"keys twice", `{"keys":[],"keys":[` + good + `]}`, ErrKeySet},
		{"a member of a key twice", set(jwk(p256().Public(), `,"kid":"a","kid":"b"`)), ErrKeySet},
		{"trailing bytes", set(good) + "x", ErrKeySet},
		{"too many keys", set(strings.Split(strings.Repeat(good+" ", MaxKeys+1), " ")[:MaxKeys+1]...), ErrKeySet},
		{"too many bytes", `{"x":"` + strings.Repeat("x", MaxKeySetLength) + `","keys":[]}`, ErrKeySet},
		{"a private EC key", set(good, jwk(p256().Public(), `,"d":"AA"`)), ErrPrivateKey},
		{"a private key whose d is null", set(jwk(p256().Public(), `,"d":null`)), ErrPrivateKey},
		{"a prime of an RSA key", set(jwk(rsaKey().Public(), `,"p":"AA"`)), ErrPrivateKey},
		{"the primes of an RSA key", set(jwk(rsaKey().Public(), `,"oth":[]`)), ErrPrivateKey},
		{"a private key for encryption", set(jwk(rsaKey().Public(), `,"use":"enc","d":"AA"`)), ErrPrivateKey},
		{"a private key of an unknown type", set(`{"kty":"AKP","priv":"AA"}`), ErrPrivateKey},
		{"a symmetric key", set(`{"kty":"oct","k":"AA"}`), ErrPrivateKey},
		{"a symmetric key without its value", set(`{"kty":"oct"}`), ErrPrivateKey},
		{"a secret in a public key", set(jwk(p256().Public(), `,"k":"AA"`)), ErrPrivateKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ParseKeySet([]byte(c.text))
			if !errors.Is(err, c.want) || !errors.Is(err, ErrKeySet) || s.Len() != 0 {
				t.Errorf("%d keys, %v, want %v", s.Len(), err, c.want)
			}
			if c.want != ErrPrivateKey && errors.Is(err, ErrPrivateKey) {
				t.Errorf("it is no private key: %v", err)
			}
		})
	}
}

func TestTheThumbprintsOfTheRFCs(t *testing.T) {
	for name, c := range map[string][2]string{
		"RFC 7638, section 3.1": {`{"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 8037, appendix A.3": {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		"RFC 9449, section 6.1": {`{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}`,
			"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
	} {
		got, err := Thumbprint(keySet(t, c[0]).keys[0].public)
		if err != nil || got != c[1] {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, bad := range []crypto.PublicKey{nil, "key", (*rsa.PublicKey)(nil), p256()} {
		if _, err := Thumbprint(bad); !errors.Is(err, ErrNoKey) {
			t.Errorf("%T: %v", bad, err)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add([]byte(set(jwk(p256().Public(), `,"kid":"a"`), jwk(edKey().Public(), ""))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseKeySet(raw)
		if err != nil {
			if s.Len() != 0 || !errors.Is(err, ErrKeySet) {
				t.Fatalf("%d keys, %v", s.Len(), err)
			}
			return
		}
		if s.Len()+len(s.Skipped()) > MaxKeys {
			t.Fatalf("%d keys and %d skipped", s.Len(), len(s.Skipped()))
		}
		for _, k := range s.keys {
			if _, err := Thumbprint(k.public); err != nil {
				t.Fatalf("a key without a thumbprint: %v", err)
			}
		}
	})
}
