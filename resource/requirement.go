package resource

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"signet/resource/token"
)

// Requirement is what a route wants of a token beside being good. What is
// empty wants nothing.
type Requirement struct {
	Scopes []string // every one of them
	Roles  []string // every one of them

	// ACR are the ways to authenticate of which the person must have used one
	// (RFC 9470), the best first. They are compared byte by byte, and none has
	// a space in it; a stronger one that should do as well is named too.
	ACR []string
	// MaxAge is how long ago the person may have authenticated, in whole
	// seconds, rounded up. Clients that stand for nobody never did. A negative
	// one lets nobody pass.
	MaxAge time.Duration
}

// ErrInsufficientAuthentication says that a valid token comes from a sign-in
// that is too weak or too long ago. It is matched by *StepUpError.
var ErrInsufficientAuthentication = errors.New("resource: insufficient user authentication")

// StepUpError says how a person has to authenticate so that a new token would
// do (RFC 9470 section 3). It holds all that was required of the sign-in, met
// or not, so that one more is enough.
type StepUpError struct {
	ACR    []string
	MaxAge time.Duration
	Scopes []string // all that are needed, if the token lacks one of them too

	bound bool // the token was
}

func (e *StepUpError) Error() string { return ErrInsufficientAuthentication.Error() }
func (e *StepUpError) Unwrap() error { return ErrInsufficientAuthentication }

// maxAge is the challenge's max_age.
func (e *StepUpError) maxAge() int64 { return max(0, wholeSeconds(e.MaxAge)) }

// Check returns an *InsufficientError or a *StepUpError unless t, a token that
// this Verifier let pass, fulfils need. It is for what a handler finds out
// late, such as the amount of a payment; WriteError answers the error.
func (v *Verifier) Check(t *Token, need Requirement) error {
	err := v.lacking(t, need)
	if err != nil {
		v.count("", err)
	}
	return err
}

func (v *Verifier) lacking(t *Token, need Requirement) error {
	// What no sign-in would change comes first.
	for _, role := range need.Roles {
		if err := CheckRole(t, role); err != nil {
			return err
		}
	}
	lacks := CheckScope(t, need.Scopes...)
	if v.authenticated(t, need) {
		return lacks
	}
	e := &StepUpError{ACR: need.ACR, MaxAge: need.MaxAge, bound: t.JKT() != ""}
	if lacks != nil {
		e.Scopes = need.Scopes
	}
	return e
}

// authenticated says whether the person behind t authenticated as need wants.
func (v *Verifier) authenticated(t *Token, need Requirement) bool {
	if len(need.ACR) > 0 && (t.ACR() == "" || !slices.Contains(need.ACR, t.ACR())) {
		return false
	}
	if need.MaxAge == 0 {
		return true
	}
	at, now := t.claims.AuthTime, v.now()
	if need.MaxAge < 0 || at == 0 || at.Time().After(now.Add(v.skew)) {
		return false
	}
	return int64(token.At(now.Add(-v.leeway))-at) <= wholeSeconds(need.MaxAge)
}

func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Require is Middleware, and wants what need says too. It may stand inside
// Middleware or alone.
func (v *Verifier) Require(need Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return admit(v, next, need) }
}

// RequireScope is Require for every one of scopes.
func (v *Verifier) RequireScope(scopes ...string) func(http.Handler) http.Handler {
	return v.Require(Requirement{Scopes: scopes})
}

// RequireRole is Require for one role.
func (v *Verifier) RequireRole(role string) func(http.Handler) http.Handler {
	return v.Require(Requirement{Roles: []string{role}})
}

// CheckScope returns an *InsufficientError unless t has every one of scopes.
func CheckScope(t *Token, scopes ...string) error {
	if !t.HasScope(scopes...) {
		return &InsufficientError{Scopes: scopes, bound: t.JKT() != ""}
	}
	return nil
}

// CheckRole returns an *InsufficientError unless t has the role.
func CheckRole(t *Token, role string) error {
	if !t.HasRole(role) {
		return &InsufficientError{Role: role, bound: t.JKT() != ""}
	}
	return nil
}
