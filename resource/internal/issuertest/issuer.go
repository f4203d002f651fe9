package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"signet/resource/token"
)

// Audience is whom Token's tokens are for.
const Audience = "api"

// Key is a key pair of an Issuer.
type Key struct {
	ID      string
	Alg     token.Alg
	Private crypto.Signer
}

// Issuer is a fake issuer.
type Issuer struct {
	URL string

	t           testing.TB
	mu          sync.Mutex
	entries     []any // of the JWK Set
	version     int   // of whatever changed last
	keysVersion int
	changed     chan struct{} // closed at the next change
	down        chan struct{} // closed when the issuer goes down
	fetches     map[string]int
	knobs       Knobs
	key         Key // what Token signs with
	lists       map[string]*list

	listsNamed bool // in the metadata
}

// New returns an issuer that is named url, and publishes one ES256 key "k1".
func New(t testing.TB, url string) *Issuer {
	i := &Issuer{URL: url, t: t, changed: make(chan struct{}), down: make(chan struct{}), fetches: make(map[string]int), lists: make(map[string]*list)}
	i.key = NewKey(t, token.ES256, "k1")
	i.Publish(i.key)
	return i
}

// theRSAKey is made once: that is slow.
var theRSAKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// NewKey makes a key pair. All RSA keys are one.
func NewKey(t testing.TB, alg token.Alg, kid string) Key {
	t.Helper()
	k := Key{ID: kid, Alg: alg}
	var err error
	switch alg {
	case token.ES256:
		k.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case token.EdDSA:
		_, k.Private, err = ed25519.GenerateKey(rand.Reader)
	default:
		k.Private = theRSAKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// JWK is the public half as an entry of a JWK Set.
func (k Key) JWK() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	m := map[string]any{"kid": k.ID, "alg": string(k.Alg), "use": "sig"}
	switch pub := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		raw, err := pub.Bytes()
		if err != nil {
			panic(err)
		}
		maps.Copy(m, map[string]any{"kty": "EC", "crv": "P-256", "x": b64(raw[1:33]), "y": b64(raw[33:])})
	case *rsa.PublicKey:
		e := big.NewInt(int64(pub.E)).Bytes()
		maps.Copy(m, map[string]any{"kty": "RSA", "n": b64(pub.N.Bytes()), "e": b64(e)})
	case ed25519.PublicKey:
		maps.Copy(m, map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(pub)})
	}
	return m
}

// Publish replaces the JWK Set; an entry is a Key or any JSON value.
func (i *Issuer) Publish(entries ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.entries = nil
	for _, e := range entries {
		if k, ok := e.(Key); ok {
			e = k.JWK()
		}
		i.entries = append(i.entries, e)
	}
	i.version++
	i.keysVersion = i.version
	i.tell()
}

// Key is what Token signs with.
func (i *Issuer) Key() Key { return i.key }

// Header is a header that every verifier accepts.
func (i *Issuer) Header() map[string]any {
	return map[string]any{"alg": string(i.key.Alg), "kid": i.key.ID, "typ": token.TypAccess}
}

// Claims is a set of claims that every verifier accepts for ten minutes.
func (i *Issuer) Claims() token.Claims {
	now := time.Now()
	return token.Claims{
		Issuer: i.URL, Subject: "alice", Audience: []string{Audience}, ClientID: "signet",
		IssuedAt: token.At(now), Expiry: token.At(now.Add(10 * time.Minute)), ID: rand.Text(),
		Scope: "posts openid", Roles: []string{"author"}, SessionID: "s1",
		AuthTime: token.At(now), AMR: []string{"pwd"},
	}
}

// Token returns a good token, after edit has changed its claims.
func (i *Issuer) Token(edit ...func(*token.Claims)) string {
	i.t.Helper()
	c := i.Claims()
	for _, e := range edit {
		e(&c)
	}
	payload, err := c.Marshal()
	if err != nil {
		i.t.Fatal(err)
	}
	return Sign(i.t, i.key, i.Header(), payload)
}

// Sign makes a compact JWS of whatever it is given. The signature is of
// key.Alg, whatever the header says.
func Sign(t testing.TB, key Key, header any, payload []byte) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(h) + "." + b64(payload)
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(key.Alg))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign([]byte(input), key.Private)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64(sig)
}

// jwks returns the JWK Set with its ETag; the lock is held.
func (i *Issuer) jwks() ([]byte, string) {
	body, err := json.Marshal(map[string]any{"keys": append([]any{}, i.entries...)})
	if err != nil {
		i.t.Error(err)
	}
	return body, fmt.Sprintf(`"v%d"`, i.keysVersion)
}
