package resource

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	"signet/resource/token"
)

// Key is a public key that access tokens may be signed with. Public is what
// token.CheckKey accepts for Alg; nobody changes it once it is in use.
type Key struct {
	ID     string
	Alg    token.Alg
	Public crypto.PublicKey
}

// KeySource finds the keys of one issuer. It is asked for every token, also
// for one that was seen before: a key that is no longer trusted must not be
// found, and finding one that is must be quick. Where one is given, a token that
// names no key is refused. It is used by many goroutines.
type KeySource interface {
	// Key returns the key that kid names, or ErrUnknownKey, or ErrUnavailable.
	Key(ctx context.Context, kid string) (Key, error)
}

// KeyFunc is a KeySource that has its keys at hand.
type KeyFunc func(kid string) (Key, bool)

// Key calls f.
func (f KeyFunc) Key(_ context.Context, kid string) (Key, error) {
	if key, ok := f(kid); ok {
		return key, nil
	}
	return Key{}, ErrUnknownKey
}

// signed says whether k signed c. The key's own algorithm decides, not the
// header's (RFC 8725 section 3.1).
func (k Key) signed(c token.Compact) error {
	if k.Alg != c.Header.Alg {
		return ErrAlgorithm
	}
	if token.VerifySignature(k.Alg, k.Public, c.SigningInput, c.Signature) != nil {
		return ErrSignature
	}
	return nil
}

// same says whether two keys are one. Keys that did not change are carried on
// by pointer, so that the usual answer costs a comparison of two pointers.
func (k Key) same(other Key) bool {
	if k.ID != other.ID || k.Alg != other.Alg {
		return false
	}
	switch pub := k.Public.(type) {
	case *ecdsa.PublicKey:
		o, ok := other.Public.(*ecdsa.PublicKey)
		return ok && (pub == o || pub.Equal(o))
	case *rsa.PublicKey:
		o, ok := other.Public.(*rsa.PublicKey)
		return ok && (pub == o || pub.Equal(o))
	case ed25519.PublicKey:
		return pub.Equal(other.Public)
	}
	return false
}
