package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// The keys of the tests. They are made once: RSA keys take their time.
var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	rsaKey2 = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	p256    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p384    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P384()) })
	p521    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P521()) })
	edKey   = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		return key
	})
)

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	must(err)
	return key
}

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(err)
	return key
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// signerOf is a key that alg needs.
func signerOf(alg string) crypto.Signer {
	switch alg {
	case "ES256":
		return p256()
	case "ES384":
		return p384()
	case "ES512":
		return p521()
	case "EdDSA":
		return edKey()
	}
	return rsaKey()
}

// compact signs with jwx, so that the tests do not share a mistake with the
// code under test. A header without alg and kid gets them.
func compact(t testing.TB, alg string, key any, header, payload string) string {
	t.Helper()
	s, err := jws.NewSigner(jwa.SignatureAlgorithm(alg))
	if err != nil {
		t.Fatal(err)
	}
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	sig, err := s.Sign([]byte(input), key)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(sig)
}

// signed is a token of the usual form.
func signed(t testing.TB, alg, kid string, key any) string {
	t.Helper()
	header := fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, alg)
	if kid != "" {
		header = fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":%q}`, alg, kid)
	}
	return compact(t, alg, key, header, `{"iss":"client"}`)
}

func parsed(t testing.TB, text string) *Unverified {
	t.Helper()
	u, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// jwk writes a public key by hand; more is further members with a comma
// before each.
func jwk(pub crypto.PublicKey, more string) string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`{"kty":"RSA","n":"%s","e":"%s"%s}`, b64(pub.N.Bytes()), b64(big.NewInt(int64(pub.E)).Bytes()), more)
	case *ecdsa.PublicKey:
		point, err := pub.Bytes()
		must(err)
		half := len(point) / 2
		return fmt.Sprintf(`{"kty":"EC","crv":"%s","x":"%s","y":"%s"%s}`, pub.Params().Name, b64(point[1:1+half]), b64(point[1+half:]), more)
	case ed25519.PublicKey:
		return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"%s"%s}`, b64(pub), more)
	}
	panic("no such key")
}

func set(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }

func keySet(t testing.TB, jwks ...string) KeySet {
	t.Helper()
	s, err := ParseKeySet([]byte(set(jwks...)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
