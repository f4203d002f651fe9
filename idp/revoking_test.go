package main

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/control"
	"signet/idp/internal/mint"
	"signet/resource/dpop/dpoptest"
)

const revokingClients = `
client_registration: open
audiences: [{name: api}, {name: "https://orders.example.com"}]
clients:
- {id: web, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://web.example.com/cb"]}
- {id: other, secret: a-secret-that-is-long-enough-for-all, first_party: true, redirect_uris: ["https://other.example.com/cb"]}
- {id: service, secret: a-secret-that-is-long-enough-for-all, grant_types: [client_credentials]}
- id: middle
  secret: a-secret-that-is-long-enough-for-all
  grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange", authorization_code]
  first_party: true
  redirect_uris: ["https://middle.example.com/cb"]
  exchange_audiences: ["https://orders.example.com"]
`

// revoking is a person who is signed in, and the operator.
type revoking struct {
	*provider
	t       testing.TB
	email   string
	user    data.User
	browser *userAgent
	command *control.Client
}

// cause is something that happens. It returns the access token that it happens
// to.
type cause struct {
	name string
	do   func(w *revoking) (access string)
}

// TestWhatRevokesAnAccessToken reads the token's bit, which is all that a
// resource server has to go by.
func TestWhatRevokesAnAccessToken(t *testing.T) {
	t.Parallel()
	p := newProvider(t, revokingClients)
	command := control.Loopback(p.house.control(nil), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = command.Close() })
	run := func(c cause, want bool) {
		t.Run(c.name, func(t *testing.T) {
			email := strings.ToLower(unique()) + "@example.com"
			w := &revoking{provider: p, t: t, email: email, user: p.person(email), browser: p.browser(t), command: command}
			w.browser.email = email
			if got := w.revoked(c.do(w)); got != want {
				t.Errorf("revoked: %t", got)
			}
		})
	}
	for _, causes := range [][]cause{signingOut, clientsRevoke, stolen, operatorOnPeople, operatorOnClients, operatorOnTokens} {
		for _, c := range causes {
			run(c, true)
		}
	}
	for _, c := range harmless {
		run(c, false)
	}
}

// revoked reads the bit of an access token.
func (w *revoking) revoked(access string) bool {
	w.t.Helper()
	status, _ := part(w.t, access, 1)["status"].(map[string]any)
	ref, _ := status["status_list"].(map[string]any)
	uri, _ := ref["uri"].(string)
	index, ok := ref["idx"].(float64)
	list, err := data.ParseStatusListID(strings.TrimPrefix(uri, w.house.config.Issuer+mint.StatusListPath))
	if err != nil || !ok {
		w.t.Fatalf("the token carries no status: %v", status)
	}
	bits, _, err := w.house.store.StatusBits(w.t.Context(), list)
	must(w.t, err)
	return bits[int(index)/8]>>(int(index)%8)&1 == 1
}

// good is an access token that is not revoked yet.
func (w *revoking) good(access string) string {
	w.t.Helper()
	if w.revoked(access) {
		w.t.Fatal("it is revoked before anything happens")
	}
	return access
}

// in logs the person in by the JSON API.
func (w *revoking) in() answer {
	w.t.Helper()
	a := w.login(w.email)
	w.good(a.AccessToken)
	return a
}

// tokens are what the client gets for the person in the browser.
func (w *revoking) tokens(client string) reply {
	w.t.Helper()
	got := w.client(w.t, client).tokens(w.browser)
	w.good(got.text("access_token"))
	return got
}

// submit sends the form of the account page that leads to path.
func (w *revoking) submit(b *userAgent, path string, pairs ...string) {
	w.t.Helper()
	page := b.get(w.url + "/account")
	for _, tag := range formTag.FindAllString(page.body, -1) {
		f, found := formOf(view{url: page.url, body: tag})
		if found && f.action.Path == path {
			if got := b.post(f.action.String(), change(f.values, pairs...)); got.status >= 400 {
				w.t.Fatalf("%s: %d %s", path, got.status, got.body)
			}
			return
		}
	}
	w.t.Fatalf("the account page has no form for %s: %d", path, page.status)
}

// another is another browser that the person signs in with.
func (w *revoking) another() *userAgent {
	b := w.provider.browser(w.t)
	b.email = w.email
	b.work(b.get(w.url + "/sign-in"))
	return b
}

// revoke posts a token to the revocation endpoint.
func (w *revoking) revoke(client, token string) {
	w.t.Helper()
	w.client(w.t, client).send(w.at("revocation_endpoint"), url.Values{"token": {token}}).ok()
}

// tokensRevoke is idp tokens revoke.
func (w *revoking) tokensRevoke(which control.TokensSelector) {
	w.t.Helper()
	which.Reason = "a test"
	done, err := w.command.RevokeTokens(w.t.Context(), which, func(float64) {})
	must(w.t, err)
	if !done.OwnTokens && done.GrantsEnded+done.GrantsRevoked == 0 {
		w.t.Errorf("nothing was done: %+v", done)
	}
}

// newClient stores a client of the operator's.
func (w *revoking) newClient(grants ...string) *relying {
	w.t.Helper()
	c := data.Client{FirstParty: true, SecretHash: data.HashOf(secretText), Metadata: data.Metadata{GrantTypes: grants}}
	c.ID = "stored-" + strings.ToLower(unique())
	r := w.client(w.t, c.ID)
	if grants[0] == "authorization_code" {
		c.RedirectURIs = []string{r.redirect}
	}
	must(w.t, w.house.store.CreateClient(w.t.Context(), c, 0))
	return r
}

func (w *revoking) registered() (c *relying, at string, with []string) {
	w.t.Helper()
	key := dpoptest.NewKey(w.t, "ES256")
	c, got := w.register(w.t, key, usual(key))
	return c, got.text("registration_client_uri"), []string{"Authorization", "Bearer " + got.text("registration_access_token")}
}
