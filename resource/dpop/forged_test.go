package dpop_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"signet/resource/dpop"
	"signet/resource/dpop/dpoptest"
)

func TestAProofOfPS256HasASaltAsLongAsTheHash(t *testing.T) {
	key := dpoptest.NewKey(t, "PS256")
	good := key.Proof("GET", target, now)
	input := good[:strings.LastIndexByte(good, '.')]
	digest := sha256.Sum256([]byte(input))
	for _, salt := range []int{20, 32, 222} {
		sig, err := rsa.SignPSS(rand.Reader, key.Private.(*rsa.PrivateKey), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dpop.Verify(input+"."+base64.RawURLEncoding.EncodeToString(sig), expect()); (err == nil) != (salt == 32) {
			t.Errorf("a salt of %d bytes: %v", salt, err)
		}
	}
}

// Under the point of order one the signature of any proof is that point and a
// zero: whoever has the token could prove to hold the key.
func TestAKeyOfSmallOrderProvesNothing(t *testing.T) {
	point := append([]byte{1}, make([]byte, 31)...)
	key := dpoptest.NewKey(t, "EdDSA")
	good := key.Proof("GET", target, now, func(p *dpoptest.Parts) {
		p.Header["jwk"].(map[string]any)["x"] = base64.RawURLEncoding.EncodeToString(point)
	})
	input := good[:strings.LastIndexByte(good, '.')]
	sig := append(point, make([]byte, 32)...)
	if !ed25519.Verify(point, []byte(input), sig) {
		t.Fatal("the forgery is none")
	}
	if _, err := dpop.Verify(input+"."+base64.RawURLEncoding.EncodeToString(sig), expect()); !errors.Is(err, dpop.ErrKey) {
		t.Errorf("got %v", err)
	}
}
