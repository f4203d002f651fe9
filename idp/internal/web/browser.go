package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/wire"
)

// access says which pages in a browser may call a route. Programs outside a
// browser are not concerned, except by session.
type access int

const (
	direct   access = iota // none: no CORS at all
	anywhere               // any page: public bytes, never with credentials
	pages                  // the configured origins, without credentials
	session                // the configured origins only, with their cookie
)

func (a access) middleware(origins []string) []echo.MiddlewareFunc {
	switch a {
	case anywhere, pages:
		return []echo.MiddlewareFunc{a.share(origins)}
	case session:
		return []echo.MiddlewareFunc{a.share(origins), onlyFrom(origins)}
	}
	return nil
}

// allow writes the CORS headers for the page that asks, and says whether it
// may read the answer.
func (a access) allow(c echo.Context, origins []string) bool {
	h := c.Response().Header()
	if a == anywhere {
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
		return true
	}
	h.Add(echo.HeaderVary, echo.HeaderOrigin)
	origin := c.Request().Header.Get(echo.HeaderOrigin)
	if !slices.Contains(origins, origin) {
		return false
	}
	h.Set(echo.HeaderAccessControlAllowOrigin, origin)
	if a == session {
		h.Set(echo.HeaderAccessControlAllowCredentials, "true")
	}
	return true
}

func (a access) share(origins []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if a.allow(c, origins) {
				c.Response().Header().Set(echo.HeaderAccessControlExposeHeaders, "ETag, Retry-After, X-Request-Id")
			}
			return next(c)
		}
	}
}

// onlyFrom is the guard of the cookie against request forgery. SameSite holds
// off other sites; a neighbour under the same site is held off here, since the
// browser sends Origin with every POST and no script can set it.
func onlyFrom(origins []string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			lines := c.Request().Header.Values(echo.HeaderOrigin)
			if len(lines) != 1 || !slices.Contains(origins, lines[0]) {
				return &wire.Error{Status: http.StatusForbidden, Code: wire.CodeAccessDenied,
					Description: "the Origin header must be one of browser.origins in the issuer's configuration"}
			}
			return next(c)
		}
	}
}

// preflight answers the browser's question before a request (Fetch, section
// 4.8). For ten minutes it need not ask again.
func preflight(a access, origins, methods []string) echo.HandlerFunc {
	allowed := strings.Join(methods, ", ")
	return func(c echo.Context) error {
		if a.allow(c, origins) {
			h := c.Response().Header()
			h.Set(echo.HeaderAccessControlAllowMethods, allowed)
			h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, If-None-Match, Prefer")
			h.Set(echo.HeaderAccessControlMaxAge, "600")
		}
		return c.NoContent(http.StatusNoContent)
	}
}
