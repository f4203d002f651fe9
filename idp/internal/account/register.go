package account

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
)

// Register answers POST /register: a new person.
func (a *API) Register(c echo.Context) error {
	var in struct {
		Email      string `json:"email"`
		Password   string `json:"password"`
		Invitation string `json:"invitation"`
	}
	if err := wire.ReadJSON(c.Request(), &in); err != nil {
		return err
	}
	user, err := a.SignIn.Register(c.Request().Context(), signin.RegisterRequest{
		Email: in.Email, Password: in.Password, Invitation: in.Invitation, Addr: address(c),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, struct {
		ID    string `json:"id"`
		Email string `json:"email"`
	}{string(user.ID), user.Email})
}
