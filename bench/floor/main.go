// Command floor does the least that anybody would have to do for what the
// bench asks of Signet: it is what Signet is measured against. It takes the
// settings that the issuer takes, as far as it has them, from the environment.
//
// It is honest about the work that cannot be left out (reading a form or JSON,
// a bcrypt, a durable write, a signature made or checked with the standard
// library) and does nothing else: it keeps no accounts and protects nobody.
// Never use it for anything but measuring.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

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
	hash := sync.OnceValues(func() ([]byte, error) { return bcrypt.GenerateFromPassword([]byte(password), cost) })
	disk, err := openJournal(filepath.Join(state, "journal"))
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	routes(e, newFiles(state), hash, disk, os.Getenv("SIGNET_ISSUER"))
	return e.Start(os.Getenv("SIGNET_LISTEN"))
}

// routes has a path for each kind of work; the bench knows them.
func routes(e *echo.Echo, f files, hash func() ([]byte, error), disk *journal, issuer string) {
	e.GET("/readyz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.GET("/same", f.same)
	e.POST("/same", f.same)
	e.POST("/login", login(hash))
	for _, sign := range signers(issuer) {
		e.POST("/credentials/"+sign.alg, credentials(sign))
		e.POST("/refresh/json/"+sign.alg, refresh(readJSON, disk, sign, false))
		e.POST("/refresh/form/"+sign.alg, refresh(readForm, disk, sign, false))
		e.POST("/refresh/form/"+sign.alg+"/id", refresh(readForm, disk, sign, true))
		e.POST("/code/"+sign.alg, redeem(disk, sign))
	}
	e.GET("/authorize", authorize(disk))
	check := newVerifier(f)
	e.POST("/introspect", introspect(check, f))
	e.GET("/userinfo", userinfo(check, f))
	e.POST("/revoke", revoke(check, disk))
}
