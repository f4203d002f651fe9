package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// Clients is what is asked of the clients; *client.Registry has it.
type Clients interface {
	Subject(c *client.Client, user data.UserID) string
	MarkUsed(ctx context.Context, self client.Self) error
}

// Sessions is what is asked of the browsers; *session.Service has it.
type Sessions interface {
	Load(ctx context.Context, w http.ResponseWriter, r *http.Request) (session.Session, error)
	Browser(w http.ResponseWriter, r *http.Request) data.Hash
	Touch(ctx context.Context, session data.Hash, account, client string) error
	SID(account data.Account, client string) string
	SessionState(s session.Session, clientID, redirectURI string) (string, error)
}

// Pages shows the one page that an answer may need.
type Pages interface {
	// FormPost answers with a form that posts the values to the redirect URI
	// (OAuth 2.0 Form Post Response Mode).
	FormPost(c echo.Context, redirectURI string, values url.Values) error
}

// Limiter bounds the requests of a network that are kept; *signin.Service does
// it. The error is a *signin.ThrottledError.
type Limiter interface {
	TryRequest(addr netip.Addr, size int) error
}

// Options are what the endpoint is made of; all are needed.
type Options struct {
	Issuer     string
	Base       string // the issuer's own path, without a trailing slash
	Store      *data.Store
	Clients    Clients
	Requests   *request.Parser
	Sessions   Sessions
	Grants     *grant.Service
	Mint       *mint.Mint
	Pages      Pages
	Limiter    Limiter
	RequestTTL time.Duration // how long a request waits for its person
	CodeTTL    time.Duration
	IDTTL      time.Duration
	Now        func() time.Time
}

// API holds the endpoint.
type API struct {
	Options
}

// New makes the endpoint.
func New(o Options) *API { return &API{o} }

// pathContinue is where a page, or a request that was posted, goes on.
const pathContinue = "/oauth2/authorize/continue"

// Authorize answers GET and POST /oauth2/authorize.
func (a *API) Authorize(c echo.Context) error {
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK) // nothing is spent by a look
	}
	values, err := parameters(c.Request())
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if handle, ok := request.Pushed(values); ok && !values.Has("request") {
		return a.pushed(c, handle, values)
	}
	r, err := a.Requests.Read(ctx, values)
	switch {
	case err != nil:
		return a.fail(c, r, err)
	case c.Request().Method == http.MethodPost:
		return a.keep(c, r)
	}
	return a.proceed(c, r, visit{})
}

// parameters reads the query, or the body of a form. Those that are there
// twice are still in it.
func parameters(r *http.Request) (url.Values, error) {
	if r.Method == http.MethodPost {
		return wire.ReadValues(r)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wire.Invalid("The query of the URL is not valid.")
	}
	return values, nil
}

// keep answers a POST. The browser sends no cookie with one that comes from
// another site, so whoever is signed in is found out by a GET of our own.
func (a *API) keep(c echo.Context, r request.Request) error {
	v, err := a.store(c, r, data.Request{})
	if err != nil {
		return err
	}
	return a.leadTo(c, pathContinue, v.handle)
}

// pushed begins with a request that the client pushed. It may be looked at
// again, as a browser that reloads does, until it is answered; but from its
// first page on it belongs to one browser (RFC 9126, section 7.3).
func (a *API) pushed(c echo.Context, handle string, values url.Values) error {
	stored, err := a.Store.Requests.Get(c.Request().Context(), data.HashOf(handle))
	if err != nil && !errors.Is(err, data.ErrNone) {
		return err
	}
	if ids := values["client_id"]; err != nil || !stored.Pushed || len(ids) != 1 || ids[0] != stored.Client {
		return wire.Refuse(wire.CodeInvalidRequestURI, "The request_uri has ended, was used, or is another client's.")
	}
	if c.Request().Method == http.MethodPost {
		return a.leadTo(c, pathContinue, handle)
	}
	return a.resume(c, visit{handle, stored})
}

// Continue answers GET /oauth2/authorize/continue: a page has done its part.
func (a *API) Continue(c echo.Context) error {
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK)
	}
	handle := c.QueryParam("request")
	stored, err := a.Store.Requests.Get(c.Request().Context(), data.HashOf(handle))
	if errors.Is(err, data.ErrNone) || err == nil && stored.Logout {
		return errOver
	}
	if err != nil {
		return err
	}
	return a.resume(c, visit{handle, stored})
}

