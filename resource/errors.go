package resource

import (
	"errors"

	"signet/resource/dpop"
)

// ErrInvalidToken is wrapped by every reason to refuse a token for what it is.
// On the wire it is invalid_token (RFC 6750 section 3.1).
var ErrInvalidToken = errors.New("resource: invalid token")

// The reasons. Each is ErrInvalidToken too.
var (
	ErrMalformed  error = &reason{"the token is malformed"}
	ErrHeader     error = &reason{"the token's header is not accepted"}
	ErrTyp        error = &reason{"the token is not an access token"}
	ErrAlgorithm  error = &reason{"the token's algorithm is not accepted"}
	ErrIssuer     error = &reason{"the token is from another issuer"}
	ErrAudience   error = &reason{"the token is for another audience"}
	ErrExpired    error = &reason{"the token has expired"}
	ErrNotYet     error = &reason{"the token is not valid yet"}
	ErrUnknownKey error = &reason{"the token was signed with a key that its issuer does not publish"}
	ErrSignature  error = &reason{"the token's signature is wrong"}
	ErrClaims     error = &reason{"the token's claims are not accepted"}
	// ErrBinding says that the token is bound to something that nobody here can
	// check (RFC 7800 section 3.1).
	ErrBinding error = &reason{"the token is bound in a way that is not understood here"}
	// ErrBound says that the token is bound to a key, and was presented without
	// proof of it (RFC 9449 section 7.2).
	ErrBound error = &reason{"the token is bound to a key, and needs a DPoP proof"}
	// ErrUnbound says that a proof came with a token that is bound to no key,
	// or that WithDPoPRequired wants one that is.
	ErrUnbound error = &reason{"the token is not bound to a key"}
	// ErrOtherKey says that the token is bound to another key than the proof's.
	ErrOtherKey error = &reason{"the token is bound to another key"}
	// ErrRevoked says that the token's status list marks it (Token Status List,
	// section 7.1).
	ErrRevoked error = &reason{"the token was revoked"}
	// ErrStatus says that nobody will ever tell whether the token was revoked:
	// it names no status list at an issuer that has some, or a list that its
	// issuer does not know, or none of the issuer's own, or no place in it.
	ErrStatus error = &reason{"the token's status cannot be learned"}
)

// The reasons to refuse a request for its DPoP proof, beside those of package
// dpop. On the wire those that are dpop.ErrProof are invalid_dpop_proof (RFC
// 9449 section 7.1).
var (
	ErrNoProof error = &proofReason{"a DPoP proof is sent once, in one DPoP header"}
	ErrReplay  error = &proofReason{"the proof was used before"}
	// ErrNonce says that a good proof lacks a nonce of this server's. It is
	// use_dpop_nonce (RFC 9449 section 9).
	ErrNonce = errors.New("resource: the proof needs the nonce of the DPoP-Nonce header")
)

// The failures that say nothing about a token.
var (
	// ErrUnavailable says that nothing is there to judge by: the issuer's keys,
	// or the token's status list, were never reached, or not for longer than
	// WithMaxStale and WithStatusMaxStale allow. It is 503.
	ErrUnavailable = errors.New("resource: what the issuer publishes is not available")
	// ErrNoToken says that a request carries no token.
	ErrNoToken = errors.New("resource: no token")
	// ErrRequest says that a request presents its token in a way that may not
	// be (RFC 6750 section 3.1, invalid_request).
	ErrRequest = errors.New("resource: malformed or repeated authorization")
	// ErrInsufficientScope says that a valid token lacks a scope or role. It
	// is matched by *InsufficientError.
	ErrInsufficientScope = errors.New("resource: insufficient scope")
)

// reason is one way in which a token is invalid. Its text is also what the
// client is told, so it never holds anything that came from outside.
type reason struct{ text string }

func (r *reason) Error() string { return "resource: invalid token: " + r.text }
func (r *reason) Unwrap() error { return ErrInvalidToken }

// proofReason is reason for proofs.
type proofReason struct{ text string }

func (r *proofReason) Error() string { return "resource: invalid proof: " + r.text }
func (r *proofReason) Unwrap() error { return dpop.ErrProof }

// withDPoP marks a failure of a request that used the DPoP scheme: its
// challenge is where the error belongs (RFC 9449 section 7.2).
type withDPoP struct{ error }

func (e *withDPoP) Unwrap() error { return e.error }

// InsufficientError says what a valid token lacks.
type InsufficientError struct {
	Scopes []string // every one of them is needed
	Role   string

	bound bool // the token was
}

func (e *InsufficientError) Error() string { return ErrInsufficientScope.Error() }
func (e *InsufficientError) Unwrap() error { return ErrInsufficientScope }
