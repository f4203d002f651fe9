package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/wire"
)

// route is one row of the table: every answer that the issuer can give.
type route struct {
	method, path string
	access       access // which pages in a browser may call it
	handler      echo.HandlerFunc
	rooted       bool // the issuer's path goes behind it (RFC 8414, section 3)
}

func routes(o Options) []route {
	a := o.Account
	return []route{
		{http.MethodGet, "/ping", anywhere, ping, false},
		{http.MethodGet, "/healthz", direct, health(o.Healthy), false},
		{http.MethodGet, "/readyz", direct, health(o.Ready), false},

		{http.MethodGet, "/.well-known/jwks.json", anywhere, o.JWKS.Get, false},
		{http.MethodGet, "/.well-known/openid-configuration", anywhere, o.Metadata.Get, false},
		{http.MethodGet, "/.well-known/oauth-authorization-server", anywhere, o.Metadata.Get, true},

		{http.MethodPost, "/register", pages, a.Register, false},
		{http.MethodPost, "/login", direct, a.Login, false},
		{http.MethodPost, "/refresh", direct, a.Refresh, false},
		{http.MethodPost, "/logout", direct, a.Logout, false},
		{http.MethodDelete, "/logout", direct, a.Logout, false},
		{http.MethodGet, "/me", pages, a.Me, false},
		{http.MethodPost, "/me/password", pages, a.ChangePassword, false},

		{http.MethodPost, "/session/login", session, a.SessionLogin, false},
		{http.MethodPost, "/session/refresh", session, a.SessionRefresh, false},
		{http.MethodPost, "/session/logout", session, a.SessionLogout, false},
	}
}

func ping(c echo.Context) error {
	return c.String(http.StatusOK, "pong\n")
}

// health answers 200, or 503 with the reason.
func health(check func() error) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := check(); err != nil {
			return wire.Unavailable(err.Error(), time.Second, err)
		}
		return c.String(http.StatusOK, "ok\n")
	}
}
