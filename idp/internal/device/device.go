package device

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/client"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/wire"
)

// Clients knows the clients; *client.Registry does.
type Clients interface {
	Authenticate(ctx context.Context, req *http.Request, form wire.Form) (*client.Client, error)
	Scope(t client.Terms, asked string) string
	Audiences(t client.Terms, resource, audience []string) ([]string, error)
}

// Limiter bounds the requests of a network that are kept; *signin.Service does
// it. The error is a *signin.ThrottledError.
type Limiter interface {
	TryRequest(addr netip.Addr, size int) error
}

// Options name what the endpoint stands on; all are needed.
type Options struct {
	Issuer  string
	Clients Clients
	Devices *devicecode.Service
	Limiter Limiter
}

// API holds the endpoint.
type API struct {
	Options
}

// New makes the endpoint.
func New(o Options) *API { return &API{o} }

// answer is that of RFC 8628, section 3.2.
type answer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
	ExpiresIn               int64  `json:"expires_in"` // seconds
	Interval                int64  `json:"interval"`   // seconds
}

// Authorize answers POST /oauth2/device_authorization. The client proves who it
// is as at the token endpoint.
func (a *API) Authorize(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := wire.ReadForm(c.Request())
	if err != nil {
		return err
	}
	who, err := a.Clients.Authenticate(ctx, c.Request(), form)
	if err != nil {
		return err
	}
	if !who.HasGrant(wire.GrantDeviceCode) {
		return wire.Refuse(wire.CodeUnauthorizedClient, "The client did not register the grant type of devices.")
	}
	scope := a.Clients.Scope(who.Terms(), form.Get("scope"))
	if scope == "" && form.Has("scope") {
		return wire.Refuse(wire.CodeInvalidScope, "The client may have nothing of this scope.")
	}
	audience, err := a.Clients.Audiences(who.Terms(), form.All("resource"), form.All("audience"))
	if err != nil {
		return err
	}
	if who.Public() { // anybody may say that they are it
		addr, _ := netip.ParseAddr(c.RealIP())
		if err := a.Limiter.TryRequest(addr, 0); err != nil {
			return err
		}
	}
	codes, err := a.Devices.Start(ctx, devicecode.Request{Client: who.ID, Scope: scope, Audience: audience})
	if err != nil {
		return err
	}
	page := a.Issuer + "/device"
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, answer{
		DeviceCode: codes.DeviceCode, UserCode: codes.UserCode, VerificationURI: page,
		VerificationURIComplete: page + "?user_code=" + url.QueryEscape(codes.UserCode),
		ExpiresIn:               int64(codes.ExpiresIn / time.Second), Interval: int64(codes.Interval / time.Second),
	})
}
