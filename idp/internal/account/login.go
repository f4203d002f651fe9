package account

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
)

type loginBody struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Audience string `json:"audience"`
}

// Login answers POST /login: a person's password for the tokens of a new
// grant.
func (a *API) Login(c echo.Context) error {
	person, profile, err := a.authenticate(c)
	if err != nil {
		return err
	}
	_, answer, err := a.start(c.Request().Context(), person.User, profile)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

// authenticate reads a login and proves the person. The audience is looked at
// first: it costs nothing, and a mistake in it is no wrong password.
func (a *API) authenticate(c echo.Context) (signin.LoginResult, mint.Profile, error) {
	var in loginBody
	if err := wire.ReadJSON(c.Request(), &in); err != nil {
		return signin.LoginResult{}, mint.Profile{}, err
	}
	if in.Email == "" {
		return signin.LoginResult{}, mint.Profile{}, wire.Field("email", "it is missing")
	}
	if in.Password == "" {
		return signin.LoginResult{}, mint.Profile{}, wire.Field("password", "it is missing")
	}
	profile, err := a.Mint.Profile(in.Audience)
	if err != nil {
		return signin.LoginResult{}, mint.Profile{}, err
	}
	person, err := a.SignIn.Login(c.Request().Context(), signin.LoginRequest{
		Email: in.Email, Password: in.Password, Addr: address(c), Known: a.cookies.known(c),
	})
	return person, profile, err
}

type refreshBody struct {
	RefreshToken string `json:"refresh_token"`
	Audience     string `json:"audience"`
}

// Refresh answers POST /refresh: a refresh token for its successor and a new
// access token.
func (a *API) Refresh(c echo.Context) error {
	in, err := readRefresh(c)
	if err != nil {
		return err
	}
	_, answer, err := a.turn(c.Request().Context(), in.RefreshToken, in.Audience)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

func readRefresh(c echo.Context) (refreshBody, error) {
	var in refreshBody
	if err := wire.ReadJSON(c.Request(), &in); err != nil {
		return in, err
	}
	if in.RefreshToken == "" {
		return in, wire.Field("refresh_token", "it is missing")
	}
	return in, nil
}

// Logout answers POST /logout {"refresh_token"}, and DELETE /logout with the
// same body or with a Bearer token: the grant ends. A grant that had ended
// already is no error, or nobody could repeat a logout whose answer was lost.
func (a *API) Logout(c echo.Context) error {
	ctx := c.Request().Context()
	if c.Request().Method == http.MethodDelete && c.Request().Header.Get(echo.HeaderAuthorization) != "" {
		who, err := a.owner(c, "/logout")
		if err != nil {
			return err
		}
		if _, err := a.Grants.EndByID(ctx, who.Grant.ID, who.User.ID); err != nil {
			return err
		}
		return noContent(c)
	}
	in, err := readRefresh(c)
	if err != nil {
		return err
	}
	if err := a.end(ctx, in.RefreshToken); err != nil {
		return err
	}
	return noContent(c)
}

// Me answers GET /me: the person whom the access token speaks of.
func (a *API) Me(c echo.Context) error {
	who, err := a.bearer(c, "/me")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, meOf(who))
}

// me is the person as the client may know them: under the name that its tokens
// have, and with the e-mail only if that is in its scope.
type me struct {
	ID            string   `json:"id"`
	Email         string   `json:"email,omitempty"`
	EmailVerified *bool    `json:"email_verified,omitempty"`
	Roles         []string `json:"roles"`
}

func meOf(who live.Access) me {
	out := me{ID: who.Subject, Roles: who.User.Roles}
	if !firstParty(who) {
		out.Roles = who.Client.Roles(out.Roles, who.Scope)
	}
	if out.Roles == nil {
		out.Roles = []string{}
	}
	if firstParty(who) || slices.Contains(who.Scopes(), wire.ScopeEmail) {
		out.Email, out.EmailVerified = who.User.Email, &who.User.EmailVerified
	}
	return out
}

// ChangePassword answers POST /me/password: a new password, which ends every
// grant of the person but the one that asks.
func (a *API) ChangePassword(c echo.Context) error {
	who, err := a.owner(c, "/me/password")
	if err != nil {
		return err
	}
	var in struct {
		Current string `json:"current"`
		New     string `json:"new"`
	}
	if err := wire.ReadJSON(c.Request(), &in); err != nil {
		return err
	}
	if in.Current == "" {
		return wire.Field("current", "it is missing")
	}
	_, err = a.SignIn.ChangePassword(c.Request().Context(), who.User.ID, in.Current, in.New, &who.Grant.ID, address(c))
	if err != nil {
		return err
	}
	return noContent(c)
}
