//go:build browser

package browser_test

import (
	"slices"
	"strings"
	"time"

	"signet/prove/child"
	"signet/prove/chrome"
)

// tab is a tab that knows the house.
type tab struct {
	*chrome.Tab
	house *house
}

// newProfile opens a tab whose cookies no other profile sees.
func (h *house) newProfile() *tab {
	h.t.Helper()
	return &tab{chromium.NewProfile(h.t), h}
}

func (b *tab) beside() *tab { return &tab{b.Tab.Beside(), b.house} }

// What the pages are made of.
const (
	goOn   = `button[name=action][value=go]`
	cancel = `button[name=action][value=cancel]`
	alert  = `[role=alert]`
)

// page waits for one of the issuer's pages.
func (b *tab) page(path string) {
	b.T.Helper()
	b.At(b.house.issuer + path)
	b.Until(`document.querySelector('h1')`)
}

// press clicks what leads to another page.
func (b *tab) press(selector string) {
	b.T.Helper()
	b.Leads(func() { b.Click(selector) })
}

// enterInto types into a field, and sends the form.
func (b *tab) enterInto(selector, text string) {
	b.T.Helper()
	b.Leads(func() { b.Fill(selector, text+"\r") })
}

// begin goes from an application's page to the issuer's.
func (b *tab) begin(app, query string) {
	b.T.Helper()
	b.Open(app + "/login" + query)
}

// enter types the e-mail and the password.
func (b *tab) enter(p person) {
	b.T.Helper()
	b.page("/sign-in")
	b.Fill(`[name=email]`, p.email)
	b.Fill(`[name=password]`, p.password)
	b.press(goOn)
}

// confirm types the password again, of the person who is known.
func (b *tab) confirm(p person) {
	b.T.Helper()
	b.page("/sign-in")
	b.Fill(`[name=password]`, p.password)
	b.press(goOn)
}

// join makes an account, from the sign-in page.
func (b *tab) join(p person) {
	b.T.Helper()
	b.page("/sign-in")
	b.press(`a[href*="/sign-up"]`)
	b.page("/sign-up")
	b.Fill(`[name=name]`, p.name)
	b.Fill(`[name=email]`, p.email)
	b.Fill(`[name=password]`, p.password)
	b.press(goOn)
}

// allow says yes to an application.
func (b *tab) allow() {
	b.T.Helper()
	b.page("/consent")
	b.press(goOn)
}

// greets waits until an application shows who is signed in.
func (b *tab) greets(app string, p person) {
	b.T.Helper()
	b.At(app + "/")
	b.Reads("#who", p.name)
}

// strange waits until an application shows that nobody is signed in.
func (b *tab) strange(app string) {
	b.T.Helper()
	b.At(app + "/")
	b.Reads("h1", "You are not signed in")
}

// told waits until an application says something.
func (b *tab) told(text string) {
	b.T.Helper()
	b.Reads("#notice", text)
}

// claim is what an application shows of a claim of its ID token.
func (b *tab) claim(name string) string {
	b.T.Helper()
	return b.Text(`#claims [data-claim="` + name + `"]`)
}

// welcome brings a new person through sign-up and consent into an application.
func (b *tab) welcome(app string, p person) {
	b.T.Helper()
	b.begin(app, "")
	b.join(p)
	b.allow()
	b.greets(app, p)
}

// eventually loads a page again until it shows the text: what the issuer tells
// an application by itself, no browser sees.
func (b *tab) eventually(url, text string) {
	b.T.Helper()
	for until := time.Now().Add(child.Patience); time.Now().Before(until); {
		b.Open(url)
		if strings.Contains(b.Text("body"), text) {
			return
		}
	}
	b.T.Fatalf("%s does not come to show %q\n%s", url, text, b.Describe())
}

// visited are the paths of the issuer's pages that the tab was shown, in
// order, each once.
func (b *tab) visited() []string {
	var paths []string
	for _, line := range b.Traffic.List() {
		path, page := strings.CutPrefix(strings.TrimSuffix(line, " 200"), "GET ")
		if page && strings.HasSuffix(line, " 200") && slices.Contains([]string{"/sign-in", "/sign-up", "/accounts", "/consent"}, path) {
			paths = append(paths, path)
		}
	}
	return slices.Compact(paths)
}
