package interact

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/pages"
	"signet/idp/internal/request"
	"signet/idp/internal/session"
	"signet/idp/internal/wire"
)

// ShowDevice answers GET /device, the verification URI of RFC 8628, section
// 3.3; with a user code in it, the complete one of section 3.3.1.
func (a *API) ShowDevice(c echo.Context) error {
	return a.open(c, func(v *visit) error {
		if v.form.Get(pages.FieldCode) == "" {
			return v.render(http.StatusOK, v.entryPage())
		}
		return v.device(v.showDevice)
	})
}

// Device answers POST /device: a code that was typed, or what the person says
// to a device.
func (a *API) Device(c echo.Context) error { return a.submit(c, (*visit).deviceForm) }

func (v *visit) deviceForm() error {
	switch {
	case v.form.Get(pages.FieldCode) == "":
		return v.render(http.StatusUnprocessableEntity, v.entryPage(pages.CodeMissing))
	case v.form.Get(pages.FieldAccount) == "":
		return v.device(v.showDevice)
	}
	return v.device(v.decide)
}

func (v *visit) entryPage(problems ...pages.Problem) pages.DeviceEntry {
	page := pages.DeviceEntry{Form: v.formTo(pathDevice, problems...), Code: v.form.Get(pages.FieldCode)}
	page.UserCode = "" // it is typed into the form
	return page
}

// device finds the device of the code for somebody who is signed in: nobody
// else may try codes.
func (v *visit) device(then func(data.Device, *client.Client, session.Account) error) error {
	account, ok := v.account(v.form.Get(pages.FieldAccount))
	if !ok {
		return v.redirect(v.link(pathSignIn))
	}
	right, err := v.API.SignIn.TryCode(v.ctx(), account.Person.ID, address(v.c))
	if err != nil {
		status, problem, ok := v.problem(err, "")
		if !ok {
			return err
		}
		return v.render(status, v.entryPage(problem))
	}
	d, err := v.findDevice()
	if errors.Is(err, data.ErrNone) {
		return v.render(http.StatusUnprocessableEntity, v.entryPage(pages.CodeUnknown))
	}
	right() // or the store failed: no try was made
	if err != nil {
		return err
	}
	c, err := v.Clients.Find(v.ctx(), d.Client)
	if errors.Is(err, client.ErrUnknown) {
		return errExpired
	}
	if err != nil {
		return err
	}
	return then(d, c, account)
}

// findDevice returns ErrNone for a device that was decided on already.
func (v *visit) findDevice() (data.Device, error) {
	code, err := v.Store.UserCodes.Get(v.ctx(), data.HashOfUserCode(v.form.Get(pages.FieldCode)))
	if err != nil {
		return data.Device{}, err
	}
	d, err := v.Store.Devices.Get(v.ctx(), code.Device)
	if err == nil && d.Decision != data.Undecided {
		err = data.ErrNone
	}
	return d, err
}

func (v *visit) showDevice(d data.Device, c *client.Client, account session.Account) error {
	page := pages.DeviceConfirm{
		Form: v.formTo(pathDevice), Client: v.shown(c, ""), Email: account.Person.Email, SwitchURL: v.link(pathAccounts),
		Permissions: v.permissions(v.Clients.Scope(c.Terms(), d.Scope), nil),
	}
	page.Account = account.ID
	page.UserCode = data.ShowUserCode(v.form.Get(pages.FieldCode)) // to be compared, letter by letter
	return v.render(http.StatusOK, page)
}

// decide notes what the person said, once.
func (v *visit) decide(d data.Device, c *client.Client, account session.Account) error {
	allowed := v.form.Get(pages.FieldAction) == pages.ActionGo
	scope := v.Clients.Scope(c.Terms(), d.Scope)
	decided := false
	err := v.Store.Devices.Change(v.ctx(), d.Hash, func(d *data.Device) data.Change {
		if decided = d.Decision == data.Undecided; !decided {
			return data.Keep
		}
		if d.Decision = data.Denied; allowed {
			d.Decision = data.Allowed
			d.Authorization = authorize(*d, scope, account)
		}
		return data.Save
	})
	if errors.Is(err, data.ErrNone) || err == nil && !decided {
		return v.render(http.StatusUnprocessableEntity, v.entryPage(pages.CodeUnknown))
	}
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, pages.DeviceDone{Client: v.shown(c, ""), Allowed: allowed})
}

// authorize is what the person allows the device. It has no part in the
// browser's session, which only lent its person: it goes on when the browser
// is signed out, and is ended on the account page.
func authorize(d data.Device, scope string, account session.Account) data.Authorization {
	return data.Authorization{
		Client: d.Client, User: account.User, Epoch: account.Epoch, Scope: scope, Audience: d.Audience,
		Offline:  slices.Contains(strings.Fields(scope), wire.ScopeOfflineAccess),
		AuthTime: account.AuthTime, AMR: account.AMR, ACR: request.ACR,
	}
}
