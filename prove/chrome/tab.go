//go:build browser

package chrome

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"signet/prove/child"
)

// Eval gives the value of a JavaScript expression; a promise is awaited. It
// works on pages that run no script of their own, too.
func Eval[T any](b *Tab, expression string) T {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatalf("%s: %v\n%s", expression, err, b.Describe())
	}
	return v
}

// Until waits for a JavaScript expression to become true, on this page or on
// one that it leads to. It asks from outside: a promise in the page would end
// with the page, and never come where scripts are off.
func (b *Tab) Until(expression string) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		// On the way from one page to the next there is nothing to ask.
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!(`+expression+`)`)); err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.T.Fatalf("waiting for %s\n%s", expression, b.Describe())
		}
	}
}

// Describe says what a person would see, for a test that failed.
func (b *Tab) Describe() string {
	ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.origin + location.pathname + '\n' + document.body?.innerText`))
	if err != nil {
		text = err.Error()
	}
	sent := b.Traffic.List()
	return fmt.Sprintf("the page shows:\n%s\nit sent at last:\n%s", text, strings.Join(sent[max(0, len(sent)-40):], "\n"))
}

// Open goes to a URL, and wherever it leads.
func (b *Tab) Open(url string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(url))
}

// URL is where the tab is.
func (b *Tab) URL() string {
	b.T.Helper()
	return Eval[string](b, `location.href`)
}

// At waits until the tab is at an address that begins so, and its document has
// been read.
func (b *Tab) At(prefix string) {
	b.T.Helper()
	b.Until(fmt.Sprintf(`location.href.startsWith(%q) && document.readyState !== 'loading'`, prefix))
}

// Reads waits until a visible element shows the text, which may be a part of
// more.
func (b *Tab) Reads(selector, text string) {
	b.T.Helper()
	b.Until(fmt.Sprintf(`Array.from(document.querySelectorAll(%q)).some((e) => e.checkVisibility() && e.textContent.includes(%q))`, selector, text))
}

// Has says whether an element is there and visible.
func (b *Tab) Has(selector string) bool {
	b.T.Helper()
	return Eval[bool](b, fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() || false`, selector))
}

// Text is what an element shows.
func (b *Tab) Text(selector string) string {
	b.T.Helper()
	return Eval[string](b, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

// Click clicks an element, once it is visible.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do(chromedp.Click(selector, chromedp.NodeVisible))
}

// Leads does something that leads to another document, and waits for that: the
// one that is left may look the same.
func (b *Tab) Leads(do func()) {
	b.T.Helper()
	Eval[chromedp.Void](b, `window.left = true`)
	do()
	b.Until(`!window.left && document.readyState === 'complete'`)
}

// Fill puts text in the place of what a field held. A "\r" at its end presses
// Enter.
func (b *Tab) Fill(selector, text string) {
	b.T.Helper()
	text, enter := strings.CutSuffix(text, "\r")
	b.Do(chromedp.Focus(selector, chromedp.NodeVisible))
	Eval[chromedp.Void](b, `document.activeElement.select()`)
	b.Do(Command(input.InsertText, input.InsertTextParams{Text: text}))
	if enter {
		b.Press(kb.Enter)
	}
}

// Press presses keys, one after the other, wherever the focus is.
func (b *Tab) Press(keys ...string) {
	b.T.Helper()
	for _, k := range keys {
		b.Do(chromedp.KeyEvent(k))
	}
}

// WithoutScripts lets no page of this tab run a script of its own.
func (b *Tab) WithoutScripts() {
	b.T.Helper()
	b.Do(Command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// Cookies are those that the browser would send to a URL, whether scripts can
// read them or not, by name.
func (b *Tab) Cookies(url string) map[string]*network.Cookie {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
	defer cancel()
	found, err := chromedp.Run(ctx, call(network.GetCookies, network.GetCookiesParams{URLs: []string{url}}))
	if err != nil {
		b.T.Fatal(err)
	}
	cookies := map[string]*network.Cookie{}
	for _, c := range found.Cookies {
		cookies[c.Name] = c
	}
	return cookies
}
