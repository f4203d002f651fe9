package authorize

import (
	"net/http"
	"slices"
	"testing"

	"signet/data"
	"signet/idp/internal/request"
)

func TestAPersonSignsInAllowsAndComesBackWithACode(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.authorize(asks("web")).page("/sign-in")
	b.signInFor(handle, w.ann)
	if again := b.goOn(handle).page("/consent"); again != handle {
		t.Errorf("another handle: %s", again)
	}
	b.allow(handle, "openid posts")
	a := b.goOn(handle)
	code := a.gave()
	if a.status != http.StatusSeeOther || a.mode != "query" || a.client.Get("state") != "the state" {
		t.Errorf("got %d %s", a.status, a.to)
	}
	c := w.stored(code)
	given := c.Authorization
	if c.RedirectURI != "https://web.example.com/cb" || !c.SentURI || c.Challenge != challenge || c.Nonce != "n-1" ||
		given.Client != "web" || given.User != w.ann.ID || given.Epoch != w.ann.Epoch || given.Scope != "openid posts" ||
		len(given.Audience) != 1 || given.Audience[0] != "api" || given.Offline || given.ACR != request.ACR || given.AMR[0] != "pwd" ||
		!given.AuthTime.Equal(w.Now()) || given.SID == "" || given.Account == "" {
		t.Errorf("got %+v", c)
	}
	b.goOn(handle).shown("invalid_request")
	sessions, err := w.Store.UserSessions(t.Context(), w.ann.ID)
	if err != nil || len(sessions) != 1 || !slices.Equal(sessions[0].Accounts[0].Clients, []string{"web"}) {
		t.Errorf("the client will not be told of the end: %+v %v", sessions, err)
	}
	consent, err := w.Store.Consent(t.Context(), w.ann.ID, "web")
	if err != nil || consent.Scope != "openid posts" {
		t.Errorf("got %+v %v", consent, err)
	}
	// The second time, nobody is asked.
	b.authorize(asks("web")).gave()
	b.authorize(asks("web", "prompt", "none")).gave()
}

func TestADeclinedConsentIsTold(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.ann)
	handle := b.authorize(asks("web")).page("/consent")
	b.change(handle, func(r *data.Request) { r.Declined = true })
	if a := b.goOn(handle).told("access_denied"); a.client.Get("state") != "the state" {
		t.Errorf("got %v", a.client)
	}
	b.goOn(handle).shown("invalid_request")
}
