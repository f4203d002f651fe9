package registration

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/client/metadata"
	"signet/idp/internal/config"
	"signet/idp/internal/signin"
	"signet/idp/internal/wire"
)

// Path is the endpoint's own; that of a client has its id behind it.
const Path = "/oauth2/register"

// TokenPrefix begins every registration access token, for secret scanners.
const TokenPrefix = "signet_ra_"

// Limiter counts the clients that a network registers; *signin.Service does
// it. Its errors are a *signin.ThrottledError and failures of the store.
type Limiter interface {
	TryClient(ctx context.Context, addr netip.Addr) error
}

// Options are what the endpoints are made of; all are needed.
type Options struct {
	Issuer  string
	Mode    config.ClientRegistration
	Clients *client.Registry
	Store   *data.Store
	Limiter Limiter
}

// API holds the endpoints.
type API struct {
	Options
}

// New makes the endpoints.
func New(o Options) *API { return &API{o} }

// Register answers POST /oauth2/register (RFC 7591, section 3).
func (a *API) Register(c echo.Context) error {
	ctx := c.Request().Context()
	initial, err := a.admit(ctx, c)
	if err != nil {
		return err
	}
	said, err := readRequest(c.Request())
	if err != nil {
		return err
	}
	record := data.Client{Metadata: said.metadata, Registered: true}
	if err := a.leaveOut(&record.Metadata, initial != ""); err != nil {
		return refused(err)
	}
	token, hash, err := a.Store.NewSecret(TokenPrefix)
	if err != nil {
		return err
	}
	record.RegistrationToken = hash
	made, secret, err := a.create(ctx, record, initial)
	if err != nil {
		return refused(err)
	}
	return a.answer(c, http.StatusCreated, made, secret, token)
}

func (a *API) create(ctx context.Context, record data.Client, initial string) (*client.Client, string, error) {
	if initial != "" {
		return a.Clients.CreateInvited(ctx, record, initial)
	}
	return a.Clients.Create(ctx, record)
}

// admit says whether whoever asks may register, and returns the initial access
// token that they have. Without one, their network is counted.
func (a *API) admit(ctx context.Context, c echo.Context) (initial string, err error) {
	if a.Mode != config.ClientRegistrationOpen && a.Mode != config.ClientRegistrationToken {
		return "", &wire.Error{Status: http.StatusForbidden, Code: wire.CodeAccessDenied, Description: "clients do not register themselves here"}
	}
	initial, err = bearer(c.Request())
	switch {
	case err != nil:
		return "", err
	case initial != "":
		return initial, refused(a.Clients.CheckInitialToken(ctx, initial))
	case a.Mode == config.ClientRegistrationToken:
		return "", unauthorized("an initial access token is needed", nil)
	}
	return "", a.count(c)
}

// count refuses a network that registers, or changes, too much.
func (a *API) count(c echo.Context) error {
	addr, _ := netip.ParseAddr(c.RealIP())
	return refused(a.Limiter.TryClient(c.Request().Context(), addr))
}

// forTheAsked are the grant types that stand for nobody but the client, or for
// somebody who was not asked. A stranger does not get them: with them, who can
// register could call every API.
var forTheAsked = []string{wire.GrantClientCredentials, wire.GrantTokenExchange, wire.GrantJWTBearer}

// leaveOut takes away what the client cannot have here, and leaves the rest;
// the answer says what it got (RFC 7591, section 3.2.1). One that wanted
// nothing else is refused.
func (a *API) leaveOut(m *data.Metadata, asked bool) error {
	a.Clients.KeepScopes(m)
	if asked || len(m.GrantTypes) == 0 {
		return nil
	}
	m.GrantTypes = slices.DeleteFunc(slices.Clone(m.GrantTypes), func(g string) bool { return slices.Contains(forTheAsked, g) })
	if len(m.GrantTypes) == 0 {
		return metadata.Error{{Member: "grant_types", Text: "a client that was not asked in does not act for itself"}}
	}
	return nil
}

// refused turns a failure of the services into an answer.
func refused(err error) error {
	var wrong metadata.Error
	var throttled *signin.ThrottledError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return wrong.Wire()
	case errors.As(err, &throttled):
		return wire.TooMany("this network has registered too many clients", throttled.RetryAfter)
	case errors.Is(err, data.ErrTooManyClients):
		return wire.TooMany("too many clients have registered that nobody uses", time.Hour)
	case errors.Is(err, client.ErrInitialToken):
		return unauthorized("the initial access token does not hold", err)
	}
	return err
}

// answer writes all that is registered of a client (RFC 7591, section 3.2.1;
// RFC 7592, section 3).
func (a *API) answer(c echo.Context, status int, of *client.Client, secret, token string) error {
	m := of.Metadata
	if m.Scope == "" {
		m.Scope = a.Clients.UsualScope(of)
	}
	members, err := metadata.Members(m)
	if err != nil {
		return err
	}
	say := func(name string, value any) {
		if err == nil {
			members[name], err = marshal(value)
		}
	}
	say("client_id", of.ID)
	say("client_id_issued_at", of.CreatedAt.Unix())
	if secret != "" {
		say("client_secret", secret)
		say("client_secret_expires_at", 0) // never
	}
	say("registration_access_token", token)
	say("registration_client_uri", a.Issuer+Path+"/"+of.ID)
	if err != nil {
		return err
	}
	body, err := marshal(members)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSONBlob(status, body)
}

// request is what a client says of itself.
type request struct {
	metadata data.Metadata
	others   map[string]jsontext.Value
}

func readRequest(r *http.Request) (request, error) {
	body, err := wire.ReadJSONBody(r)
	if err != nil {
		return request{}, err
	}
	m, others, err := metadata.Parse(body)
	if err != nil {
		return request{}, refused(err)
	}
	if _, there := others["software_statement"]; there {
		return request{}, wire.Refuse(wire.CodeUnapprovedStatement, "software statements are not accepted here")
	}
	return request{m, others}, nil
}
