package resourcetest_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/resourcetest"
)

// What stands in docs/testing.md is here, word by word, and so it is true.

func guarded(v *resource.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /posts", v.Middleware(fine))
	mux.Handle("POST /posts", v.RequireScope("posts")(fine))
	mux.Handle("DELETE /posts/{id}", v.RequireRole("admin")(fine))
	return mux
}

func TestEveryRouteIsGuarded(t *testing.T) {
	issuer := resourcetest.NewIssuer(t, "api")
	h := guarded(issuer.Verifier(t))

	resourcetest.Refuses(t, h, issuer, "GET /posts", "POST /posts", "DELETE /posts/1")
	resourcetest.Needs(t, h, issuer, resourcetest.Scope("posts"), "POST /posts")
	resourcetest.Needs(t, h, issuer, resourcetest.Roles("admin"), "DELETE /posts/1")
}

func TestAnAdminDeletesUntilTheTokenIsRevoked(t *testing.T) {
	issuer := resourcetest.NewIssuer(t, "api")
	h := guarded(issuer.Verifier(t))
	root := issuer.Token(resourcetest.Subject("root"), resourcetest.Roles("admin"))

	for _, want := range []int{http.StatusNoContent, http.StatusUnauthorized} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, resourcetest.Authorize(httptest.NewRequest("DELETE", "/posts/1", nil), root))
		if w.Code != want {
			t.Errorf("got %d, want %d", w.Code, want)
		}
		issuer.Revoke(root)
	}
}

func TestALongOutageIs503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := resourcetest.NewIssuerAt(t, "https://id.example", "api")
		h := guarded(issuer.Verifier(t))
		issuer.Down()
		time.Sleep(2 * time.Hour) // of the bubble: it takes no time

		w := httptest.NewRecorder()
		h.ServeHTTP(w, resourcetest.Authorize(httptest.NewRequest("GET", "/posts", nil), issuer.Token(resourcetest.ExpiresIn(time.Hour))))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d", w.Code)
		}
	})
}

func TestTheGuideIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("guide_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) < 3 {
		t.Errorf("only %d blocks of Go", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(string(source), string(b[1])) {
			t.Errorf("docs/testing.md says what no test does:\n%s", b[1])
		}
	}
}
