//go:build engines && unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/etcd"
	"signet/idp/internal/grant"
	"signet/idp/internal/signin"
	"signet/idp/internal/wellknown"
	"signet/idp/internal/wire"
)

// Two ways to the store and back are enough for the refresh of a grant, where the
// issuer has seen neither it nor its person: one that brings both, and the
// commit. What it has to fetch once for all is beside that.
func TestARefreshAtAnIssuerThatHasSeenNothingTakesTwoRoundTrips(t *testing.T) {
	onShared(t, func(t *testing.T, store, _ string) {
		first, _ := houseOn(t, store, t.TempDir())
		first.nodes = nil // which would wait to see whether an issuer of before is there
		_, secret, err := first.clients.Create(t.Context(), data.Client{ID: "web", Audiences: []string{"api"}, Metadata: data.Metadata{
			RedirectURIs: []string{"https://web.example/cb"}, GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken},
		}})
		must(t, err)
		people := 0
		// stranger signs somebody in to the client there.
		stranger := func(client string) string {
			people++
			u, err := first.signin.Register(t.Context(), signin.RegisterRequest{Email: fmt.Sprintf("p%d@example.com", people), Password: password})
			must(t, err)
			issued, err := first.grants.Start(t.Context(), grant.StartRequest{User: u, Client: client, Scope: "openid", Audience: []string{"api"}})
			must(t, err)
			return string(issued.RefreshToken)
		}
		api := func(_, token string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/refresh", strings.NewReader(refreshBody(token)))
			r.Header.Set("Content-Type", "application/json")
			return r
		}
		oauth := func(path, token string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{
				"grant_type": {wire.GrantRefreshToken}, "refresh_token": {token}, "token": {token}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("web", secret)
			return r
		}
		trips := tripsAt(t, store, first.config.State)
		for _, c := range []struct {
			name, client, path string
			request            func(path, token string) *http.Request
			want               uint64
		}{
			{"the first refresh of all, which reserves indices of a status list", "signet", "/refresh", api, 2 + 2},
			{"a refresh by the JSON API", "signet", "/refresh", api, 2},
			{"the first refresh of a client, which reads its record", "web", "/oauth2/token", oauth, 2 + 1},
			{"a refresh by the token endpoint", "web", "/oauth2/token", oauth, 2},
			{"an introspection", "web", "/oauth2/introspect", oauth, 1},
			{"a revocation", "web", "/oauth2/revoke", oauth, 2},
		} {
			if n := trips(c.request(c.path, stranger(c.client))); n != c.want {
				t.Errorf("%s: %d round trips, want %d", c.name, n, c.want)
			}
		}
	})
}

// tripsAt is a new issuer on the store, with nothing at work beside the
// requests. It answers a request, and says what that took.
func tripsAt(t *testing.T, store, state string) func(*http.Request) uint64 {
	t.Helper()
	h, engine := houseOn(t, store, state)
	h.nodes = nil
	r, err := h.newRooms()
	must(t, err)
	polls := wellknown.NewPolls(time.Minute, wellknown.Limits{InAll: 1, PerAddress: 1})
	t.Cleanup(polls.Stop)
	server, err := r.newServer(polls)
	must(t, err)
	trips := func() uint64 { return engine.(interface{ Stats() etcd.Stats }).Stats().RoundTrips }
	return func(request *http.Request) uint64 {
		t.Helper()
		before, got := trips(), httptest.NewRecorder()
		server.Handler.ServeHTTP(got, request)
		if got.Code != http.StatusOK {
			t.Fatalf("got %d %s", got.Code, got.Body)
		}
		return trips() - before
	}
}
