package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"signet/resource"
	"signet/resource/echoauth"
	"signet/resource/internal/issuertest"
)

// TestEchoAnswersAsNetHTTPDoes holds every answer against that of the
// middleware for net/http.
func TestEchoAnswersAsNetHTTPDoes(t *testing.T) {
	i := issuertest.New(t, "https://id.example")
	pub := i.Key().Private.Public()
	v, err := resource.New(i.URL, issuertest.Audience, resource.WithResource("https://api.example"),
		resource.WithKeys(resource.KeyFunc(func(kid string) (resource.Key, bool) {
			return resource.Key{ID: kid, Alg: i.Key().Alg, Public: pub}, kid == i.Key().ID
		})))
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	hello := func(c echo.Context) error {
		tok, ok := echoauth.Token(c)
		if !ok {
			t.Error("no token in the context")
		}
		return c.String(http.StatusOK, tok.Subject())
	}
	e.GET("/any", hello, echoauth.Middleware(v))
	e.GET("/posts", hello, echoauth.RequireScope(v, "posts"))
	e.GET("/write", hello, echoauth.RequireScope(v, "write"))
	e.GET("/admin", hello, echoauth.Middleware(v), echoauth.RequireRole(v, "admin"))

	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := resource.FromContext(r.Context())
		w.Header().Set("Content-Type", echo.MIMETextPlainCharsetUTF8)
		_, _ = w.Write([]byte(tok.Subject()))
	})
	mux := http.NewServeMux()
	mux.Handle("/any", v.Middleware(plain))
	mux.Handle("/posts", v.RequireScope("posts")(plain))
	mux.Handle("/write", v.RequireScope("write")(plain))
	mux.Handle("/admin", v.RequireRole("admin")(plain))

	good := i.Token()
	for _, path := range []string{"/any", "/posts", "/write", "/admin"} {
		for _, auth := range [][]string{nil, {"Bearer " + good}, {"Bearer x"}, {"Bearer"}, {"Bearer " + good, "Bearer " + good}} {
			answer := func(h http.Handler) *httptest.ResponseRecorder {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header["Authorization"] = auth
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			got, want := answer(e), answer(mux)
			if got.Code != want.Code || got.Body.String() != want.Body.String() ||
				got.Header().Get("WWW-Authenticate") != want.Header().Get("WWW-Authenticate") ||
				got.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
				t.Errorf("%s with %d headers: got %d %v, want %d %v", path, len(auth), got.Code, got.Header(), want.Code, want.Header())
			}
		}
	}
}
