//go:build browser

package chrome

import (
	"context"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"signet/prove/child"
)

// call is a command whose answer is wanted.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) }
}

// looks are the ways in which every page is looked at.
var looks = []struct {
	name, scheme  string
	width, height int64
}{
	{"light", "light", 1200, 860},
	{"dark", "dark", 1200, 860},
	{"narrow", "light", 390, 844},
	{"small-dark", "dark", 320, 640}, // WCAG 2.2, 1.4.10: what must do without scrolling sideways
}

// Picture takes the page as it is now in every look, into files in folder whose
// names begin with name. Nothing may be wider than the window.
func (b *Tab) Picture(folder, name string) {
	b.T.Helper()
	for _, look := range looks {
		b.Do(chromedp.EmulateViewport(look.width, look.height), Command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}}))
		if over := Eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			b.T.Errorf("%s, %s: the page is %d px wider than the window", name, look.name, over)
		}
		ctx, cancel := context.WithTimeout(b.Ctx, child.Patience)
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		cancel()
		if err != nil {
			b.T.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+"-"+look.name+".png"), png, 0o644); err != nil {
			b.T.Fatal(err)
		}
	}
	b.Do(chromedp.ResetViewport(), Command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}
