package pages

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// attacks are what strangers put where a name, an e-mail or a code belongs.
var attacks = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `</title><script>alert(1)</script>`,
	`</textarea></form><form action=https://evil.example>`, `" autofocus onfocus="alert(1)`, `javascript:alert(1)`, `{{.CSRF}}`, `{client}`,
	`<!--`, `]]>`, "a\x00<b>", "\xff\xfe<i>",
}

// badLinks are what strangers put where a link belongs.
var badLinks = []string{
	`javascript:alert(1)`, `JavaScript:alert(1)`, " javascript:alert(1)", "java\nscript:alert(1)", `data:text/html,<script>alert(1)</script>`,
	`vbscript:x`, `blob:https://a/b`, `file:///etc/passwd`, `//evil.example`, `/relative`, `https:`, `https:///x`, `https://user:pass@evil.example/`,
	`ftp://example.com`, `https://exa mple.com`, `" onclick="alert(1)`, ``,
}

// hostile are views with the same evil words in every place.
func hostile(evil string) []View {
	c := Client{Name: evil, Host: evil, Loopback: true, URI: evil, Policy: evil, Terms: evil}
	f := Form{Action: "/x", CSRF: evil, Request: evil, Account: evil, UserCode: evil}
	list := []Permission{{Scope: evil}, {Scope: "a", Text: evil}}
	a := account()
	a.Name, a.Email, a.Devices[0].Browser, a.Devices[0].System, a.Devices[0].Address, a.Devices[1].ID = evil, evil, evil, evil, evil, evil
	a.Apps[0] = App{ID: evil, Client: c, Permissions: list}
	return []View{
		SignIn{Form: f, Client: &c, Email: evil, SignUpURL: "/s?request=" + url.QueryEscape(evil)},
		SignUp{Form: f, Client: &c, Email: evil, Name: evil, AskInvitation: true, Invitation: evil},
		Consent{Form: f, Client: c, Email: evil, Permissions: list},
		Accounts{Form: f, Client: &c, People: []Person{{ID: evil, Name: evil, Email: evil}}},
		DeviceEntry{Form: f, Code: evil},
		DeviceConfirm{Form: f, SwitchURL: "/accounts", Client: c, Email: evil, Permissions: list},
		DeviceDone{Client: c, Allowed: true}, DeviceDone{Client: c},
		LogoutConfirm{Form: f, Client: &c, Email: evil},
		SignedOut{Client: &c},
		FormPost{Client: &c, URL: "https://app.example.com/", Params: url.Values{evil: {evil}}},
		CheckSession{Cookie: evil},
		Error{Failure: FailureRequest, Client: &c, Code: evil, Detail: evil, RequestID: evil},
		a,
	}
}

func TestWhatStrangersWroteIsTextAndNothingElse(t *testing.T) {
	p := newPages(t, Options{Brand: Brand{Name: "<b>Brand"}})
	calm := map[int]string{}
	for i, v := range hostile("Ada") {
		calm[i] = shape(elements(t, render(t, p, English, v).Body.Bytes()))
	}
	for _, evil := range append(attacks, badLinks...) {
		if clean(evil) == "" {
			continue // a name that is not there has another shape
		}
		for i, v := range hostile(evil) {
			list := elements(t, render(t, p, English, v).Body.Bytes())
			if got := shape(list); got != calm[i] {
				t.Errorf("%T with %q is\n%s\nnot\n%s", v, evil, got, calm[i])
			}
		}
	}
}

// shape is a page without what it says: elements and attributes' names.
func shape(list []*html.Node) string {
	var b strings.Builder
	for _, n := range list {
		b.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
			if a.Key == "href" || a.Key == "src" || a.Key == "action" {
				b.WriteString("=" + strings.SplitN(a.Val, "?", 2)[0])
			}
		}
		b.WriteString(">\n")
	}
	return b.String()
}

