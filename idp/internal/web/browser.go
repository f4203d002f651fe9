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
	direct    access = iota // none: no CORS at all
	anywhere                // any page: public bytes, never with credentials
	published               // as anywhere, and the bytes are never shown as a page
	pages                   // the configured origins, without credentials
	session                 // the configured origins only, with their cookie
	page                    // none: a person sees the answer, and errors are pages too
)

// guard puts before a handler what the access asks for.
func (a access) guard(next echo.HandlerFunc, origins []string) echo.HandlerFunc {
	switch a {
	case anywhere, pages:
		return a.share(next, origins)
	case published:
		return bare(a.share(next, origins))
	case session:
		return a.share(onlyFrom(next, origins), origins)
	case page:
		return forPeople(next)
	}
	return next
}

// What any page may read.
var (
	anyOrigin = shared("*")
	exposed   = shared("DPoP-Nonce, ETag, Retry-After, WWW-Authenticate, X-Request-Id")
)

// allow writes the CORS headers for the page that asks, and says whether it
// may read the answer.
func (a access) allow(c echo.Context, origins []string) bool {
	h := c.Response().Header()
	if a == anywhere || a == published {
		h[echo.HeaderAccessControlAllowOrigin] = anyOrigin
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

// bare takes off what a browser obeys in a page, since with nosniff it makes
// none of these bytes, and the id of the request: the answer is one for all, and
// caches keep it. A map of Go's holds eight headers before it grows, and the
// keys are asked for more than anything else. An error has its id.
func bare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		id := h[requestID]
		for _, name := range []string{echo.HeaderContentSecurityPolicy, echo.HeaderReferrerPolicy, requestID} {
			delete(h, name)
		}
		err := next(c)
		if err != nil {
			h[requestID] = id
		}
		return err
	}
}

// peopleKey marks a request whose answer a person sees.
const peopleKey = "signet.people"

// forPeople makes the errors of a route pages. A form on a page without a
// referrer would be sent with the origin "null" (Fetch, section 4.6), so the
// origin is told to ourselves, and to nobody else.
func forPeople(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set(peopleKey, true)
		c.Response().Header().Set(echo.HeaderReferrerPolicy, "same-origin")
		return next(c)
	}
}

func (a access) share(next echo.HandlerFunc, origins []string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if a.allow(c, origins) {
			c.Response().Header()[echo.HeaderAccessControlExposeHeaders] = exposed
		}
		return next(c)
	}
}

// onlyFrom is the guard of the cookie against request forgery. SameSite holds
// off other sites; a neighbour under the same site is held off here, since the
// browser sends Origin with every POST and no script can set it.
func onlyFrom(next echo.HandlerFunc, origins []string) echo.HandlerFunc {
	return func(c echo.Context) error {
		lines := c.Request().Header.Values(echo.HeaderOrigin)
		if len(lines) != 1 || !slices.Contains(origins, lines[0]) {
			return &wire.Error{Status: http.StatusForbidden, Code: wire.CodeAccessDenied,
				Description: "the Origin header must be one of browser.origins in the issuer's configuration"}
		}
		return next(c)
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
			h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, DPoP, If-None-Match, Prefer")
			h.Set(echo.HeaderAccessControlMaxAge, "600")
		}
		return c.NoContent(http.StatusNoContent)
	}
}
