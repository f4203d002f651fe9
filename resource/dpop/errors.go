package dpop

import "errors"

// ErrProof is wrapped by every reason to refuse a proof. On the wire it is
// invalid_dpop_proof (RFC 9449 sections 5 and 7.1).
var ErrProof = errors.New("dpop: invalid proof")

// The reasons. Each is ErrProof too.
var (
	ErrMalformed error = &reason{"the proof is not a JWT in its one compact form"}
	ErrTyp       error = &reason{"the proof's typ is not dpop+jwt"}
	ErrAlgorithm error = &reason{"the proof's algorithm is not accepted"}
	ErrHeader    error = &reason{"the proof's header is not accepted"}
	ErrKey       error = &reason{"the proof's jwk is not a public key for its algorithm"}
	ErrSignature error = &reason{"the proof's signature is wrong"}
	ErrClaims    error = &reason{"a claim of the proof is missing or malformed"}
	ErrMethod    error = &reason{"the proof is for another method"}
	ErrURL       error = &reason{"the proof is for another URL"}
	ErrExpired   error = &reason{"the proof is too old"}
	ErrNotYet    error = &reason{"the proof was made in the future"}
	ErrToken     error = &reason{"the proof is for another access token, or for none"}
)

// reason is one way in which a proof is invalid. Its text never holds anything
// that came from outside.
type reason struct{ text string }

func (r *reason) Error() string { return "dpop: invalid proof: " + r.text }
func (r *reason) Unwrap() error { return ErrProof }

// Reason is the sentence that a client may be told about err, and a plain one
// when err is not from Verify.
func Reason(err error) string {
	var r *reason
	if errors.As(err, &r) {
		return r.text
	}
	return "the proof is not accepted"
}
