package registration

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/wire"
)

// Read answers GET /oauth2/register/:id (RFC 7592, section 2.1).
func (a *API) Read(c echo.Context) error {
	of, token, err := a.owner(c)
	if err != nil {
		return err
	}
	return a.answer(c, http.StatusOK, of, "", token)
}

// notSent are the members that an update must not hold (RFC 7592, section
// 2.2).
var notSent = []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}

// Update answers PUT /oauth2/register/:id: it replaces all that the client
// says of itself (RFC 7592, section 2.2).
func (a *API) Update(c echo.Context) error {
	ctx := c.Request().Context()
	of, token, err := a.owner(c)
	if err != nil {
		return err
	}
	// A stranger's update is written like a registration, and may make us fetch
	// a sector_identifier_uri: one client could keep us busy with that.
	if err := a.count(c); err != nil {
		return err
	}
	said, err := readRequest(c.Request())
	if err != nil {
		return err
	}
	if err := a.sameClient(of, said); err != nil {
		return err
	}
	changed, secret, err := a.Clients.Change(ctx, of.ID, func(record *data.Client) error {
		if record.RegistrationToken != of.RegistrationToken { // removed, and made anew, meanwhile
			return client.ErrUnknown
		}
		// What only the operator may allow stays allowed.
		allowed := record.GrantTypes
		record.Metadata = said.metadata
		return a.leaveOut(&record.Metadata, hasAny(allowed, forTheAsked))
	})
	switch {
	case errors.Is(err, client.ErrUnknown):
		return unauthorized("the registration access token does not hold", err)
	case err != nil:
		return refused(err)
	}
	return a.answer(c, http.StatusOK, changed, secret, token)
}

// sameClient checks what an update says of the client itself, which nobody
// changes this way.
func (a *API) sameClient(of *client.Client, said request) error {
	for _, name := range notSent {
		if _, there := said.others[name]; there {
			return wire.Field(name, "an update must not hold it (RFC 7592, section 2.2)")
		}
	}
	var id, secret string
	if json.Unmarshal(said.others["client_id"], &id) != nil || id != of.ID {
		return wire.Field("client_id", "it must be that of the client")
	}
	if raw, there := said.others["client_secret"]; there {
		if json.Unmarshal(raw, &secret) != nil || !a.Clients.HasSecret(of, secret) {
			return wire.Field("client_secret", "it is not that of the client, and cannot be chosen")
		}
	}
	return nil
}

// Delete answers DELETE /oauth2/register/:id (RFC 7592, section 2.3).
func (a *API) Delete(c echo.Context) error {
	of, _, err := a.owner(c)
	if err != nil {
		return err
	}
	if err := a.Clients.Remove(c.Request().Context(), of.ID); err != nil && !errors.Is(err, client.ErrUnknown) {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.NoContent(http.StatusNoContent)
}

// owner finds the client of the path, if the registration access token is
// its. Whether there is such a client is not said (RFC 7592, section 2.1).
func (a *API) owner(c echo.Context) (*client.Client, string, error) {
	token, err := bearer(c.Request())
	if err != nil {
		return nil, "", err
	}
	if token == "" {
		return nil, "", unauthorized("a registration access token is needed", nil)
	}
	of, err := a.registered(c.Request().Context(), c.Param("id"))
	if err != nil {
		return nil, "", err
	}
	presented := data.HashOf(token)
	if subtle.ConstantTimeCompare(presented[:], of.RegistrationToken[:]) != 1 {
		return nil, "", unauthorized("the registration access token does not hold", nil)
	}
	return of, token, nil
}

// registered returns the client, or one that no token is of.
func (a *API) registered(ctx context.Context, id string) (*client.Client, error) {
	of, err := a.Clients.Stored(ctx, id)
	if errors.Is(err, client.ErrUnknown) {
		return &client.Client{}, nil
	}
	return of, err
}
