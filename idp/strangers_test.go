package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
)

// asking is an authorization request of a client of newApp.
func asking(client string, more ...string) url.Values {
	v := url.Values{"client_id": {client}, "redirect_uri": {"https://" + client + ".example/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"s"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	for n := 0; n < len(more); n += 2 {
		v.Set(more[n], more[n+1])
	}
	return v
}

// Whatever a stranger sends and the store keeps until somebody acts on it is
// bounded for each network: else one of them would fill the disk.
func TestAStrangerDoesNotFillTheStore(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		form               url.Values
		good, over         int // the statuses
	}{
		{"a request that waits for a person", "GET", "/oauth2/authorize", asking("tv"), 303, 429},
		{"a request from a page of another site", "POST", "/oauth2/authorize", asking("tv"), 303, 429},
		{"a request that anybody may push", "POST", "/oauth2/par", asking("tv"), 201, 429},
		{"a device", "POST", "/oauth2/device_authorization", url.Values{"client_id": {"tv"}}, 200, 429},
		{"a sign-out from a page of another site", "POST", "/oauth2/logout", url.Values{"client_id": {"tv"}}, 303, 429},
		{"a request that shows nothing", "GET", "/oauth2/authorize", asking("tv", "prompt", "none"), 303, 303},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := newIssuer(t, "SIGNET_THROTTLE_REQUEST_BURST=3", "SIGNET_THROTTLE_REQUEST_EVERY=1m")
			must(t, i.house.store.CreateClient(t.Context(), data.Client{ID: "tv", Metadata: data.Metadata{
				AuthMethod: wire.AuthNone, RedirectURIs: []string{"https://tv.example/cb"},
				GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantDeviceCode},
			}}, 0))
			send := func() answer {
				if c.method == http.MethodGet {
					return i.call(c.method, c.path+"?"+c.form.Encode(), "")
				}
				return i.call(c.method, c.path, c.form.Encode(), "Content-Type", formType)
			}
			for range 3 {
				if got := send(); got.Status != c.good {
					t.Fatalf("got %d %s", got.Status, got.Body)
				}
			}
			got := send()
			if got.Status != c.over || c.over == http.StatusTooManyRequests && got.Header.Get("Retry-After") == "" {
				t.Errorf("the fourth: %d %s", got.Status, got.Body)
			}
			i.clock.setBack(-2 * time.Minute)
			if got := send(); got.Status != c.good {
				t.Errorf("later: %d %s", got.Status, got.Body)
			}
		})
	}
}

// A long request counts as several, and there is an end to its length.
func TestALongRequestCountsAsSeveral(t *testing.T) {
	i := newIssuer(t, "SIGNET_THROTTLE_REQUEST_BURST=10", "SIGNET_THROTTLE_REQUEST_EVERY=1m")
	i.newApp("tv", "public")
	long := asking("tv", "state", strings.Repeat("x", 9<<10)).Encode()
	if got := i.post("/oauth2/authorize", long, "Content-Type", formType); got.Status != http.StatusSeeOther {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	if got := i.post("/oauth2/authorize", long, "Content-Type", formType); got.Status != http.StatusTooManyRequests {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	hint := url.Values{"logout_hint": {strings.Repeat("x", 20<<10)}}.Encode()
	if got := newIssuer(t).post("/oauth2/logout", hint, "Content-Type", formType); got.Status != http.StatusBadRequest || !strings.Contains(got.Body, "too long") {
		t.Errorf("got %d", got.Status)
	}
}

// Each update may make us fetch something, and is written: whoever registered
// one client could go on with it for ever.
func TestTheUpdatesOfAStrangersClientAreCounted(t *testing.T) {
	i := newIssuer(t, "SIGNET_CLIENT_REGISTRATION=open", "SIGNET_THROTTLE_REGISTER_BURST=3", "SIGNET_THROTTLE_REGISTER_EVERY=1m")
	made := i.post("/oauth2/register", `{"redirect_uris":["https://x.example/cb"]}`).want(t, http.StatusCreated)
	var said struct {
		ID    string `json:"client_id"`
		Token string `json:"registration_access_token"`
	}
	must(t, json.Unmarshal([]byte(made.Body), &said))
	update := func() answer {
		return i.call(http.MethodPut, "/oauth2/register/"+said.ID, `{"client_id":"`+said.ID+`","redirect_uris":["https://x.example/cb"]}`, bearer(said.Token)...)
	}
	for range 2 {
		update().want(t, http.StatusOK)
	}
	if got := update(); got.Status != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}
