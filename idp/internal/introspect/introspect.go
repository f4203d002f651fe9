package introspect

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// Clients authenticates clients; *client.Registry does.
type Clients interface {
	Authenticate(ctx context.Context, req *http.Request, form wire.Form) (*client.Client, error)
	Subject(c *client.Client, user data.UserID) string
}

// Options name the services that the endpoints use; all are needed.
type Options struct {
	Issuer  string
	Clients Clients
	Live    *live.Reader
	Grants  *grant.Service
	Mint    *mint.Mint
	Logger  *slog.Logger
}

// API holds the endpoints.
type API struct {
	Options
}

// New makes the endpoints.
func New(o Options) *API { return &API{o} }

// answer is that of RFC 7662, section 2.2. Where active is false, it is all
// that is said.
type answer struct {
	Active    bool                `json:"active"`
	Scope     string              `json:"scope,omitzero"`
	ClientID  string              `json:"client_id,omitzero"`
	TokenType string              `json:"token_type,omitzero"`
	Exp       int64               `json:"exp,omitzero"`
	Iat       int64               `json:"iat,omitzero"`
	Sub       string              `json:"sub,omitzero"`
	Aud       []string            `json:"aud,omitzero"`
	Iss       string              `json:"iss,omitzero"`
	JTI       string              `json:"jti,omitzero"`
	Roles     []string            `json:"roles,omitzero"`     // RFC 9068, section 2.2.3.1
	AuthTime  int64               `json:"auth_time,omitzero"` // RFC 9470, section 6.2
	ACR       string              `json:"acr,omitzero"`       // the same
	Actor     *token.Actor        `json:"act,omitzero"`       // RFC 8693, section 4.1
	Confirm   *token.Confirmation `json:"cnf,omitzero"`       // RFC 9449, section 6.2
}

// Introspect answers POST /oauth2/introspect. Who asks has proved to be a
// client; it hears of tokens that were issued to it, or, where the operator
// says that it may introspect, of those for its audiences. Of any other token
// it hears what it hears of none at all.
func (a *API) Introspect(c echo.Context) error {
	asker, form, err := a.caller(c)
	if err != nil {
		return err
	}
	if asker.Public() { // RFC 7662, section 2.1: or tokens could be guessed at
		return &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidClient,
			Description: "only a client that authenticates may ask about tokens"}
	}
	raw, err := form.Need("token")
	if err != nil {
		return err
	}
	said, err := a.about(c.Request().Context(), asker, raw)
	if err != nil {
		return err
	}
	if wantsSigned(c.Request().Header, asker) {
		return a.signed(c, asker, said)
	}
	return c.JSON(http.StatusOK, said)
}

// caller authenticates the client that sends the form. A token_type_hint may be
// in it; the tokens themselves tell which type they are of.
func (a *API) caller(c echo.Context) (*client.Client, wire.Form, error) {
	form, err := wire.ReadForm(c.Request())
	if err != nil {
		return nil, form, err
	}
	who, err := a.Clients.Authenticate(c.Request().Context(), c.Request(), form)
	return who, form, err
}

// about says what the asker may know of a token.
func (a *API) about(ctx context.Context, asker *client.Client, raw string) (answer, error) {
	if strings.HasPrefix(raw, grant.Prefix) {
		return a.aboutRefresh(ctx, asker, raw)
	}
	access, err := a.Live.AccessIf(ctx, raw, func(c token.Claims) bool { return mayKnow(asker, c) })
	if errors.Is(err, live.ErrDead) {
		return answer{}, nil
	}
	if err != nil {
		return answer{}, err
	}
	said := answer{
		Active: true, Scope: access.Scope, ClientID: access.ClientID, TokenType: "Bearer",
		Exp: int64(access.Expiry), Iat: int64(access.IssuedAt), Sub: access.Subject, Aud: access.Audience,
		Iss: access.Issuer, JTI: access.ID, Roles: access.Roles, AuthTime: int64(access.AuthTime), ACR: access.ACR, Actor: access.Actor,
	}
	if confirm := access.Confirmation; confirm.JKT != "" {
		said.TokenType, said.Confirm = "DPoP", &confirm
	}
	return said, nil
}

// mayKnow is the rule of RFC 7662, section 4: a token of its own, or one for
// an audience that it guards.
func mayKnow(asker *client.Client, c token.Claims) bool {
	if c.ClientID == asker.ID {
		return true
	}
	if !asker.Introspect {
		return false
	}
	return len(asker.Audiences) == 0 ||
		slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(asker.Audiences, aud) })
}

// notAToken is the token_type of a refresh token, which no resource server may
// take for one that opens anything (RFC 8693, section 2.2.1).
const notAToken = "N_A"

// aboutRefresh is for the client alone to whom the refresh token was issued.
func (a *API) aboutRefresh(ctx context.Context, asker *client.Client, raw string) (answer, error) {
	g, user, err := a.Grants.Read(ctx, raw)
	switch {
	case errors.Is(err, grant.ErrInvalid):
		return answer{}, nil
	case err != nil:
		return answer{}, err
	case g.Client != asker.ID:
		return answer{}, nil
	}
	said := answer{Active: true, Scope: g.Scope, ClientID: g.Client, TokenType: notAToken,
		Exp: g.ExpiresAt.Unix(), Iat: g.TurnedAt.Unix(), Sub: a.Clients.Subject(asker, user.ID), Iss: a.Issuer, ACR: g.ACR}
	if !g.AuthTime.IsZero() {
		said.AuthTime = g.AuthTime.Unix()
	}
	if g.JKT != "" {
		said.Confirm = &token.Confirmation{JKT: g.JKT}
	}
	return said, nil
}
