package echoauth_test

import (
	"log"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"signet/resource"
	"signet/resource/echoauth"
)

func Example() {
	v, err := resource.New("https://id.example", "api", resource.WithResource("https://api.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()

	e := echo.New()
	hello := func(c echo.Context) error {
		t, _ := echoauth.Token(c)
		return c.String(http.StatusOK, "hello "+t.Subject())
	}
	e.GET(v.MetadataPath(), echo.WrapHandler(v.Metadata()))
	e.GET("/hello", hello, echoauth.Middleware(v))
	e.GET("/posts", hello, echoauth.RequireScope(v, "posts"))
	e.GET("/admin", hello, echoauth.RequireRole(v, "admin"))
	e.POST("/transfers", hello, echoauth.Require(v, resource.Requirement{Scopes: []string{"transfer"}, MaxAge: 5 * time.Minute}))
	log.Fatal(e.Start("localhost:3000"))
}
