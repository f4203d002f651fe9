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

// Middleware lets a request pass when it carries a token that g accepts, and
// else answers as g's own Middleware does.
func Middleware(g resource.Guard) echo.MiddlewareFunc {
	return Require(g, resource.Requirement{})
}

// Require is Middleware, and wants what need says too.
func Require(g resource.Guard, need resource.Requirement) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r, ok := g.Admit(c.Response(), c.Request(), need)
			if !ok {
				return nil
			}
			c.SetRequest(r)
			return next(c)
		}
	}
}

// RequireScope is Require for every one of scopes.
func RequireScope(g resource.Guard, scopes ...string) echo.MiddlewareFunc {
	return Require(g, resource.Requirement{Scopes: scopes})
}

// RequireRole is Require for one role.
func RequireRole(g resource.Guard, role string) echo.MiddlewareFunc {
	return Require(g, resource.Requirement{Roles: []string{role}})
}

// Token returns the token of a request that was let pass.
func Token(c echo.Context) (*resource.Token, bool) {
	return resource.FromContext(c.Request().Context())
}
