//go:build browser

package pages

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// sent collects the forms that a server was sent.
type sent chan url.Values

// at serves one view at / and keeps what is posted to anywhere.
func at(t *testing.T, v View) (*httptest.Server, sent) {
	t.Helper()
	p := newPages(t, Options{})
	forms := make(sent, 10)
	mux := http.NewServeMux()
	for _, a := range p.Assets() {
		mux.HandleFunc("GET "+a.Path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", a.ContentType)
			_, _ = w.Write(a.Body)
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.Render(w, http.StatusOK, English, v); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		forms <- r.PostForm
		w.WriteHeader(http.StatusNoContent) // the page stays
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server, forms
}

func (s sent) next(t *testing.T, ctx context.Context) url.Values {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case f := <-s:
		return f
	case <-ctx.Done():
		t.Fatal("nothing was sent")
		return nil
	}
}

func TestAPasswordCanBeShownAndIsSentHidden(t *testing.T) {
	server, forms := at(t, SignIn{Form: Form{Action: "/in", CSRF: "c"}, Email: "ada@example.com"})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"), chromedp.Click("[data-reveal]", chromedp.NodeVisible), chromedp.SendKeys("#password", "a long way"))
	if got := eval[string](t, ctx, `password.type + document.querySelector('[data-reveal]').textContent`); got != "textHide" {
		t.Errorf("the password is %q", got)
	}
	do(t, ctx, chromedp.SendKeys("#password", kb.Enter))
	got := forms.next(t, ctx)
	if got.Get("password") != "a long way" || got.Get("action") != ActionGo || got.Get("csrf") != "c" {
		t.Errorf("sent %v", got)
	}
	if now := eval[string](t, ctx, `password.type`); now != "password" {
		t.Error("it is sent from a field whose values browsers remember")
	}
}

func TestAFormIsSentOnce(t *testing.T) {
	server, forms := at(t, Consent{Form: Form{Action: "/x", CSRF: "c"}, Client: listed})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"))
	passed := eval[int](t, ctx, `(() => {
		let passed = 0;
		addEventListener('submit', (e) => { if (!e.defaultPrevented) passed++; });
		const cancel = document.querySelector('[value=cancel]');
		cancel.click();
		cancel.click();
		return passed;
	})()`)
	if passed != 1 {
		t.Errorf("it was sent %d times", passed)
	}
	if got := forms.next(t, ctx).Get("action"); got != ActionCancel {
		t.Errorf("the button says %q", got)
	}
}

func TestWhatCannotBeUndoneAsksAgain(t *testing.T) {
	server, forms := at(t, account())
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"))
	do(t, ctx, chromedp.Click(`[value=d2]`, chromedp.NodeVisible))
	if got := eval[string](t, ctx, `document.querySelector('[value=d2]').textContent + said.textContent`); got != strings.Repeat("Click again to confirm", 2) {
		t.Errorf("it says %q", got)
	}
	do(t, ctx, chromedp.Click(`#current_password`, chromedp.NodeVisible))
	if got := eval[string](t, ctx, `document.querySelector('[value=d2]').textContent`); got != "Sign out: Safari on iPhone" {
		t.Errorf("it says %q", got)
	}
	if len(forms) > 0 {
		t.Error("one click was enough")
	}
	do(t, ctx, chromedp.Click(`[value=d2]`, chromedp.NodeVisible), chromedp.Click(`[value=d2]`, chromedp.NodeVisible))
	if got := forms.next(t, ctx).Get("id"); got != "d2" {
		t.Errorf("it signs out %q", got)
	}
}

func TestWhatIsWrongHasTheFocus(t *testing.T) {
	server, _ := at(t, SignIn{Form: ownForm(EmailMissing)})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"))
	if got := eval[string](t, ctx, `document.activeElement.getAttribute('role')`); got != "alert" {
		t.Errorf("the focus is on %q", got)
	}
}

func TestAnAnswerIsPostedWithoutAClick(t *testing.T) {
	client := make(sent, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Method == http.MethodPost {
			client <- r.PostForm
		}
	}))
	t.Cleanup(app.Close)
	server, _ := at(t, FormPost{URL: app.URL + "/callback", Params: url.Values{"code": {"abc"}}})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"))
	if got := client.next(t, ctx).Get("code"); got != "abc" {
		t.Errorf("the client got %q", got)
	}
}

