//go:build browser

package browser_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"signet/prove/chrome"
)

func TestAPersonSignsUpAndLetsAnApplicationIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.startAPI()
	b := h.newProfile()
	b.Open(h.main)
	b.strange(h.main)
	b.press(`a[href="/login"]`)
	b.page("/sign-in")
	b.Reads("main", "Main app")
	b.join(ada)
	b.page("/consent")
	b.Reads("h1", "Main app wants access to your account")
	b.Reads("main", ada.email)
	for _, permission := range []string{"Recognise you", "your name", "your e-mail address"} {
		b.Reads(".permissions", permission)
	}
	b.press(goOn)
	b.greets(h.main, ada)
	if b.claim("iss") != h.issuer || b.claim("aud") != "main" || b.claim("sub") == "" || b.claim("sid") == "" || b.claim("auth_time") == "" {
		t.Errorf("the ID token says %s", b.Text("#claims"))
	}
	if got := b.Text(`#userinfo [data-claim=email]`); got != ada.email {
		t.Errorf("userinfo says %q", got)
	}
	b.press(`form[action="/call"] button`)
	b.told("200 OK")

	// The second time there is nothing to ask.
	b.Traffic.Forget()
	b.begin(h.main, "")
	b.greets(h.main, ada)
	if pages := b.visited(); len(pages) != 0 {
		t.Errorf("a person who is known is shown %q", pages)
	}
}

func TestAWayInSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=1m", "SIGNET_THROTTLE_ACCOUNT_DELAY_MAX=1m")
	h.startMain()
	h.newProfile().welcome(h.main, ada)

	b := h.newProfile()
	b.begin(h.main, "?login_hint="+ada.email)
	b.page("/sign-in")
	if email := chrome.Eval[string](b.Tab, `document.querySelector('[name=email]').value`); email != ada.email {
		t.Errorf("the hint became %q", email)
	}
	b.enterInto(`[name=password]`, "not her password")
	b.Reads(alert, "The e-mail or the password is wrong.")
	if email := chrome.Eval[string](b.Tab, `document.querySelector('[name=email]').value`); email != ada.email {
		t.Errorf("the e-mail became %q", email)
	}
	if chrome.Eval[bool](b.Tab, `document.querySelector('[name=password]').value !== ''`) {
		t.Error("the wrong password is sent back")
	}
	// Somebody who is not there is no different.
	b.enter(person{email: "nobody@example.com", password: "not a password"})
	b.Until(`document.querySelector('[name=email]').value === 'nobody@example.com'`)
	b.Reads(alert, "The e-mail or the password is wrong.")

	b.enter(ada)
	b.greets(h.main, ada)

	thief := h.newProfile()
	thief.begin(h.main, "")
	for range 2 {
		thief.enter(person{email: ada.email, password: "not her password"})
		thief.Reads(alert, "wrong")
		thief.begin(h.main, "")
	}
	thief.enter(ada)
	thief.Reads(alert, "tried too often")
}

func TestANewAccountIsCheckedFieldByField(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.newProfile().welcome(h.main, ada)
	b := h.newProfile()
	b.begin(h.main, "")
	b.page("/sign-in")
	b.press(`a[href*="/sign-up"]`)
	for _, c := range []struct{ email, password, says string }{
		{"bob@example.com", "password", "among the first that others would guess"},
		{strings.ToUpper(ada.email), bob.password, "There is an account with this e-mail already"},
		{"bob@example.com", "bob@example.com", "must not be your e-mail"},
	} {
		b.page("/sign-up")
		b.Fill(`[name=email]`, c.email)
		b.enterInto(`[name=password]`, c.password)
		b.Reads(alert, c.says)
	}
	b.Fill(`[name=name]`, bob.name)
	b.Fill(`[name=email]`, bob.email)
	b.enterInto(`[name=password]`, bob.password)
	b.allow()
	b.greets(h.main, bob)
}

func TestSomebodyWhoSaysNoIsNotSignedIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.begin(h.main, "")
	b.join(ada)
	b.page("/consent")
	b.press(cancel)
	b.strange(h.main)
	b.told("You did not let this application in")

	// No is not remembered: the next time, the question comes again.
	b.begin(h.main, "")
	b.allow()
	b.greets(h.main, ada)

	stranger := h.newProfile()
	stranger.begin(h.main, "")
	stranger.page("/sign-in")
	stranger.press(cancel)
	stranger.strange(h.main)
	stranger.told("You did not let this application in")
}

func TestASilentCheckShowsNoPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.startOther()
	b := h.newProfile()
	b.begin(h.main, "?prompt=none")
	b.strange(h.main)
	b.told("(login_required)")

	b.welcome(h.main, ada)
	b.Traffic.Forget()
	b.press(`a[href="/login?prompt=none"]`)
	b.told("You are still signed in at the issuer")
	b.greets(h.main, ada)

	b.begin(h.other, "?prompt=none")
	b.strange(h.other)
	b.told("(consent_required)")
	if pages := b.visited(); len(pages) != 0 {
		t.Errorf("a silent check shows %q", pages)
	}
}

func TestASecondPersonInTheSameBrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.welcome(h.main, ada)
	b.press(`a[href="/login?prompt=select_account"]`)
	b.page("/accounts")
	b.Reads("main", ada.email)
	b.press(`button[name=action][value=other]`)
	b.join(bob)
	b.allow()
	b.greets(h.main, bob)

	// Now both are offered, and neither needs a password.
	b.Traffic.Forget()
	b.begin(h.main, "?prompt=select_account")
	b.page("/accounts")
	b.Reads("main", bob.email)
	b.clickRow(ada.email)
	b.greets(h.main, ada)
	if pages := b.visited(); !slices.Equal(pages, []string{"/accounts"}) {
		t.Errorf("shown %q", pages)
	}

	// A hint chooses by itself.
	b.begin(h.main, "?login_hint="+bob.email)
	b.greets(h.main, bob)
}

