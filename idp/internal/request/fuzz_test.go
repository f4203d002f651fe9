package request_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/request"
	"signet/idp/internal/request/requesttest"
	"signet/idp/internal/wire"
)

// FuzzRead reads what came in a URL. Whatever it was, an answer goes to an
// address of the client alone, and a good request keeps the rules that protect
// it.
func FuzzRead(f *testing.F) {
	w := requesttest.New(f, "")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r, err := w.Parser.Read(t.Context(), values)
		var e *wire.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("not a refusal: %v", err)
		}
		if r.Reply.Proven() {
			proven(t, r)
		}
		if err == nil {
			sound(t, w, r)
		}
	})
}

// proven checks where an answer would go.
func proven(t *testing.T, r request.Request) {
	t.Helper()
	if r.Client == nil || !r.Client.HasRedirect(r.Reply.RedirectURI) && !slices.Contains(r.Client.RedirectURIs, r.Reply.RedirectURI) {
		t.Fatalf("an answer would go to %q", r.Reply.RedirectURI)
	}
	if r.Reply.Mode != request.FormPost {
		location := r.Reply.Location(url.Values{"error": {"x"}, "state": {r.Reply.State}})
		if !strings.HasPrefix(location, r.Reply.RedirectURI) || strings.ContainsAny(location, "\r\n") {
			t.Fatalf("an answer would go to %q", location)
		}
	}
}

// sound checks what a good request must be.
func sound(t *testing.T, w *requesttest.World, r request.Request) {
	t.Helper()
	switch {
	case !r.Reply.Proven():
		t.Fatal("a good request without a proven address")
	case r.Reply.Mode == request.Query && r.Response.Front():
		t.Fatal("a token would go into a query")
	case r.Response == request.Response{} || r.Response == request.Response{Token: true}:
		t.Fatalf("it asks for %+v", r.Response)
	case r.Response.Code && r.Client.Public() && len(r.Challenge) != 43:
		t.Fatal("a public client without a challenge")
	case r.Response.IDToken && (r.Nonce == "" || !r.Has(wire.ScopeOpenID)):
		t.Fatal("an ID token without a nonce, or without openid")
	case r.Prompt.Has(request.PromptNone) && r.Prompt != request.PromptNone:
		t.Fatal("none and another prompt")
	case len(r.Audience) == 0:
		t.Fatal("a token for nobody")
	}
	again, err := w.Parser.Stored(t.Context(), data.Request{Client: r.Client.ID, Params: r.Params, Signed: r.Signed})
	if err != nil || again.Reply != r.Reply || again.Scope != r.Scope || again.Response != r.Response || again.Prompt != r.Prompt {
		t.Fatalf("read again it is another: %+v %v", again, err)
	}
}

// FuzzRedirect compares redirect URIs. Whatever is accepted and was not
// registered differs from it in the port of a loopback address.
func FuzzRedirect(f *testing.F) {
	f.Fuzz(func(t *testing.T, registered, asked string, native bool) {
		c := &client.Client{Client: data.Client{Metadata: data.Metadata{RedirectURIs: []string{registered}, ApplicationType: "web"}}}
		if native {
			c.ApplicationType = "native"
		}
		if registered == asked || !c.HasRedirect(asked) {
			if registered == asked && !c.HasRedirect(asked) {
				t.Fatalf("%q is not itself", asked)
			}
			return
		}
		a, errA := url.Parse(registered)
		b, errB := url.Parse(asked)
		if !native || errA != nil || errB != nil {
			t.Fatalf("%q passed for %q", asked, registered)
		}
		for _, u := range []*url.URL{a, b} {
			if host := u.Hostname(); u.Scheme != "http" || u.User != nil || host != "127.0.0.1" && host != "::1" && host != "localhost" || strings.Contains(u.Host, "@") {
				t.Fatalf("%q passed for %q", asked, registered)
			}
			u.Host = u.Hostname()
		}
		if a.String() != b.String() || strings.Contains(asked, "#") {
			t.Fatalf("%q passed for %q", asked, registered)
		}
	})
}

// FuzzObject signs whatever claims there are: a client may be hostile, too.
func FuzzObject(f *testing.F) {
	w := requesttest.New(f, "")
	f.Fuzz(func(t *testing.T, header, payload string, signed bool) {
		object := requesttest.B64([]byte(header)) + "." + requesttest.B64([]byte(payload)) + ".AAAA"
		if signed {
			object = w.SignRaw(header, payload)
		}
		r, err := w.Parser.Read(t.Context(), url.Values{"client_id": {"signs"}, "request": {object}})
		var e *wire.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("not a refusal: %v", err)
		case err == nil && !signed:
			t.Fatal("a forged object was accepted")
		case err == nil && (!r.Signed || r.Client.ID != "signs"):
			t.Fatalf("got %+v", r)
		}
		if r.Reply.Proven() {
			proven(t, r)
		}
		if err == nil {
			sound(t, w, r)
		}
	})
}
