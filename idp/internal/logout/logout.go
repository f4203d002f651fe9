package logout

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/hint"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// Sessions are the browsers' signed-in states; *session.Service has them.
type Sessions interface {
	Load(ctx context.Context, w http.ResponseWriter, r *http.Request) (session.Session, error)
	SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request, account string) ([]session.Left, error)
	SID(account data.Account, client string) string
	Browser(w http.ResponseWriter, r *http.Request) data.Hash
	CSRF(browser data.Hash) string
	CheckCSRF(r *http.Request, token string) error
	StateCookie() string
}

// Clients knows who asks; *client.Registry does.
type Clients interface {
	Find(ctx context.Context, id string) (*client.Client, error)
	Subject(c *client.Client, user data.UserID) string
}

// SignOuts does what follows a sign-out; *signout.Service does.
type SignOuts interface {
	SignOut(ctx context.Context, left []session.Left) (frames []string, err error)
}

// Hints reads ID tokens of ours; hint.Reader does.
type Hints interface {
	Read(text string) (hint.Hint, error)
}

// Limiter bounds the requests of a network that are kept; *signin.Service does
// it. The error is a *signin.ThrottledError.
type Limiter interface {
	TryRequest(addr netip.Addr, size int) error
}

// Options name the services that the endpoint uses; all are needed.
type Options struct {
	Base     string // the path of the issuer's URL, such as "/auth"; "" at the root
	Store    *data.Store
	Clients  Clients
	Sessions Sessions
	SignOuts SignOuts
	Hints    Hints
	Pages    *pages.Pages
	Limiter  Limiter
	Now      func() time.Time
	Logger   *slog.Logger
}

// API holds the endpoint.
type API struct {
	Options
}

// New makes the endpoint.
func New(o Options) *API { return &API{o} }

const (
	pathLogout    = "/oauth2/logout"
	pathConfirm   = "/oauth2/logout/confirm"
	pathSignedOut = "/signed-out"
	pathAccount   = "/account"

	// What was posted is kept for so long, and no more of it.
	keptFor = 10 * time.Minute
	maxKept = 16 << 10 // bytes of parameters
)

// Logout answers GET and POST /oauth2/logout (RP-Initiated Logout, section 2).
func (a *API) Logout(c echo.Context) error {
	r := c.Request()
	if r.Method == http.MethodHead {
		return c.NoContent(http.StatusOK) // nobody is signed out by a look
	}
	if r.Method == http.MethodPost {
		return a.keep(c)
	}
	v, err := a.visit(c)
	if err != nil {
		return err
	}
	switch who, sure := v.who(); {
	case len(who) == 0:
		return v.leave(nil)
	case sure:
		return v.signOut(who)
	default:
		return v.ask(who)
	}
}

// keep answers a POST. The browser sends no cookie with one that comes from
// another site, so whoever is signed in is found out by a GET of our own. What
// was posted stays out of its URL: there is an ID token in it.
func (a *API) keep(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := wire.ReadForm(c.Request())
	if err != nil {
		return err
	}
	q, err := a.parse(ctx, form)
	if err != nil {
		return err
	}
	if len(q.params()) == 0 {
		return c.Redirect(http.StatusSeeOther, a.Base+pathLogout)
	}
	params := q.params().Encode()
	if len(params) > maxKept {
		return wire.Invalid("The request is too long.")
	}
	addr, _ := netip.ParseAddr(c.RealIP())
	if err := a.Limiter.TryRequest(addr, len(params)); err != nil {
		return err
	}
	handle, hash, err := a.Store.NewSecret(data.RequestPrefix)
	if err != nil {
		return err
	}
	now := a.Now().UTC().Round(0)
	err = a.Store.Requests.Create(ctx, data.Request{Hash: hash, Client: q.named, Params: q.params(), Logout: true,
		CreatedAt: now, ExpiresAt: now.Add(keptFor)})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, a.Base+pathLogout+"?"+url.Values{paramRequest: {handle}}.Encode())
}

// Confirm answers POST /oauth2/logout/confirm: the person was asked. What was
// asked is in the query of its URL, and is looked at again as at first.
func (a *API) Confirm(c echo.Context) error {
	r := c.Request()
	form, err := wire.ReadForm(r)
	if err != nil {
		return err
	}
	if err := a.Sessions.CheckCSRF(r, form.Get(pages.FieldCSRF)); err != nil {
		return err
	}
	if form.Get(pages.FieldAction) != pages.ActionGo {
		return c.Redirect(http.StatusSeeOther, a.Base+pathAccount)
	}
	v, err := a.visit(c)
	if err != nil {
		return err
	}
	v.confirmed = true
	who := v.session.Accounts
	if id := c.QueryParam(pages.FieldAccount); id != "" {
		account, ok := v.session.Account(id)
		if !ok {
			return v.leave(nil)
		}
		who = []session.Account{account}
	}
	return v.signOut(who)
}

// CheckSession answers GET /oauth2/check_session (OpenID Connect Session
// Management, section 3.2).
func (a *API) CheckSession(c echo.Context) error {
	return a.Pages.Render(c.Response(), http.StatusOK, pages.English, pages.CheckSession{Cookie: a.Sessions.StateCookie()})
}

// visit is one request: what it asks for, and who is signed in.
type visit struct {
	*API
	c         echo.Context
	asked     asked
	handle    string // of a request that was posted
	session   session.Session
	confirmed bool
	lang      pages.Lang
}

func (a *API) visit(c echo.Context) (*visit, error) {
	r := c.Request()
	form, err := wire.ReadQuery(r)
	if err != nil {
		return nil, err
	}
	v := &visit{API: a, c: c, handle: form.Get(paramRequest)}
	if v.handle != "" {
		if form, err = a.kept(r.Context(), v.handle); err != nil {
			return nil, err
		}
	}
	if v.asked, err = a.parse(r.Context(), form); err != nil {
		return nil, err
	}
	v.lang = pages.Match(form.Get(paramLocales), r.Header.Get("Accept-Language"))
	v.session, err = a.Sessions.Load(r.Context(), c.Response(), r)
	return v, err
}

// kept reads a request that was posted.
func (a *API) kept(ctx context.Context, handle string) (wire.Form, error) {
	stored, err := a.Store.Requests.Get(ctx, data.HashOf(handle))
	if errors.Is(err, data.ErrNone) || err == nil && !stored.Logout {
		return wire.Form{}, &wire.Error{Status: http.StatusGone, Code: wire.CodeInvalidRequest, Description: "The request has ended; ask again."}
	}
	if err != nil {
		return wire.Form{}, err
	}
	return wire.NewForm(stored.Params)
}
