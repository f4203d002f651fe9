//go:build browser

package browser_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"signet/prove/chrome"
)

// outlive waits until the API refuses the newest access token of the tab.
func (b *tab) outlive() {
	b.T.Helper()
	token := b.Traffic.Bearer()
	if token == "" {
		b.T.Fatal("the tab has sent no access token")
	}
	deadline, tick := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		r, err := http.NewRequestWithContext(b.Ctx, http.MethodGet, b.house.demo+"/protected", nil)
		if err != nil {
			b.T.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			b.T.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.T.Fatalf("the access token still works: %d", answer.StatusCode)
		}
	}
}

// sends waits until what the tab has sent, but for the questions whether the
// person is an admin, is exactly this.
func (b *tab) sends(want ...string) {
	b.T.Helper()
	deadline := time.After(patience)
	for {
		_, changed := b.Traffic.Snapshot()
		got := slices.DeleteFunc(b.Traffic.List(), func(line string) bool { return strings.HasPrefix(line, "GET /admin ") })
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) {
			b.T.Fatalf("the tab sent\n%s\nand should have sent\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		select {
		case <-changed:
		case <-deadline:
			b.T.Fatalf("the tab sent only\n%s\nof\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// awaits waits until a call is sent.
func (b *tab) awaits(call string) {
	b.T.Helper()
	deadline := time.After(patience)
	for {
		requests, changed := b.Traffic.Snapshot()
		if slices.ContainsFunc(requests, func(r chrome.Request) bool { return r.Call == call }) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			b.T.Fatalf("no %s was sent, only %q", call, b.Traffic.List())
		}
	}
}

// count says how many of the lines of list are this one.
func (b *tab) count(line string) int {
	n := 0
	for _, l := range b.Traffic.List() {
		if l == line {
			n++
		}
	}
	return n
}

// hold keeps the next request to a path in the browser. The returned function
// waits until it is there, and the one that it returns lets it go.
func (b *tab) hold(path string) (arrived func() (release func())) {
	b.T.Helper()
	held := make(chan fetch.RequestID, 1)
	ctx, stop := context.WithCancel(b.Ctx)
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			select {
			case held <- e.RequestID:
			default:
			}
		}
	}); err != nil {
		b.T.Fatal(err)
	}
	b.Do(chrome.Command(fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*" + path}}}))
	return func() func() {
		b.T.Helper()
		select {
		case id := <-held:
			return func() {
				b.T.Helper()
				b.Do(chrome.Command(fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: id}),
					chrome.Command(fetch.Disable, cdp.Empty{}))
				stop()
			}
		case <-time.After(patience):
			b.T.Fatalf("no request for %s\n%s", path, b.Describe())
			return nil
		}
	}
}

// cookies are those that the browser would send to the issuer's session
// endpoints, by name.
func (b *tab) cookies() map[string]*network.Cookie {
	b.T.Helper()
	return b.Cookies(b.house.issuer + "/session/refresh")
}
