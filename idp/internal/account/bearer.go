package account

import (
	"slices"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/live"
	"signet/idp/internal/wire"
)

// bearer authenticates the caller by an access token (RFC 6750). A resource
// server may trust the signature alone; the issuer asks its store as well, so a
// token whose grant has ended, or that was revoked, does not work here.
//
// Clients may ask who the person is, with the scope openid, which is what
// userinfo tells them too.
func (a *API) bearer(c echo.Context, path string) (live.Access, error) {
	access, err := a.Bearer.Request(c.Response(), c.Request(), a.Issuer+path, "")
	switch {
	case err != nil:
		return live.Access{}, err
	case !access.Person || !firstParty(access) && !slices.Contains(access.Scopes(), wire.ScopeOpenID):
		return live.Access{}, a.Bearer.Insufficient(access, wire.ScopeOpenID)
	}
	return access, nil
}

// owner is bearer for what only the person may do: no scope that a client asks
// for says that it may change a password, and a client ends its own grant by
// giving its token back (RFC 7009).
func (a *API) owner(c echo.Context, path string) (live.Access, error) {
	access, err := a.bearer(c, path)
	if err == nil && !firstParty(access) {
		err = a.Bearer.Insufficient(access, "")
	}
	return access, err
}

func firstParty(access live.Access) bool { return access.ClientID == ClientID }
