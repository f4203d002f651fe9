package par

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/request"
	"signet/idp/internal/wire"
)

// Clients authenticates; *client.Registry does it.
type Clients interface {
	Authenticate(ctx context.Context, req *http.Request, form wire.Form) (*client.Client, error)
}

// Proofs checks DPoP proofs; *dpop.Service does it.
type Proofs interface {
	Check(ctx context.Context, header http.Header, method, url, accessToken string) (jkt string, err error)
	Nonce() string
}

// Limiter bounds the requests of a network that are kept; *signin.Service does
// it. The error is a *signin.ThrottledError.
type Limiter interface {
	TryRequest(addr netip.Addr, size int) error
}

// Options are what the endpoint is made of; all are needed.
type Options struct {
	Issuer   string
	Store    *data.Store
	Clients  Clients
	Requests *request.Parser
	Proofs   Proofs
	Limiter  Limiter
	TTL      time.Duration // until the browser has to be there
	Now      func() time.Time
}

// API holds the endpoint.
type API struct {
	Options
}

// New makes the endpoint.
func New(o Options) *API { return &API{o} }

// Path is the endpoint's own.
const Path = "/oauth2/par"

// Push answers POST /oauth2/par.
func (a *API) Push(c echo.Context) error {
	ctx := c.Request().Context()
	values, err := wire.ReadValues(c.Request())
	if err != nil {
		return err
	}
	form, err := wire.NewForm(values)
	if err != nil {
		return err
	}
	who, err := a.Clients.Authenticate(ctx, c.Request(), form)
	if err != nil {
		return err
	}
	r, err := a.Requests.Push(ctx, who, values)
	if err != nil {
		return err
	}
	jkt, err := a.key(c, r)
	if err != nil {
		return err
	}
	if who.Public() { // anybody may say that they are it
		addr, _ := netip.ParseAddr(c.RealIP())
		if err := a.Limiter.TryRequest(addr, r.Size()); err != nil {
			return err
		}
	}
	handle, hash, err := a.Store.NewSecret(data.RequestPrefix)
	if err != nil {
		return err
	}
	now := a.Now()
	err = a.Store.Requests.Create(ctx, data.Request{
		Hash: hash, Client: who.ID, Params: r.Params, Pushed: true, Signed: r.Signed, JKT: jkt,
		CreatedAt: now, ExpiresAt: now.Add(a.TTL),
	})
	if err != nil {
		return err
	}
	if nonce := a.Proofs.Nonce(); nonce != "" && jkt != "" {
		c.Response().Header().Set("DPoP-Nonce", nonce) // RFC 9449, section 8.2
	}
	return c.JSON(http.StatusCreated, struct {
		RequestURI string `json:"request_uri"`
		ExpiresIn  int64  `json:"expires_in"` // seconds
	}{wire.RequestURIPrefix + handle, int64(a.TTL / time.Second)})
}

// key is the key that the client proved with its request, to which the code is
// bound (RFC 9449, section 10.1).
func (a *API) key(c echo.Context, r request.Request) (string, error) {
	jkt, err := a.Proofs.Check(c.Request().Context(), c.Request().Header, http.MethodPost, a.Issuer+Path, "")
	switch {
	case err != nil || jkt == "":
		return "", err
	case r.JKT != "" && r.JKT != jkt:
		return "", wire.Refuse(wire.CodeInvalidDPoPProof, "The proof is of another key than dpop_jkt.")
	case r.Response.Token:
		return "", wire.Field("response_type", "an access token that comes through the browser is bound to no key")
	}
	return jkt, nil
}
