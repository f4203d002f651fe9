package userinfo

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/bearer"
	"signet/idp/internal/claims"
	"signet/idp/internal/client"
	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// Options name the services that the endpoint uses; all are needed.
type Options struct {
	Bearer *bearer.Service
	Mint   *mint.Mint
	URL    string // of this endpoint
}

// API holds the endpoint.
type API struct {
	Options
}

// New makes the endpoint.
func New(o Options) *API { return &API{o} }

// Userinfo answers GET and POST /oauth2/userinfo, as JSON or, for a client that
// registered an algorithm, as a signed JWT (Core, section 5.3.2).
func (a *API) Userinfo(c echo.Context) error {
	inBody, err := bearer.InBody(c.Request())
	if err != nil {
		return err
	}
	access, err := a.Bearer.Request(c.Response(), c.Request(), a.URL, inBody)
	if err != nil {
		return err
	}
	if !access.Person || access.Client != nil && !slices.Contains(access.Scopes(), wire.ScopeOpenID) {
		return a.Bearer.Insufficient(access, wire.ScopeOpenID)
	}
	answer, err := about(access)
	if err != nil {
		return err
	}
	if access.Client == nil || access.Client.UserinfoAlg == "" {
		return c.JSON(http.StatusOK, answer)
	}
	return a.signed(c, access.Client, answer)
}

// about is what the token may hear. Its sub is that of the ID token (Core,
// section 5.3.2). What the claims parameter asked for was allowed to the client
// that asked, and to none that has exchanged the token for one of its own.
func about(access live.Access) (map[string]any, error) {
	var asked claims.Request
	if access.ClientID == access.Grant.Client {
		var err error
		if asked, err = claims.Parse(access.Grant.Claims); err != nil {
			return nil, fmt.Errorf("userinfo: the claims parameter in a grant: %v", err) // it was checked before it was stored
		}
	}
	answer := claims.Userinfo(access.User, access.Scope, asked)
	answer["sub"] = access.Subject
	return answer, nil
}

func (a *API) signed(c echo.Context, owner *client.Client, answer map[string]any) error {
	checked, err := a.Mint.Userinfo(token.Alg(owner.UserinfoAlg), owner.ID, answer)
	if err != nil {
		return err
	}
	signed, err := a.Mint.Sign(checked)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/jwt", []byte(signed.Value))
}
