package interact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/pages"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// visit is one request to a page: the browser, who is signed in to it, and the
// authorization request or the device that it is about.
type visit struct {
	*API
	c       echo.Context
	form    wire.Form
	browser data.Hash
	session session.Session
	lang    pages.Lang
	asked   *asked // nil without an authorization request
}

// asked is an authorization request that waits for this browser.
type asked struct {
	request.Request
	handle string
	record data.Request
}

// refusal is a page that says why it does not go on.
type refusal struct {
	status int
	view   pages.Error
}

func (r *refusal) Error() string { return fmt.Sprintf("interact: refused: %s", r.view.Failure) }

// errExpired is one answer for a request that never was, one that is over, and
// one of another browser.
var errExpired error = &refusal{http.StatusBadRequest, pages.Error{Failure: pages.FailureExpired}}

// errUnfit is a request that is no longer good, since its client has changed.
// The authorization endpoint knows whom to tell.
var errUnfit = errors.New("interact: the request is no longer good")

// open answers a GET.
func (a *API) open(c echo.Context, page func(*visit) error) error {
	form, err := wire.ReadQuery(c.Request())
	if err != nil {
		return err
	}
	return a.answer(c, form, page)
}

// submit answers a form. One that does not come from a page that this browser
// was shown is not looked at.
func (a *API) submit(c echo.Context, act func(*visit) error) error {
	form, err := wire.ReadForm(c.Request())
	if err != nil {
		return err
	}
	return a.answer(c, form, func(v *visit) error {
		if err := a.Sessions.CheckCSRF(c.Request(), form.Get(pages.FieldCSRF)); err != nil {
			return v.forged(err)
		}
		return act(v)
	})
}

// forged leads back to where a new form can be had. Nothing of the old one is
// in it.
func (v *visit) forged(err error) error {
	var e *wire.Error
	if !errors.As(err, &e) {
		return err
	}
	page := strings.TrimPrefix(v.c.Request().URL.Path, v.Base)
	if strings.HasPrefix(page, pathAccount+"/") {
		page = pathAccount
	}
	return &refusal{e.Status, pages.Error{Failure: pages.FailureForgery, ReturnURL: v.link(page)}}
}

func (a *API) answer(c echo.Context, form wire.Form, do func(*visit) error) error {
	v := &visit{API: a, c: c, form: form, lang: a.language(c, "")}
	err := v.load()
	if err == nil {
		err = do(v)
	}
	var r *refusal
	switch {
	case errors.As(err, &r):
		return v.render(r.status, r.view)
	case errors.Is(err, errUnfit):
		return v.redirect(v.link(pathContinue))
	}
	return err
}

func (a *API) language(c echo.Context, uiLocales string) pages.Lang {
	return pages.Match(uiLocales, c.Request().Header.Get("Accept-Language"))
}

// load finds out who is there, and for what.
func (v *visit) load() (err error) {
	w, r := v.c.Response(), v.c.Request()
	v.browser = v.Sessions.Browser(w, r)
	if v.session, err = v.Sessions.Load(r.Context(), w, r); err != nil {
		return err
	}
	handle := v.form.Get(pages.FieldRequest)
	if handle == "" {
		return nil
	}
	record, err := v.Store.Requests.Get(r.Context(), data.HashOf(handle))
	if errors.Is(err, data.ErrNone) || err == nil && record.Browser != v.browser {
		return errExpired
	}
	if err != nil {
		return err
	}
	read, err := v.Requests.Stored(r.Context(), record)
	v.asked = &asked{read, handle, record}
	v.lang = v.language(v.c, strings.Join(read.UILocales, " "))
	var unfit *wire.Error
	if errors.As(err, &unfit) {
		return errUnfit
	}
	return err
}

func (v *visit) ctx() context.Context { return v.c.Request().Context() }

func (v *visit) render(status int, view pages.View) error {
	return v.Pages.Render(v.c.Response(), status, v.lang, view)
}

// formTo is what a form of this page carries.
func (v *visit) formTo(path string, problems ...pages.Problem) pages.Form {
	f := pages.Form{Action: v.Base + path, CSRF: v.Sessions.CSRF(v.browser), UserCode: v.form.Get(pages.FieldCode), Problems: problems}
	if v.asked != nil {
		f.Request, f.UserCode = v.asked.handle, ""
	}
	return f
}

// link leads to another page about the same request or device, with further
// parameters as pairs.
func (v *visit) link(path string, more ...string) string {
	q := url.Values{}
	if v.asked != nil {
		q.Set(pages.FieldRequest, v.asked.handle)
	} else if code := v.form.Get(pages.FieldCode); code != "" {
		q.Set(pages.FieldCode, code)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return v.Base + path
	}
	return v.Base + path + "?" + q.Encode()
}

// redirect uses 303, which makes a GET of whatever it was (RFC 9700, section
// 4.12).
func (v *visit) redirect(to string) error { return v.c.Redirect(http.StatusSeeOther, to) }

// note writes into the authorization request what the person did, and sends
// them back to it.
func (v *visit) note(change func(*data.Request)) error {
	if err := v.change(change); err != nil {
		return err
	}
	return v.redirect(v.link(pathContinue))
}

// change writes into the authorization request, if it still waits for this
// browser.
func (v *visit) change(change func(*data.Request)) error {
	stranger := false
	err := v.Store.Requests.Change(v.ctx(), v.asked.record.Hash, func(r *data.Request) data.Change {
		if stranger = r.Browser != v.browser; stranger {
			return data.Keep
		}
		change(r)
		return data.Save
	})
	if errors.Is(err, data.ErrNone) || err == nil && stranger {
		return errExpired
	}
	return err
}

// goOn leads on after an account was chosen or signed in to.
func (v *visit) goOn(account string) error {
	if v.form.Get(pages.FieldCode) != "" {
		return v.redirect(v.link(pathDevice, pages.FieldAccount, account))
	}
	return v.redirect(v.link(pathAccount, pages.FieldAccount, account))
}

// account is the one that the page speaks of, else the one used last.
func (v *visit) account(id string) (session.Account, bool) {
	if id != "" {
		return v.session.Account(id)
	}
	if len(v.session.Accounts) == 0 {
		return session.Account{}, false
	}
	return v.session.Accounts[0], true
}
