package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"sync"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/bcrypt"
)

// password is everybody's.
const password = "correct horse battery"

// jwks answers with the bytes that the issuer answered with.
func jwks(file string) echo.HandlerFunc {
	body := sync.OnceValues(func() ([]byte, error) { return os.ReadFile(file) })
	return func(c echo.Context) error {
		b, err := body()
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, b)
	}
}

// login checks one password.
func login(hash []byte) echo.HandlerFunc {
	return func(c echo.Context) error {
		var in struct{ Email, Password string }
		if err := json.NewDecoder(c.Request().Body).Decode(&in); err != nil {
			return echo.ErrBadRequest
		}
		if bcrypt.CompareHashAndPassword(hash, []byte(in.Password)) != nil {
			return echo.ErrUnauthorized
		}
		return c.JSON(http.StatusOK, tokens{AccessToken: "a", TokenType: "Bearer", ExpiresIn: 600, RefreshToken: "r"})
	}
}

type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
}

// refresh makes one durable write, in a group with others that wait, and one
// signature.
func refresh(disk *journal, sign signer) echo.HandlerFunc {
	return func(c echo.Context) error {
		var in struct {
			RefreshToken string `json:"refresh_token"`
		}
		if err := json.NewDecoder(c.Request().Body).Decode(&in); err != nil || in.RefreshToken == "" {
			return echo.ErrBadRequest
		}
		var record [recordSize]byte
		if _, err := rand.Read(record[:56]); err != nil {
			return err
		}
		if err := disk.write(record); err != nil {
			return err
		}
		access, err := sign()
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, tokens{AccessToken: access, TokenType: "Bearer", ExpiresIn: 600,
			RefreshToken: base64.RawURLEncoding.EncodeToString(record[:56])})
	}
}
