package control

import (
	"context"
	"time"

	"signet/idp/internal/client"
)

// InitialToken is what CreateInitialToken needs.
type InitialToken struct {
	Note    string `json:"note,omitzero"` // whom it is for
	Uses    int    `json:"uses"`          // how many clients may register with it
	Seconds int64  `json:"seconds"`       // how long it can be used
}

// InitialTokenMade is an initial access token, which nobody can ask for again
// (RFC 7591, section 3).
type InitialTokenMade struct {
	Token        string    `json:"initial_access_token"`
	Uses         int       `json:"uses"`
	ExpiresAt    time.Time `json:"expires_at"`
	Registration string    `json:"client_registration"` // the setting
}

// CreateInitialToken makes a token with which clients register themselves.
func (c *Client) CreateInitialToken(ctx context.Context, in InitialToken) (InitialTokenMade, error) {
	return call[InitialToken, InitialTokenMade](ctx, c, opInitialToken, in)
}

// maxUses bounds the clients of one token.
const maxUses = 10_000

func (s *Services) initialToken(ctx context.Context, in InitialToken) (InitialTokenMade, error) {
	if in.Uses < 1 || in.Uses > maxUses || in.Seconds <= 0 {
		return InitialTokenMade{}, errorf(Usage, "an initial token needs a time, and from 1 to %d uses", maxUses)
	}
	text, made, err := client.NewInitialToken(ctx, s.Store, in.Note, in.Uses, s.Now(), time.Duration(in.Seconds)*time.Second)
	if err != nil {
		return InitialTokenMade{}, err
	}
	s.did(ctx, opInitialToken, "token", made.Hash.String(), "uses", made.Uses, "expires", made.ExpiresAt)
	return InitialTokenMade{Token: text, Uses: made.Uses, ExpiresAt: made.ExpiresAt, Registration: s.ClientRegistration}, nil
}
