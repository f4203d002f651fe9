package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestATokenOfEachAlgorithmIsVerifiedAndNoneWithAFlippedBit(t *testing.T) {
	for _, alg := range Asymmetric {
		t.Run(alg, func(t *testing.T) {
			key := signerOf(alg)
			keys := keySet(t, jwk(key.Public(), `,"kid":"k"`))
			text := signed(t, alg, "k", key)
			v, err := parsed(t, text).Verify(keys, alg)
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Issuer string `json:"iss"`
			}
			if err := v.Claims(&claims); err != nil || claims.Issuer != "client" || v.Header() != (Header{alg, "k", "JWT"}) {
				t.Errorf("claims %+v, header %+v, %v", claims, v.Header(), err)
			}
			if _, err := parsed(t, text).VerifyKey(key.Public(), alg); err != nil {
				t.Errorf("with the key itself: %v", err)
			}
			u := parsed(t, text)
			for i := range u.compact.Signature {
				u.compact.Signature[i] ^= 1
				if _, err := u.Verify(keys, alg); !errors.Is(err, ErrSignature) {
					t.Fatalf("byte %d changed: %v", i, err)
				}
				u.compact.Signature[i] ^= 1
			}
			for _, bad := range [][]byte{nil, u.compact.Signature[1:], append(slices.Clone(u.compact.Signature), 0)} {
				u.compact.Signature = bad
				if _, err := u.Verify(keys, alg); !errors.Is(err, ErrSignature) {
					t.Errorf("%d bytes: %v", len(bad), err)
				}
			}
		})
	}
}

func TestAMACIsVerifiedWithASecretAsLongAsItsHash(t *testing.T) {
	secret := []byte(strings.Repeat("s", 64))
	for alg, size := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		u := parsed(t, signed(t, alg, "", secret[:size]))
		if _, err := u.VerifyHMAC(secret[:size], Symmetric...); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		wrong := append([]byte("x"), secret[1:size]...)
		if _, err := u.VerifyHMAC(wrong, Symmetric...); !errors.Is(err, ErrSignature) {
			t.Errorf("%s with another secret: %v", alg, err)
		}
		short := parsed(t, signed(t, alg, "", secret[:size-1]))
		if _, err := short.VerifyHMAC(secret[:size-1], Symmetric...); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s with a short secret: %v", alg, err)
		}
		u.compact.Signature = nil
		if _, err := u.VerifyHMAC(secret[:size], Symmetric...); !errors.Is(err, ErrSignature) {
			t.Errorf("%s without a signature: %v", alg, err)
		}
	}
}

