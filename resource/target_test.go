package resource_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
)

// A server that was sent a token and a proof sends them on to another, under
// its own name: only what the other was told about itself can show that.
func TestTheHostHeaderDoesNotSayWhoIsMeant(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	h := newVerifier(t, static(i.Key()), ourselves).Middleware(whoami)
	c := newClient(t, i, "ES256")
	send := func(htu, host string) int {
		r := httptest.NewRequest("GET", "/posts", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Header.Set("Forwarded", "host=evil.example;proto=https")
		r.Header.Set("Authorization", "DPoP "+c.token)
		r.Header.Set("DPoP", c.Proof("GET", htu, time.Now(), dpoptest.ForToken(c.token)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if code := send("https://evil.example/posts", "evil.example"); code != 401 {
		t.Errorf("a proof for another server: %d", code)
	}
	if code := send(posts, "10.0.0.7:8080"); code != 200 {
		t.Errorf("a proof for us, through a proxy: %d", code)
	}
}

func TestTheURLIsThatWhichTheClientSees(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	c := newClient(t, i, "ES256")
	for _, r := range []struct {
		name   string
		opts   []resource.Option
		target string
		htu    string
		good   bool
	}{
		{"a query does not matter", []resource.Option{ourselves}, "/posts?a=b", posts, true},
		{"a query in the proof neither", []resource.Option{ourselves}, "/posts?a=b", posts + "?c=d#e", true},
		{"an absolute target", []resource.Option{ourselves}, "http://10.0.0.7/posts", posts, true},
		{"one with a query and no path", []resource.Option{ourselves}, "http://10.0.0.7?/posts", posts, false},
		{"one with nothing but a host", []resource.Option{ourselves}, "http://10.0.0.7", api, true},
		{"an escape in small letters", []resource.Option{ourselves}, "/a%2fb", api + "/a%2Fb", true},
		{"an escaped slash is none", []resource.Option{ourselves}, "/a%2fb", api + "/a/b", false},
		{"what looks like a fragment", []resource.Option{ourselves}, "/posts#x", posts, false},
		{"two slashes", []resource.Option{ourselves}, "//evil.example/posts", "https://evil.example/posts", false},
		{"the path of the resource is not put before", []resource.Option{resource.WithResource(api + "/v1")}, "/v1/posts", api + "/v1/posts", true},
		{"that of the public URL is", []resource.Option{ourselves, resource.WithPublicURL("https://www.example/v1/")}, "/posts", "https://www.example/v1/posts", true},
		{"and stands before that of the resource", []resource.Option{ourselves, resource.WithPublicURL("https://www.example/v1")}, "/posts", posts, false},
		{"a public URL alone", []resource.Option{resource.WithPublicURL("http://localhost:8080")}, "/posts", "http://localhost:8080/posts", true},
	} {
		t.Run(r.name, func(t *testing.T) {
			v := newVerifier(t, append(r.opts, static(i.Key()))...)
			req := httptest.NewRequest("GET", r.target, nil)
			req.Header.Set("Authorization", "DPoP "+c.token)
			req.Header.Set("DPoP", c.Proof("GET", r.htu, time.Now(), dpoptest.ForToken(c.token)))
			req.URL.Path, req.URL.RawPath = "rest", "" // as a handler may see it that stands below others
			if _, err := v.VerifyRequest(req); (err == nil) != r.good || err != nil && !errors.Is(err, dpop.ErrURL) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAProofIsForOneMethod(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	c := newClient(t, i, "ES256")
	for _, r := range []struct {
		sent, proved string
		want         error
	}{{"POST", "POST", nil}, {"POST", "GET", dpop.ErrMethod}, {"HEAD", "GET", dpop.ErrMethod}, {"DELETE", "DELETE", nil}} {
		req := httptest.NewRequest(r.sent, "/posts", nil)
		req.Header.Set("Authorization", "DPoP "+c.token)
		req.Header.Set("DPoP", c.Proof(r.proved, posts, time.Now(), dpoptest.ForToken(c.token)))
		if _, err := v.VerifyRequest(req); !errors.Is(err, r.want) {
			t.Errorf("%s with a proof for %s: %v", r.sent, r.proved, err)
		}
	}
}
