package control

import (
	"context"
	"errors"
	"time"

	"signet/data"
)

// Invited is an invitation with its code, which nobody can ask for again.
type Invited struct {
	Code         string    `json:"code"`
	Email        string    `json:"email,omitzero"` // "": whoever has the code
	Roles        []string  `json:"roles,omitzero"`
	ExpiresAt    time.Time `json:"expires_at"`
	Registration string    `json:"registration"` // the setting
}

// Invitation is what Invite needs.
type Invitation struct {
	Email   string   `json:"email,omitzero"`
	Roles   []string `json:"roles,omitzero"`
	Seconds int64    `json:"seconds"` // how long it can be used
}

// Invite makes an invitation. It fails with Usage, and with Refused where the
// e-mail has an account.
func (c *Client) Invite(ctx context.Context, i Invitation) (Invited, error) {
	return call[Invitation, Invited](ctx, c, opInvite, i)
}

func (s *Services) invite(ctx context.Context, in Invitation) (Invited, error) {
	var email data.Email
	if in.Email != "" {
		var err error
		if email, err = data.ParseEmail(in.Email); err != nil {
			return Invited{}, err
		}
		switch _, err := s.Store.UserByEmail(ctx, email); {
		case err == nil:
			return Invited{}, taken(email)
		case !errors.Is(err, data.ErrNoUser):
			return Invited{}, err
		}
	}
	if in.Seconds <= 0 {
		return Invited{}, errorf(Usage, "an invitation needs a time in which it can be used")
	}
	code, inv, err := s.Store.CreateInvitation(ctx, email, in.Roles, time.Duration(in.Seconds)*time.Second)
	if err != nil {
		return Invited{}, err
	}
	s.did(ctx, opInvite, "invitation", inv.Hash.String(), "expires", inv.ExpiresAt)
	return Invited{
		Code: string(code), Email: email.String(), Roles: inv.Roles, ExpiresAt: inv.ExpiresAt, Registration: s.Registration,
	}, nil
}
