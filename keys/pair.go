package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"signet/resource/token"
)

const sealedKeyKind = "key" // what a private key is sealed as

// pair is an opened key: its public half, and what signs with the private
// one. The private half is in the closure only, where nothing can print it.
type pair struct {
	public crypto.PublicKey
	sign   func(input []byte) ([]byte, error)
}

// generate makes a key pair and seals it. One whose kid begins with a dash is
// thrown away: whoever types it into a command at night would have typed a
// flag.
func generate(alg Alg, rsaBits int, random io.Reader, s *Sealer) (fresh, error) {
	for {
		f, err := generateOne(alg, rsaBits, random, s)
		if err != nil || !strings.HasPrefix(f.KID, "-") {
			return f, err
		}
	}
}

func generateOne(alg Alg, rsaBits int, random io.Reader, s *Sealer) (fresh, error) {
	var raw any
	var err error
	switch alg {
	case token.ES256:
		raw, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case token.RS256, token.PS256:
		raw, err = rsa.GenerateKey(random, rsaBits)
	case token.EdDSA:
		_, raw, err = ed25519.GenerateKey(random)
	default:
		err = fmt.Errorf("unknown algorithm")
	}
	if err != nil {
		return fresh{}, fmt.Errorf("keys: make a %s key: %w", alg, err)
	}
	f, err := sealPair(alg, raw, s)
	if err != nil {
		return fresh{}, fmt.Errorf("keys: make a %s key: %w", alg, err)
	}
	return f, nil
}

func sealPair(alg Alg, raw any, s *Sealer) (fresh, error) {
	private, err := jwk.FromRaw(raw)
	if err != nil {
		return fresh{}, err
	}
	public, err := private.PublicKey()
	if err != nil {
		return fresh{}, err
	}
	kid, doc, err := describe(alg, public)
	if err != nil {
		return fresh{}, err
	}
	plain, err := stdjson.Marshal(private)
	if err != nil {
		return fresh{}, err
	}
	defer clear(plain)
	sealed, err := s.Seal(sealedKeyKind, kid, plain)
	return fresh{KID: kid, Public: doc, Sealed: sealed}, err
}

// describe returns the kid of a public key, its thumbprint (RFC 7638), and
// its JWK as the JWKS shows it. Members are in the order of their names, so
// every node makes the same bytes.
func describe(alg Alg, public jwk.Key) (kid string, doc jsontext.Value, err error) {
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", nil, err
	}
	kid = base64.RawURLEncoding.EncodeToString(sum)
	clean, err := public.PublicKey()
	if err != nil {
		return "", nil, err
	}
	for name, value := range map[string]any{
		jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.SignatureAlgorithm(alg), jwk.KeyUsageKey: jwk.ForSignature,
	} {
		if err := clean.Set(name, value); err != nil {
			return "", nil, err
		}
	}
	doc, err = stdjson.Marshal(clean)
	return kid, doc, err
}

// openPublic reads the public half of a record's key and holds it against
// the kid, so that no key in the JWKS goes by another's name.
func openPublic(k *keyRecord) (crypto.PublicKey, error) {
	parsed, err := jwk.ParseKey(k.Public)
	if err != nil {
		return nil, fmt.Errorf("%w: key %s: its public half: %w", ErrDamaged, k.KID, err)
	}
	kid, doc, err := describe(k.Alg, parsed)
	if err != nil || kid != k.KID || string(doc) != string(k.Public) {
		return nil, fmt.Errorf("%w: key %s: its public half is another key's", ErrDamaged, k.KID)
	}
	var raw any
	if err := parsed.Raw(&raw); err != nil {
		return nil, fmt.Errorf("%w: key %s: its public half: %w", ErrDamaged, k.KID, err)
	}
	switch public := raw.(type) {
	case *ecdsa.PublicKey:
		if k.Alg == token.ES256 && public.Curve == elliptic.P256() {
			return public, nil
		}
	case *rsa.PublicKey:
		if k.Alg == token.RS256 || k.Alg == token.PS256 {
			return public, nil
		}
	case ed25519.PublicKey:
		if k.Alg == token.EdDSA {
			return public, nil
		}
	}
	return nil, fmt.Errorf("%w: key %s: its public half is no %s key", ErrDamaged, k.KID, k.Alg)
}

// openPair opens the private half and holds it against the public one.
func openPair(k *keyRecord, s *Sealer) (pair, error) {
	public, err := openPublic(k)
	if err != nil {
		return pair{}, err
	}
	plain, err := s.Open(sealedKeyKind, k.KID, k.Sealed)
	if err != nil {
		return pair{}, err
	}
	defer clear(plain)
	var raw any
	if err := jwk.ParseRawKey(plain, &raw); err != nil {
		return pair{}, fmt.Errorf("%w: key %s: its private half cannot be read", ErrDamaged, k.KID)
	}
	private, ok := raw.(crypto.Signer)
	same, comparable := public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !comparable || !same.Equal(private.Public()) {
		return pair{}, fmt.Errorf("%w: key %s: its halves do not belong together", ErrDamaged, k.KID)
	}
	signer, err := jws.NewSigner(jwa.SignatureAlgorithm(k.Alg))
	if err != nil {
		return pair{}, fmt.Errorf("keys: key %s: %w", k.KID, err)
	}
	sign := func(input []byte) ([]byte, error) { return signer.Sign(input, raw) }
	switch key := raw.(type) {
	case *ecdsa.PrivateKey:
		sign = func(input []byte) ([]byte, error) { return signES256(key, input) }
	case *rsa.PrivateKey:
		key.Precompute() // or each signature does it
	}
	return pair{public: public, sign: sign}, nil
}

// signES256 makes a signature of 64 bytes (RFC 7518, section 3.4). It draws
// nothing at random: a nonce that can be guessed gives the key away, and the one
// of RFC 6979 needs no luck (RFC 8725, section 3.2). jwx draws.
func signES256(key *ecdsa.PrivateKey, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	const size = 32
	rest, pair := cryptobyte.String(der), cryptobyte.String(nil)
	var r, s []byte
	if !rest.ReadASN1(&pair, asn1.SEQUENCE) || !pair.ReadASN1Integer(&r) || !pair.ReadASN1Integer(&s) || len(r) > size || len(s) > size {
		return nil, errors.New("the signature is no ECDSA signature of P-256")
	}
	signature := make([]byte, 2*size)
	copy(signature[size-len(r):], r)
	copy(signature[2*size-len(s):], s)
	return signature, nil
}
