package interact

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/pages"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/signin"
)

// SignOuts does what follows when accounts have left a browser: their grants
// end that are not offline, and their clients are told. frames are what the
// browser can load to tell more of them. What fails is tried again later.
type SignOuts interface {
	SignOut(ctx context.Context, left []session.Left) (frames []string, err error)
}

// Options name the services that the pages use; all are needed.
type Options struct {
	Base     string // the path of the issuer's URL, such as "/auth"; "" at the root
	Secure   bool   // false on a plain-http loopback issuer only
	Config   config.Config
	Pages    *pages.Pages
	Sessions *session.Service
	Clients  *client.Registry
	Requests *request.Parser
	SignIn   *signin.Service
	Grants   *grant.Service
	Store    *data.Store
	SignOuts SignOuts
	Now      func() time.Time
	Logger   *slog.Logger
}

// API holds the pages' endpoints.
type API struct {
	Options
	brand string // what the first-party client is called
}

// New makes the endpoints.
func New(o Options) *API {
	o.Base = strings.TrimSuffix(o.Base, "/")
	brand := o.Config.Brand.Name
	if brand == "" {
		brand = "Signet"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &API{Options: o, brand: brand}
}

// The paths of the pages, after the base.
const (
	pathSignIn    = "/sign-in"
	pathSignUp    = "/sign-up"
	pathAccounts  = "/accounts"
	pathConsent   = "/consent"
	pathDevice    = "/device"
	pathAccount   = "/account"
	pathSignedOut = "/signed-out"
	pathContinue  = "/oauth2/authorize/continue" // package authorize
)

// amrPassword is how a person of these pages proved who they are (RFC 8176).
const amrPassword = "pwd"

// address is who asks, after the trusted proxies had their say. An address
// that cannot be read is the zero one, which all such requests share.
func address(c echo.Context) netip.Addr {
	addr, _ := netip.ParseAddr(c.RealIP())
	return addr.Unmap()
}

// known is the cookie that tells a browser that signed in before from a
// stranger. It opens nothing, and goes to the sign-in page alone.
func (a *API) known() *http.Cookie {
	name := "signet_known"
	if a.Secure {
		name = "__Secure-" + name // RFC 6265bis, section 4.1.3.1
	}
	return &http.Cookie{Name: name, Path: a.Base + pathSignIn, HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteStrictMode}
}

// knownBy reads the cookie. Two of one name mean that a neighbour under the
// same domain has planted one: neither is believed.
func (a *API) knownBy(r *http.Request) string {
	found := r.CookiesNamed(a.known().Name)
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

func (a *API) remember(w http.ResponseWriter, value string) {
	if value == "" {
		return
	}
	cookie := a.known()
	cookie.Value, cookie.MaxAge = value, max(int(a.Config.Throttle.KnownFor/time.Second), 1)
	http.SetCookie(w, cookie)
}