func TestParseRefusesWhatIsNotAPlainSignedJWT(t *testing.T) {
	const es = `{"alg":"ES256"}`
	join := func(header, payload string) string {
		return b64([]byte(header)) + "." + b64([]byte(payload)) + "." + b64([]byte("signature"))
	}
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrMalformed},
		{"two parts", b64([]byte(es)) + "." + b64([]byte("{}")), ErrMalformed},
		{"an encrypted token", join(es, "{}") + ".AA.AA", ErrMalformed},
		{"enc in a token of three parts", join(`{"alg":"ES256","enc":"A128GCM"}`, "{}"), ErrMalformed},
		{"padding", join(es, "{}") + "=", ErrMalformed},
		{"a line break", join(es, "{}") + "\n", ErrMalformed},
		{"the JSON serialization", `{"payload":"","protected":"","signature":""}`, ErrMalformed},
		{"too many bytes", join(es, `{"x":"`+strings.Repeat("x", MaxLength)+`"}`), ErrMalformed},
		{"crit", join(`{"alg":"ES256","crit":["exp"]}`, "{}"), ErrMalformed},
		{"an empty crit", join(`{"alg":"ES256","crit":[]}`, "{}"), ErrMalformed},
		{"b64 that is not critical", join(`{"alg":"ES256","b64":false}`, "{}"), ErrMalformed},
		{"b64 that says what is usual", join(`{"alg":"ES256","b64":true}`, "{}"), ErrMalformed},
		{"alg twice", join(`{"alg":"ES256","alg":"none"}`, "{}"), ErrMalformed},
		{"alg none", join(`{"alg":"none"}`, "{}"), ErrAlg},
		{"alg none without a signature", b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte("{}")) + ".", ErrAlg},
		{"alg None", join(`{"alg":"None"}`, "{}"), ErrAlg},
		{"no alg", join(`{}`, "{}"), ErrAlg},
		{"an empty alg", join(`{"alg":""}`, "{}"), ErrAlg},
		{"ES256K", join(`{"alg":"ES256K"}`, "{}"), ErrAlg},
		{"alg in another case", join(`{"alg":"es256"}`, "{}"), ErrAlg},
		{"a claim twice", join(es, `{"sub":"a","sub":"b"}`), ErrMalformed},
		{"a claim twice, once escaped", join(es, `{"sub":"a","\u0073ub":"b"}`), ErrMalformed},
		{"a claim twice deep inside", join(es, `{"act":{"sub":"a","sub":"b"}}`), ErrMalformed},
		{"no payload", join(es, ""), ErrMalformed},
		{"a payload that is an array", join(es, `[{}]`), ErrMalformed},
		{"a payload that is a token", join(es, join(es, "{}")), ErrMalformed},
		{"a payload that is cut off", join(es, `{"sub":"a"`), ErrMalformed},
		{"two payloads", join(es, `{}{}`), ErrMalformed},
		{"a payload that is not UTF-8", join(es, "{\"sub\":\"\xff\"}"), ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := Parse(c.text)
			if u != nil || !errors.Is(err, c.want) || !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// RFC 8725, section 2.1: the public key is known to all, so its bytes must
// never be taken for a secret.
func TestAPublicKeyIsNoSecret(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	must(err)
	public := jwk(rsaKey().Public(), `,"kid":"k"`)
	for name, secret := range map[string][]byte{
		"its PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"its DER": der, "its JWK": []byte(public), "its modulus": rsaKey().N.Bytes(),
	} {
		u := parsed(t, signed(t, "HS256", "k", secret))
		if _, err := u.Verify(keySet(t, public), append(Asymmetric, "HS256")...); !errors.Is(err, ErrAlg) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := u.VerifyKey(rsaKey().Public(), "HS256"); !errors.Is(err, ErrAlg) {
			t.Errorf("%s, with the key itself: %v", name, err)
		}
	}
}

func TestASignatureIsNoMAC(t *testing.T) {
	u := parsed(t, signed(t, "RS256", "", rsaKey()))
	if _, err := u.VerifyHMAC([]byte(strings.Repeat("s", 64)), append(Symmetric, "RS256")...); !errors.Is(err, ErrAlg) {
		t.Errorf("got %v", err)
	}
}

func TestOnlyAnAlgorithmThatTheCallerAllowsIsVerified(t *testing.T) {
	keys := keySet(t, jwk(rsaKey().Public(), ""))
	u := parsed(t, signed(t, "RS256", "", rsaKey()))
	for _, algs := range [][]string{nil, {"PS256"}, {"RS384", "ES256"}, {"none"}, {""}} {
		if _, err := u.Verify(keys, algs...); !errors.Is(err, ErrAlg) {
			t.Errorf("%q: %v", algs, err)
		}
	}
	if _, err := u.VerifyKey(rsaKey().Public(), "PS256"); !errors.Is(err, ErrAlg) {
		t.Errorf("a key that is for PS256: %v", err)
	}
	if _, err := u.VerifyHMAC([]byte(strings.Repeat("s", 64))); !errors.Is(err, ErrAlg) {
		t.Errorf("no MAC: %v", err)
	}
}

func TestAKeyInTheHeaderIsNeverUsed(t *testing.T) {
	thief := newEC(elliptic.P256())
	for _, header := range []string{
		`{"alg":"ES256","jwk":` + jwk(thief.Public(), "") + `}`,
		`{"alg":"ES256","kid":"k","jwk":` + jwk(thief.Public(), `,"kid":"k"`) + `}`,
		`{"alg":"ES256","jku":"https://thief.example/jwks"}`,
		`{"alg":"ES256","x5u":"https://thief.example/cert"}`,
		`{"alg":"ES256","x5c":["MIIB"]}`,
	} {
		u := parsed(t, compact(t, "ES256", thief, header, "{}"))
		if _, err := u.Verify(keySet(t, jwk(p256().Public(), `,"kid":"k"`)), "ES256"); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", header, err)
		}
		if _, err := u.Verify(KeySet{}, "ES256"); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s and an empty set: %v", header, err)
		}
		honest := parsed(t, compact(t, "ES256", p256(), header, "{}"))
		if _, err := honest.Verify(keySet(t, jwk(p256().Public(), `,"kid":"k"`)), "ES256"); err != nil {
			t.Errorf("%s, signed by a known key: %v", header, err)
		}
	}
}

