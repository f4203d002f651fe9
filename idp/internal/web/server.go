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
	"signet/idp/internal/config"
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

	Account  *account.API
	JWKS     *wellknown.JWKS
	Metadata *wellknown.Metadata
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
	e.HTTPErrorHandler = (&errorWriter{logger: o.Logger}).write
	e.JSONSerializer = jsonSerializer{}
	e.Pre(identify(), headers(o.Issuer.Scheme == "https"))
	e.Use(recoverPanics(), limitBody(int64(o.Limits.Body)))
	mount(e, o)
	return &http.Server{
		Handler:           e,
		ReadHeaderTimeout: o.Limits.HeaderTimeout,
		ReadTimeout:       o.Limits.RequestTimeout,
		WriteTimeout:      o.Limits.RequestTimeout + toAnswer, // a long poll moves its own
		IdleTimeout:       o.Limits.IdleTimeout,
		MaxHeaderBytes:    o.Limits.Header,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
}

// mount puts the table of routes under the issuer's own path.
func mount(e *echo.Echo, o Options) {
	base := strings.TrimSuffix(o.Issuer.Path, "/")
	methods := map[string][]string{}
	reach := map[string]access{}
	for _, r := range routes(o) {
		path := base + r.path
		if r.rooted {
			path = r.path + base
		}
		e.Add(r.method, path, r.handler, r.access.middleware(o.Origins)...)
		if r.method == http.MethodGet { // RFC 9110, section 9.1: who has GET has HEAD
			e.HEAD(path, r.handler, r.access.middleware(o.Origins)...)
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
