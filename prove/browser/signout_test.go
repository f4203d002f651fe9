//go:build browser

package browser_test

import (
	"testing"

	"signet/prove/chrome"
)

const (
	signedOut = "You are not signed in" // an application's page
	hello     = "Hello, "
)

// signedInTwice brings a person into both applications, in one browser.
func signedInTwice(t *testing.T) (*house, *tab) {
	t.Helper()
	h := newHouse(t)
	h.startMain()
	h.startOther()
	b := h.newProfile()
	b.welcome(h.main, ada)
	b.begin(h.other, "")
	b.allow()
	b.greets(h.other, ada)
	return h, b
}

func TestSigningOutHereEndsItThereAndElsewhere(t *testing.T) {
	t.Parallel()
	h, b := signedInTwice(t)
	b.Open(h.main)
	b.press(`form[action="/logout"] button`)
	b.At(h.main + "/signed-out") // by way of the frames of the others
	b.Open(h.other)
	b.strange(h.other)
	b.begin(h.main, "?prompt=none")
	b.strange(h.main)
	b.told("(login_required)")
	b.begin(h.main, "")
	b.page("/sign-in")
}

func TestAnApplicationIsToldByTheBackChannel(t *testing.T) {
	t.Parallel()
	h, b := signedInTwice(t)
	elsewhere := h.newProfile() // another session of the same person goes on
	elsewhere.begin(h.main, "")
	elsewhere.enter(ada)
	elsewhere.greets(h.main, ada)

	b.Open(h.other)
	b.press(`form[action="/logout"] button`)
	b.At(h.other + "/signed-out")
	b.eventually(h.main, signedOut)
	elsewhere.Open(h.main)
	elsewhere.greets(h.main, ada)
	elsewhere.begin(h.main, "?prompt=none")
	elsewhere.told("still signed in")
}

func TestSigningOutAtTheIssuerEndsItEverywhere(t *testing.T) {
	t.Parallel()
	h, b := signedInTwice(t)
	b.Open(h.issuer + "/account")
	b.press(`header form button`)
	b.page("/signed-out")
	b.eventually(h.main, signedOut)
	b.eventually(h.other, signedOut)
}

func TestALogoutThatNobodyProvedIsAskedAbout(t *testing.T) {
	t.Parallel()
	h, b := signedInTwice(t)
	b.Open(h.issuer + "/oauth2/logout")
	b.Reads("h1", "Sign out?")
	b.Reads("main", ada.email)
	b.press(cancel)
	b.begin(h.main, "?prompt=none")
	b.told("still signed in")

	// A link that somebody sends leads nobody away either.
	b.Open(h.issuer + "/oauth2/logout?post_logout_redirect_uri=" + h.main + "/signed-out&client_id=main")
	b.Reads("h1", "Sign out?")
	b.Reads("main", "Main app")
	b.press(goOn)
	b.At(h.main + "/signed-out")
	b.eventually(h.other, signedOut)
	b.eventually(h.main, signedOut)
}

func TestARefreshEndsWithTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startSPA() // which nobody tells
	h.startMain()
	b := h.newProfile()
	b.Open(h.spa)
	b.Click("#sign-in")
	b.join(ada)
	b.At(h.spa)
	b.Reads("#who", ada.name)
	out := b.beside()
	out.Open(h.issuer + "/account")
	out.press(`header form button`)
	out.page("/signed-out")
	b.Click("#refresh")
	b.Reads("#notice", "Your sign-in has ended")
	b.Reads("h1", signedOut)
}

func TestTheSessionCookieIsForTheIssuerAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.welcome(h.main, ada)
	b.Open(h.issuer + "/account")
	if readable := chrome.Eval[string](b.Tab, `document.cookie`); readable != "" {
		t.Errorf("a script reads %q", readable)
	}
	cookies := b.Cookies(h.issuer + "/oauth2/authorize")
	if len(cookies) == 0 {
		t.Fatal("no cookie")
	}
	for name, c := range cookies {
		if !c.HTTPOnly || c.SameSite == "None" || c.SameSite == "" {
			t.Errorf("%s: HttpOnly %v, SameSite %q", name, c.HTTPOnly, c.SameSite)
		}
	}
}
