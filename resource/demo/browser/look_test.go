//go:build browser

package browser_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screenshots = flag.String("screenshots", "", "the `folder` for pictures of every state of the page; empty: they are made and thrown away")

func TestEveryStateOfThePageIsLookedAt(t *testing.T) {
	folder := *screenshots
	if folder == "" {
		folder = t.TempDir()
	}
	h := newHouse(t, "SIGNET_TOKENS_ACCESS_TTL=10m", "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=30s")
	b := h.newProfile()

	b.open("log-in")
	b.Picture(folder, "1-log-in")
	b.Click("#log-in [data-show=register]")
	b.Fill("#register-email", "grace@example.com")
	b.Fill("#register-password", "short\r")
	b.Reads("#register-password-help", "at least 8")
	b.Picture(folder, "2-register-refused")

	grace := b.register("grace")
	b.Picture(folder, "3-home-empty")
	b.write("The first post of many.")
	b.write("A longer one, to see how lines break when somebody has more to say than fits: a page should stay calm, and its lines short enough to read.\n\nWith a second paragraph.")
	b.write("https://example.com/" + strings.Repeat("a-word-without-an-end-", 6))
	b.Click("#post-form [type=submit]")
	b.Reads("#post-text-help", "Write something first.")
	b.Picture(folder, "4-home-posts")

	other := h.newProfile()
	other.register("ada")
	other.write("Ada's only one")
	h.idp("users", "roles", grace.email, "--add", "admin")
	b.reload("home")
	b.Reads("#admin-rows", grace.email)
	b.Click("#account summary")
	b.Fill("#password-current", "wrong password")
	b.Fill("#password-new", "another good one\r")
	b.Reads("#password-current-help", "not your current password")
	b.Do(chromedp.Evaluate[chromedp.Void](`scrollTo(0, document.body.scrollHeight)`))
	b.Picture(folder, "5-home-admin-and-password")
	b.Fill("#password-current", grace.password+"\r")
	b.Reads("#notice", "Your password is changed")
	b.Picture(folder, "6-home-notice")

	b.Click("#log-out")
	b.sees("log-in")
	b.Picture(folder, "7-logged-out")
	b.Fill("#log-in-email", "somebody@example.com")
	b.Fill("#log-in-password", "not the password\r")
	b.Reads("#log-in .message", "wrong")
	b.Picture(folder, "8-log-in-wrong")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Until(`!document.querySelector('#log-in-form[aria-busy=true]')`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.Reads("#log-in .message", "Too many")
	b.Picture(folder, "9-log-in-throttled")

	h.stopIssuer()
	b.open("away")
	b.Picture(folder, "10-away")
}
