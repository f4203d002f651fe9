package jose

import (
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// MaxLength is the number of bytes that Parse reads at most. It is what the
// fetcher reads at most, too: a request object may come from a request_uri.
const MaxLength = 64 << 10

// maxTries bounds the keys that are tried for a token which names none.
const maxTries = 4

// Header is what of a protected header means anything here.
type Header struct {
	Alg string
	Kid string // empty: not named
	Typ string // compare it with token.IsTyp
}

// Unverified is a JWT that was taken apart. Nobody vouches for anything in it.
type Unverified struct {
	compact token.Compact
}

// Verified is a JWT whose signature was checked. Who may have made it, for
// whom and when is still to be read from its claims.
type Verified struct {
	header  Header
	payload []byte
}

// Parse reads a signed JWT in the strict compact form; nothing is verified.
// Header and payload must be JSON objects without duplicate names (RFC 7515,
// section 4; RFC 7519, section 4). The error is ErrMalformed, or ErrAlg where
// alg is none, missing or unknown.
func Parse(compact string) (*Unverified, error) {
	c, err := token.ParseCompactLimit(compact, MaxLength)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := refuseExtensions(c); err != nil {
		return nil, err
	}
	if _, known := algorithms[string(c.Header.Alg)]; !known {
		return nil, ErrAlg
	}
	if p := jsontext.Value(c.Payload); !p.IsValid() || p.Kind() != '{' {
		return nil, fmt.Errorf("%w: its payload is not a JSON object with unique names", ErrMalformed)
	}
	return &Unverified{compact: c}, nil
}

// refuseExtensions refuses what would change how the rest is to be read: no
// extension is understood here, so crit must fail (RFC 7515, section 4.1.11),
// b64 is one (RFC 7797), and enc belongs to an encrypted token.
func refuseExtensions(c token.Compact) error {
	var h struct {
		B64 jsontext.Value `json:"b64"`
		Enc jsontext.Value `json:"enc"`
	}
	if err := decode(c.Protected, &h); err != nil {
		return err
	}
	if c.Header.Crit || h.B64 != nil || h.Enc != nil {
		return fmt.Errorf("%w: its header asks for an extension", ErrMalformed)
	}
	return nil
}

// Header returns the header, which nobody vouches for.
func (u *Unverified) Header() Header {
	h := u.compact.Header
	return Header{Alg: string(h.Alg), Kid: h.KID, Typ: h.Typ}
}

// Peek decodes the payload before anything was verified. It is for finding out
// whose keys to verify with, and for nothing else: whatever it says must be
// read again with Verified.Claims.
func (u *Unverified) Peek(into any) error { return decode(u.compact.Payload, into) }

// Verify checks the signature with a key of a client or another issuer. The
// algorithm must be one of algs, which holds only asymmetric ones, and fit the
// key's type, curve and alg. A kid must name such a key; without one, the keys
// that fit are tried, if they are few. The error is ErrAlg, ErrNoKey or
// ErrSignature.
func (u *Unverified) Verify(keys KeySet, algs ...string) (*Verified, error) {
	a, err := u.allowed(Asymmetric, algs)
	if err != nil {
		return nil, err
	}
	fitting := keys.fitting(u.Header(), a)
	switch {
	case len(fitting) == 0:
		return nil, ErrNoKey
	case len(fitting) > maxTries:
		return nil, fmt.Errorf("%w: too many do, and it names none", ErrNoKey)
	}
	for _, key := range fitting {
		if a.verify(key.public, u.compact.SigningInput, u.compact.Signature) {
			return u.verified(), nil
		}
	}
	return nil, ErrSignature
}

// VerifyHMAC checks the MAC with a secret that the caller shares with the
// maker; algs holds only symmetric ones. The secret must have at least 32
// bytes, and as many as the hash (RFC 7518, section 3.2). The error is ErrAlg,
// ErrNoKey for a secret that is too short, or ErrSignature.
func (u *Unverified) VerifyHMAC(secret []byte, algs ...string) (*Verified, error) {
	a, err := u.allowed(Symmetric, algs)
	if err != nil {
		return nil, err
	}
	if len(secret) < a.hash.Size() { // 32, 48 or 64
		return nil, fmt.Errorf("%w: the secret is too short for the algorithm", ErrNoKey)
	}
	if !a.verifyMAC(secret, u.compact.SigningInput, u.compact.Signature) {
		return nil, ErrSignature
	}
	return u.verified(), nil
}

// VerifyKey checks the signature with one public key, found by the caller, and
// the algorithm that this key is for: it is how a token that our own ring
// signed is read again. The error is ErrAlg, ErrNoKey or ErrSignature.
func (u *Unverified) VerifyKey(pub crypto.PublicKey, alg string) (*Verified, error) {
	a, err := u.allowed(Asymmetric, []string{alg})
	if err != nil {
		return nil, err
	}
	if !a.fits(pub) {
		return nil, ErrNoKey
	}
	if !a.verify(pub, u.compact.SigningInput, u.compact.Signature) {
		return nil, ErrSignature
	}
	return u.verified(), nil
}

// allowed finds the algorithm, if it is in both lists: in that of its kind, so
// that a public key is never taken for a secret (RFC 8725, section 2.1), and
// in the caller's.
func (u *Unverified) allowed(kind, algs []string) (algorithm, error) {
	alg := string(u.compact.Header.Alg)
	if !slices.Contains(kind, alg) || !slices.Contains(algs, alg) {
		return algorithm{}, ErrAlg
	}
	return algorithms[alg], nil
}

func (u *Unverified) verified() *Verified {
	return &Verified{header: u.Header(), payload: u.compact.Payload}
}

// Header returns the header that was signed with the claims.
func (v *Verified) Header() Header { return v.header }

// Claims decodes the payload. Members that into does not name are skipped;
// names are compared with regard to case. The error is ErrMalformed.
func (v *Verified) Claims(into any) error { return decode(v.payload, into) }

// decode reads JSON that others wrote; the decoder refuses duplicate names.
// Its errors quote their input, so they end here.
func decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic):
		return fmt.Errorf("%w: a member has another type than it should", ErrMalformed)
	}
	return fmt.Errorf("%w: not JSON", ErrMalformed)
}
