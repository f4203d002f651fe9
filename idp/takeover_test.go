package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A node posts a logout token and dies before it can note that it did. Another
// one posts it again, with the same jti, ten seconds later.
func TestALogoutIsToldThoughTheNodeDiesThatTellsIt(t *testing.T) {
	t.Parallel()
	var c *cluster
	web, tokens := host(t), make(chan string, 10)
	web.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c.ways[0].Cut() // before it has its answer
		tokens <- r.PostFormValue("logout_token")
	})
	c = newCluster(t, 3, strings.ReplaceAll(logoutClients, "BACK", web.URL), "SIGNET_KEYS_ALGS=RS256")
	told := func() map[string]any {
		select {
		case token := <-tokens:
			return c.client(t, "back").verified(token)
		case <-time.After(20 * time.Second):
			t.Fatal("nothing was posted")
			return nil
		}
	}
	client, b := c.client(t, "back"), c.browser(t)
	id := client.tokens(b).text("id_token")

	c.only.Store(c.nodes[0])
	c.ways[1].Cut()
	c.ways[2].Cut()
	client.logout(b, "id_token_hint", id, "post_logout_redirect_uri", "https://back.example.com/bye")
	first := told()
	c.forward(11 * time.Second)
	c.only.Store(c.nodes[1])
	c.ways[1].Mend()
	c.ways[2].Mend()
	if second := told(); second["jti"] != first["jti"] || second["sid"] != first["sid"] || first["jti"] == nil {
		t.Errorf("first %v, then %v", first, second)
	}
}
