package introspect

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/resource/token"
)

// Revoke answers POST /oauth2/revoke (RFC 7009). A token that is not valid, or
// not the client's, is answered like one that was revoked: there is nothing
// left to do, and nothing to learn.
func (a *API) Revoke(c echo.Context) error {
	who, form, err := a.caller(c)
	if err != nil {
		return err
	}
	raw, err := form.Need("token")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if strings.HasPrefix(raw, grant.Prefix) {
		err = a.revokeRefresh(ctx, who, raw)
	} else {
		err = a.revokeAccess(ctx, who, raw)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

var errNotTheirs = errors.New("introspect: the grant is another client's")

// revokeRefresh ends the grant, and with it the access tokens that the issuer
// itself is shown (RFC 7009, section 2.1). A spent one ends it, too.
func (a *API) revokeRefresh(ctx context.Context, who *client.Client, raw string) error {
	ending, err := a.Grants.End(ctx, raw, func(g data.Grant, _ data.User) error {
		if g.Client != who.ID {
			return errNotTheirs
		}
		return nil
	})
	if errors.Is(err, grant.ErrInvalid) || errors.Is(err, errNotTheirs) {
		return nil
	}
	if err == nil && ending == grant.GrantEnded {
		a.Logger.Info("a client gave a refresh token back", "event", "token_revoked", "client", who.ID)
	}
	return err
}

// revokeAccess makes the one token invalid wherever the issuer is asked. Its
// grant goes on (RFC 7009, section 2.1).
func (a *API) revokeAccess(ctx context.Context, who *client.Client, raw string) error {
	access, err := a.Live.AccessIf(ctx, raw, func(c token.Claims) bool { return c.ClientID == who.ID })
	if errors.Is(err, live.ErrDead) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.Live.Revoke(ctx, access); err != nil {
		return err
	}
	a.Logger.Info("a client gave an access token back", "event", "token_revoked", "client", who.ID)
	return nil
}
