package resource

import "errors"

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
	// ErrRevoked is kept for status lists; nothing returns it yet.
	ErrRevoked error = &reason{"the token was revoked"}
)

// The failures that say nothing about a token.
var (
	// ErrUnavailable says that no keys are there to judge by: the issuer was
	// never reached, or not for longer than WithMaxStale allows. It is 503.
	ErrUnavailable = errors.New("resource: the issuer's keys are not available")
	// ErrNoToken says that a request carries no Bearer token.
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

// InsufficientError says what a valid token lacks.
type InsufficientError struct {
	Scopes []string // every one of them is needed
	Role   string
}

func (e *InsufficientError) Error() string { return ErrInsufficientScope.Error() }
func (e *InsufficientError) Unwrap() error { return ErrInsufficientScope }
