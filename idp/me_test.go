package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// tokenOf is an access token that a client holds for a person who has signed up.
func (i *issuer) tokenOf(client, email, scope string, edit ...func(*mint.Access)) string {
	i.t.Helper()
	h, ctx := i.house, i.t.Context()
	name, err := data.ParseEmail(email)
	must(i.t, err)
	user, err := h.store.UserByEmail(ctx, name)
	must(i.t, err)
	c, err := h.clients.Find(ctx, client)
	must(i.t, err)
	issued, err := h.grants.Start(ctx, grant.StartRequest{User: user, Client: client, Scope: scope, Audience: []string{"api"}})
	must(i.t, err)
	m := mint.New(mint.Options{Issuer: h.config.Issuer, Ring: h.ring, Profiles: profilesOf(h.config), Now: h.now})
	access := mint.Access{Subject: h.clients.Subject(c, user.ID), ClientID: client, Scope: scope, SID: issued.Grant.ID.String(),
		Status: m.Status(issued.Slot())}
	for _, e := range edit {
		e(&access)
	}
	profile, err := m.Profile("")
	must(i.t, err)
	checked, err := m.Access(profile, access)
	must(i.t, err)
	signed, err := m.Sign(checked)
	must(i.t, err)
	return signed.Value
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newApp stores a public client.
func (i *issuer) newApp(id, subjectType string) {
	i.t.Helper()
	must(i.t, i.house.store.CreateClient(i.t.Context(), data.Client{ID: id, Metadata: data.Metadata{
		AuthMethod: wire.AuthNone, RedirectURIs: []string{"https://" + id + ".example/cb"}, SubjectType: subjectType,
	}}, 0))
}

// A client is told a role where its token says it, and not because the person
// has it.
func TestAClientIsToldNoRolesThatItMayNotActWith(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	i.newApp("app", "public")
	name, _ := data.ParseEmail("ada@example.com")
	user, err := i.house.store.UserByEmail(t.Context(), name)
	must(t, err)
	_, err = i.house.store.ChangeUser(t.Context(), user.ID, func(u *data.User) error { u.Roles = []string{"admin"}; return nil })
	must(t, err)
	me := i.call(http.MethodGet, "/me", "", bearer(i.tokenOf("app", "ada@example.com", "openid"))...).want(t, http.StatusOK)
	if strings.Contains(me.Body, "admin") {
		t.Errorf("got %s", me.Body)
	}
	own := i.login("ada@example.com")
	if me := i.call(http.MethodGet, "/me", "", bearer(own.AccessToken)...).want(t, http.StatusOK); !strings.Contains(me.Body, "admin") {
		t.Errorf("got %s", me.Body)
	}
}

// A client learns from /me what userinfo would tell it, and its token does
// nothing that is the person's own business.
func TestAClientMayAskWhoThePersonIsAndNoMore(t *testing.T) {
	i := newIssuer(t)
	id := i.post("/register", credentials("ada@example.com")).want(t, http.StatusCreated).ID
	i.newApp("app", "public")
	i.newApp("private", "pairwise")
	i.newApp("plain", "public")

	cases := []struct{ client, scope, want string }{
		{"app", "openid", `{"id":"` + id + `","roles":[]}`},
		{"app", "openid profile email", `{"id":"` + id + `","email":"ada@example.com","email_verified":false,"roles":[]}`},
	}
	for _, c := range cases {
		got := i.call(http.MethodGet, "/me", "", bearer(i.tokenOf(c.client, "ada@example.com", c.scope))...).want(t, http.StatusOK)
		if strings.TrimSpace(got.Body) != c.want {
			t.Errorf("%s: got %s want %s", c.scope, got.Body, c.want)
		}
	}
	private := i.call(http.MethodGet, "/me", "", bearer(i.tokenOf("private", "ada@example.com", "openid"))...).want(t, http.StatusOK)
	if private.ID == id || private.ID == "" || private.Email != "" {
		t.Errorf("a pairwise client is told %s", private.Body)
	}

	const lacks = `Bearer realm="signet", error="insufficient_scope"`
	refused := func(method, path, body, token, challenge string) {
		t.Helper()
		got := i.call(method, path, body, bearer(token)...).want(t, http.StatusForbidden)
		if got.Error != "insufficient_scope" || got.Header.Get("WWW-Authenticate") != challenge {
			t.Errorf("%s %s: got %q %s", method, path, got.Header.Get("WWW-Authenticate"), got.Body)
		}
	}
	without := i.tokenOf("plain", "ada@example.com", "profile email")
	refused(http.MethodGet, "/me", "", without, lacks+`, scope="openid"`)
	refused(http.MethodDelete, "/logout", "", without, lacks+`, scope="openid"`)
	with := i.tokenOf("app", "ada@example.com", "openid email")
	refused(http.MethodDelete, "/logout", "", with, lacks)
	refused(http.MethodPost, "/me/password", `{"current":"`+password+`","new":"another horse battery"}`, with, lacks)
	i.call(http.MethodGet, "/me", "", bearer(with)...).want(t, http.StatusOK)
	i.login("ada@example.com")
}

func TestARevokedTokenIsNoTokenOfTheJSONAPI(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	i.newApp("app", "public")
	token := i.tokenOf("app", "ada@example.com", "openid")
	for _, path := range []string{"/me", "/oauth2/userinfo"} {
		i.call(http.MethodGet, path, "", bearer(token)...).want(t, http.StatusOK)
	}
	form := url.Values{"token": {token}, "client_id": {"app"}}.Encode()
	if got := i.post("/oauth2/revoke", form, "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusOK); got.Body != "" {
		t.Errorf("got %s", got.Body)
	}
	for _, path := range []string{"/me", "/oauth2/userinfo"} {
		got := i.call(http.MethodGet, path, "", bearer(token)...).want(t, http.StatusUnauthorized)
		if got.Header.Get("WWW-Authenticate") != `Bearer realm="signet", error="invalid_token"` {
			t.Errorf("%s: got %q", path, got.Header.Get("WWW-Authenticate"))
		}
	}
}

// RFC 9449, section 7: the proof is for the URL as clients know it, which is
// the issuer's own, whatever host the request came to.
func TestABoundTokenNeedsItsProofAtTheJSONAPI(t *testing.T) {
	const name = "https://id.example.com/auth"
	i := newIssuer(t, "SIGNET_ISSUER="+name, "SIGNET_BROWSER_ORIGINS=https://app.example.com")
	i.post("/auth/register", credentials("ada@example.com")).want(t, http.StatusCreated)
	i.newApp("app", "public")
	key := dpoptest.NewKey(t, "ES256")
	token := i.tokenOf("app", "ada@example.com", "openid", func(a *mint.Access) { a.JKT = key.JKT() })
	nonce := ""
	bound := func(url string) []string {
		proof := key.Proof("GET", url, i.house.now(), dpoptest.ForToken(token), dpoptest.WithNonce(nonce))
		return []string{"Authorization", "DPoP " + token, "DPoP", proof}
	}
	asked := i.call(http.MethodGet, "/auth/me", "", bound(name+"/me")...).want(t, http.StatusUnauthorized)
	if nonce = asked.Header.Get("DPoP-Nonce"); asked.Error != "use_dpop_nonce" || nonce == "" {
		t.Fatalf("got %s", asked.Body)
	}
	good := bound(name + "/me")
	i.call(http.MethodGet, "/auth/me", "", good...).want(t, http.StatusOK)
	for reason, headers := range map[string][]string{
		"used before":     good,
		"another path":    bound(name + "/me/password"),
		"another host":    bound(i.url + "/auth/me"),
		"no proof":        {"Authorization", "DPoP " + token},
		"no DPoP at all":  bearer(token),
		"userinfo's path": bound(name + "/oauth2/userinfo"),
	} {
		got := i.call(http.MethodGet, "/auth/me", "", headers...)
		if got.Status != http.StatusUnauthorized || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), `DPoP error="`) {
			t.Errorf("%s: got %d %q", reason, got.Status, got.Header.Get("WWW-Authenticate"))
		}
	}
	i.call(http.MethodGet, "/auth/oauth2/userinfo", "", bound(name+"/oauth2/userinfo")...).want(t, http.StatusOK)
}
