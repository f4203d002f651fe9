//go:build browser

package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browser is the one Chromium of all tests; each profile in it has its own
// cookies.
var browser context.Context

func startBrowser(dir string) (stop func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, fmt.Errorf("the page is tested in Chromium: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.WindowSize(1200, 860))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		stopAllocator()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	browser = ctx
	return func() { cancel(); stopAllocator() }, nil
}

// tab is one tab with what it sent and what it complained about.
type tab struct {
	t       *testing.T
	house   *house
	ctx     context.Context
	traffic *traffic
}

// newProfile opens a tab whose cookies no other profile sees.
func (h *house) newProfile() *tab {
	h.t.Helper()
	return h.newTab(browser, chromedp.WithNewBrowserContext())
}

// beside opens another tab of the same profile.
func (b *tab) beside() *tab {
	b.t.Helper()
	return b.house.newTab(b.ctx)
}

// observed makes the page tell of every violation of its policy, which would
// otherwise be a silent hole.
const observed = `addEventListener('securitypolicyviolation', (e) =>
	console.error('policy violated:', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber));`

func (h *house) newTab(from context.Context, options ...chromedp.ContextOption) *tab {
	h.t.Helper()
	ctx, cancel := chromedp.NewContext(from, options...)
	h.t.Cleanup(cancel)
	b := &tab{t: h.t, house: h, ctx: ctx, traffic: newTraffic()}
	if err := chromedp.Do(ctx); err != nil { // without a timeout: it would be the tab's
		h.t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.traffic.hear); err != nil {
		h.t.Fatal(err)
	}
	b.do(command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: observed}))
	h.t.Cleanup(func() {
		for _, complaint := range b.traffic.takeComplaints() {
			h.t.Errorf("the page complained: %s", complaint)
		}
	})
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.describe())
	}
}

// eval gives the value of a JavaScript expression; a promise is awaited.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", expression, err, b.describe())
	}
	return v
}

// follow evaluates an expression that leads elsewhere, and gives the status
// of what is there.
func (b *tab) follow(expression string) int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Evaluate[chromedp.Void](expression))
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.describe())
	}
	return answer.Status
}

// until waits for a JavaScript expression to become true, looking whenever the
// document changes.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`new Promise((found) => {
		const look = () => { if (`+expression+`) { observer.disconnect(); found(); } };
		const observer = new MutationObserver(look);
		observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		look();
	})`, func(p *runtime.EvaluateParams) { yes := true; p.AwaitPromise = &yes }))
}

// describe says what a person would see, for a test that failed.
func (b *tab) describe() string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		text = err.Error()
	}
	return fmt.Sprintf("the page shows:\n%s\nit sent:\n%s", text, strings.Join(b.traffic.list(), "\n"))
}

// open shows the page of the demo, and waits for one of its views.
func (b *tab) open(view string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.house.demo))
	b.sees(view)
}

func (b *tab) reload(view string) {
	b.t.Helper()
	b.do(chromedp.Reload())
	b.sees(view)
}

// sees waits for a view of the page.
func (b *tab) sees(view string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.getElementById(%q)?.hidden === false`, view))
}

// reads waits until the element shows the text, which may be a part of more.
func (b *tab) reads(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() && document.querySelector(%q).textContent.includes(%q)`, selector, selector, text))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector, chromedp.NodeVisible))
}

// fill puts text in the place of what a field held. A "\r" at its end presses
// Enter.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	text, enter := strings.CutSuffix(text, "\r")
	b.do(chromedp.Focus(selector, chromedp.NodeVisible))
	eval[chromedp.Void](b, `document.activeElement.select()`)
	b.do(command(input.InsertText, input.InsertTextParams{Text: text}))
	if enter {
		b.do(chromedp.KeyEvent(kb.Enter))
	}
}

// person is somebody who has an account.
type person struct{ email, password string }

// register makes an account through the page, which signs the person in.
func (b *tab) register(name string) person {
	b.t.Helper()
	p := person{email: name + "@example.com", password: "a long way to " + name}
	b.open("log-in")
	b.click(`#log-in [data-show=register]`)
	b.fill("#register-email", p.email)
	b.fill("#register-password", p.password+"\r")
	b.sees("home")
	return p
}

func (b *tab) logIn(p person) {
	b.t.Helper()
	b.sees("log-in")
	b.fill("#log-in-email", p.email)
	b.fill("#log-in-password", p.password+"\r")
}

// write adds a post, and waits until it is there.
func (b *tab) write(text string) {
	b.t.Helper()
	b.fill("#post-text", text)
	b.click("#post-form [type=submit]")
	b.reads("#posts li:first-child p", text)
}

// posts are the texts that the person sees, the newest first.
func (b *tab) posts() []string {
	b.t.Helper()
	return eval[[]string](b, `Array.from(document.querySelectorAll('#posts li p'), (p) => p.textContent)`)
}
