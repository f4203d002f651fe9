package account

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/wire"
)

// CookieOptions say where the browser variant keeps its cookies.
type CookieOptions struct {
	Path     string        // where the /session endpoints are
	Secure   bool          // false on a plain-http loopback issuer only
	KnownFor time.Duration // how long a browser is remembered
}

// cookies names and writes the cookies of the browser variant: one holds the
// refresh token, one proves that this browser has signed in before. Both are
// host-only, and no script and no other site's request gets at them.
type cookies struct {
	CookieOptions
	sessionName, knownName string
}

func newCookies(o CookieOptions) cookies {
	prefix := ""
	if o.Secure {
		// RFC 6265bis, section 4.1.3.1. __Host- would ask for Path=/, and so
		// for the cookie in every request.
		prefix = "__Secure-"
	}
	return cookies{CookieOptions: o, sessionName: prefix + "signet_session", knownName: prefix + "signet_known"}
}

// errNoCookie is a browser without a session.
var errNoCookie = wire.InvalidGrant("There is no session in this browser.", nil)

// session reads the refresh token. Two cookies of one name mean that a
// neighbour under the same domain has planted one: neither is believed.
func (k cookies) session(c echo.Context) (string, error) {
	values := k.values(c, k.sessionName)
	switch len(values) {
	case 0:
		return "", errNoCookie
	case 1:
		return values[0], nil
	}
	return "", wire.Invalid("there are two cookies named " + k.sessionName)
}

// known reads the proof of an earlier sign-in, or nothing.
func (k cookies) known(c echo.Context) string {
	values := k.values(c, k.knownName)
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

func (k cookies) values(c echo.Context, name string) []string {
	var values []string
	for _, cookie := range c.Request().CookiesNamed(name) {
		if cookie.Value != "" {
			values = append(values, cookie.Value)
		}
	}
	return values
}

func (k cookies) keep(c echo.Context, refreshToken string, lives time.Duration) {
	c.SetCookie(k.cookie(k.sessionName, refreshToken, lives))
}

// remember keeps the proof of this sign-in, where the settings want one.
func (k cookies) remember(c echo.Context, value string) {
	if value != "" {
		c.SetCookie(k.cookie(k.knownName, value, k.KnownFor))
	}
}

func (k cookies) forget(c echo.Context) {
	c.SetCookie(k.cookie(k.sessionName, "", -time.Second))
}

// cookie lives for at least a second; a negative life deletes it.
func (k cookies) cookie(name, value string, lives time.Duration) *http.Cookie {
	maxAge := max(int(lives/time.Second), 1)
	if lives < 0 {
		maxAge = -1
	}
	return &http.Cookie{Name: name, Value: value, Path: k.Path, MaxAge: maxAge,
		HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteStrictMode}
}
