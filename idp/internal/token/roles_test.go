package token

import (
	"testing"

	"signet/data"
	"signet/idp/internal/wire"
)

// A role opens to a program what it opens to the person, whatever the scope.
func TestAClientActsWithThePersonsRolesOnlyWhereItMay(t *testing.T) {
	w := newWorld(t)
	redeem := func(client, scope string) answer {
		t.Helper()
		code := w.newCode(func(c *data.Code) { c.Authorization.Client, c.Authorization.Scope = client, scope })
		form := w.redeeming(code)
		if client != "web" {
			form = with(form, asBasic, "", "client_id", client)
		}
		return w.post(form).ok()
	}
	for _, c := range []struct {
		client, scope string
		has           bool
	}{
		{"app", "openid posts", false},
		{"app", "openid roles", true},
		{"web", "openid posts", true}, // a program of our own
	} {
		got := redeem(c.client, c.scope)
		if has := payload(t, got.AccessToken)["roles"] != nil; has != c.has {
			t.Errorf("%s with %q: roles %v", c.client, c.scope, has)
		}
	}
	// A smaller token is smaller in this, too, and only in this token.
	refreshed := func(scope string) bool {
		form := sent{"grant_type": wire.GrantRefreshToken, "client_id": "app", "scope": scope}
		form["refresh_token"] = redeem("app", "openid posts roles").RefreshToken
		return payload(t, w.post(form).ok().AccessToken)["roles"] != nil
	}
	if refreshed("posts") || !refreshed("posts roles") {
		t.Error("the roles do not follow the scope")
	}
}

// The caller may not have the scope that the roles came with.
func TestRolesOfAScopeAreNotExchangedWithoutIt(t *testing.T) {
	w := newWorld(t)
	subject := w.post(w.redeeming(w.newCode(func(c *data.Code) { c.Authorization.Scope = "openid posts roles" }), "audience", "api")).ok()
	if got := w.post(exchanging(subject.AccessToken)).ok(); payload(t, got.AccessToken)["roles"] != nil {
		t.Errorf("got %v", payload(t, got.AccessToken))
	}
}
