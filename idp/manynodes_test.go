package main

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/resource/dpop/dpoptest"
)

// Whatever a client or a browser does takes several requests; each of them goes
// to another node than the one before.
func TestNobodyHasToComeBackToTheSameNode(t *testing.T) {
	t.Parallel()
	rp := newReceiver(t)
	_, clients, _ := strings.Cut(logoutClients, "clients:\n")
	_, clients, _ = strings.Cut(clients, "- id: front")
	yaml := "fetch: {allow: [\"127.0.0.0/8\", \"::1/128\"]}\n" + oauthClients + "- id: front" + strings.ReplaceAll(clients, "BACK", rp.url+"/backchannel")
	for _, nodes := range []int{2, 3} { // what a flow of an even number would hide, one of an odd number shows
		t.Run(map[int]string{2: "of two", 3: "of three"}[nodes], func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, nodes, yaml, "SIGNET_KEYS_ALGS=RS256")
			p, b := c.provider, c.signedIn(t)
			t.Run("a code, with the pages, and a refresh", func(t *testing.T) {
				web := p.client(t, "web")
				got := web.tokens(p.browser(t), "scope", "openid offline_access posts:write")
				web.verified(got.text("id_token"))
				web.userinfo(got.text("access_token")).ok()
				for range 5 {
					got = web.token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
					web.userinfo(got.text("access_token")).ok()
				}
			})
			t.Run("a device", func(t *testing.T) { checkDevice(t, p, b) })
			t.Run("a pushed request", func(t *testing.T) { checkPushed(t, p, b) })
			t.Run("tokens that are bound to a key, with nonces", func(t *testing.T) { checkDPoP(t, p, b) })
			t.Run("an exchange", func(t *testing.T) { checkExchange(t, p, b) })
			t.Run("a revocation", func(t *testing.T) { checkRevocation(t, p, b) })
			t.Run("introspection", func(t *testing.T) { checkIntrospection(t, p, b) })
			t.Run("a client that registers itself, changes and goes", func(t *testing.T) { checkManagement(t, p, dpoptest.NewKey(t, "RS256")) })
			t.Run("a sign-out by the front channel", func(t *testing.T) { checkFront(t, p) })
			t.Run("a sign-out by the back channel", func(t *testing.T) { checkBack(t, p, rp) })
			t.Run("the JSON API and the browser's variant", func(t *testing.T) { checkAPI(t, c) })
		})
	}
}

func checkAPI(t *testing.T, c *cluster) {
	got := c.signUp("grace@example.com")
	for range 4 {
		c.call(http.MethodGet, "/me", "", bearer(got.AccessToken)...).want(t, http.StatusOK)
		got = c.post("/refresh", refreshBody(got.RefreshToken)).want(t, http.StatusOK)
	}
	c.post("/logout", refreshBody(got.RefreshToken)).want(t, http.StatusNoContent)
	for range 3 { // dead on every node at once
		c.call(http.MethodGet, "/me", "", bearer(got.AccessToken)...).want(t, http.StatusUnauthorized)
	}
	signedIn := c.post("/session/login", credentials("grace@example.com"), "Origin", origin).want(t, http.StatusOK)
	cookie := pair(signedIn.cookie(t, "signet_session"))
	for range 3 {
		cookie = pair(c.post("/session/refresh", `{}`, "Origin", origin, "Cookie", cookie).want(t, http.StatusOK).cookie(t, "signet_session"))
	}
	c.post("/session/logout", `{}`, "Origin", origin, "Cookie", cookie).want(t, http.StatusNoContent)
}

// Clocks may differ by the skew. Whatever a time decides that one node wrote and
// another one reads, no honest client is refused for it.
func TestClocksThatDifferWithinTheSkewRefuseNobody(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, oauthClients, "SIGNET_KEYS_ALGS=RS256", "SIGNET_TOKENS_REFRESH_LATE=revoke", "SIGNET_KEYS_SKEW=30s", "SIGNET_TOKENS_REFRESH_GRACE=5s")
	chance := rand.New(rand.NewPCG(6, 3))
	for round := range 12 {
		var offsets []time.Duration
		for _, node := range c.nodes {
			off := time.Duration(chance.Int64N(int64(30*time.Second))) - 15*time.Second
			node.clock.setBack(-off)
			offsets = append(offsets, off)
		}
		web := c.client(t, "web")
		got := web.tokens(c.browser(t), "scope", "openid offline_access posts:write")
		for range 3 {
			web.userinfo(got.text("access_token")).ok()
			spent := got.text("refresh_token")
			got = web.token("refresh_token", "refresh_token", spent).ok()
			for range 3 { // the answer was lost: each node is asked once more
				again := web.token("refresh_token", "refresh_token", spent)
				if again.status != http.StatusOK || again.text("refresh_token") != got.text("refresh_token") {
					t.Fatalf("round %d, clocks %v: a repeat gets %d %s", round, offsets, again.status, again.body)
				}
			}
		}
		service := c.client(t, "service").token("client_credentials").ok()
		guard := c.client(t, "guard")
		for range 3 {
			if said := guard.send(c.at("introspection_endpoint"), url.Values{"token": {service.text("access_token")}}).ok(); said.values["active"] != true {
				t.Fatalf("round %d, clocks %v: a good token is %s", round, offsets, said.body)
			}
		}
		for i, node := range c.nodes {
			node.clock.setBack(offsets[i])
		}
	}
}