// CVE-2022-21449: a signature of zeros fitted every key and message.
func TestAPsychicSignatureIsRefused(t *testing.T) {
	for alg, size := range map[string]int{"ES256": 64, "ES384": 96, "ES512": 132} {
		key := signerOf(alg)
		order := key.(*ecdsa.PrivateKey).Params().N.FillBytes(make([]byte, size/2))
		one := append(make([]byte, size/2-1), 1)
		for name, sig := range map[string][]byte{
			"zeros": make([]byte, size), "the order twice": append(slices.Clone(order), order...),
			"zero and one": append(make([]byte, size/2), one...), "one and zero": append(slices.Clone(one), make([]byte, size/2)...),
		} {
			u := parsed(t, signed(t, alg, "", key))
			u.compact.Signature = sig
			if _, err := u.Verify(keySet(t, jwk(key.Public(), "")), alg); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %s: %v", alg, name, err)
			}
		}
	}
}

func TestASignatureOfECDSAHasOneEncoding(t *testing.T) {
	u := parsed(t, signed(t, "ES256", "", p256()))
	u.compact.Signature = slices.Insert(u.compact.Signature, 32, 0) // s is the same number
	if _, err := u.VerifyKey(p256().Public(), "ES256"); !errors.Is(err, ErrSignature) {
		t.Errorf("a zero before s: %v", err)
	}
	digest := sha256.Sum256([]byte(u.compact.SigningInput))
	sig, err := ecdsa.SignASN1(rand.Reader, p256(), digest[:])
	must(err)
	u.compact.Signature = sig
	if _, err := u.VerifyKey(p256().Public(), "ES256"); !errors.Is(err, ErrSignature) {
		t.Errorf("ASN.1: %v", err)
	}
}

// RFC 7518, section 3.5: the salt is as long as the hash.
func TestAPSSSaltOfAnotherLengthIsRefused(t *testing.T) {
	u := parsed(t, signed(t, "PS256", "", rsaKey()))
	digest := sha256.Sum256([]byte(u.compact.SigningInput))
	sig, err := rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: 8})
	must(err)
	u.compact.Signature = sig
	if _, err := u.VerifyKey(rsaKey().Public(), "PS256"); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v", err)
	}
}

