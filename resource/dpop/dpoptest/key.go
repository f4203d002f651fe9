package dpoptest

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
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

var b64 = base64.RawURLEncoding.EncodeToString

// Key is the key pair of a client.
type Key struct {
	Alg     string
	Private crypto.Signer
}

// must is for what only a broken test makes fail. Proofs are also made where
// no test can be failed from: in goroutines and fuzz targets.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// theRSAKey is made once: that is slow.
var theRSAKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return key
})

// NewKey makes a key pair for alg. All RSA keys are one.
func NewKey(t testing.TB, alg string) Key {
	t.Helper()
	k := Key{Alg: alg}
	var err error
	switch alg {
	case "ES256":
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		k.Private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		k.Private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA", "Ed25519":
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.Private = theRSAKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// JWK is the public half, with nothing but what a thumbprint is made of.
func (k Key) JWK() map[string]any {
	switch pub := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		raw, err := pub.Bytes()
		must(err)
		half := len(raw) / 2
		return map[string]any{"kty": "EC", "crv": pub.Params().Name, "x": b64(raw[1 : 1+half]), "y": b64(raw[1+half:])}
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(pub.N.Bytes()), "e": b64(big.NewInt(int64(pub.E)).Bytes())}
	default:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(pub.(ed25519.PublicKey))}
	}
}

// JKT is the thumbprint (RFC 7638). Maps are written in the order of their
// names, which is the order that it asks for.
func (k Key) JKT() string {
	raw, err := json.Marshal(k.JWK())
	must(err)
	return Hash(string(raw))
}

// Hash is base64url(SHA-256(s)), as ath has it.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return b64(sum[:])
}

// Parts is a proof before it is signed.
type Parts struct {
	Header, Claims map[string]any
}

// Proof makes a proof for a request, with a jti of its own, after edit has
// changed its parts.
func (k Key) Proof(method, url string, now time.Time, edit ...func(*Parts)) string {
	p := Parts{
		Header: map[string]any{"typ": "dpop+jwt", "alg": k.Alg, "jwk": k.JWK()},
		Claims: map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()},
	}
	for _, e := range edit {
		e(&p)
	}
	header, err := json.Marshal(p.Header)
	must(err)
	payload, err := json.Marshal(p.Claims)
	must(err)
	return k.Sign(header, payload)
}

// ForToken adds the hash of the access token that is sent along.
func ForToken(accessToken string) func(*Parts) {
	return func(p *Parts) { p.Claims["ath"] = Hash(accessToken) }
}

// WithNonce adds a server's nonce.
func WithNonce(nonce string) func(*Parts) {
	return func(p *Parts) { p.Claims["nonce"] = nonce }
}

// Sign makes a compact JWS of whatever it is given. The signature is of k.Alg,
// whatever the header says.
func (k Key) Sign(header, payload []byte) string {
	alg := jwa.SignatureAlgorithm(k.Alg)
	if k.Alg == "Ed25519" {
		alg = jwa.EdDSA
	}
	signer, err := jws.NewSigner(alg)
	must(err)
	input := b64(header) + "." + b64(payload)
	sig, err := signer.Sign([]byte(input), k.Private)
	must(err)
	return input + "." + b64(sig)
}
