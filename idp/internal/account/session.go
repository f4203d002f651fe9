package account

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/grant"
	"signet/idp/internal/wire"
)

// SessionLogin answers POST /session/login: as /login, but the refresh token
// goes into a cookie that scripts cannot read, and the body holds only the
// access token. The session that was in this browser ends.
func (a *API) SessionLogin(c echo.Context) error {
	person, profile, err := a.authenticate(c)
	if err != nil {
		return err
	}
	if err := a.endSessions(c); err != nil {
		return err
	}
	issued, answer, err := a.start(c.Request().Context(), person.User, profile)
	if err != nil {
		return err
	}
	a.cookies.remember(c, person.KnownCookie)
	return a.answerSession(c, issued, answer)
}

// SessionRefresh answers POST /session/refresh: the cookie's refresh token
// for its successor, in the cookie again.
func (a *API) SessionRefresh(c echo.Context) error {
	var in struct {
		Audience string `json:"audience"`
	}
	if err := wire.ReadJSON(c.Request(), &in); err != nil {
		return err
	}
	refreshToken, err := a.cookies.session(c)
	if err != nil {
		return err
	}
	issued, answer, err := a.turn(c.Request().Context(), refreshToken, in.Audience)
	if err != nil {
		// The cookie stays: by now it may be a newer one, of a login in
		// another tab. A dead one is harmless, and the next login replaces it.
		return err
	}
	return a.answerSession(c, issued, answer)
}

// SessionLogout answers POST /session/logout: the grant ends and the cookie
// goes.
func (a *API) SessionLogout(c echo.Context) error {
	if err := wire.ReadJSON(c.Request(), &struct{}{}); err != nil {
		return err
	}
	if err := a.endSessions(c); err != nil {
		return err
	}
	a.cookies.forget(c)
	return noContent(c)
}

// endSessions ends every grant whose token is in the browser's cookies. One
// that a neighbour has planted keeps nobody from ending their own.
func (a *API) endSessions(c echo.Context) error {
	for _, refreshToken := range a.cookies.values(c, a.cookies.sessionName) {
		if err := a.end(c.Request().Context(), refreshToken); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) answerSession(c echo.Context, issued grant.Issued, answer tokens) error {
	a.cookies.keep(c, answer.RefreshToken, issued.Grant.ExpiresAt.Sub(a.Now()))
	answer.RefreshToken = ""
	return c.JSON(http.StatusOK, answer)
}
