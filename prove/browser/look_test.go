//go:build browser

package browser_test

import (
	"fmt"
	"os"
	"testing"
)

// Every page as a person comes to it. BROWSER_PICTURES names the folder for the
// pictures; without it they are made and thrown away.
func TestEveryPageIsLookedAt(t *testing.T) {
	folder := os.Getenv("BROWSER_PICTURES")
	if folder == "" {
		folder = t.TempDir()
	}
	h := newHouse(t, "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=1m", "SIGNET_THROTTLE_ACCOUNT_DELAY_MAX=1m")
	h.startMain()
	h.startOther()
	h.startAPI()
	n := 0
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	look := func(b *tab, name string) {
		t.Helper()
		n++
		b.Picture(folder, fmt.Sprintf("%02d-%s", n, name))
	}

	b := h.newProfile()
	b.Open(h.main)
	look(b, "webapp-signed-out")
	b.begin(h.main, "")
	b.page("/sign-in")
	look(b, "sign-in")
	b.Fill(`[name=email]`, ada.email)
	b.enterInto(`[name=password]`, "not her password")
	b.Reads(alert, "wrong")
	look(b, "sign-in-wrong")
	b.press(`a[href*="/sign-up"]`)
	b.page("/sign-up")
	look(b, "sign-up")
	b.Fill(`[name=email]`, ada.email)
	b.enterInto(`[name=password]`, "password")
	b.Reads(alert, "among the first")
	look(b, "sign-up-wrong")
	b.Fill(`[name=name]`, ada.name)
	b.enterInto(`[name=password]`, ada.password)
	b.page("/consent")
	look(b, "consent")
	b.press(goOn)
	b.greets(h.main, ada)
	look(b, "webapp-signed-in")

	b.begin(h.main, "?prompt=select_account%20login")
	b.page("/accounts")
	b.clickRow(ada.name)
	b.page("/sign-in")
	look(b, "sign-in-again")
	b.confirm(ada)
	b.greets(h.main, ada)
	b.begin(h.main, "?prompt=select_account")
	b.page("/accounts")
	b.press(`button[name=action][value=other]`)
	b.join(bob)
	b.allow()
	b.greets(h.main, bob)
	b.begin(h.main, "?prompt=select_account")
	b.page("/accounts")
	look(b, "accounts")
	b.clickRow(ada.email)
	b.greets(h.main, ada)

	tool := h.cli()
	where, userCode, _ := code(t, tool)
	b.Open(where)
	b.page("/device")
	look(b, "device")
	b.enterInto(`[name=user_code]`, "XXXX-XXXX")
	b.Reads(alert, "mistyped")
	look(b, "device-wrong")
	b.enterInto(`[name=user_code]`, userCode)
	b.Reads("h1", "Let Command line")
	look(b, "device-confirm")
	b.press(goOn)
	b.Reads("h1", "You’re all set")
	look(b, "device-done")
	tool.Ends()

	elsewhere := h.newProfile()
	elsewhere.begin(h.other, "")
	elsewhere.enter(ada)
	elsewhere.allow()
	elsewhere.greets(h.other, ada)
	b.account()
	look(b, "account")
	b.Fill(`[name=current_password]`, "not her password")
	b.enterInto(`[name=new_password]`, "an even longer way")
	b.Reads(alert, "not your current password")
	look(b, "account-wrong")

	b.Open(h.issuer + "/oauth2/logout")
	b.Reads("h1", "Sign out?")
	look(b, "logout")
	b.press(goOn)
	b.page("/signed-out")
	look(b, "signed-out")
	b.Open(h.issuer + "/oauth2/authorize?client_id=nobody")
	b.Reads("h1", "This link does not work")
	look(b, "error")
	b.Open(h.issuer + "/nothing")
	b.Reads("h1", "There is nothing here")
	look(b, "not-found")

	b.begin(h.main, "?ui_locales=de")
	b.page("/sign-in")
	look(b, "sign-in-german")
	for range 3 {
		b.Fill(`[name=email]`, bob.email)
		b.enterInto(`[name=password]`, "not his password")
		b.Reads(alert, "")
	}
	b.Reads(alert, "zu oft")
	look(b, "sign-in-throttled-german")
}