func TestTheKidAndTheAlgorithmFindTheKey(t *testing.T) {
	other := newEC(elliptic.P256())
	two := []string{jwk(p256().Public(), `,"kid":"a"`), jwk(other.Public(), `,"kid":"b"`)}
	for _, c := range []struct {
		name string
		text string
		keys []string
		want error
	}{
		{"a kid that names its key", signed(t, "ES256", "b", other), two, nil},
		{"a kid that names another key", signed(t, "ES256", "a", other), two, ErrSignature},
		{"a kid that names no key", signed(t, "ES256", "c", other), two, ErrNoKey},
		{"a kid, and a key that has none", signed(t, "ES256", "a", p256()), []string{jwk(p256().Public(), "")}, ErrNoKey},
		{"no kid, and one of two keys", signed(t, "ES256", "", other), two, nil},
		{"no kid, and the key of another type beside it", signed(t, "ES256", "", p256()), []string{jwk(rsaKey().Public(), ""), two[0]}, nil},
		{"no kid, and five keys that fit", signed(t, "ES256", "", p256()), []string{two[0], two[0], two[0], two[0], two[0]}, ErrNoKey},
		{"one kid for keys of two types", signed(t, "ES256", "a", p256()), []string{jwk(rsaKey().Public(), `,"kid":"a"`), two[0]}, nil},
		{"a kid that names a key of another type", signed(t, "ES256", "a", p256()), []string{jwk(rsaKey().Public(), `,"kid":"a"`), jwk(p256().Public(), `,"kid":"b"`)}, ErrNoKey},
		{"a key that is for another algorithm", signed(t, "RS256", "", rsaKey()), []string{jwk(rsaKey().Public(), `,"alg":"PS256"`)}, ErrNoKey},
		{"a key that is for this algorithm", signed(t, "RS256", "", rsaKey()), []string{jwk(rsaKey().Public(), `,"alg":"RS256"`)}, nil},
		{"a key that is for encryption", signed(t, "RS256", "", rsaKey()), []string{jwk(rsaKey().Public(), `,"use":"enc"`)}, ErrNoKey},
		{"a key that is for signatures", signed(t, "RS256", "", rsaKey()), []string{jwk(rsaKey().Public(), `,"use":"sig","key_ops":["verify"]`)}, nil},
		{"a key on another curve", signed(t, "ES256", "", p256()), []string{jwk(p384().Public(), "")}, ErrNoKey},
		{"another RSA key", signed(t, "RS256", "", rsaKey()), []string{jwk(rsaKey2().Public(), "")}, ErrSignature},
		{"no keys", signed(t, "RS256", "", rsaKey()), nil, ErrNoKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := parsed(t, c.text).Verify(keySet(t, c.keys...), Asymmetric...)
			if !errors.Is(err, c.want) || (v == nil) != (c.want != nil) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestVerifyKeyRefusesAKeyThatDoesNotFit(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // the small key must exist to be refused
	small := newRSA(1024)
	for _, c := range []struct {
		name, text, alg string
		key             crypto.PublicKey
	}{
		{"no key", signed(t, "ES256", "", p256()), "ES256", nil},
		{"a typed nil", signed(t, "ES256", "", p256()), "ES256", (*ecdsa.PublicKey)(nil)},
		{"another curve", signed(t, "ES256", "", p256()), "ES256", p384().Public()},
		{"an RSA key", signed(t, "ES256", "", p256()), "ES256", rsaKey().Public()},
		{"an EC key", signed(t, "RS256", "", rsaKey()), "RS256", p256().Public()},
		{"a weak RSA key", signed(t, "RS256", "", small), "RS256", small.Public()},
		{"half an Ed25519 key", signed(t, "EdDSA", "", edKey()), "EdDSA", edKey().Public().(ed25519.PublicKey)[:16]},
		{"a private key", signed(t, "ES256", "", p256()), "ES256", p256()},
		{"bytes", signed(t, "ES256", "", p256()), "ES256", []byte("secret")},
	} {
		if _, err := parsed(t, c.text).VerifyKey(c.key, c.alg); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPeekReadsBeforeAnythingIsVerified(t *testing.T) {
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := parsed(t, signed(t, "ES256", "", p256())).Peek(&claims); err != nil || claims.Issuer != "client" {
		t.Errorf("%+v, %v", claims, err)
	}
}

func TestErrorsDoNotQuoteWhatAStrangerSent(t *testing.T) {
	v := &Verified{payload: []byte(`{"iss":{"stranger":1},"exp":"stranger"}`)}
	var text struct {
		Issuer string `json:"iss"`
	}
	var date struct {
		Expiry NumericDate `json:"exp"`
	}
	_, cut := Parse(b64([]byte(`{"alg":"stranger`)) + ".e30.")
	_, unknown := Parse(b64([]byte(`{"alg":"stranger"}`)) + ".e30.")
	_, keys := ParseKeySet([]byte(`{"keys":"stranger"}`))
	for _, err := range []error{v.Claims(&text), v.Claims(&date), cut, unknown, keys} {
		if err == nil || strings.Contains(err.Error(), "stranger") {
			t.Errorf("got %v", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(signed(f, "ES256", "k", p256()))
	keys := keySet(f, jwk(p256().Public(), ""))
	secret := []byte(strings.Repeat("a secret of the tests ", 4))
	f.Fuzz(func(t *testing.T, text string) {
		u, err := Parse(text)
		if err != nil {
			if u != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAlg) {
				t.Fatalf("got %v and %v", u, err)
			}
			return
		}
		var members map[string]any
		if err := u.Peek(&members); err != nil {
			t.Fatalf("the payload of a token that parsed: %v", err)
		}
		if u.Header().Alg == "none" || u.Header().Alg == "" {
			t.Fatalf("header %+v", u.Header())
		}
		// Nobody has the keys, but the seed of this run.
		if _, err := u.VerifyHMAC(secret, Symmetric...); err == nil {
			t.Fatal("a MAC was guessed")
		}
		if _, err := u.Verify(keys, Asymmetric...); err == nil && u.Header().Kid != "" {
			t.Fatal("a key without a kid answered to one")
		}
	})
}
