// Command floor does the least that anybody would have to do for what the
// bench asks of Signet: it is what Signet is measured against. It takes the
// settings that the issuer takes, as far as it has them, from the environment.
//
// It is honest about the work that cannot be left out (reading JSON, a bcrypt,
// a durable write, a signature) and does nothing else: it keeps no accounts and
// protects nobody. Never use it for anything but measuring.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func serve() error {
	state := os.Getenv("SIGNET_STATE")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	cost, err := strconv.Atoi(os.Getenv("SIGNET_PASSWORDS_BCRYPT_COST"))
	if err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return err
	}
	disk, err := openJournal(filepath.Join(state, "journal"))
	if err != nil {
		return err
	}
	sign, err := newSigner(os.Getenv("SIGNET_ISSUER"))
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.GET("/.well-known/jwks.json", jwks(filepath.Join(state, "jwks.json")))
	e.POST("/login", login(hash))
	e.POST("/refresh", refresh(disk, sign))
	return e.Start(os.Getenv("SIGNET_LISTEN"))
}
