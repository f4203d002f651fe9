package web

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signet/idp/internal/account"
	"signet/idp/internal/authorize"
	"signet/idp/internal/config"
	"signet/idp/internal/device"
	"signet/idp/internal/interact"
	"signet/idp/internal/introspect"
	"signet/idp/internal/logout"
	ui "signet/idp/internal/pages"
	"signet/idp/internal/par"
	"signet/idp/internal/registration"
	"signet/idp/internal/token"
	"signet/idp/internal/userinfo"
	"signet/idp/internal/wellknown"
)

// Options are what the server is made of; all are needed but Origins and
// TrustedProxies.
type Options struct {
	Issuer         *url.URL
	Origins        []string       // pages in a browser that may use the JSON API
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Limits         config.Limits
	Logger         *slog.Logger

	Healthy func() error // nil, or why the process should be restarted
	Ready   func() error // nil, or why it should get no traffic now

	Pages     *ui.Pages // errors where people see them, and the static files
	Endpoints Endpoints
}

// Endpoints are what the routes lead to.
type Endpoints struct {
	JWKS         *wellknown.JWKS
	StatusLists  *wellknown.StatusLists
	Metadata     *wellknown.Metadata
	Account      *account.API
	Authorize    *authorize.API
	Pushed       *par.API
	Token        *token.API
	Device       *device.API
	Userinfo     *userinfo.API
	Introspect   *introspect.API
	Interact     *interact.API
	Logout       *logout.API
	Registration *registration.API
	CheckSession bool // OpenID Connect Session Management is on
}

// toAnswer is what remains when a request has used up its time: a client that
// sent its body too slowly is still told so.
const toAnswer = 5 * time.Second

// New builds the server that answers on behalf of the issuer. It does not
// listen yet.
func New(o Options) *http.Server {
	e := echo.New()
	e.HideBanner = true
	e.IPExtractor = clientAddress(o.TrustedProxies)
	e.HTTPErrorHandler = (&errorWriter{logger: o.Logger, page: errorPage(o.Pages)}).write
	e.JSONSerializer = jsonSerializer{}
	mount(e, o)
	return &http.Server{
		Handler:           dress(e, o.Issuer.Scheme == "https"),
		ReadHeaderTimeout: o.Limits.HeaderTimeout,
		ReadTimeout:       o.Limits.RequestTimeout,
		WriteTimeout:      o.Limits.RequestTimeout + toAnswer, // a long poll moves its own
		IdleTimeout:       o.Limits.IdleTimeout,
		MaxHeaderBytes:    o.Limits.Header,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
}

// base is the path of the issuer's URL, "" at the root.
func base(o Options) string { return strings.TrimSuffix(o.Issuer.Path, "/") }

// mount puts the table of routes under the issuer's own path. What stands
// before a handler is put there once: a middleware of Echo's is made anew for
// every request.
func mount(e *echo.Echo, o Options) {
	base := base(o)
	methods := map[string][]string{}
	reach := map[string]access{}
	for _, r := range routes(o) {
		path := base + r.path
		if r.rooted {
			path = r.path + base
		}
		handler := r.access.guard(recoverPanics(limitBody(r.handler, int64(o.Limits.Body))), o.Origins)
		e.Add(r.method, path, handler)
		if r.method == http.MethodGet { // RFC 9110, section 9.1: who has GET has HEAD
			e.HEAD(path, handler)
		}
		methods[path] = append(methods[path], r.method)
		reach[path] = r.access
	}
	for path, access := range reach {
		if access != direct {
			e.OPTIONS(path, preflight(access, o.Origins, methods[path]))
		}
	}
}
