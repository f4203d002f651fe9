package resource_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"signet/resource"
	"signet/resource/internal/issuertest"
)

// stage is what a fake issuer wants of a test; the examples are none.
type stage struct{ testing.TB }

func (stage) Helper()           {}
func (stage) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// anIssuer is one that the examples need no network for: the options take its
// keys.
func anIssuer(url string) (*issuertest.Issuer, resource.Option) {
	i := issuertest.New(stage{}, url)
	return i, resource.WithHTTPClient(i.Client())
}

// get prints what h answers to a request with the token.
func get(h http.Handler, token string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if challenge := w.Header().Get("WWW-Authenticate"); challenge != "" {
		fmt.Println(w.Code, challenge)
		return
	}
	fmt.Println(w.Code, w.Body)
}
