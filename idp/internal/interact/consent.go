package interact

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/pages"
	"signet/idp/internal/session"
)

// ShowAccounts answers GET /accounts.
func (a *API) ShowAccounts(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		if len(v.session.Accounts) == 0 {
			return v.redirect(v.link(pathSignIn))
		}
		page := pages.Accounts{Form: v.formTo(pathAccounts), Client: v.askedBy()}
		for _, account := range v.session.Accounts {
			page.People = append(page.People, pages.Person{ID: account.ID, Name: account.Person.Profile.Name, Email: account.Person.Email})
		}
		return v.render(http.StatusOK, page)
	})
}

// ChooseAccount answers POST /accounts.
func (a *API) ChooseAccount(c echo.Context) error { return a.submit(c, (*visit).chooseAccount) }

func (v *visit) chooseAccount() error {
	if v.cancelled() {
		return v.decline()
	}
	if v.form.Get(pages.FieldAction) == pages.ActionOther {
		return v.other()
	}
	account, ok := v.session.Account(v.form.Get(pages.FieldAccount))
	switch {
	case !ok: // signed out since the page was shown
		return v.redirect(v.link(pathAccounts))
	case v.asked == nil:
		return v.goOn(account.ID)
	}
	return v.note(func(r *data.Request) { r.Choose(account.ID) })
}

// other leads to the sign-in page for an account that is not in the list.
func (v *visit) other() error {
	if v.asked == nil {
		return v.redirect(v.link(pathSignIn, add, "1"))
	}
	if err := v.change(func(r *data.Request) { r.Choose("") }); err != nil {
		return err
	}
	return v.redirect(v.link(pathSignIn))
}

// ShowConsent answers GET /consent.
func (a *API) ShowConsent(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		if v.asked == nil {
			return errExpired
		}
		account, ok := v.account(v.asked.record.Account)
		if !ok {
			return v.redirect(v.link(pathContinue))
		}
		return v.render(http.StatusOK, v.consentPage(account))
	})
}

func (v *visit) consentPage(account session.Account) pages.Consent {
	page := pages.Consent{
		Form: v.formTo(pathConsent), Client: *v.askedBy(), Email: account.Person.Email, SwitchURL: v.link(pathAccounts),
		Permissions: v.permissions(v.asked.Scope, v.asked.Claims.Names()),
	}
	page.Account = account.ID
	return page
}

// Consent answers POST /consent: what the page has shown is allowed, for the
// account that it was shown for, or nothing is.
func (a *API) Consent(c echo.Context) error { return a.submit(c, (*visit).consent) }

func (v *visit) consent() error {
	if v.asked == nil {
		return errExpired
	}
	if v.form.Get(pages.FieldAction) != pages.ActionGo {
		return v.decline()
	}
	account, ok := v.session.Account(v.form.Get(pages.FieldAccount))
	if !ok { // signed out since the page was shown: nothing was allowed
		return v.redirect(v.link(pathContinue))
	}
	return v.note(func(r *data.Request) {
		r.Choose(account.ID)
		r.Consented, r.Scope, r.Declined = true, v.asked.Scope, false
	})
}
