package resourcetest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/resourcetest"
)

// t is, in a test, its *testing.T.
var t testing.TB = theExamples

// theExamples prints what a test would fail with, and goes on.
var theExamples = new(exampleT)

type exampleT struct{ fakeT }

func (*exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func TestMain(m *testing.M) {
	defer theExamples.end()
	m.Run()
}

// newServer is the API under test.
func newServer(v *resource.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /posts", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := resource.FromContext(r.Context())
		fmt.Fprintf(w, "the posts of %s", t.Subject())
	})))
	mux.Handle("POST /posts", v.RequireScope("posts")(http.NotFoundHandler()))
	return mux
}

func Example() {
	issuer := resourcetest.NewIssuer(t, "api")
	h := newServer(issuer.Verifier(t))

	r := httptest.NewRequest("GET", "/posts", nil)
	resourcetest.Authorize(r, issuer.Token(resourcetest.Subject("ada")))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 the posts of ada
}

func ExampleRefuses() {
	issuer := resourcetest.NewIssuer(t, "api")
	h := newServer(issuer.Verifier(t))
	resourcetest.Refuses(t, h, issuer, "GET /posts", "POST /posts")
	// Output:
}

func ExampleNeeds() {
	issuer := resourcetest.NewIssuer(t, "api")
	h := newServer(issuer.Verifier(t))
	resourcetest.Needs(t, h, issuer, resourcetest.Scope("posts"), "POST /posts")
	resourcetest.Needs(t, h, issuer, resourcetest.Scope("posts"), "GET /posts") // which needs none
	// Output: GET /posts with a token that lacks it: got 200 (no challenge), want 403 with insufficient_scope
}

// Two issuers, and neither opens what is the other's.
func ExampleNewIssuerAt() {
	ours := resourcetest.NewIssuerAt(t, "https://id.example", "api")
	theirs := resourcetest.NewIssuerAt(t, "https://other.example", "api")
	_, err := ours.Verifier(t).Verify(t.Context(), theirs.Token())
	fmt.Println(err)
	// Output: resource: invalid token: the token is from another issuer
}

func ExampleIssuer_SetNow() {
	issuer := resourcetest.NewIssuer(t, "api")
	var minutes atomic.Int64
	issuer.SetNow(func() time.Time {
		return time.Date(2030, 1, 1, 0, int(minutes.Load()), 0, 0, time.UTC)
	})
	v := issuer.Verifier(t)
	raw := issuer.Token(resourcetest.ExpiresIn(5 * time.Minute))
	minutes.Store(5)
	_, err := v.Verify(t.Context(), raw)
	fmt.Println(err)
	// Output: resource: invalid token: the token has expired
}

func ExampleIssuer_Token() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	raw := issuer.Token(
		resourcetest.Subject("ada"),
		resourcetest.Scope("posts", "files"),
		resourcetest.Roles("admin"),
		resourcetest.Claim("acr", "2"))
	got, err := v.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(got.Subject(), got.HasScope("files"), got.HasRole("admin"), got.ACR())

	_, err = v.Verify(t.Context(), issuer.Token(resourcetest.Expired()))
	fmt.Println(errors.Is(err, resource.ErrExpired))
	// Output:
	// ada true true 2
	// true
}

// An API that is not HTTP asks the verifier itself.
func ExampleIssuer_Bad() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	for bad := range issuer.Bad() {
		if _, err := v.Verify(t.Context(), bad.Token); !errors.Is(err, bad.Err) {
			t.Errorf("a token %s: got %v, want %v", bad.Name, err, bad.Err)
		}
	}
	// Output:
}

func ExampleIssuer_Rotate() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	old := issuer.Token()
	issuer.Rotate()
	for _, raw := range []string{old, issuer.Token()} {
		got, err := v.Verify(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(got.KeyID())
	}
	// Output:
	// k1
	// k2
}

func ExampleIssuer_Revoke() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	raw := issuer.Token()
	issuer.Revoke(raw)
	_, err := v.Verify(t.Context(), raw)
	fmt.Println(errors.Is(err, resource.ErrRevoked))
	// Output: true
}

func ExampleIssuer_RevokeKey() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	old := issuer.Token()
	issuer.RevokeKey()
	_, err := v.Verify(t.Context(), old)
	fmt.Println(errors.Is(err, resource.ErrUnknownKey))
	// Output: true
}

func ExampleIssuer_Down() {
	issuer := resourcetest.NewIssuer(t, "api")
	v := issuer.Verifier(t)
	issuer.Down()
	_, err := v.Verify(t.Context(), issuer.Token())
	fmt.Println(v.Health().State, err)
	issuer.Up()
	fmt.Println(v.Health().State)
	// Output:
	// outage <nil>
	// following
}

func ExampleAuthorizeBound() {
	const api = "https://api.example"
	issuer := resourcetest.NewIssuer(t, "api")
	h := newServer(issuer.Verifier(t, resource.WithResource(api)))

	key := dpoptest.NewKey(t, "ES256") // the client's
	r := httptest.NewRequest("GET", "/posts", nil)
	resourcetest.AuthorizeBound(r, issuer.Token(resourcetest.BoundTo(key)), key, api)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 200 the posts of someone
}
