package echoauth_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"signet/resource"
	"signet/resource/echoauth"
	"signet/resource/resourcetest"
)

func TestEveryRouteOfAnEchoIsGuarded(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, "https://id.example", "api")
	v := issuer.Verifier(t, resource.WithResource("https://api.example"))
	done := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	e := echo.New()
	e.GET("/posts", done, echoauth.Middleware(v))
	e.POST("/posts", done, echoauth.RequireScope(v, "posts"))
	e.DELETE("/posts/:id", done, echoauth.RequireRole(v, "admin"))
	resourcetest.Refuses(t, e, issuer, "GET /posts", "POST /posts", "DELETE /posts/1")
	resourcetest.Needs(t, e, issuer, resourcetest.Scope("posts"), "POST /posts")
	resourcetest.Needs(t, e, issuer, resourcetest.Roles("admin"), "DELETE /posts/1")
}
