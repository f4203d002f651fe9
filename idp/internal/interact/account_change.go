package interact

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
	"signet/idp/internal/signin"
)

// own answers a form of the account page, for the account that it was made
// for: another one may be the first by now.
func (a *API) own(c echo.Context, act func(*visit, session.Account) error) error {
	return a.submit(c, func(v *visit) error {
		account, ok := v.session.Account(v.form.Get(pages.FieldAccount))
		if !ok {
			return v.redirect(v.link(pathSignIn))
		}
		return act(v, account)
	})
}

// done shows the account page again, and says what was done.
func (v *visit) done(account string, n pages.Notice) error {
	return v.redirect(v.link(pathAccount, pages.FieldAccount, account, notice, string(n)))
}

// ChangeName answers POST /account/name.
func (a *API) ChangeName(c echo.Context) error {
	return a.own(c, func(v *visit, account session.Account) error {
		typed := v.form.Get(pages.FieldName)
		name, problems := readName(typed)
		if len(problems) > 0 {
			return v.again(account, func(p *pages.Account) { p.Name, p.NameForm.Problems = typed, problems })
		}
		_, err := v.Store.ChangeUser(v.ctx(), account.Person.ID, func(u *data.User) error {
			u.Profile.Name = name
			return nil
		})
		if err != nil {
			return err
		}
		return v.done(account.ID, pages.NoticeNameSaved)
	})
}

// again shows the account page with what is wrong.
func (v *visit) again(account session.Account, change func(*pages.Account)) error {
	return v.refuse(http.StatusUnprocessableEntity, account, change)
}

func (v *visit) refuse(status int, account session.Account, change func(*pages.Account)) error {
	page, err := v.accountPage(account)
	if err != nil {
		return err
	}
	change(&page)
	return v.render(status, page)
}

// ChangePassword answers POST /account/password. The new password ends every
// session and grant of the person; this browser is signed in anew.
func (a *API) ChangePassword(c echo.Context) error {
	return a.own(c, func(v *visit, account session.Account) error {
		current, new := v.form.Get(pages.FieldCurrent), v.form.Get(pages.FieldNew)
		var missing []pages.Problem
		if current == "" {
			missing = append(missing, pages.CurrentMissing)
		}
		if new == "" {
			missing = append(missing, pages.PasswordMissing(pages.FieldNew))
		}
		if len(missing) > 0 {
			return v.again(account, func(p *pages.Account) { p.PasswordForm.Problems = missing })
		}
		user, err := v.API.SignIn.ChangePassword(v.ctx(), account.Person.ID, current, new, nil, address(v.c))
		if err != nil {
			return v.passwordRefused(account, err)
		}
		fresh, _, err := v.Sessions.SignIn(v.ctx(), v.c.Response(), v.c.Request(), user, []string{amrPassword})
		if err != nil {
			return err
		}
		return v.done(fresh.ID, pages.NoticePasswordChanged)
	})
}

func (v *visit) passwordRefused(account session.Account, err error) error {
	status, problem, ok := v.problem(err, pages.FieldNew)
	if !ok {
		return err
	}
	if errors.Is(err, signin.ErrWrongPassword) {
		problem = pages.CurrentWrong
	}
	return v.refuse(status, account, func(p *pages.Account) { p.PasswordForm.Problems = []pages.Problem{problem} })
}

// signOutElsewhere ends the person's sessions in all other browsers.
func (v *visit) signOutElsewhere(user data.UserID) (left []session.Left, err error) {
	sessions, err := v.Store.UserSessions(v.ctx(), user)
	for _, s := range sessions {
		if s.Hash == v.session.Hash {
			continue
		}
		gone, failed := v.Sessions.End(v.ctx(), s.Hash, user)
		left, err = append(left, gone...), errors.Join(err, failed)
	}
	return left, err
}

// SignOutDevice answers POST /account/devices: one other browser, or all.
func (a *API) SignOutDevice(c echo.Context) error {
	return a.own(c, func(v *visit, account session.Account) error {
		if v.form.Get(pages.FieldAction) == pages.ActionAll {
			left, err := v.signOutElsewhere(account.Person.ID)
			v.leave(left)
			if err != nil {
				return err
			}
			return v.done(account.ID, pages.NoticeAllSignedOut)
		}
		var device data.Hash
		if err := device.UnmarshalText([]byte(v.form.Get(pages.FieldID))); err != nil {
			return v.done(account.ID, pages.NoticeNone)
		}
		left, err := v.Sessions.End(v.ctx(), device, account.Person.ID)
		if err != nil {
			return err
		}
		v.leave(left)
		return v.done(account.ID, pages.NoticeSignedOut)
	})
}

// RemoveApp answers POST /account/apps: the client loses its grants, and has
// to ask again.
func (a *API) RemoveApp(c echo.Context) error {
	return a.own(c, func(v *visit, account session.Account) error {
		id, user := v.form.Get(pages.FieldID), account.Person.ID
		// The consent goes first: with it, the client could have a new grant
		// while its old ones end.
		if err := v.Store.RemoveConsent(v.ctx(), user, id); err != nil {
			return err
		}
		if err := v.Grants.EndClient(v.ctx(), user, id); err != nil {
			return err
		}
		return v.done(account.ID, pages.NoticeAppRemoved)
	})
}

// SignOut answers POST /account/sign-out.
func (a *API) SignOut(c echo.Context) error {
	return a.own(c, func(v *visit, account session.Account) error {
		left, err := v.Sessions.SignOut(v.ctx(), v.c.Response(), v.c.Request(), account.ID)
		if err != nil {
			return err
		}
		if frames := v.leave(left); len(frames) > 0 {
			return v.render(http.StatusOK, pages.FrontChannelLogout{Frames: frames, ContinueURL: v.link(pathSignedOut)})
		}
		return v.redirect(v.link(pathSignedOut))
	})
}

// ShowSignedOut answers GET /signed-out.
func (a *API) ShowSignedOut(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		return v.render(http.StatusOK, pages.SignedOut{SignInURL: v.link(pathSignIn)})
	})
}
