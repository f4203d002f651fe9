package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"signet/idp/internal/mint"
	"signet/resource/token"
)

// Whoever signs out is signed out everywhere: also where nobody asks the issuer
// about a token.
func TestARevokedTokenIsInTheListAtOnce(t *testing.T) {
	cases := []struct {
		name string
		end  func(i *issuer, ada answer)
	}{
		{"by a sign-out", func(i *issuer, ada answer) {
			i.post("/logout", refreshBody(ada.RefreshToken)).want(i.t, http.StatusNoContent)
		}},
		{"by a sign-out with the access token", func(i *issuer, ada answer) {
			i.call(http.MethodDelete, "/logout", "", bearer(ada.AccessToken)...).want(i.t, http.StatusNoContent)
		}},
		{"by a new password", func(i *issuer, _ answer) {
			other := i.login("ada@example.com")
			i.post("/me/password", `{"current":"`+password+`","new":"another horse battery"}`, bearer(other.AccessToken)...).want(i.t, http.StatusNoContent)
		}},
		{"after a refresh token was used twice", func(i *issuer, ada answer) {
			second := i.post("/refresh", refreshBody(ada.RefreshToken)).want(i.t, http.StatusOK)
			i.post("/refresh", refreshBody(second.RefreshToken)).want(i.t, http.StatusOK)
			i.post("/refresh", refreshBody(ada.RefreshToken)).want(i.t, http.StatusUnauthorized)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			i := newIssuer(t)
			ada := i.signUp("ada@example.com")
			bob := i.signUp("bob@example.com")
			status := statusOf(t, ada.AccessToken)
			before := i.statusList(status.URI).want(t, http.StatusOK)
			if isRevoked(t, before, status) {
				t.Fatal("it is revoked from the beginning")
			}

			held := i.waitForChange(status.URI, before)
			c.end(i, ada)
			for name, got := range map[string]answer{"who waited": <-held, "who asks afterwards": i.statusList(status.URI)} {
				if got.Status != http.StatusOK || !isRevoked(t, got, status) || isRevoked(t, got, statusOf(t, bob.AccessToken)) {
					t.Errorf("%s: got %d, revoked %v, and bob's %v", name, got.Status, isRevoked(t, got, status), isRevoked(t, got, statusOf(t, bob.AccessToken)))
				}
			}
		})
	}
}

// The command does the same, with its own hands.
func TestTheCommandPublishesWhatWasRevoked(t *testing.T) {
	p := startProcess(t)
	ada := p.signUp("ada@example.com")
	status := statusOf(t, ada.AccessToken)
	before := p.statusList(status.URI).want(t, http.StatusOK)
	held := p.waitForChange(status.URI, before)
	p.post("/logout", refreshBody(ada.RefreshToken)).want(t, http.StatusNoContent)
	if got := <-held; isRevoked(t, before, status) || got.Status != http.StatusOK || !isRevoked(t, got, status) {
		t.Errorf("got %d", got.Status)
	}
}

func TestAStatusListOnTheWire(t *testing.T) {
	i := newIssuer(t)
	status := statusOf(t, i.signUp("ada@example.com").AccessToken)
	got := i.statusList(status.URI, "Accept", "application/statuslist+cwt").want(t, http.StatusOK) // there is one form
	for name, want := range map[string]string{"Content-Type": "application/statuslist+jwt", "Cache-Control": "public, max-age=60",
		"Access-Control-Allow-Origin": "*", "Vary": "Prefer", "X-Content-Type-Options": "nosniff"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	all := i.call(http.MethodGet, "/oauth2/status_lists", "").want(t, http.StatusOK)
	if h := all.Header; !strings.HasPrefix(all.Body, `{"status_lists":["`+status.URI+`","`) || h.Get("Content-Type") != "application/json" ||
		h.Get("Cache-Control") != "public, max-age=60" || h.Get("ETag") == "" || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the lists are %s %v", all.Body, all.Header)
	}
	metadata := i.call(http.MethodGet, "/.well-known/openid-configuration", "").want(t, http.StatusOK)
	if !strings.Contains(metadata.Body, `"status_list_aggregation_endpoint":"`+i.house.config.Issuer+`/oauth2/status_lists"`) {
		t.Errorf("the metadata does not say where the lists are: %s", metadata.Body)
	}
	for _, c := range []struct {
		name, path string
		status     int
		headers    []string
	}{
		{"who has it already", status.URI, 304, []string{"If-None-Match", got.Header.Get("ETag")}},
		{"who has all of them", "/oauth2/status_lists", 304, []string{"If-None-Match", all.Header.Get("ETag")}},
		{"a list that is nowhere", "/oauth2/status_lists/AAAAAAAAAAAAAAAAAAAAAA", 404, nil},
		{"what is no id", "/oauth2/status_lists/x", 404, nil},
		{"how it was before (8.4)", status.URI + "?time=1", 501, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := i.statusList(c.path, c.headers...)
			if got.Status != c.status || c.status > 400 && got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %s %v", got.Status, got.Body, got.Header)
			}
		})
	}
}

// A list outlives the tokens in it, of whichever audience.
func TestAStatusIsKeptForAsLongAsTheLongestTokenLives(t *testing.T) {
	i, _ := startIssuer(t, nil, "audiences: [{name: api}, {name: reports, access_ttl: 2h}]\n", "SIGNET_KEYS_ALGS=ES256")
	slot, err := i.house.store.DrawSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(slot.Until); left < 2*time.Hour {
		t.Errorf("it is kept for %s", left)
	}
}

// statusList fetches a path, or a URI of the issuer.
func (i *issuer) statusList(uri string, headers ...string) answer {
	i.t.Helper()
	return i.call(http.MethodGet, uri[strings.Index(uri, "/oauth2/"):], "", headers...)
}

// statusOf is where an access token says that its status is.
func statusOf(t testing.TB, access string) token.StatusRef {
	t.Helper()
	compact, err := token.ParseCompact(access)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := token.ParseClaims(compact.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(claims.Status.List.URI, mint.StatusListPath) {
		t.Fatalf("the status is at %q", claims.Status.List.URI)
	}
	return claims.Status.List
}

// waitForChange asks for what comes after known.
func (i *issuer) waitForChange(uri string, known answer) <-chan answer {
	held := make(chan answer, 1)
	go func() { held <- i.statusList(uri, "If-None-Match", known.Header.Get("ETag"), "Prefer", "wait=30") }()
	return held
}

func isRevoked(t testing.TB, list answer, status token.StatusRef) bool {
	t.Helper()
	compact, err := token.ParseCompact(list.Body)
	if err != nil {
		t.Fatalf("%v: %d %s", err, list.Status, list.Body)
	}
	l, err := token.ParseStatusList(compact.Payload)
	if err != nil {
		t.Fatal(err)
	}
	revoked, ok := l.Revoked(status.Index)
	if !ok || l.Subject != status.URI {
		t.Fatalf("the list %s has no %d", l.Subject, status.Index)
	}
	return revoked
}
