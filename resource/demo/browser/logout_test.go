//go:build browser

package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"signet/prove/chrome"
)

func TestLoggingOutInOneTabIsSeenByTheOther(t *testing.T) {
	t.Parallel()
	left := newHouse(t).newProfile()
	ada := left.register("ada")
	right := left.beside()
	right.open("home")
	right.Fill("#post-text", "a draft that nobody else may read")

	left.Click("#log-out")
	left.sees("log-in")
	left.Reads("#log-in-note", "You are logged out")
	if c, there := left.cookies()["signet_session"]; there {
		t.Errorf("the cookie is still there: %+v", c)
	}
	right.sees("log-in")
	if html := chrome.Eval[string](right.Tab, `document.body.innerHTML + document.getElementById('post-text').value`); strings.Contains(html, ada.email) || strings.Contains(html, "a draft") {
		t.Error("the other tab still holds what was the person's")
	}
	left.reload("log-in")
	right.reload("log-in")

	left.logIn(ada)
	left.sees("home")
	right.sees("home") // and a sign-in is seen too
}

func TestASessionThatEndedElsewhereIsNoticedAtTheNextCall(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	b.house.logOutBehind(b)
	b.outlive()
	b.Traffic.Forget()
	b.Fill("#post-text", "too late")
	b.Click("#post-form [type=submit]")
	b.sees("log-in")
	b.sends("POST /posts 401", "POST /session/refresh 401")
	b.reload("log-in")
	b.logIn(ada) // over the dead cookie, which nobody took away
	b.sees("home")
}

// logOutBehind ends the session of a tab without a word to it.
func (h *house) logOutBehind(b *tab) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(b.Ctx, http.MethodPost, h.issuer+"/session/logout", strings.NewReader("{}"))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", h.demo)
	r.AddCookie(&http.Cookie{Name: "signet_session", Value: b.cookies()["signet_session"].Value})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		h.t.Fatalf("logout: %s", answer.Status)
	}
}

func TestWhatOnePersonWroteIsNotSentInAnothersName(t *testing.T) {
	t.Parallel()
	left := newHouse(t).newProfile()
	left.register("ada")
	right := left.beside()
	right.open("home")
	right.Fill("#post-text", "Ada's own words")

	// The news of the other tab are lost, as when a browser had it asleep.
	left.Do(chromedp.Evaluate[chromedp.Void](`BroadcastChannel.prototype.postMessage = () => {}`))
	left.Click("#log-out")
	left.sees("log-in")
	left.Click("#log-in [data-show=register]")
	left.Fill("#register-email", "eve@example.com")
	left.Fill("#register-password", "a long way to eve\r")
	left.sees("home")

	right.outlive()
	right.Click("#post-form [type=submit]")
	right.Reads("#who", "eve@example.com")
	right.reload("home")
	if posts := right.posts(); len(posts) != 0 {
		t.Errorf("Eve has posts: %q", posts)
	}
}
