package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// The bounds of a key set. A set of that size is checked in milliseconds.
const (
	MaxKeys         = 32
	MaxKeySetLength = 64 << 10 // bytes
)

// KeySet is the public signing keys of somebody else. The zero value is empty.
// It never changes.
type KeySet struct {
	keys    []key
	skipped []error
}

type key struct {
	kid, alg string // either may be empty
	public   crypto.PublicKey
}

// Len returns how many keys can be used.
func (s KeySet) Len() int { return len(s.keys) }

// Skipped says of each entry that is not used why. One who registers a set
// wants to hear of it; one who fetched it goes on with the others.
func (s KeySet) Skipped() []error { return slices.Clone(s.skipped) }

// fitting returns the keys that may have signed a token with that header. A
// key without a kid does not answer to one.
func (s KeySet) fitting(h Header, a algorithm) []key {
	var found []key
	for _, k := range s.keys {
		if (h.Kid == "" || k.kid == h.Kid) && (k.alg == "" || k.alg == h.Alg) && a.fits(k.public) {
			found = append(found, k)
		}
	}
	return found
}

// ParseKeySet reads a JWK Set of at most MaxKeySetLength bytes and MaxKeys
// entries. An entry that is not understood, is out of bounds or is not for
// signatures is skipped and never drops the others (RFC 7517, section 5). The
// set as a whole is refused as ErrPrivateKey if any entry, used or not, holds
// what its owner must keep, and as ErrKeySet if it is no set.
func ParseKeySet(raw []byte) (KeySet, error) {
	if len(raw) > MaxKeySetLength {
		return KeySet{}, fmt.Errorf("%w: it is too large", ErrKeySet)
	}
	var set struct {
		Keys *[]map[string]jsontext.Value `json:"keys"`
	}
	if err := decode(raw, &set); err != nil || set.Keys == nil {
		return KeySet{}, ErrKeySet
	}
	if len(*set.Keys) > MaxKeys {
		return KeySet{}, fmt.Errorf("%w: it has more than %d keys", ErrKeySet, MaxKeys)
	}
	var s KeySet
	for i, members := range *set.Keys {
		if isPrivate(members) {
			return KeySet{}, fmt.Errorf("%w: entry %d", ErrPrivateKey, i)
		}
		k, err := parseKey(members)
		if err != nil {
			s.skipped = append(s.skipped, fmt.Errorf("entry %d: %w", i, err))
			continue
		}
		s.keys = append(s.keys, k)
	}
	return s, nil
}

// isPrivate looks for the names of secret members, whatever the type of the
// key: RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037, section 2, and
// priv of the newer types.
func isPrivate(members map[string]jsontext.Value) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, there := members[name]; there {
			return true
		}
	}
	return texts(members, "kty")["kty"] == "oct"
}

var (
	errMalformed = errors.New("a required member is missing or malformed")
	errPurpose   = errors.New("it is not for signatures")
	errUnknown   = errors.New("its type or curve is not supported")
	errStrength  = errors.New("an RSA key of less than 2048 or more than 8192 bits, with an exponent that is even or below 65537, or one that can be factored")
)

// parseKey reads one entry. Members that are not of its type are not read.
func parseKey(members map[string]jsontext.Value) (key, error) {
	m := texts(members, "kty", "kid", "alg", "use", "crv", "x", "y", "n", "e")
	for _, name := range []string{"kid", "alg", "use"} {
		if _, there := members[name]; there && m[name] == "" {
			return key{}, errMalformed
		}
	}
	if use, there := m["use"]; there && use != "sig" {
		return key{}, errPurpose
	}
	if raw, there := members["key_ops"]; there {
		var ops []string
		if decode(raw, &ops) != nil || !slices.Contains(ops, "verify") {
			return key{}, errPurpose
		}
	}
	pub, err := public(m)
	if err != nil {
		return key{}, err
	}
	if alg := m["alg"]; alg != "" && !algorithms[alg].fits(pub) {
		return key{}, errPurpose
	}
	return key{kid: m["kid"], alg: m["alg"], public: pub}, nil
}

// texts picks the members that are strings.
func texts(members map[string]jsontext.Value, names ...string) map[string]string {
	found := make(map[string]string, len(names))
	for _, name := range names {
		var text string
		if raw := members[name]; raw.Kind() == '"' && decode(raw, &text) == nil {
			found[name] = text
		}
	}
	return found
}

var curves = map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}

func public(m map[string]string) (crypto.PublicKey, error) {
	switch curve := curves[m["crv"]]; {
	case m["kty"] == "RSA":
		return publicRSA(m["n"], m["e"])
	case m["kty"] == "EC" && curve != nil:
		return publicEC(curve, m["x"], m["y"])
	case m["kty"] == "OKP" && m["crv"] == "Ed25519":
		x, err := token.Decode(m["x"])
		pub := ed25519.PublicKey(x)
		if err != nil || token.CheckKey(token.EdDSA, pub) != nil {
			return nil, errMalformed
		}
		return pub, nil
	}
	return nil, errUnknown
}

func publicRSA(n, e string) (crypto.PublicKey, error) {
	modulus, errN := token.Decode(n)
	exponent, errE := token.Decode(e)
	if errN != nil || errE != nil || len(modulus) == 0 || len(exponent) == 0 {
		return nil, errMalformed
	}
	wide := new(big.Int).SetBytes(exponent)
	if wide.BitLen() > 31 {
		return nil, errStrength
	}
	pub := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(wide.Int64())}
	if !soundRSA(pub) {
		return nil, errStrength
	}
	return pub, nil
}

// publicEC reads a point on the curve; the coordinates have their full size
// (RFC 7518, section 6.2.1.2).
func publicEC(curve elliptic.Curve, x, y string) (crypto.PublicKey, error) {
	size := (curve.Params().BitSize + 7) / 8
	left, errX := token.Decode(x)
	right, errY := token.Decode(y)
	if errX != nil || errY != nil || len(left) != size || len(right) != size {
		return nil, errMalformed
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, left, right))
	if err != nil {
		return nil, errMalformed // not on the curve
	}
	return pub, nil
}
