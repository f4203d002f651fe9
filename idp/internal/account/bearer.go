package account

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/wire"
)

// caller is a person who showed an access token of a living grant.
type caller struct {
	user  data.User
	grant data.GrantID
}

// bearer authenticates the caller by the access token (RFC 6750, section
// 2.1). A resource server may trust the signature alone; the issuer has the
// store at hand and asks it as well, so a token whose grant has ended does not
// work here.
func (a *API) bearer(c echo.Context) (caller, error) {
	value, err := bearerToken(c.Request().Header)
	if err != nil {
		return caller{}, err
	}
	ctx := c.Request().Context()
	token, err := a.Bearer.Verify(ctx, value)
	if err != nil {
		return caller{}, invalidToken("The access token is not valid.", err)
	}
	// Tokens that other clients hold for an API of their own say nothing here.
	if token.ClientID() != ClientID && !token.HasScope("openid") {
		return caller{}, invalidToken("The access token was not issued for this.", nil)
	}
	id, err := data.ParseGrantID(token.SessionID())
	if err != nil {
		return caller{}, invalidToken("The access token belongs to no sign-in.", err)
	}
	g, user, err := a.Users.Grant(ctx, id)
	switch {
	case errors.Is(err, data.ErrNoGrant), errors.Is(err, data.ErrNoUser):
		return caller{}, invalidToken("The sign-in has ended.", err)
	case err != nil:
		return caller{}, err
	case !a.Users.Alive(g, user, a.Now()), string(user.ID) != token.Subject():
		return caller{}, invalidToken("The sign-in has ended.", nil)
	}
	return caller{user: user, grant: id}, nil
}

// challenge is what every 401 here begins with: a challenge without any
// parameter would be malformed (RFC 6750, section 3).
const challenge = `Bearer realm="signet"`

func bearerToken(h http.Header) (string, error) {
	lines := h.Values(echo.HeaderAuthorization)
	if len(lines) > 1 {
		return "", wire.Invalid("there is more than one Authorization header")
	}
	if len(lines) == 0 {
		// RFC 6750, section 3.1: no error value where nothing was shown.
		return "", &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken,
			Description: "An access token is needed: Authorization: Bearer …", Challenge: challenge}
	}
	scheme, value, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || value == "" {
		return "", &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken,
			Description: "The Authorization header must be of the form: Bearer TOKEN", Challenge: challenge}
	}
	return value, nil
}

func invalidToken(description string, cause error) error {
	return &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken, Description: description,
		Challenge: challenge + `, error="invalid_token"`, Cause: cause}
}
