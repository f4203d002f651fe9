package interact

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
)

// notices are those that the URL of the account page may ask for: they say
// nothing that could mislead anybody.
var notices = []pages.Notice{pages.NoticeNameSaved, pages.NoticePasswordChanged, pages.NoticeSignedOut, pages.NoticeAllSignedOut, pages.NoticeAppRemoved}

const notice = "notice"

// ShowAccount answers GET /account.
func (a *API) ShowAccount(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		account, ok := v.account(v.form.Get(pages.FieldAccount))
		if !ok {
			return v.redirect(v.link(pathSignIn))
		}
		page, err := v.accountPage(account)
		if err != nil {
			return err
		}
		if n := pages.Notice(v.form.Get(notice)); slices.Contains(notices, n) {
			page.Notice = n
		}
		return v.render(http.StatusOK, page)
	})
}

// ChangePasswordAddress answers GET /.well-known/change-password (W3C, A
// Well-Known URL for Changing Passwords).
func (a *API) ChangePasswordAddress(c echo.Context) error {
	return c.Redirect(http.StatusFound, a.Base+pathAccount+"#password")
}

func (v *visit) accountPage(account session.Account) (pages.Account, error) {
	devices, err := v.devices(account)
	if err != nil {
		return pages.Account{}, err
	}
	apps, err := v.apps(account.Person.ID)
	if err != nil {
		return pages.Account{}, err
	}
	form := func(path string) pages.Form {
		f := v.formTo(pathAccount + path)
		f.Account = account.ID
		return f
	}
	p := account.Person
	return pages.Account{
		Name: p.Profile.Name, Email: p.Email, EmailVerified: p.EmailVerified, MinLength: v.Config.Passwords.MinLength,
		SwitchURL: v.link(pathAccounts), Devices: devices, Apps: apps,
		NameForm: form("/name"), PasswordForm: form("/password"), DevicesForm: form("/devices"),
		AppsForm: form("/apps"), SignOutForm: form("/sign-out"),
	}, nil
}

// devices are the browsers in which the person is signed in, this one first,
// then the one seen last.
func (v *visit) devices(here session.Account) ([]pages.Device, error) {
	sessions, err := v.Sessions.Browsers(v.ctx(), here.Person)
	if err != nil {
		return nil, err
	}
	var list []pages.Device
	for _, s := range sessions {
		i := slices.IndexFunc(s.Accounts, func(a data.Account) bool { return a.User == here.Person.ID })
		if i < 0 {
			continue
		}
		browser, system := pages.Agent(s.Agent)
		list = append(list, pages.Device{
			ID: s.Hash.String(), Browser: browser, System: system, SignedInAt: s.Accounts[i].AuthTime, SeenAt: s.SeenAt,
			Current: s.Hash == v.session.Hash,
		})
	}
	slices.SortStableFunc(list, func(a, b pages.Device) int {
		if a.Current != b.Current {
			if a.Current {
				return -1
			}
			return 1
		}
		return b.SeenAt.Compare(a.SeenAt)
	})
	return list, nil
}

// leave does what follows when somebody was signed out, even if the browser
// does not wait for it. It is no reason to tell them that they are signed in:
// what fails is tried again.
func (v *visit) leave(left []session.Left) (frames []string) {
	if len(left) == 0 {
		return nil
	}
	frames, err := v.SignOuts.SignOut(context.WithoutCancel(v.ctx()), left)
	if err != nil {
		v.Logger.Error("what follows a sign-out failed, and is tried again", "error", err)
	}
	return frames
}
