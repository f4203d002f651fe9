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
	size   int // bytes that it came in
}

// Subject is whom the token speaks for: a person's id, or the client's own.
func (t *Token) Subject() string { return t.claims.Subject }

// ClientID is the client that the token was issued to.
func (t *Token) ClientID() string { return t.claims.ClientID }

// ID is the token's jti.
func (t *Token) ID() string { return t.claims.ID }

// SessionID names the grant that the token comes from, or is empty.
func (t *Token) SessionID() string { return t.claims.SessionID }

// KeyID is the kid of the key that the token was verified with.
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
