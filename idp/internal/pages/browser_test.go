//go:build browser

package pages

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "the `folder` for pictures of every page; empty: they are made and thrown away")

// patience is how long anything is waited for before a test fails.
const patience = 20 * time.Second

// looks are the ways in which every page is looked at.
var looks = []struct {
	name, scheme  string
	width, height int64
	lang          Lang
}{
	{"light", "light", 1200, 900, English},
	{"dark", "dark", 1200, 900, English},
	{"narrow", "light", 360, 740, German}, // German words are longer
	{"small-dark", "dark", 320, 640, English},
}

// tab starts Chromium with one tab. What the pages complain about fails the
// test.
func tab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("the pages are tested in Chromium: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// serve answers with the samples and the static files.
func serve(t *testing.T, p *Pages) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for _, a := range p.Assets() {
		mux.HandleFunc("GET "+a.Path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", a.ContentType)
			_, _ = w.Write(a.Body)
		})
	}
	for _, s := range samples() {
		mux.HandleFunc("GET /sample/"+s.name, func(w http.ResponseWriter, r *http.Request) {
			if err := p.Render(w, http.StatusOK, Lang(r.FormValue("lang")), s.view); err != nil {
				t.Error(err)
			}
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestEveryPageIsLookedAt(t *testing.T) {
	var all []string
	for _, s := range samples() {
		if _, leads := s.view.(FormPost); leads || s.name == "front-channel" || s.name == "check-session" {
			continue // gone before one can look
		}
		all = append(all, s.name)
	}
	lookAt(t, newPages(t, Options{}), "", all...)
}

func TestPagesOfAnotherBrandAreLookedAt(t *testing.T) {
	logo := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 32"><circle cx="16" cy="16" r="14" fill="#f2c200"/><text x="38" y="23" font-family="sans-serif" font-size="20" font-weight="700" fill="#222">Acme</text></svg>`
	lookAt(t, newPages(t, Options{Brand: Brand{Name: "Acme", Color: "#f2c200", Logo: []byte(logo)}}), "acme-", "signin-hint", "consent", "account")
}

// lookAt takes pictures of the samples in every look.
func lookAt(t *testing.T, p *Pages, prefix string, names ...string) {
	t.Helper()
	folder := *screenshots
	if folder == "" {
		folder = t.TempDir()
	}
	server, ctx := serve(t, p), tab(t)
	for _, name := range names {
		for _, look := range looks {
			do(t, ctx, chromedp.EmulateViewport(look.width, look.height), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			}), chromedp.Navigate(server.URL+"/sample/"+name+"?lang="+string(look.lang)))
			if over := eval[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s, %s: the page is %d px wider than the window", name, look.name, over)
			}
			picture(t, ctx, filepath.Join(folder, prefix+name+"-"+look.name+".png"))
		}
	}
}

func picture(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}

func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}
