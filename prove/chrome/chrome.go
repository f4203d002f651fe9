//go:build browser

package chrome

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"signet/prove/child"
)

// Browser is a Chromium. Each profile in it has its own cookies.
type Browser struct{ ctx context.Context }

// Start starts a Chromium that keeps its files in dir. Whoever starts one stops
// it.
func Start(dir string) (b *Browser, stop func(), err error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, fmt.Errorf("pages are tested in Chromium: %w", err)
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
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return &Browser{ctx}, func() { cancel(); stopAllocator() }, nil
}

// Tab is one tab with what it sent and what it complained about.
type Tab struct {
	T       *testing.T
	Ctx     context.Context
	Traffic *Traffic
}

// NewProfile opens a tab whose cookies no other profile sees. A test whose
// pages complain fails.
func (b *Browser) NewProfile(t *testing.T) *Tab {
	t.Helper()
	return newTab(t, b.ctx, chromedp.WithNewBrowserContext())
}

// Beside opens another tab of the same profile.
func (b *Tab) Beside() *Tab {
	b.T.Helper()
	return newTab(b.T, b.Ctx)
}

// observed makes the page tell of every violation of its policy, which would
// otherwise be a silent hole.
const observed = `addEventListener('securitypolicyviolation', (e) =>
	console.error('policy violated:', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber));`

func newTab(t *testing.T, from context.Context, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(from, options...)
	t.Cleanup(cancel)
	b := &Tab{T: t, Ctx: ctx, Traffic: newTraffic()}
	if err := chromedp.Do(ctx); err != nil { // without a timeout: it would be the tab's
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.Traffic.hear); err != nil {
		t.Fatal(err)
	}
	b.Do(Command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: observed}))
	t.Cleanup(func() {
		for _, complaint := range b.Traffic.TakeComplaints() {
			t.Errorf("the page complained: %s", complaint)
		}
	})
	return b
}

// Command is an action that gives the browser a command and ignores what it
// answers.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// Do takes steps, within the patience of a test.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.T.Fatalf("%v\n%s", err, b.Describe())
	}
}
