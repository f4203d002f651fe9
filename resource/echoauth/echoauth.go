// Package echoauth is package resource for Echo: the same checks, the same
// answers. It is a package of its own so that others never compile Echo, and
// it never decides anything itself.
//
//	e.GET("/posts", posts, echoauth.Middleware(v))
//	e.GET("/admin", admin, echoauth.RequireRole(v, "admin"))
//
// In a handler, Token gives the token that was let pass.
package echoauth

import (
	"github.com/labstack/echo/v4"

	"signet/resource"
)

// Middleware lets a request pass when it carries a token that v accepts, and
// else answers as v.Middleware does.
func Middleware(v *resource.Verifier) echo.MiddlewareFunc {
	return require(v, func(*resource.Token) error { return nil })
}

// RequireScope is Middleware, and wants every one of scopes too.
func RequireScope(v *resource.Verifier, scopes ...string) echo.MiddlewareFunc {
	return require(v, func(t *resource.Token) error { return resource.CheckScope(t, scopes...) })
}

// RequireRole is Middleware, and wants the role too.
func RequireRole(v *resource.Verifier, role string) echo.MiddlewareFunc {
	return require(v, func(t *resource.Token) error { return resource.CheckRole(t, role) })
}

// Token returns the token of a request that was let pass.
func Token(c echo.Context) (*resource.Token, bool) {
	return resource.FromContext(c.Request().Context())
}

func require(v *resource.Verifier, check func(*resource.Token) error) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, t, err := v.Authenticate(c.Request())
			if err == nil {
				err = check(t)
			}
			if err != nil {
				v.WriteError(c.Response(), err)
				return nil
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}
