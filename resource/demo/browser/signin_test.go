//go:build browser

package browser_test

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestAPersonRegistersWritesAndIsThereAfterAReload(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	b.reads("#who", ada.email)
	b.reads("#posts-none", "Nothing here yet")
	b.write("first words")
	b.write("second words")
	b.reload("home")
	b.reads("#who", ada.email)
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
	before := eval[int](stranger, height)
	stranger.click("#log-in [type=submit]")
	stranger.reads("#log-in-email-help", "Enter your e-mail.")
	stranger.click("#log-in [data-show=register]")
	for _, c := range []struct{ email, password, where, says string }{
		{"no address", ada.password, "#register-email-help", "is not an address"},
		{ada.email, "short", "#register-password-help", "must have at least 8 characters"},
		{ada.email, "password", "#register-password-help", "common"},
		{"ADA@Example.com", ada.password, "#register-email-help", "There is an account with this e-mail already."},
	} {
		stranger.fill("#register-email", c.email)
		stranger.fill("#register-password", c.password+"\r")
		stranger.reads(c.where, c.says)
	}

	// What was typed comes along, but for the password.
	stranger.click("#register [data-show=log-in]")
	stranger.sees("log-in")
	if email := eval[string](stranger, `document.getElementById('log-in-email').value`); email != "ADA@Example.com" {
		t.Errorf("the e-mail is %q", email)
	}
	for range 2 {
		stranger.fill("#log-in-password", "wrong password\r")
		stranger.reads("#log-in .message", "The e-mail or the password is wrong.")
		stranger.until(`!document.querySelector('#log-in-form[aria-busy=true]')`)
	}
	stranger.fill("#log-in-password", ada.password+"\r")
	stranger.reads("#log-in .message", "Too many attempts")
	stranger.until(`/^Try again in \d\d s$/.test(document.querySelector('#log-in [type=submit]').textContent)`)
	if after := eval[int](stranger, height); after != before {
		t.Errorf("the form was %d px high and is %d", before, after)
	}
	stranger.traffic.forget()
	stranger.click("#log-in [type=submit]") // does nothing
	stranger.do(chromedp.Evaluate[chromedp.Void](`performance.now = () => 1e9`))
	stranger.until(`document.querySelector('#log-in [type=submit]').textContent === 'Log in'`)
	stranger.click("#log-in [type=submit]")
	stranger.reads("#log-in .message", "Too many attempts") // the issuer has another clock
	stranger.sends("POST /session/login 429")
}

func TestThePageIsUsedByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	b.open("log-in")
	press := func(keys ...string) {
		for _, k := range keys {
			b.do(chromedp.KeyEvent(k))
		}
	}
	has := func(id string) {
		t.Helper()
		b.until(`document.activeElement?.id === '` + id + `' || document.activeElement?.dataset.show === '` + id + `'`)
	}
	has("log-in-email")
	press(kb.Tab, kb.Tab, kb.Tab, kb.Tab)
	has("register") // past the password, its button and the form's
	press(kb.Enter)
	has("register-email")
	press("a@example.com", kb.Tab, "short", kb.Enter)
	b.reads("#register-password-help", "at least 8")
	has("register-password")
	press(" but long now", kb.Enter)
	b.sees("home")
	has("posts-title") // so that a screen reader says where one is
	press(kb.Tab)
	has("post-text")
	press("typed", kb.Tab, kb.Enter)
	b.reads("#posts li p", "typed")
	b.reads("#posts-said", "Your post was added.")
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

	here.click("#account summary")
	here.fill("#password-current", ada.password)
	here.fill("#password-new", "an even longer way\r")
	here.reads("#notice", "Your password is changed")

	elsewhere.outlive()
	elsewhere.fill("#post-text", "too late")
	elsewhere.click("#post-form [type=submit]")
	elsewhere.sees("log-in")
	here.outlive()
	here.write("still here")
	here.reload("home")
}