// clickRow clicks the button that shows the text.
func (b *tab) clickRow(text string) {
	b.T.Helper()
	b.Reads("button.row", text)
	chrome.Eval[chromedp.Void](b.Tab, `Array.from(document.querySelectorAll('button.row')).find((e) => e.textContent.includes('`+text+`')).click()`)
}

func TestAPersonProvesAgainWhoTheyAre(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.welcome(h.main, ada)
	first := b.claim("auth_time")
	for _, query := range []string{"?prompt=login", "?max_age=0"} {
		b.begin(h.main, query)
		b.page("/sign-in")
		b.enter(person{email: ada.email, password: "not her password"})
		b.Reads(alert, "wrong")
		b.enter(ada)
		b.greets(h.main, ada)
		if b.claim("auth_time") < first {
			t.Errorf("%s: auth_time is %s, and was %s", query, b.claim("auth_time"), first)
		}
	}

	// Who has been chosen need not say who they are.
	b.begin(h.main, "?prompt=select_account%20login")
	b.page("/accounts")
	b.clickRow(ada.name)
	b.page("/sign-in")
	b.Reads("h1", "Confirm it’s you")
	b.confirm(ada)
	b.greets(h.main, ada)

	b.Traffic.Forget()
	b.begin(h.main, "?max_age=3600")
	b.greets(h.main, ada)
	b.begin(h.main, "?prompt=consent")
	b.allow()
	b.greets(h.main, ada)
	if pages := b.visited(); !slices.Equal(pages, []string{"/consent"}) {
		t.Errorf("shown %q", pages)
	}
}

func TestAnAnswerComesByPost(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startPosted()
	b := h.newProfile()
	b.welcome(h.posted, ada)
	if sent := b.Traffic.List(); !slices.Contains(sent, "POST /callback 303") {
		t.Errorf("sent %q", sent)
	}
}

func TestThePagesSpeakGerman(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	b := h.newProfile()
	b.begin(h.main, "?ui_locales=fr%20de")
	b.page("/sign-in")
	b.Reads("h1", "Anmelden")
	if lang := chrome.Eval[string](b.Tab, `document.documentElement.lang`); lang != "de" {
		t.Errorf("the page is in %q", lang)
	}
	b.Fill(`[name=email]`, ada.email)
	b.enterInto(`[name=password]`, "falsch, leider")
	b.Reads(alert, "falsch")
	b.press(`a[href*="/sign-up"]`)
	b.page("/sign-up")
	b.Reads("h1", "Konto erstellen")
	b.Fill(`[name=name]`, ada.name)
	b.Fill(`[name=email]`, ada.email)
	b.enterInto(`[name=password]`, ada.password)
	b.page("/consent")
	b.Reads("h1", "Main app")
	b.Reads("main", "E-Mail-Adresse")
	b.press(goOn)
	b.greets(h.main, ada)
}

func TestEverythingWorksWithoutScripts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.startPosted()
	b := h.newProfile()
	b.WithoutScripts()
	b.begin(h.main, "")
	b.page("/sign-in")
	b.Fill(`[name=email]`, ada.email)
	b.Fill(`[name=password]`, "not her password")
	b.press(goOn)
	b.Reads(alert, "wrong")
	b.join(ada)
	b.allow()
	b.greets(h.main, ada)
	b.press(`a[href="/login?prompt=select_account"]`)
	b.page("/accounts")
	b.Click(`button.row[name=account]`)
	b.greets(h.main, ada)

	b.begin(h.posted, "")
	b.allow()
	b.Reads("h1", "One moment")
	b.Click("main button")
	b.greets(h.posted, ada)

	b.press(`form[action="/logout"] button`)
	b.At(h.posted + "/signed-out")
}

func TestThePagesAreUsedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	h.newProfile().welcome(h.main, ada)
	b := h.newProfile()
	b.begin(h.main, "")
	b.page("/sign-in")
	has := func(selector string) {
		t.Helper()
		b.Until(`document.activeElement?.matches('` + selector + `')`)
	}
	has(`[name=email]`)
	b.Press(ada.email, kb.Tab)
	has(`[name=password]`)
	b.Press("not her password", kb.Enter)
	b.Reads(alert, "wrong")
	has(alert)
	b.Press(kb.Tab, kb.Tab)
	has(`[name=password]`)
	b.Press(ada.password, kb.Tab, kb.Tab)
	has(goOn) // past the button that shows the password
	b.Press(kb.Enter)
	b.greets(h.main, ada)

	b.begin(h.main, "?prompt=consent")
	b.page("/consent")
	for range 10 {
		if chrome.Eval[bool](b.Tab, `document.activeElement?.matches('`+goOn+`') || false`) {
			break
		}
		b.Press(kb.Tab)
	}
	has(goOn)
	b.Press(kb.Enter)
	b.greets(h.main, ada)
}

func TestTokensAreRefreshed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "SIGNET_TOKENS_ACCESS_TTL=2s")
	h.startMain()
	h.startAPI()
	b := h.newProfile()
	b.welcome(h.main, ada)
	b.press(`form[action="/refresh"] button`)
	b.told("The tokens are new")
	b.greets(h.main, ada)
	b.press(`form[action="/call"] button`)
	b.told("200 OK")
}
