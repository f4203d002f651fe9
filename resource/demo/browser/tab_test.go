//go:build browser

package browser_test

import (
	"context"
	"fmt"

	"github.com/chromedp/chromedp"

	"signet/prove/chrome"
)

// browser is the one Chromium of all tests.
var browser *chrome.Browser

// tab is a tab that knows the house.
type tab struct {
	*chrome.Tab
	house *house
}

// newProfile opens a tab whose cookies no other profile sees.
func (h *house) newProfile() *tab {
	h.t.Helper()
	return &tab{browser.NewProfile(h.t), h}
}

// beside opens another tab of the same profile.
func (b *tab) beside() *tab {
	b.T.Helper()
	return &tab{b.Tab.Beside(), b.house}
}

// follow evaluates an expression that leads elsewhere, and gives the status
// of what is there.
func (b *tab) follow(expression string) int64 {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Evaluate[chromedp.Void](expression))
	if err != nil {
		b.T.Fatalf("%v\n%s", err, b.Describe())
	}
	return answer.Status
}

// open shows the page of the demo, and waits for one of its views.
func (b *tab) open(view string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(b.house.demo))
	b.sees(view)
}

func (b *tab) reload(view string) {
	b.T.Helper()
	b.Do(chromedp.Reload())
	b.sees(view)
}

// sees waits for a view of the page.
func (b *tab) sees(view string) {
	b.T.Helper()
	b.Until(fmt.Sprintf(`document.getElementById(%q)?.hidden === false`, view))
}

// person is somebody who has an account.
type person struct{ email, password string }

// register makes an account through the page, which signs the person in.
func (b *tab) register(name string) person {
	b.T.Helper()
	p := person{email: name + "@example.com", password: "a long way to " + name}
	b.open("log-in")
	b.Click(`#log-in [data-show=register]`)
	b.Fill("#register-email", p.email)
	b.Fill("#register-password", p.password+"\r")
	b.sees("home")
	return p
}

func (b *tab) logIn(p person) {
	b.T.Helper()
	b.sees("log-in")
	b.Fill("#log-in-email", p.email)
	b.Fill("#log-in-password", p.password+"\r")
}

// write adds a post, and waits until it is there.
func (b *tab) write(text string) {
	b.T.Helper()
	b.Fill("#post-text", text)
	b.Click("#post-form [type=submit]")
	b.Reads("#posts li:first-child p", text)
}

// posts are the texts that the person sees, the newest first.
func (b *tab) posts() []string {
	b.T.Helper()
	return chrome.Eval[[]string](b.Tab, `Array.from(document.querySelectorAll('#posts li p'), (p) => p.textContent)`)
}
