//go:build others

package others

import (
	"net/http"
	"net/url"
	"testing"

	"signet/prove/issuer"
)

// revocations are the ways in which a token is taken back.
var revocations = []struct {
	name   string
	issue  func(h *house) string
	revoke func(h *house, token string)
}{
	{"a person signs out", func(h *house) string { return h.login(h.url, "alice", h.audience) },
		func(h *house, token string) {
			h.done(issuer.NewClient(h.url).Ask(h.t.Context(), http.MethodDelete, "/logout", token))
		}},
	{"a client gives its own back", func(h *house) string {
		a := h.done(issuer.NewClient(h.url).PostForm(h.t.Context(), "/oauth2/token", "service", secret,
			url.Values{"grant_type": {"client_credentials"}, "audience": {h.audience}}))
		return member(h.t, a.Body, "access_token")
	}, func(h *house, token string) {
		h.done(issuer.NewClient(h.url).PostForm(h.t.Context(), "/oauth2/revoke", "service", secret, url.Values{"token": {token}}))
	}},
}

// seesRevocations holds a verifier that follows the status lists to its
// promise: the issuer revokes, and the token is refused within a second.
func (h *house) seesRevocations(t *testing.T, at string) {
	for _, r := range revocations {
		token, other := r.issue(h), r.issue(h)
		if status, body := get(t, at, token); status != 200 {
			t.Fatalf("%s: before it the token got %d %s", r.name, status, body)
		}
		r.revoke(h, token)
		t.Logf("%s: refused after %s", r.name, eventually(t, at, token, 401))
		if status, _ := get(t, at, other); status != 200 {
			t.Errorf("%s: the other token got %d", r.name, status)
		}
	}
}

// seesNone holds a verifier that stands alone to what its page says.
func (h *house) seesNone(t *testing.T, at string) {
	for _, r := range revocations {
		token := r.issue(h)
		r.revoke(h, token)
		if status, _ := get(t, at, token); status != 200 {
			t.Errorf("%s: the page says that the token is good until its exp; it got %d", r.name, status)
		}
	}
}
