//go:build browser

package browser_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screenshots = flag.String("screenshots", "", "the `folder` for pictures of every state of the page; empty: they are made and thrown away")

// looks are the ways in which every state is looked at.
var looks = []struct {
	name, scheme  string
	width, height int64
}{
	{"light", "light", 1200, 860},
	{"dark", "dark", 1200, 860},
	{"narrow", "light", 390, 844},
	{"small-dark", "dark", 320, 640}, // WCAG 2.2, 1.4.10: what must do without scrolling sideways
}

// picture takes the page as it is now in every look, and holds it against what
// must be true of all: nothing is wider than the window.
func (b *tab) picture(folder, name string) {
	b.t.Helper()
	for _, look := range looks {
		b.do(chromedp.EmulateViewport(look.width, look.height), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}}))
		if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			b.t.Errorf("%s, %s: the page is %d px wider than the window", name, look.name, over)
		}
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		cancel()
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+"-"+look.name+".png"), png, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.ResetViewport())
}

func TestEveryStateOfThePageIsLookedAt(t *testing.T) {
	folder := *screenshots
	if folder == "" {
		folder = t.TempDir()
	}
	h := newHouse(t, "SIGNET_TOKENS_ACCESS_TTL=10m", "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=30s")
	b := h.newProfile()

	b.open("log-in")
	b.picture(folder, "1-log-in")
	b.click("#log-in [data-show=register]")
	b.fill("#register-email", "grace@example.com")
	b.fill("#register-password", "short\r")
	b.reads("#register-password-help", "at least 8")
	b.picture(folder, "2-register-refused")

	grace := b.register("grace")
	b.picture(folder, "3-home-empty")
	b.write("The first post of many.")
	b.write("A longer one, to see how lines break when somebody has more to say than fits: a page should stay calm, and its lines short enough to read.\n\nWith a second paragraph.")
	b.write("https://example.com/" + strings.Repeat("a-word-without-an-end-", 6))
	b.click("#post-form [type=submit]")
	b.reads("#post-text-help", "Write something first.")
	b.picture(folder, "4-home-posts")

	other := h.newProfile()
	other.register("ada")
	other.write("Ada's only one")
	h.idp("users", "roles", grace.email, "--add", "admin")
	b.reload("home")
	b.reads("#admin-rows", grace.email)
	b.click("#account summary")
	b.fill("#password-current", "wrong password")
	b.fill("#password-new", "another good one\r")
	b.reads("#password-current-help", "not your current password")
	b.do(chromedp.Evaluate[chromedp.Void](`scrollTo(0, document.body.scrollHeight)`))
	b.picture(folder, "5-home-admin-and-password")
	b.fill("#password-current", grace.password+"\r")
	b.reads("#notice", "Your password is changed")
	b.picture(folder, "6-home-notice")

	b.click("#log-out")
	b.sees("log-in")
	b.picture(folder, "7-logged-out")
	b.fill("#log-in-email", "somebody@example.com")
	b.fill("#log-in-password", "not the password\r")
	b.reads("#log-in .message", "wrong")
	b.picture(folder, "8-log-in-wrong")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until(`!document.querySelector('#log-in-form[aria-busy=true]')`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.reads("#log-in .message", "Too many")
	b.picture(folder, "9-log-in-throttled")

	h.stopIssuer()
	b.open("away")
	b.picture(folder, "10-away")
}
