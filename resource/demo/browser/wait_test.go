//go:build browser

package browser_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// outlive waits until the API refuses the newest access token of the tab.
func (b *tab) outlive() {
	b.t.Helper()
	token := b.traffic.bearer()
	if token == "" {
		b.t.Fatal("the tab has sent no access token")
	}
	deadline, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.house.demo+"/protected", nil)
		if err != nil {
			b.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("the access token still works: %d", answer.StatusCode)
		}
	}
}

// sends waits until what the tab has sent, but for the questions whether the
// person is an admin, is exactly this.
func (b *tab) sends(want ...string) {
	b.t.Helper()
	deadline := time.After(patience)
	for {
		_, changed := b.traffic.snapshot()
		got := slices.DeleteFunc(b.traffic.list(), func(line string) bool { return strings.HasPrefix(line, "GET /admin ") })
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) {
			b.t.Fatalf("the tab sent\n%s\nand should have sent\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		select {
		case <-changed:
		case <-deadline:
			b.t.Fatalf("the tab sent only\n%s\nof\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// await waits until a call is sent.
func (tr *traffic) await(t *testing.T, call string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		requests, changed := tr.snapshot()
		if slices.ContainsFunc(requests, func(r request) bool { return r.call == call }) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no %s was sent, only %q", call, tr.list())
		}
	}
}

// count says how many of the lines of list are this one.
func (b *tab) count(line string) int {
	n := 0
	for _, l := range b.traffic.list() {
		if l == line {
			n++
		}
	}
	return n
}

// hold keeps the next request to a path in the browser. The returned function
// waits until it is there, and the one that it returns lets it go.
func (b *tab) hold(path string) (arrived func() (release func())) {
	b.t.Helper()
	held := make(chan fetch.RequestID, 1)
	ctx, stop := context.WithCancel(b.ctx)
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			select {
			case held <- e.RequestID:
			default:
			}
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	b.do(command(fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*" + path}}}))
	return func() func() {
		b.t.Helper()
		select {
		case id := <-held:
			return func() {
				b.t.Helper()
				b.do(command(fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id}),
					command(fetch.Disable, cdp.Empty{}))
				stop()
			}
		case <-time.After(patience):
			b.t.Fatalf("no request for %s\n%s", path, b.describe())
			return nil
		}
	}
}

// command is an action that gives the browser a command and ignores what it
// answers.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// cookies are those that the browser would send to the issuer's session
// endpoints, whether scripts can read them or not.
func (b *tab) cookies() map[string]*network.Cookie {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: []string{b.house.issuer + "/session/refresh"}})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	cookies := map[string]*network.Cookie{}
	for _, c := range found.Cookies {
		cookies[c.Name] = c
	}
	return cookies
}
