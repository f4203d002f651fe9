package resource

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jwxkey "github.com/lestrrat-go/jwx/v2/jwk"

	"signet/resource/token"
)

var errJWKS = errors.New("not a JWK Set")

// jwk is an entry of a JWK Set, as far as a verifier cares (RFC 7517).
type jwk struct {
	Type  string   `json:"kty"`
	ID    *string  `json:"kid"`
	Alg   string   `json:"alg"`
	Use   string   `json:"use"`
	Ops   []string `json:"key_ops"`
	Curve string   `json:"crv"`
	X     string   `json:"x"`
	Y     string   `json:"y"`
	N     string   `json:"n"`
	E     string   `json:"e"`

	// What nobody publishes: the private halves (RFC 7518 section 6). Of those
	// of an RSA key each gives the others away.
	D   jsontext.Value `json:"d"`
	P   jsontext.Value `json:"p"`
	Q   jsontext.Value `json:"q"`
	DP  jsontext.Value `json:"dp"`
	DQ  jsontext.Value `json:"dq"`
	QI  jsontext.Value `json:"qi"`
	Oth jsontext.Value `json:"oth"`
	K   jsontext.Value `json:"k"`
}

// secret says whether a private member is there, whatever it says.
func (k jwk) secret() bool {
	return slices.ContainsFunc([]jsontext.Value{k.D, k.P, k.Q, k.DP, k.DQ, k.QI, k.Oth, k.K}, func(v jsontext.Value) bool { return v != nil })
}

// noNulls reads an entry so that a member is a string or absent: null is
// neither (RFC 7517 section 4).
var noNulls = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ *string) error { return notNull(d) }),
	json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ **string) error { return notNull(d) }),
	json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ *[]string) error { return notNull(d) }),
))

func notNull(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return errors.New("null")
	}
	return errors.ErrUnsupported // and let it be read as usual
}

// parseJWKS reads a JWK Set. An entry that cannot be used is left out and
// told in ignored; it never drops the others (RFC 7517 section 5). A kid that
// names two usable keys names none.
func parseJWKS(body []byte) (keys map[string]Key, ignored []error, err error) {
	var set struct {
		Keys *[]jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, nil, errJWKS // the decoder's error would quote the body
	}
	keys = make(map[string]Key, len(*set.Keys))
	twice := make(map[string]bool)
	for i, raw := range *set.Keys {
		key, err := parseJWK(raw)
		if err != nil {
			ignored = append(ignored, fmt.Errorf("entry %d: %w", i, err))
			continue
		}
		if _, ok := keys[key.ID]; ok {
			ignored = append(ignored, fmt.Errorf("entry %d: its kid names another entry too", i))
			twice[key.ID] = true
		}
		keys[key.ID] = key
	}
	for kid := range twice {
		delete(keys, kid)
	}
	return keys, ignored, nil
}

func parseJWK(raw jsontext.Value) (Key, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k, noNulls); err != nil {
		return Key{}, errors.New("not a JWK")
	}
	switch {
	case k.ID != nil && *k.ID == "":
		return Key{}, errors.New("an empty kid")
	case k.secret():
		return Key{}, errors.New("a private key")
	case k.Use != "" && k.Use != "sig":
		return Key{}, errors.New("its use is not sig")
	case k.Ops != nil && !slices.Contains(k.Ops, "verify"):
		return Key{}, errors.New("its key_ops lack verify")
	case repeats(k.Ops): // RFC 7517 section 4.3
		return Key{}, errors.New("its key_ops name one twice")
	}
	alg, pub, err := k.public()
	if err != nil {
		return Key{}, err
	}
	if err := token.CheckKey(alg, pub); err != nil {
		return Key{}, err
	}
	id, err := k.name(pub)
	return Key{ID: id, Alg: alg, Public: pub}, err
}

// name is the kid, or for an entry that has none the thumbprint of the key (RFC
// 7638), which is no other key's.
func (k jwk) name(pub crypto.PublicKey) (string, error) {
	if k.ID != nil {
		return *k.ID, nil
	}
	key, err := jwxkey.FromRaw(pub)
	if err != nil {
		return "", err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

func repeats(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(slices.Compact(sorted)) < len(names)
}

// public returns the key and the one algorithm that it is for (RFC 8725
// section 3.1). An entry without alg stands for the usual one of its type.
func (k jwk) public() (token.Alg, crypto.PublicKey, error) {
	alg := token.Alg(k.Alg)
	or := func(usual token.Alg) token.Alg {
		if alg == "" {
			return usual
		}
		return alg
	}
	switch {
	case k.Type == "EC" && k.Curve == "P-256":
		pub, err := k.p256()
		return or(token.ES256), pub, err
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x, err := token.Decode(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return "", nil, errors.New("a malformed Ed25519 key")
		}
		return or(token.EdDSA), ed25519.PublicKey(x), nil
	case k.Type == "RSA":
		pub, err := k.rsa()
		return or(token.RS256), pub, err
	}
	return "", nil, errors.New("its type is not supported")
}

// p256 reads a point; the coordinates have their full size (RFC 7518 section
// 6.2.1.2).
func (k jwk) p256() (crypto.PublicKey, error) {
	x, errX := token.Decode(k.X)
	y, errY := token.Decode(k.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("malformed coordinates")
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("a point that is not on the curve")
	}
	return pub, nil
}

func (k jwk) rsa() (crypto.PublicKey, error) {
	n, errN := token.Decode(k.N)
	e, errE := token.Decode(k.E)
	// Numbers have no leading zeros (RFC 7518 section 2, Base64urlUInt).
	if errN != nil || errE != nil || len(n) == 0 || len(n) > token.MaxRSABits/8 || len(e) == 0 || len(e) > 4 || n[0] == 0 || e[0] == 0 {
		return nil, errors.New("a malformed RSA key")
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	if exponent > 1<<31-1 {
		return nil, errors.New("an RSA exponent that is too large")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, nil
}
