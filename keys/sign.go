package keys

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// Signer signs with one key. It cannot give the key away. Take a new one for
// each token: it is worthless past its snapshot's lease.
type Signer struct {
	key      *opened
	snapshot *Snapshot
}

// KID is the key's name in the JWKS.
func (s *Signer) KID() string { return s.key.rec.KID }

// Alg is the algorithm that it signs with.
func (s *Signer) Alg() Alg { return s.key.rec.Alg }

// MaxLifetime is the longest lifetime of a token that it may sign.
func (s *Signer) MaxLifetime() time.Duration { return time.Duration(s.key.rec.Lifetime) }

// Sign returns payload as a compact JWS (RFC 7515, section 7.1) with the
// header {"alg","kid","typ"}. lifetime is the payload's exp minus now: the
// key stays in the JWKS for as long as the longest that it may sign. Sign
// fails with ErrLifetime, and with ErrLease when the lease is over before
// the signature is made.
func (s *Signer) Sign(typ string, payload []byte, lifetime time.Duration) (string, error) {
	if lifetime > s.MaxLifetime() {
		return "", fmt.Errorf("%w: %s asked, %s allowed to key %s", ErrLifetime, lifetime, s.MaxLifetime(), s.KID())
	}
	header, err := s.key.header(typ)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	const roomForSignature = 87 // of ES256 and EdDSA, with its dot; beside an RSA signature one more copy is nothing
	out := make([]byte, 0, len(header)+b64.EncodedLen(len(payload))+roomForSignature)
	out = append(out, header...)
	out = b64.AppendEncode(out, payload)
	signature, err := s.key.sign(out)
	if err != nil {
		return "", fmt.Errorf("keys: sign with key %s: %w", s.KID(), err)
	}
	// Asked after, not before: the process may have been stopped between.
	if err := s.snapshot.lapsed(s.snapshot.clock.now()); err != nil {
		return "", err
	}
	out = append(out, '.')
	return string(b64.AppendEncode(out, signature)), nil
}

// header returns the encoded header of a type of token. There are few types,
// all named by the code, so each is kept.
func (o *opened) header(typ string) ([]byte, error) {
	if h, ok := o.headers.Load(typ); ok {
		return h.([]byte), nil
	}
	raw, err := json.Marshal(struct {
		Alg Alg    `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}{o.rec.Alg, o.rec.KID, typ})
	if err != nil {
		return nil, fmt.Errorf("keys: header of a %q: %w", typ, err)
	}
	h := append(base64.RawURLEncoding.AppendEncode(nil, raw), '.')
	o.headers.Store(typ, h)
	return h, nil
}

func (s *Signer) String() string   { return string(s.Alg()) + " signer " + s.KID() }
func (s *Signer) GoString() string { return s.String() }
