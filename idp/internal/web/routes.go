package web

import (
	"net/http"
	"strings"
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
	e := o.Endpoints
	a, i := e.Account, e.Interact
	list := assets(o)
	if e.CheckSession {
		list = append(list, route{http.MethodGet, "/oauth2/check_session", page, e.Logout.CheckSession, false})
	}
	return append(list, []route{
		{http.MethodGet, "/ping", anywhere, ping, false},
		{http.MethodGet, "/healthz", direct, health(o.Healthy), false},
		{http.MethodGet, "/readyz", direct, health(o.Ready), false},

		{http.MethodGet, "/.well-known/jwks.json", published, e.JWKS.Get, false},
		{http.MethodGet, "/.well-known/openid-configuration", published, e.Metadata.Get, false},
		{http.MethodGet, "/.well-known/oauth-authorization-server", published, e.Metadata.Get, true},

		{http.MethodGet, "/oauth2/authorize", page, e.Authorize.Authorize, false},
		{http.MethodPost, "/oauth2/authorize", page, e.Authorize.Authorize, false},
		{http.MethodGet, "/oauth2/authorize/continue", page, e.Authorize.Continue, false},
		{http.MethodPost, "/oauth2/par", anywhere, e.Pushed.Push, false},
		{http.MethodPost, "/oauth2/token", anywhere, e.Token.Token, false},
		{http.MethodPost, "/oauth2/device_authorization", anywhere, e.Device.Authorize, false},
		{http.MethodGet, "/oauth2/userinfo", anywhere, e.Userinfo.Userinfo, false},
		{http.MethodPost, "/oauth2/userinfo", anywhere, e.Userinfo.Userinfo, false},
		{http.MethodPost, "/oauth2/introspect", direct, e.Introspect.Introspect, false},
		{http.MethodPost, "/oauth2/revoke", anywhere, e.Introspect.Revoke, false},
		{http.MethodGet, "/oauth2/status_lists", published, e.StatusLists.All, false},
		{http.MethodGet, "/oauth2/status_lists/:id", published, e.StatusLists.List, false},
		{http.MethodPost, "/oauth2/register", anywhere, e.Registration.Register, false},
		{http.MethodGet, "/oauth2/register/:id", anywhere, e.Registration.Read, false},
		{http.MethodPut, "/oauth2/register/:id", anywhere, e.Registration.Update, false},
		{http.MethodDelete, "/oauth2/register/:id", anywhere, e.Registration.Delete, false},

		{http.MethodGet, "/oauth2/logout", page, e.Logout.Logout, false},
		{http.MethodPost, "/oauth2/logout", page, e.Logout.Logout, false},
		{http.MethodPost, "/oauth2/logout/confirm", page, e.Logout.Confirm, false},

		{http.MethodGet, "/sign-in", page, i.ShowSignIn, false},
		{http.MethodPost, "/sign-in", page, i.DoSignIn, false},
		{http.MethodGet, "/sign-up", page, i.ShowSignUp, false},
		{http.MethodPost, "/sign-up", page, i.DoSignUp, false},
		{http.MethodGet, "/accounts", page, i.ShowAccounts, false},
		{http.MethodPost, "/accounts", page, i.ChooseAccount, false},
		{http.MethodGet, "/consent", page, i.ShowConsent, false},
		{http.MethodPost, "/consent", page, i.Consent, false},
		{http.MethodGet, "/device", page, i.ShowDevice, false},
		{http.MethodPost, "/device", page, i.Device, false},
		{http.MethodGet, "/signed-out", page, i.ShowSignedOut, false},
		{http.MethodGet, "/account", page, i.ShowAccount, false},
		{http.MethodPost, "/account/name", page, i.ChangeName, false},
		{http.MethodPost, "/account/password", page, i.ChangePassword, false},
		{http.MethodPost, "/account/devices", page, i.SignOutDevice, false},
		{http.MethodPost, "/account/apps", page, i.RemoveApp, false},
		{http.MethodPost, "/account/sign-out", page, i.SignOut, false},
		{http.MethodGet, "/.well-known/change-password", page, i.ChangePasswordAddress, false},

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
	}...)
}

// assets are the static files of the pages.
func assets(o Options) (list []route) {
	for _, a := range o.Pages.Assets() {
		list = append(list, route{http.MethodGet, strings.TrimPrefix(a.Path, base(o)), direct, asset(a), false})
	}
	return list
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
