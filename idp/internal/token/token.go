package token

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/fetch"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
)

// Clients knows the clients; *client.Registry does.
type Clients interface {
	Authenticate(ctx context.Context, req *http.Request, form wire.Form) (*client.Client, error)
	AuthenticateSelf(ctx context.Context, req *http.Request, form wire.Form) (client.Self, error)
	Subject(c *client.Client, user data.UserID) string
	Scope(t client.Terms, asked string) string
	Audiences(t client.Terms, resource, audience []string) ([]string, error)
	MarkUsed(ctx context.Context, self client.Self) error
}

// Proofs checks DPoP proofs; *dpop.Service does.
type Proofs interface {
	Check(ctx context.Context, header http.Header, method, url, accessToken string) (jkt string, err error)
	Nonce() string
}

// Fetcher gets the keys of trusted issuers; *fetch.Fetcher does.
type Fetcher interface {
	Get(ctx context.Context, rawURL, accept string, fresh bool) (fetch.Document, error)
}

// Options name what the endpoint stands on. All are needed but Trusted and
// Fetcher.
type Options struct {
	Issuer    string        // ours
	URL       string        // of this endpoint, as clients know it
	AccessTTL time.Duration // the longest that an access token lives
	IDTTL     time.Duration // how long ID tokens live

	Clients Clients
	Grants  *grant.Service
	Mint    *mint.Mint
	Live    *live.Reader
	Devices *devicecode.Service
	Proofs  Proofs
	Store   *data.Store

	Trusted []config.TrustedIssuer // whose JWTs are grants
	Fetcher Fetcher                // of their keys

	Now    func() time.Time
	Logger *slog.Logger
}

// API holds the endpoint.
type API struct {
	Options
	kinds map[string]kind
}

// kind is a grant type.
type kind struct {
	// step decides, in one transaction, what the client gets.
	step func(context.Context, request) (allowed, error)
	// confidential keeps clients out that cannot authenticate.
	confidential bool
	// own is of the client alone: no more of it is needed than its Self.
	own bool
}

// request is a token request once the shared phases are through with it.
type request struct {
	form   wire.Form
	self   client.Self
	client *client.Client // nil where the kind is its own
	jkt    string         // of the key that the client proved, or ""

	// audience is what the client asked tokens for, with resource or audience
	// (RFC 8707, section 2.2), or where it asked for none, its first one.
	audience []string
	asked    bool
}

// New makes the endpoint.
func New(o Options) *API {
	a := &API{Options: o}
	a.kinds = map[string]kind{
		wire.GrantAuthorizationCode: {step: a.code},
		wire.GrantRefreshToken:      {step: a.refresh},
		wire.GrantClientCredentials: {step: a.clientCredentials, confidential: true, own: true}, // RFC 6749, section 4.4
		wire.GrantDeviceCode:        {step: a.device},
		wire.GrantTokenExchange:     {step: a.exchange, confidential: true}, // RFC 8693, section 5
	}
	if len(a.Trusted) > 0 {
		a.kinds[wire.GrantJWTBearer] = kind{step: a.assertion}
	}
	return a
}

// GrantTypes lists what the endpoint takes, in the order of their names, for
// grant_types_supported (RFC 8414, section 2).
func (a *API) GrantTypes() []string { return slices.Sorted(maps.Keys(a.kinds)) }

// Token answers POST /oauth2/token.
func (a *API) Token(c echo.Context) error {
	ctx := c.Request().Context()
	kind, r, err := a.read(ctx, c.Request())
	if err != nil {
		return err
	}
	o, err := kind.step(ctx, r)
	if err != nil {
		return refusal(err)
	}
	answer, err := a.sign(r, o)
	if err != nil {
		return refusal(err)
	}
	a.markUsed(ctx, r.self)
	h := c.Response().Header()
	h.Set(echo.HeaderCacheControl, "no-store") // RFC 6749, section 5.1
	h.Set("Pragma", "no-cache")
	if r.jkt != "" && a.Proofs.Nonce() != "" {
		h.Set("DPoP-Nonce", a.Proofs.Nonce()) // RFC 9449, section 8.2
	}
	return c.JSON(http.StatusOK, answer)
}

// read goes through the phases that come before a grant's own step. The proof
// is last: to remember it costs a write.
func (a *API) read(ctx context.Context, req *http.Request) (kind, request, error) {
	form, err := wire.ReadForm(req)
	if err != nil {
		return kind{}, request{}, err
	}
	name, err := form.Need("grant_type")
	if err != nil {
		return kind{}, request{}, err
	}
	k, known := a.kinds[name]
	if !known {
		return kind{}, request{}, wire.Refuse(wire.CodeUnsupportedGrantType, "There is no such grant type here.")
	}
	r := request{form: form}
	if err := a.authenticate(ctx, req, k, &r); err != nil {
		return kind{}, request{}, err
	}
	if err := k.open(name, r.self.Terms); err != nil {
		return kind{}, request{}, err
	}
	r.asked = form.Has("resource") || form.Has("audience")
	if r.audience, err = a.Clients.Audiences(r.self.Terms, form.All("resource"), form.All("audience")); err != nil {
		return kind{}, request{}, err
	}
	r.jkt, err = a.prove(ctx, req, r.self.Terms)
	return k, r, err
}

// authenticate finds the client out, or of a kind that is its own what of it
// matters.
func (a *API) authenticate(ctx context.Context, req *http.Request, k kind, r *request) (err error) {
	if k.own {
		r.self, err = a.Clients.AuthenticateSelf(ctx, req, r.form)
		return err
	}
	if r.client, err = a.Clients.Authenticate(ctx, req, r.form); err == nil {
		r.self = r.client.Self()
	}
	return err
}

// open tells whether the client may use the grant type at all.
func (k kind) open(name string, t client.Terms) error {
	switch {
	case !t.HasGrant(name):
		return wire.Refuse(wire.CodeUnauthorizedClient, "The client did not register this grant type.")
	case k.confidential && t.Public():
		return wire.Refuse(wire.CodeUnauthorizedClient, "The grant type is for clients that authenticate.")
	}
	return nil
}

// prove returns the thumbprint of the key that the request's DPoP proof was
// signed with, or "" where it has none (RFC 9449, section 5).
func (a *API) prove(ctx context.Context, req *http.Request, t client.Terms) (string, error) {
	jkt, err := a.Proofs.Check(ctx, req.Header, req.Method, a.URL, "")
	if err == nil && jkt == "" && t.DPoPBound { // RFC 9449, section 5.2
		e := wire.Refuse(wire.CodeInvalidDPoPProof, "The client registered for bound tokens, and there is no DPoP header.")
		e.DPoPNonce = a.Proofs.Nonce()
		return "", e
	}
	return jkt, err
}

// markUsed keeps a client that registered itself from ending as unused; of any
// other it writes nothing. What was issued is not taken back where that fails:
// the next use notes it, too.
func (a *API) markUsed(ctx context.Context, self client.Self) {
	if err := a.Clients.MarkUsed(ctx, self); err != nil {
		a.Logger.Warn("a client could not be marked as used", "client", self.ID, "error", err)
	}
}
