package resource

import (
	"slices"
	"time"

	"signet/resource/token"
)

// Token is a verified access token. It never changes, and may be shared by
// requests that present the same one.
type Token struct {
	claims token.Claims
	scopes []string
	key    Key
	list   *statusList // that says whether it was revoked, or nil
}

// Subject is whom the token speaks for: a person's id, or the client's own.
func (t *Token) Subject() string { return t.claims.Subject }

// Issuer is who made the token. A subject, a client and a role mean something
// only together with it.
func (t *Token) Issuer() string { return t.claims.Issuer }

// ClientID is the client that the token was issued to.
func (t *Token) ClientID() string { return t.claims.ClientID }

// ID is the token's jti.
func (t *Token) ID() string { return t.claims.ID }

// SessionID names the grant that the token comes from, or is empty.
func (t *Token) SessionID() string { return t.claims.SessionID }

// ACR is how strongly the person was authenticated, or empty (RFC 9068 section
// 2.2.1).
func (t *Token) ACR() string { return t.claims.ACR }

// AuthTime is when the person last authenticated, or the zero time.
func (t *Token) AuthTime() time.Time { return t.claims.AuthTime.Time() }

// Actor is who acts for the subject (RFC 8693 section 4.1), or nil. Only the
// outermost one does; what it holds is a copy.
func (t *Token) Actor() *token.Actor { return t.claims.Actor.Clone() }

// JKT is the thumbprint of the key that the token is bound to (RFC 9449
// section 6.1), or empty for a bearer token. Whoever presented a bound token
// has proved to hold the key.
func (t *Token) JKT() string { return t.claims.Confirmation.JKT }

// KeyID is the kid of the key that the token was verified with, or the
// thumbprint of a key that is published without one.
func (t *Token) KeyID() string { return t.key.ID }

// Expiry is the moment from which the token is refused.
func (t *Token) Expiry() time.Time { return t.claims.Expiry.Time() }

// HasScope says whether the token carries every one of scopes.
func (t *Token) HasScope(scopes ...string) bool {
	for _, s := range scopes {
		if !slices.Contains(t.scopes, s) {
			return false
		}
	}
	return true
}

// HasRole says whether the person has the role.
func (t *Token) HasRole(role string) bool { return slices.Contains(t.claims.Roles, role) }

// Claims returns a copy of all that the token says.
func (t *Token) Claims() token.Claims { return t.claims.Clone() }
