package resourcetest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/resourcetest"
	"signet/resource/token"
)

const id = "https://id.example"

var fine = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })

func TestEachBadTokenIsRefusedForWhatItsNameSays(t *testing.T) {
	for _, alg := range token.Algs() {
		issuer := resourcetest.NewIssuerAt(t, id, "api")
		v := issuer.Verifier(t)
		issuer.RotateTo(alg)
		if _, err := v.Verify(t.Context(), issuer.Token()); err != nil {
			t.Fatalf("%s: a good token: %v", alg, err)
		}
		names := make(map[string]bool)
		for bad := range issuer.Bad() {
			if _, err := v.Verify(t.Context(), bad.Token); !errors.Is(err, bad.Err) || !errors.Is(err, resource.ErrInvalidToken) {
				t.Errorf("%s: a token %s: got %v, want %v", alg, bad.Name, err, bad.Err)
			}
			if names[bad.Name] {
				t.Errorf("two tokens %s", bad.Name)
			}
			names[bad.Name] = true
		}
		if len(names) <= 30 {
			t.Errorf("%s: only %d bad tokens", alg, len(names))
		}
	}
}

func TestWhoStopsAtABadTokenHasSeenEnough(t *testing.T) {
	n := 0
	for range resourcetest.NewIssuerAt(t, id, "api").Bad() {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("saw %d", n)
	}
}

func TestAGuardedHandlerPasses(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	v := issuer.Verifier(t, resource.WithResource("https://api.example"))
	mux := http.NewServeMux()
	mux.Handle("GET /posts", v.Middleware(fine))
	mux.Handle("DELETE /posts/{id}", v.RequireRole("admin")(fine))
	mux.Handle("POST /posts", v.RequireScope("posts")(fine))
	resourcetest.Refuses(t, mux, issuer, "GET /posts", "GET /posts?page=2", "DELETE /posts/1", "POST /posts")
	resourcetest.Needs(t, mux, issuer, resourcetest.Scope("posts", "more"), "POST /posts")
	resourcetest.Needs(t, mux, issuer, resourcetest.With(resourcetest.Roles("admin"), resourcetest.Subject("ada")), "DELETE /posts/1")

	mux.Handle("PUT /key", v.Require(resource.Requirement{ACR: []string{"gold"}, MaxAge: time.Hour})(fine))
	resourcetest.Refuses(t, mux, issuer, "PUT /key")
	resourcetest.Needs(t, mux, issuer, resourcetest.With(resourcetest.ACR("gold"), resourcetest.AuthenticatedAgo(time.Minute)), "PUT /key")
}

func TestAHandlerForSeveralIssuersRefusesTheBadTokensOfEach(t *testing.T) {
	a, b := resourcetest.NewIssuerAt(t, "https://a.example", "api"), resourcetest.NewIssuerAt(t, "https://b.example", "api")
	both, err := resource.NewIssuers(a.Verifier(t), b.Verifier(t))
	if err != nil {
		t.Fatal(err)
	}
	resourcetest.Refuses(t, both.Middleware(fine), a, "GET /posts")
	resourcetest.Refuses(t, both.Middleware(fine), b, "GET /posts")
}

// wantFailure runs fn as a test that must fail with these words.
func wantFailure(t *testing.T, words string, fn func(t testing.TB)) {
	t.Helper()
	failures := run(fn)
	if !strings.Contains(strings.Join(failures, "\n"), words) {
		t.Errorf("want a failure with %q, got %q", words, failures)
	}
}

func TestRefusesFailsForAHandlerThat(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	v := issuer.Verifier(t)
	answering := func(status int, challenge string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if challenge != "" {
				w.Header().Set("WWW-Authenticate", challenge)
			}
			w.WriteHeader(status)
		})
	}
	inURL := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if raw := r.URL.Query().Get("access_token"); raw != "" {
			r = resourcetest.Authorize(r.Clone(r.Context()), raw)
			r.URL.RawQuery = ""
		}
		v.Middleware(fine).ServeHTTP(w, r)
	})
	half := http.NewServeMux()
	half.Handle("GET /posts", v.Middleware(fine))
	half.Handle("POST /posts", fine)
	other, err := resource.New("https://other.example", "api", resource.WithKeys(resource.KeyFunc(func(string) (resource.Key, bool) { return resource.Key{}, false })))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		h     http.Handler
		words string
	}{
		{"lets everything pass", fine, "GET /posts without a token: got 204 (no challenge), want 401"},
		{"lets every token pass", fine, "GET /posts with a token that has expired: got 204"},
		{"does not know the route", http.NotFoundHandler(), "got 404"},
		{"guards one route and forgot another", half, "POST /posts with a token with alg none: got 204"},
		{"takes a token from the URL", inURL, "with a good token in the URL: got 204"},
		{"challenges nobody", answering(401, ""), "without a token: got 401 (no challenge)"},
		{"says nothing of the token", answering(401, `Bearer realm="api"`), "want 401 with invalid_token"},
		{"forbids in place of challenging", answering(403, `Bearer error="invalid_token"`), "got 403"},
		{"refuses good tokens too", answering(401, `Bearer error="invalid_token"`), "with a good token: got 401"},
		{"verifies another issuer's tokens", other.Middleware(fine), `Does the handler verify tokens of https://id.example for the audience "api"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, c.words, func(t testing.TB) { resourcetest.Refuses(t, c.h, issuer, "GET /posts", "POST /posts") })
		})
	}
	wantFailure(t, "no route", func(t testing.TB) { resourcetest.Refuses(t, fine, issuer) })
	wantFailure(t, `"/posts" is not a method and a path`, func(t testing.TB) { resourcetest.Refuses(t, fine, issuer, "/posts") })
}

// A handler that overlooks one thing is found out, whichever it is.
func TestRefusesNamesTheOneBadTokenThatPasses(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	v := issuer.Verifier(t)
	for bad := range issuer.Bad() {
		blind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _, err := v.Authenticate(r)
			// Not errors.Is: of two reasons that are one, both pass.
			if err != nil && !errors.Is(err, bad.Err) {
				v.WriteError(w, err)
			}
		})
		wantFailure(t, "with a token "+bad.Name+": got 200", func(t testing.TB) { resourcetest.Refuses(t, blind, issuer, "GET /") })
	}
}

func TestNeedsFailsForAHandlerThat(t *testing.T) {
	issuer := resourcetest.NewIssuerAt(t, id, "api")
	v := issuer.Verifier(t)
	for _, c := range []struct {
		name  string
		h     http.Handler
		words string
	}{
		{"wants nothing", v.Middleware(fine), "POST /posts with a token that lacks it: got 204"},
		{"forbids without a reason", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if tok, err := v.VerifyRequest(r); err != nil || !tok.HasScope("posts") {
				w.WriteHeader(http.StatusForbidden)
			}
		}), "POST /posts with a token that lacks it: got 403 (no challenge), want 403 with insufficient_scope"},
		{"wants something else", v.RequireScope("other")(fine), "POST /posts with a token that has it: got 403"},
		{"wants a fresh sign-in", v.Require(resource.Requirement{MaxAge: time.Hour})(fine), "POST /posts with a token that has it: got 401"},
		{"wants a role", v.RequireRole("posts")(fine), "POST /posts with a token that has it: got 403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFailure(t, c.words, func(t testing.TB) {
				resourcetest.Needs(t, c.h, issuer, resourcetest.Scope("posts"), "POST /posts")
			})
		})
	}
	wantFailure(t, "no route", func(t testing.TB) { resourcetest.Needs(t, fine, issuer, resourcetest.Scope("posts")) })
}