// errOver is for the person: there is nothing to go on with.
var errOver = wire.Invalid("The sign-in took too long, or was finished already. Go back to where you came from and begin again.")

// errOtherBrowser is for somebody who was given a link in the middle of it.
var errOtherBrowser = wire.Invalid("The sign-in was begun in another browser. Go back to where you came from and begin again.")

// visit is a request that is in the store. The zero visit has just come.
type visit struct {
	handle string
	stored data.Request
}

// resume goes on with a stored request, in the browser that it belongs to.
func (a *API) resume(c echo.Context, v visit) error {
	if !v.stored.Browser.IsZero() && v.stored.Browser != a.Sessions.Browser(c.Response(), c.Request()) {
		return errOtherBrowser
	}
	r, err := a.Requests.Stored(c.Request().Context(), v.stored)
	if err != nil {
		return a.fail(c, r, err)
	}
	return a.proceed(c, r, v)
}

// proceed decides, and does what was decided.
func (a *API) proceed(c echo.Context, r request.Request, v visit) error {
	ctx := c.Request().Context()
	s, err := a.Sessions.Load(ctx, c.Response(), c.Request())
	if err != nil {
		return err
	}
	f := facts{request: r, stored: v.stored, now: a.Now()}
	for _, account := range s.Accounts {
		consent, err := a.Store.Consent(ctx, account.User, r.Client.ID)
		if err != nil {
			return err
		}
		f.accounts = append(f.accounts, candidate{account, a.Clients.Subject(r.Client, account.User), consent})
	}
	switch out := decide(f); out.step {
	case issue:
		return a.issue(c, r, v, s, out)
	case refuse:
		return a.refuse(c, r, v, out.refused)
	default:
		return a.send(c, r, v, out)
	}
}

// pages are where a person does what is needed.
var pages = map[step]string{needSignIn: "/sign-in", needSignUp: "/sign-up", needAccount: "/accounts", needConsent: "/consent"}

// send keeps the request for the browser, and sends the person to a page.
func (a *API) send(c echo.Context, r request.Request, v visit, out outcome) error {
	ctx := c.Request().Context()
	browser := a.Sessions.Browser(c.Response(), c.Request())
	prepare := func(stored *data.Request) {
		stored.Browser = browser
		if out.account.ID != "" { // who is to allow it, or to prove again who they are
			stored.Choose(out.account.ID)
		}
		if out.step != needConsent {
			stored.Consented, stored.Scope = false, ""
		}
	}
	if v.handle == "" {
		var next data.Request
		prepare(&next)
		v, err := a.store(c, r, next)
		if err != nil {
			return err
		}
		return a.leadTo(c, pages[out.step], v.handle)
	}
	mine := false
	err := a.Store.Requests.Change(ctx, v.stored.Hash, func(stored *data.Request) data.Change {
		first := stored.Browser.IsZero()
		if mine = first || stored.Browser == browser; !mine {
			return data.Keep
		}
		prepare(stored)
		if first { // a pushed request waited for the browser only; now a person takes part
			stored.ExpiresAt = a.Now().Add(a.RequestTTL)
		}
		return data.Save
	})
	switch {
	case errors.Is(err, data.ErrNone):
		return errOver
	case err != nil:
		return err
	case !mine:
		return errOtherBrowser
	}
	return a.leadTo(c, pages[out.step], v.handle)
}

// store puts a request aside. Whoever sends it has proved nothing yet.
func (a *API) store(c echo.Context, r request.Request, next data.Request) (visit, error) {
	addr, _ := netip.ParseAddr(c.RealIP())
	if err := a.Limiter.TryRequest(addr, r.Size()); err != nil {
		return visit{}, err
	}
	handle, hash, err := a.Store.NewSecret(data.RequestPrefix)
	if err != nil {
		return visit{}, err
	}
	next.Hash, next.Client, next.Params, next.Signed = hash, r.Client.ID, r.Params, r.Signed
	next.CreatedAt = a.Now()
	next.ExpiresAt = next.CreatedAt.Add(a.RequestTTL)
	return visit{handle, next}, a.Store.Requests.Create(c.Request().Context(), next)
}

// leadTo goes on at one of our own paths. 303 makes a GET of it, so that no
// form is posted on (RFC 9700, section 4.12).
func (a *API) leadTo(c echo.Context, path, handle string) error {
	return c.Redirect(http.StatusSeeOther, a.Base+path+"?"+url.Values{"request": {handle}}.Encode())
}
