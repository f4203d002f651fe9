package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"signet/resource"
	"signet/resource/dpop"
	"signet/resource/dpop/dpoptest"
	"signet/resource/echoauth"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// TestEchoAnswersAsNetHTTPDoes holds every answer against that of the
// middleware for net/http.
func TestEchoAnswersAsNetHTTPDoes(t *testing.T) {
	i := issuertest.New(t, "https://id.example")
	nonceKey := make([]byte, dpop.NonceKeySize)
	pub := i.Key().Private.Public()
	v, err := resource.New(i.URL, issuertest.Audience, resource.WithResource("https://api.example"), resource.WithDPoPNonces(nonceKey),
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
	fresh := resource.Requirement{Scopes: []string{"posts"}, ACR: []string{"gold"}, MaxAge: time.Minute}
	e.GET("/fresh", hello, echoauth.Require(v, fresh))
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
	mux.Handle("/fresh", v.Require(fresh)(plain))
	mux.Handle("/admin", v.RequireRole("admin")(plain))

	good := i.Token()
	key := dpoptest.NewKey(t, "ES256")
	bound := i.Token(func(c *token.Claims) { c.Confirmation.JKT = key.JKT() })
	nonces, err := dpop.NewNonces(nonceKey, 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	// Every request has a proof of its own, since each is good for one.
	prove := func(path, nonce string) []string {
		now := time.Now()
		if nonce == "ours" {
			nonce = nonces.At(now)
		}
		return []string{key.Proof("GET", "https://api.example"+path, now, dpoptest.ForToken(bound), dpoptest.WithNonce(nonce))}
	}
	for _, path := range []string{"/any", "/posts", "/write", "/admin", "/fresh"} {
		for _, c := range []struct {
			auth  []string
			nonce string // of the proof that comes along, if any
		}{
			{auth: nil}, {auth: []string{"Bearer " + good}}, {auth: []string{"Bearer x"}}, {auth: []string{"Bearer"}},
			{auth: []string{"Bearer " + good, "Bearer " + good}}, {auth: []string{"Bearer " + bound}}, {auth: []string{"DPoP " + bound}},
			{auth: []string{"DPoP " + bound}, nonce: "ours"}, {auth: []string{"DPoP " + bound}, nonce: "another"}, {auth: []string{"DPoP " + good}, nonce: "ours"},
		} {
			answer := func(h http.Handler) *httptest.ResponseRecorder {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header["Authorization"] = c.auth
				if c.nonce != "" {
					r.Header["Dpop"] = prove(path, c.nonce)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			got, want := answer(e), answer(mux)
			if got.Code != want.Code || got.Body.String() != want.Body.String() || !reflect.DeepEqual(got.Header(), want.Header()) {
				t.Errorf("%s with %d headers: got %d %v, want %d %v", path, len(c.auth), got.Code, got.Header(), want.Code, want.Header())
			}
			if accepted := c.nonce == "ours" && c.auth[0] == "DPoP "+bound; accepted && (want.Code == 401 && path != "/fresh" || want.Header().Get("DPoP-Nonce") == "") {
				t.Errorf("%s with a good proof: %d %v", path, want.Code, want.Header())
			}
		}
	}
}
