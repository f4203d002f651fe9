//go:build browser

package browser_test

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"signet/prove/chrome"
)

func TestAPersonRegistersWritesAndIsThereAfterAReload(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	b.Reads("#who", ada.email)
	b.Reads("#posts-none", "Nothing here yet")
	b.write("first words")
	b.write("second words")
	b.reload("home")
	b.Reads("#who", ada.email)
	if got, want := b.posts(), []string{"second words", "first words"}; !slices.Equal(got, want) {
		t.Errorf("the posts are %q, want %q", got, want)
	}
}

func TestAWayInSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=1m", "SIGNET_THROTTLE_ACCOUNT_DELAY_MAX=1m")
	b := h.newProfile()
	ada := b.register("ada")

	stranger := h.newProfile()
	stranger.open("log-in")
	const height = `document.querySelector('#log-in .card').offsetHeight`
	before := chrome.Eval[int](stranger.Tab, height)
	stranger.Click("#log-in [type=submit]")
	stranger.Reads("#log-in-email-help", "Enter your e-mail.")
	stranger.Click("#log-in [data-show=register]")
	for _, c := range []struct{ email, password, where, says string }{
		{"no address", ada.password, "#register-email-help", "is not an address"},
		{ada.email, "short", "#register-password-help", "must have at least 8 characters"},
		{ada.email, "password", "#register-password-help", "common"},
		{"ADA@Example.com", ada.password, "#register-email-help", "There is an account with this e-mail already."},
	} {
		stranger.Fill("#register-email", c.email)
		stranger.Fill("#register-password", c.password+"\r")
		stranger.Reads(c.where, c.says)
	}

	// What was typed comes along, but for the password.
	stranger.Click("#register [data-show=log-in]")
	stranger.sees("log-in")
	if email := chrome.Eval[string](stranger.Tab, `document.getElementById('log-in-email').value`); email != "ADA@Example.com" {
		t.Errorf("the e-mail is %q", email)
	}
	for range 2 {
		stranger.Fill("#log-in-password", "wrong password\r")
		stranger.Reads("#log-in .message", "The e-mail or the password is wrong.")
		stranger.Until(`!document.querySelector('#log-in-form[aria-busy=true]')`)
	}
	stranger.Fill("#log-in-password", ada.password+"\r")
	stranger.Reads("#log-in .message", "Too many attempts")
	stranger.Until(`/^Try again in \d\d s$/.test(document.querySelector('#log-in [type=submit]').textContent)`)
	if after := chrome.Eval[int](stranger.Tab, height); after != before {
		t.Errorf("the form was %d px high and is %d", before, after)
	}
	stranger.Traffic.Forget()
	stranger.Click("#log-in [type=submit]") // does nothing
	stranger.Do(chromedp.Evaluate[chromedp.Void](`performance.now = () => 1e9`))
	stranger.Until(`document.querySelector('#log-in [type=submit]').textContent === 'Log in'`)
	stranger.Click("#log-in [type=submit]")
	stranger.Reads("#log-in .message", "Too many attempts") // the issuer has another clock
	stranger.sends("POST /session/login 429")
}

func TestThePageIsUsedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	b.open("log-in")
	press := func(keys ...string) {
		for _, k := range keys {
			b.Do(chromedp.KeyEvent(k))
		}
	}
	has := func(id string) {
		t.Helper()
		b.Until(`document.activeElement?.id === '` + id + `' || document.activeElement?.dataset.show === '` + id + `'`)
	}
	has("log-in-email")
	press(kb.Tab, kb.Tab, kb.Tab, kb.Tab)
	has("register") // past the password, its button and the form's
	press(kb.Enter)
	has("register-email")
	press("a@example.com", kb.Tab, "short", kb.Enter)
	b.Reads("#register-password-help", "at least 8")
	has("register-password")
	press(" but long now", kb.Enter)
	b.sees("home")
	has("posts-title") // so that a screen reader says where one is
	press(kb.Tab)
	has("post-text")
	press("typed", kb.Tab, kb.Enter)
	b.Reads("#posts li p", "typed")
	b.Reads("#posts-said", "Your post was added.")
	has("post-text")
	press("not sent", kb.Escape)
}

func TestANewPasswordEndsOtherSignInsAndNotThisOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	here, elsewhere := h.newProfile(), h.newProfile()
	ada := here.register("ada")
	elsewhere.open("log-in")
	elsewhere.logIn(ada)
	elsewhere.sees("home")

	here.Click("#account summary")
	here.Fill("#password-current", ada.password)
	here.Fill("#password-new", "an even longer way\r")
	here.Reads("#notice", "Your password is changed")

	elsewhere.outlive()
	elsewhere.Fill("#post-text", "too late")
	elsewhere.Click("#post-form [type=submit]")
	elsewhere.sees("log-in")
	here.outlive()
	here.write("still here")
	here.reload("home")
}
