package token

import (
	"context"
	"fmt"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
)

// refresh takes the next step of a grant (RFC 6749, section 6). A scope or a
// resource that is asked for makes this access token a smaller one; the grant
// keeps what it has, and so does the new refresh token.
func (a *API) refresh(ctx context.Context, r request) (allowed, error) {
	refreshToken, err := r.form.Need("refresh_token")
	if err != nil {
		return allowed{}, err
	}
	var scope string
	var profile mint.Profile
	issued, err := a.Grants.Turn(ctx, refreshToken, func(g data.Grant, _ data.User) (err error) {
		switch {
		case g.Client != r.self.ID:
			return fmt.Errorf("%w to this client", grant.ErrUnknown)
		case g.JKT != "" && g.JKT != r.jkt: // RFC 9449, section 5
			return fmt.Errorf("%w to this key", grant.ErrUnknown)
		}
		if scope, err = narrow(g.Scope, r.form.Get("scope")); err != nil {
			return err
		}
		profile, err = a.profile(r, g.Audience)
		return err
	})
	if err != nil {
		return allowed{}, err
	}
	return a.person(r, issued, profile, scope, "")
}
