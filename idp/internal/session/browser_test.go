package session

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"signet/data/kv/mem"
	"signet/idp/internal/wire"
)

func TestABrowserIsKnownAgain(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	rec := httptest.NewRecorder()
	r := b.request()
	first := w.Browser(rec, r)
	if w.Browser(rec, r) != first || len(rec.Result().Cookies()) != 1 {
		t.Fatal("one request, two browsers")
	}
	b.take(rec)
	rec = httptest.NewRecorder()
	if w.Browser(rec, b.request()) != first || len(rec.Result().Cookies()) != 0 {
		t.Fatal("the browser is not known again")
	}
	if w.Browser(httptest.NewRecorder(), w.newBrowser().request()) == first {
		t.Fatal("two browsers are one")
	}
}

func TestAFormIsBoundToTheBrowserAndThePage(t *testing.T) {
	w := newWorld(t, mem.New())
	b, other := w.newBrowser(), w.newBrowser()
	rec := httptest.NewRecorder()
	token := w.CSRF(w.Browser(rec, b.request()))
	b.take(rec)
	rec = httptest.NewRecorder()
	stranger := w.CSRF(w.Browser(rec, other.request()))
	other.take(rec)

	for _, c := range []struct {
		name   string
		token  string
		change func(r *http.Request)
		ok     bool
	}{
		{"as it was shown", token, func(*http.Request) {}, true},
		{"without a token", "", func(*http.Request) {}, false},
		{"with another browser's token", stranger, func(*http.Request) {}, false},
		{"with a longer token", token + "A", func(*http.Request) {}, false},
		{"without an Origin", token, func(r *http.Request) { r.Header.Del("Origin") }, false},
		{"of an opaque origin", token, func(r *http.Request) { r.Header.Set("Origin", "null") }, false},
		{"of another site", token, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, false},
		{"of a sibling host", token, func(r *http.Request) { r.Header.Set("Origin", "https://evil.id.example.com") }, false},
		{"of another port", token, func(r *http.Request) { r.Header.Set("Origin", "https://id.example.com:8443") }, false},
		{"of plain http", token, func(r *http.Request) { r.Header.Set("Origin", "http://id.example.com") }, false},
		{"of an origin with a path", token, func(r *http.Request) { r.Header.Set("Origin", "https://id.example.com/") }, false},
		{"with two Origins", token, func(r *http.Request) { r.Header.Add("Origin", "https://id.example.com") }, false},
		{"without the browser's cookie", token, func(r *http.Request) { r.Header.Del("Cookie") }, false},
		{"with two of it", token, func(r *http.Request) { r.Header.Add("Cookie", r.Header.Get("Cookie")) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := b.request()
			c.change(r)
			err := w.CheckCSRF(r, c.token)
			var e *wire.Error
			if c.ok != (err == nil) || err != nil && (!errors.As(err, &e) || e.Status != http.StatusForbidden) {
				t.Error(err)
			}
		})
	}
}

func TestTheOriginOfAnIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.com":         "https://id.example.com",
		"https://id.example.com:443/a/b": "https://id.example.com",
		"https://ID.example.com:8443":    "https://id.example.com:8443",
		"http://localhost:4000":          "http://localhost:4000",
		"http://127.0.0.1:80":            "http://127.0.0.1",
		"http://[::1]:443":               "http://[::1]:443",
	} {
		w := newWorld(t, mem.New())
		w.open(issuer)
		if w.origin != want {
			t.Errorf("%s: %s", issuer, w.origin)
		}
	}
}
