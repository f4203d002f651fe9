//go:build browser

package browser_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A client that cannot be trusted with an answer gets none: the person is told
// instead (RFC 6749, section 4.1.2.1).
func TestAWrongRequestLeadsNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.newProfile()
	for name, change := range map[string]url.Values{
		"an unknown client":                {"client_id": {"nobody"}},
		"no client":                        {"client_id": nil},
		"another redirect URI":             {"redirect_uri": {"https://evil.example/callback"}},
		"a longer redirect URI":            {"redirect_uri": {h.main + "/callback/more"}},
		"a redirect URI that runs scripts": {"redirect_uri": {"javascript:alert(1)"}},
	} {
		q := url.Values{"client_id": {"main"}, "redirect_uri": {h.main + "/callback"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"x"}}
		for key, value := range change {
			q[key] = value
		}
		b.Open(h.issuer + "/oauth2/authorize?" + q.Encode())
		b.Reads("h1", "This link does not work")
		b.At(h.issuer + "/oauth2/authorize")
		if b.Has(`a[href*="evil"]`) {
			t.Errorf("%s: there is a link out", name)
		}
	}
	b.Open(h.issuer + "/nothing")
	b.Reads("h1", "There is nothing here")
}

// The address of a page that belongs to somebody's sign-in is of no use in
// another browser.
func TestASignInIsFinishedWhereItWasBegun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.startMain()
	victim, thief := h.newProfile(), h.newProfile()
	thief.begin(h.main, "")
	thief.page("/sign-in")
	victim.Open(thief.URL())
	victim.Until(`document.querySelector('h1')`)
	victim.Reads("h1", "This took too long")
	if victim.Has(`[name=password]`) {
		t.Error("the form is shown")
	}
	thief.join(ada)
	thief.page("/consent")
	victim.Open(thief.URL())
	victim.Reads("h1", "This took too long")
	thief.allow()
	thief.greets(h.main, ada)

	// The back button finds that it is over.
	thief.Open(h.main + "/callback?code=x&state=y")
	thief.Reads("h1", "This sign-in was not begun here")
}

// A page in a frame could be clicked without being seen.
func TestNoPageIsFramed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{"/sign-in", "/sign-up", "/device", "/account", "/oauth2/authorize"} {
		header := headerOf(t, h.issuer+path)
		if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe-") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if header.Get("Referrer-Policy") == "" || header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s has %v", path, header)
		}
	}
}

func headerOf(t *testing.T, url string) http.Header {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.Header
}
