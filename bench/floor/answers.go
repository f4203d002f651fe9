package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
)

// password is everybody's.
const password = "correct horse battery"

// tokens is what a token endpoint answers.
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// login checks one password. hash makes the hash at the first request.
func login(hash func() ([]byte, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		var in struct{ Email, Password string }
		if err := json.NewDecoder(c.Request().Body).Decode(&in); err != nil {
			return echo.ErrBadRequest
		}
		known, err := hash()
		if err != nil {
			return err
		}
		if bcrypt.CompareHashAndPassword(known, []byte(in.Password)) != nil {
			return echo.ErrUnauthorized
		}
		return c.JSON(http.StatusOK, tokens{AccessToken: "a", TokenType: "Bearer", ExpiresIn: 600, RefreshToken: "r"})
	}
}

// credentials makes one signature.
func credentials(sign signer) echo.HandlerFunc {
	return func(c echo.Context) error {
		if grant, err := readForm(c, "grant_type"); err != nil || grant != "client_credentials" {
			return echo.ErrBadRequest
		}
		access, err := sign.token()
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, tokens{AccessToken: access, TokenType: "Bearer", ExpiresIn: 600})
	}
}

// refresh makes one durable write, in a group with others that wait, and one
// signature, or two with an ID token.
func refresh(read reader, disk *journal, sign signer, id bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		if token, err := read(c, "refresh_token"); err != nil || token == "" {
			return echo.ErrBadRequest
		}
		return writeAndSign(c, disk, sign, id)
	}
}

func writeAndSign(c echo.Context, disk *journal, sign signer, id bool) (err error) {
	out := tokens{TokenType: "Bearer", ExpiresIn: 600}
	if out.RefreshToken, err = disk.remember(); err != nil {
		return err
	}
	if out.AccessToken, err = sign.token(); err != nil {
		return err
	}
	if id {
		if out.IDToken, err = sign.token(); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, out)
}

// authorize writes a code down, durably, and sends the browser on with it.
func authorize(disk *journal) echo.HandlerFunc {
	return func(c echo.Context) error {
		code, err := disk.remember()
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusFound, c.QueryParam("redirect_uri")+"?code="+code+"&state="+c.QueryParam("state"))
	}
}

// redeem spends a code and writes a grant, in one durable write, and signs an
// access token and an ID token.
func redeem(disk *journal, sign signer) echo.HandlerFunc {
	return func(c echo.Context) error {
		if code, err := readForm(c, "code"); err != nil || code == "" {
			return echo.ErrBadRequest
		}
		return writeAndSign(c, disk, sign, true)
	}
}

// introspect and userinfo check one signature and answer with bytes that were
// answered before.
func introspect(check verifier, f files) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := readForm(c, "token")
		if err != nil || !check(token) {
			return echo.ErrBadRequest
		}
		return f.same(c)
	}
}

func userinfo(check verifier, f files) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, shown := strings.CutPrefix(c.Request().Header.Get(echo.HeaderAuthorization), "Bearer ")
		if !shown || !check(token) {
			return echo.ErrUnauthorized
		}
		return f.same(c)
	}
}

// revoke checks one signature and makes one durable write.
func revoke(check verifier, disk *journal) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := readForm(c, "token")
		if err != nil || !check(token) {
			return echo.ErrBadRequest
		}
		if _, err := disk.remember(); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	}
}

// reader finds a parameter of a request.
type reader func(c echo.Context, name string) (string, error)

func readForm(c echo.Context, name string) (string, error) {
	err := c.Request().ParseForm()
	return c.Request().PostForm.Get(name), err
}

func readJSON(c echo.Context, _ string) (string, error) {
	var in struct {
		RefreshToken string `json:"refresh_token"`
	}
	err := json.NewDecoder(c.Request().Body).Decode(&in)
	return in.RefreshToken, err
}

// remember writes a new record and returns its random part, as text.
func (j *journal) remember() (string, error) {
	var record [recordSize]byte
	const random = 56
	if _, err := rand.Read(record[:random]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(record[:random]), j.write(record)
}
