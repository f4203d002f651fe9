package pages

import (
	"net/http"
	"strings"
	"testing"
)

// refusing fails the test when anything is written.
type refusing struct{ t *testing.T }

func (r *refusing) Header() http.Header { return http.Header{} }
func (r *refusing) WriteHeader(int)     { r.t.Error("a header was written") }
func (r *refusing) Write(b []byte) (int, error) {
	r.t.Errorf("%q was written", b)
	return len(b), nil
}

func TestThePolicyOfAPage(t *testing.T) {
	const all = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'"
	p := newPages(t, Options{})
	for _, c := range []struct {
		name string
		view View
		want string
	}{
		{"its forms go nowhere else", SignIn{Form: ownForm()}, all + "; form-action 'self'; frame-ancestors 'none'"},
		{"a page without a form has none to go anywhere", SignedOut{}, all + "; form-action 'self'; frame-ancestors 'none'"},
		{"a form that ends at a client may go on from there", SignIn{Form: form()}, all + "; frame-ancestors 'none'"},
		{"so may a logout", LogoutConfirm{Form: ownForm()}, all + "; frame-ancestors 'none'"},
		{"so may an answer", FormPost{URL: "https://app.example.com"}, all + "; frame-ancestors 'none'"},
		{"frames are those of the clients, each once",
			FrontChannelLogout{Frames: []string{"https://a.example/x", "https://b.example:8443/y", "https://a.example/z"}, ContinueURL: "/"},
			all + "; form-action 'self'; frame-ancestors 'none'; frame-src https://a.example https://b.example:8443"},
		{"clients frame the one page that is made for it", CheckSession{Cookie: "x"}, all + "; form-action 'self'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := render(t, p, English, c.view).Header()
			if got := h.Get("Content-Security-Policy"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("the headers are %v", h)
			}
		})
	}
}

func TestStaticFilesAreNamedByTheirContent(t *testing.T) {
	paths := func(o Options) map[string]bool {
		all := map[string]bool{}
		for _, a := range newPages(t, o).Assets() {
			if !strings.HasPrefix(a.Path, o.Base+"/assets/") || len(a.Body) == 0 || a.ContentType == "" || len(a.ETag) < 10 || a.ETag[0] != '"' {
				t.Errorf("a static file is %s %s %s", a.Path, a.ContentType, a.ETag)
			}
			all[a.Path] = true
		}
		return all
	}
	plain, again, blue := paths(Options{}), paths(Options{}), paths(Options{Brand: Brand{Color: "#00f"}})
	changed := 0
	for path := range plain {
		if !again[path] {
			t.Errorf("%s is not there again", path)
		}
		if !blue[path] {
			changed++
		}
	}
	if changed != 2 { // the style sheet and the icon
		t.Errorf("%d paths change with the colour", changed)
	}
	paths(Options{Base: "/auth"})
}

func TestEveryLinkOfAPageIsAnAsset(t *testing.T) {
	p := newPages(t, Options{Base: "/auth/", Brand: Brand{Logo: []byte("\x89PNG\r\n\x1a\n....")}})
	served := map[string]bool{}
	for _, a := range p.Assets() {
		served[a.Path] = true
	}
	for _, s := range samples() {
		for _, n := range elements(t, render(t, p, English, s.view).Body.Bytes()) {
			path := attribute(n, "src")
			if n.Data == "link" {
				path = attribute(n, "href")
			}
			if path != "" && n.Data != "iframe" && !served[path] {
				t.Errorf("%s: nothing is at %s", s.name, path)
			}
		}
	}
}
