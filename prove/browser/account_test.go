//go:build browser

package browser_test

import (
	"testing"

	"signet/prove/chrome"
)

// account opens the person's own page.
func (b *tab) account() {
	b.T.Helper()
	b.Open(b.house.issuer + "/account")
	b.page("/account")
	b.Reads("h1", "Your account")
}

// twice clicks a button that asks whether it is meant.
func (b *tab) twice(selector string) {
	b.T.Helper()
	b.Click(selector)
	b.Reads(selector, "Click again to confirm")
	b.Click(selector)
}

func TestThePersonsOwnPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.Open(h.issuer + "/account") // nobody is known yet
	b.join(ada)
	b.page("/account")
	b.Reads("main", ada.email)
	b.Reads("main", "You have given no application access")

	b.Fill(`[name=name]`, "Countess Lovelace")
	b.press(`section[aria-labelledby=profile-title] button`)
	b.Reads(".notice", "Your name is saved")
	b.begin(h.main, "")
	b.allow()
	b.Reads("#who", "Countess Lovelace")
}

func TestANewPasswordSignsOutElsewhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b, elsewhere := h.newProfile(), h.newProfile()
	b.welcome(h.main, ada)
	elsewhere.begin(h.main, "")
	elsewhere.enter(ada)
	elsewhere.greets(h.main, ada)

	b.Open(h.issuer + "/.well-known/change-password")
	b.page("/account")
	if hash := chrome.Eval[string](b.Tab, `location.hash`); hash != "#password" {
		t.Errorf("the way leads to %q", hash)
	}
	change := func(current, next string) {
		t.Helper()
		b.Fill(`[name=current_password]`, current)
		b.enterInto(`[name=new_password]`, next)
	}
	change("not her password", "an even longer way")
	b.Reads(alert, "This is not your current password")
	change(ada.password, "password")
	b.Reads(alert, "among the first")
	change(ada.password, "an even longer way")
	b.Reads(".notice", "Your password is changed")

	// Here the session goes on, there it does not.
	b.begin(h.main, "?prompt=none")
	b.told("still signed in")
	elsewhere.eventually(h.main, signedOut) // by the back channel
	elsewhere.begin(h.main, "?prompt=none")
	elsewhere.told("(login_required)")
	elsewhere.begin(h.main, "")
	elsewhere.enter(ada)
	elsewhere.Reads(alert, "wrong")
	elsewhere.enter(person{email: ada.email, password: "an even longer way"})
	elsewhere.greets(h.main, ada)
}

func TestADeviceIsSignedOutFromTheList(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b, elsewhere := h.newProfile(), h.newProfile()
	b.welcome(h.main, ada)
	elsewhere.begin(h.main, "")
	elsewhere.enter(ada)
	elsewhere.greets(h.main, ada)

	const devices = `section[aria-labelledby=devices-title] `
	b.account()
	b.Reads(devices, "This device")
	if n := chrome.Eval[int](b.Tab, `document.querySelectorAll('`+devices+`li').length`); n != 2 {
		t.Errorf("%d devices", n)
	}
	b.twice(devices + `button[name=id]`)
	b.Reads(".notice", "That device is signed out")
	if n := chrome.Eval[int](b.Tab, `document.querySelectorAll('`+devices+`li').length`); n != 1 {
		t.Errorf("%d devices", n)
	}
	elsewhere.eventually(h.main, signedOut) // by the back channel
	elsewhere.begin(h.main, "?prompt=none")
	elsewhere.told("(login_required)")
	b.begin(h.main, "?prompt=none")
	b.told("still signed in")
}

func TestAnApplicationLosesItsAccess(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.welcome(h.main, ada)
	const apps = `section[aria-labelledby=apps-title] `
	b.account()
	b.Reads(apps, "Main app")
	b.twice(apps + `button[name=id]`)
	b.Reads(".notice", "That application has no access any more")
	b.Reads(apps, "You have given no application access")

	b.Open(h.main)
	if b.Has(`form[action="/refresh"]`) { // unless it was told by the back channel
		b.press(`form[action="/refresh"] button`)
	}
	b.Reads("h1", signedOut)
	b.begin(h.main, "")
	b.allow() // the question comes again
	b.greets(h.main, ada)
}