func TestOnlyWebLinksOfAClientAreShown(t *testing.T) {
	p := newPages(t, Options{})
	for _, bad := range badLinks {
		c := Client{Name: "x", URI: bad, Policy: bad, Terms: bad}
		for _, v := range []View{Consent{Form: form(), Client: c}, SignedOut{Client: &c}, Error{Failure: FailureExpired, Client: &c}} {
			for _, n := range elements(t, render(t, p, English, v).Body.Bytes()) {
				if n.Data == "a" {
					t.Errorf("%T: %q is a link to %q", v, bad, attribute(n, "href"))
				}
			}
		}
	}
	links := 0
	for _, n := range elements(t, render(t, p, English, Consent{Form: form(), Client: listed}).Body.Bytes()) {
		if n.Data == "a" {
			links++
			if !strings.Contains(attribute(n, "rel"), "noopener") || !strings.HasPrefix(attribute(n, "href"), "https://notes.example.com") {
				t.Errorf("a link is %+v", n.Attr)
			}
		}
	}
	if links != 3 {
		t.Errorf("%d links are shown", links)
	}
}

func TestNoAnswerGoesWhereItWouldRun(t *testing.T) {
	p := newPages(t, Options{})
	for _, bad := range []string{"javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "vbscript:x", "blob:x", "file:///x", "about:blank", "/relative", "", ":"} {
		for _, v := range []View{FormPost{URL: bad}, FrontChannelLogout{ContinueURL: bad}} {
			if _, logout := v.(FrontChannelLogout); logout && (bad == "" || bad == "/relative") {
				continue // a page of ours
			}
			w := &refusing{t: t}
			if err := p.Render(w, 200, English, v); err == nil {
				t.Errorf("%T goes to %q", v, bad)
			}
		}
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "/x", "https://a.example;script-src *", "https://a b"} {
		if err := p.Render(&refusing{t: t}, 200, English, FrontChannelLogout{Frames: []string{bad}, ContinueURL: "/x"}); err == nil {
			t.Errorf("%q is framed", bad)
		}
	}
	for _, good := range []string{"https://app.example.com/cb", "http://127.0.0.1:8080/cb", "http://[::1]:8080/cb", "com.example.app:/cb", "myapp://cb"} {
		for _, n := range elements(t, render(t, p, English, FormPost{URL: good}).Body.Bytes()) {
			if n.Data == "form" && attribute(n, "action") != good {
				t.Errorf("%s became %s", good, attribute(n, "action"))
			}
		}
	}
}

func TestANameIsOneLineThatHidesNothing(t *testing.T) {
	for in, want := range map[string]string{
		"  Tidy \n\t Notes ":       "Tidy Notes",
		"evil\u202eelgoog":         "evilelgoog",
		"a\u200bb\u2066c\ufeffd":   "abcd",
		"\u3164\u115f\u00adHangul": "Hangul",
		"x\x00\x1b[31m":            "x[31m",
		"\xff\xfe":                 "",
		"Grüße 👋 مرحبا":            "Grüße 👋 مرحبا",
		strings.Repeat("ä", 200):   strings.Repeat("ä", maxName) + "…",
		"\u0000\u200b\u202e \n":    "",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q is shown as %q", in, got)
		}
	}
	if got := (Client{Name: "\u200b", Host: "a.example"}).Title(); got != "a.example" {
		t.Errorf("a client without a visible name is %q", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := clean(name)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00\u202e\u200b") || utf8.RuneCountInString(got) > maxName+1 {
			t.Errorf("%q is shown as %q", name, got)
		}
		if again := clean(got); again != got && utf8.RuneCountInString(got) <= maxName {
			t.Errorf("%q is shown as %q, and then as %q", name, got, again)
		}
	})
}

func FuzzLink(f *testing.F) {
	for _, l := range append(badLinks, "https://example.com/a?b=c#d") {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if got := link(raw); got != "" && !strings.HasPrefix(got, "https://") && !strings.HasPrefix(got, "http://") {
			t.Errorf("%q is a link to %q", raw, got)
		}
		if got := source(raw); strings.ContainsAny(got, " ;,'\"\n") {
			t.Errorf("%q is allowed as %q", raw, got)
		}
	})
}