func TestClientsHearOfALogoutAndThenItGoesOn(t *testing.T) {
	heard := make(sent, 10)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard <- r.URL.Query()
	}))
	t.Cleanup(app.Close)
	server, _ := at(t, FrontChannelLogout{Frames: []string{app.URL + "/logout?sid=1", app.URL + "/logout?sid=2"}, ContinueURL: app.URL + "/?done=1"})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"))
	sids := map[string]bool{}
	for {
		q := heard.next(t, ctx)
		if q.Get("done") != "" {
			break
		}
		sids[q.Get("sid")] = true
	}
	if !sids["1"] || !sids["2"] {
		t.Errorf("heard of %v before it went on", sids)
	}
}

// The reason why a page that leads to a client has no form-action: a client's
// callback goes on to wherever it likes, in the same chain of redirects.
func TestAClientsCallbackMayGoOnToAnotherOrigin(t *testing.T) {
	arrived := make(sent, 10)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Query() }))
	t.Cleanup(app.Close)
	callback := httptest.NewServer(http.RedirectHandler(app.URL+"/home?here=1", http.StatusFound))
	t.Cleanup(callback.Close)
	leading := httptest.NewServer(http.RedirectHandler(callback.URL+"/callback", http.StatusSeeOther))
	t.Cleanup(leading.Close)
	server, _ := at(t, SignIn{Form: Form{Action: leading.URL, CSRF: "c", Request: "r"}, Email: "ada@example.com"})
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(server.URL+"/"), chromedp.SendKeys("#password", "a long way"+kb.Enter))
	if got := arrived.next(t, ctx).Get("here"); got != "1" {
		t.Errorf("arrived at %q", got)
	}
}

func TestAClientsFrameHearsWhetherTheSessionIsTheSame(t *testing.T) {
	op, _ := at(t, CheckSession{Cookie: "signet_state"})
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>a client</title><iframe src="%s/"></iframe>`, op.URL)
	}))
	t.Cleanup(rp.Close)
	says := func(client, origin, browser string) string {
		sum := sha256.Sum256([]byte(strings.Join([]string{client, origin, browser, "salt"}, " ")))
		return client + " " + base64.RawURLEncoding.EncodeToString(sum[:]) + ".salt"
	}
	ctx := tab(t)
	do(t, ctx, chromedp.Navigate(op.URL+"/"))
	eval[string](t, ctx, `document.cookie = 'other=1; path=/', document.cookie = 'signet_state=blue; path=/'`)
	do(t, ctx, chromedp.Navigate(rp.URL+"/"))
	for name, c := range map[string]struct{ says, want string }{
		"the same":           {says("app", rp.URL, "blue"), "unchanged"},
		"another browser":    {says("app", rp.URL, "red"), "changed"},
		"of another origin":  {says("app", "https://evil.example", "blue"), "changed"},
		"of another client":  {"other" + strings.TrimPrefix(says("app", rp.URL, "blue"), "app"), "changed"},
		"of a long name":     {says("https://app.example/"+strings.Repeat("x", 200), rp.URL, "blue"), "unchanged"},
		"of a strange name":  {says("äpp🙂", rp.URL, "blue"), "unchanged"},
		"without a salt":     {"app abc", "error"},
		"without a client":   {says("", rp.URL, "blue"), "error"},
		"nothing":            {"", "error"},
		"more than it takes": {"app x.y z", "error"},
	} {
		got := eval[string](t, ctx, fmt.Sprintf(`new Promise((heard) => {
			addEventListener('message', (e) => heard(e.origin + ' ' + e.data), { once: true });
			document.querySelector('iframe').contentWindow.postMessage(%q, %q);
		})`, c.says, op.URL))
		if got != op.URL+" "+c.want {
			t.Errorf("%s: it says %q", name, got)
		}
	}
}
