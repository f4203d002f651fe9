package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"signet/data"
)

// OpenID Connect Back-Channel Logout, section 2.5: the clients hear of a
// sign-out by whatever way it came.
func TestClientsHearOfASignOutThatNoBrowserAskedFor(t *testing.T) {
	t.Parallel()
	rp := newReceiver(t)
	p := newProvider(t, strings.ReplaceAll(logoutClients, "BACK", rp.url+"/backchannel"), "SIGNET_KEYS_ALGS=RS256")
	for name, end := range map[string]func(u data.User) error{
		"the operator signs the person out": func(u data.User) error { return p.house.store.EndUserGrants(t.Context(), u.ID, nil) },
		"the operator disables the person": func(u data.User) error {
			_, err := p.house.store.ChangeUser(t.Context(), u.ID, func(u *data.User) error { u.Disabled = true; return nil })
			return err
		},
		"the person changes the password by the JSON API": func(u data.User) error {
			access := p.login(u.Email).AccessToken
			p.call(http.MethodPost, "/me/password", `{"current":"`+password+`","new":"another long way in"}`, bearer(access)...).want(t, http.StatusNoContent)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@example.com"
			u, c, b := p.person(email), p.client(t, "back"), p.browser(t)
			b.email = email
			said := c.verified(c.tokens(b).text("id_token"))
			if err := end(u); err != nil {
				t.Fatal(err)
			}
			select {
			case post := <-rp.posts:
				if claims := c.verified(post.PostForm.Get("logout_token")); claims["sid"] != said["sid"] || claims["sub"] != said["sub"] {
					t.Errorf("got %v for %v", claims, said)
				}
			case <-time.After(20 * time.Second):
				t.Error("the client was not told")
			}
		})
	}
}
