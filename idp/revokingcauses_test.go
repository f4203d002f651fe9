package main

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"signet/idp/internal/control"
)

var signingOut = []cause{
	{"POST /logout with the refresh token", func(w *revoking) string {
		a := w.in()
		w.post("/logout", refreshBody(a.RefreshToken)).want(w.t, http.StatusNoContent)
		return a.AccessToken
	}},
	{"DELETE /logout with the access token", func(w *revoking) string {
		a := w.in()
		w.call(http.MethodDelete, "/logout", "", bearer(a.AccessToken)...).want(w.t, http.StatusNoContent)
		return a.AccessToken
	}},
	{"/session/logout", func(w *revoking) string {
		a, session := w.page()
		w.post("/session/logout", `{}`, "Origin", origin, "Cookie", session).want(w.t, http.StatusNoContent)
		return a.AccessToken
	}},
	{"a new /session/login in the same browser", func(w *revoking) string {
		a, session := w.page()
		w.post("/session/login", credentials(w.email), "Origin", origin, "Cookie", session).want(w.t, http.StatusOK)
		return a.AccessToken
	}},
	{"the sign-out that a client asks for", func(w *revoking) string {
		got := w.tokens("web")
		w.client(w.t, "other").logout(w.browser, "id_token_hint", w.tokens("other").text("id_token"))
		return got.text("access_token")
	}},
	{"the sign-out on the account page", func(w *revoking) string {
		got := w.tokens("web")
		w.submit(w.browser, "/account/sign-out")
		return got.text("access_token")
	}},
	{"the sign-out of one other device", func(w *revoking) string {
		got := w.tokens("web")
		sessions, err := w.house.store.UserSessions(w.t.Context(), w.user.ID)
		must(w.t, err)
		w.submit(w.another(), "/account/devices", "id", sessions[0].Hash.String())
		return got.text("access_token")
	}},
	{"the sign-out of all other devices", func(w *revoking) string {
		got := w.tokens("web")
		w.submit(w.another(), "/account/devices", "action", "all")
		return got.text("access_token")
	}},
	{"taking a client's access away on the account page", func(w *revoking) string {
		got := w.tokens("web")
		w.submit(w.another(), "/account/apps", "id", "web")
		return got.text("access_token")
	}},
	{"a new password on the account page", func(w *revoking) string {
		got := w.tokens("web")
		w.submit(w.another(), "/account/password", "current_password", password, "new_password", "another horse battery")
		return got.text("access_token")
	}},
	{"a new password, to the other grants", func(w *revoking) string {
		other, own := w.in(), w.in()
		w.post("/me/password", newPassword, bearer(own.AccessToken)...).want(w.t, http.StatusNoContent)
		return other.AccessToken
	}},
}

const newPassword = `{"current":"` + password + `","new":"another horse battery"}`

// page logs a page in, and returns its cookie.
func (w *revoking) page() (answer, string) {
	w.t.Helper()
	a := w.post("/session/login", credentials(w.email), "Origin", origin).want(w.t, http.StatusOK)
	w.good(a.AccessToken)
	return a, pair(a.cookie(w.t.(*testing.T), "signet_session"))
}

var clientsRevoke = []cause{
	{"RFC 7009 on the access token", func(w *revoking) string {
		got := w.tokens("web")
		w.revoke("web", got.text("access_token"))
		return got.text("access_token")
	}},
	{"RFC 7009 on a client's own access token", func(w *revoking) string {
		own := w.good(w.client(w.t, "service").token("client_credentials").ok().text("access_token"))
		w.revoke("service", own)
		return own
	}},
	{"RFC 7009 on the refresh token", func(w *revoking) string {
		got := w.tokens("web")
		w.revoke("web", got.text("refresh_token"))
		return got.text("access_token")
	}},
	{"RFC 7009 on a spent refresh token, to the access token of the turn", func(w *revoking) string {
		got := w.tokens("web")
		next := w.client(w.t, "web").token("refresh_token", "refresh_token", got.text("refresh_token")).ok()
		w.revoke("web", got.text("refresh_token"))
		return next.text("access_token")
	}},
	{"RFC 7009 on what it was exchanged from", func(w *revoking) string {
		subject := w.tokens("middle").text("access_token")
		exchanged := w.exchanged(subject)
		w.revoke("middle", subject)
		return exchanged
	}},
	{"a client that takes itself back", func(w *revoking) string {
		c, at, with := w.registered()
		access := w.good(c.tokens(w.browser).text("access_token"))
		w.request(w.t, http.MethodDelete, at, "", "", with...).ok()
		return access
	}},
}

func (w *revoking) exchanged(subject string) string {
	w.t.Helper()
	got := w.client(w.t, "middle").token(exchangeGrant, "subject_token", subject, "subject_token_type", typeAccess, "audience", orders)
	return w.good(got.ok().text("access_token"))
}

var stolen = []cause{
	{"a refresh token that comes back after it was spent long ago", func(w *revoking) string {
		first := w.in()
		last := first
		for range 3 {
			last = w.post("/refresh", refreshBody(last.RefreshToken)).want(w.t, http.StatusOK)
		}
		w.post("/refresh", refreshBody(first.RefreshToken)).want(w.t, http.StatusUnauthorized)
		return last.AccessToken
	}},
	{"a code that comes back", func(w *revoking) string {
		c := w.client(w.t, "web")
		code := c.code(w.browser)
		access := w.good(c.redeem(code).ok().text("access_token"))
		c.redeem(code).refused(http.StatusBadRequest, "invalid_grant")
		return access
	}},
}

// by is a command about the person.
func by(name string, do func(ctx context.Context, w *revoking) error) cause {
	return cause{name, func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		must(w.t, do(w.t.Context(), w))
		return got
	}}
}

var operatorOnPeople = []cause{
	by("idp users disable", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Disable(ctx, w.email, true)
		return err
	}),
	by("idp users remove", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Remove(ctx, w.email)
		return err
	}),
	by("idp users sign-out", func(ctx context.Context, w *revoking) error {
		_, err := w.command.SignOut(ctx, w.email)
		return err
	}),
	by("idp users set-password", func(ctx context.Context, w *revoking) error {
		_, err := w.command.SetPassword(ctx, w.email, "another horse battery")
		return err
	}),
	by("idp users roles --add", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Roles(ctx, w.email, control.RoleChange{Add: []string{"admin"}})
		return err
	}),
	by("idp users roles --remove", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Roles(ctx, w.email, control.RoleChange{Add: []string{"admin"}})
		must(w.t, err)
		w.browser = w.another()
		access := w.tokens("web").text("access_token")
		if _, err = w.command.Roles(ctx, w.email, control.RoleChange{Remove: []string{"admin"}}); !w.revoked(access) {
			w.t.Error("a token that says admin is good still")
		}
		return err
	}),
}

var operatorOnClients = []cause{
	{"idp clients remove, to the grants", func(w *revoking) string {
		c := w.newClient("authorization_code", "refresh_token")
		access := w.good(c.tokens(w.browser).text("access_token"))
		must(w.t, w.command.RemoveClient(w.t.Context(), c.id))
		return access
	}},
	{"idp clients remove, to the client's own tokens", func(w *revoking) string {
		c := w.newClient("client_credentials")
		access := w.good(c.token("client_credentials").ok().text("access_token"))
		must(w.t, w.command.RemoveClient(w.t.Context(), c.id))
		return access
	}},
}

var operatorOnTokens = []cause{
	{"idp tokens revoke --user", func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		w.tokensRevoke(control.TokensSelector{User: w.email})
		return got
	}},
	{"idp tokens revoke --client, to the grants", func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		w.tokensRevoke(control.TokensSelector{Client: "web"})
		return got
	}},
	{"idp tokens revoke --client, to the built-in client's grants", func(w *revoking) string {
		got := w.in()
		w.tokensRevoke(control.TokensSelector{Client: "signet"})
		return got.AccessToken
	}},
	{"idp tokens revoke --client, to the client's own tokens", func(w *revoking) string {
		own := w.good(w.client(w.t, "service").token("client_credentials").ok().text("access_token"))
		w.tokensRevoke(control.TokensSelector{Client: "service"})
		w.good(w.client(w.t, "service").token("client_credentials").ok().text("access_token")) // the next one
		return own
	}},
	{"idp tokens revoke --audience", func(w *revoking) string {
		got := w.tokens("web")
		w.tokensRevoke(control.TokensSelector{Audience: "api"})
		next := w.client(w.t, "web").token("refresh_token", "refresh_token", got.text("refresh_token")).ok() // its grant goes on
		w.good(next.text("access_token"))
		return got.text("access_token")
	}},
	{"idp tokens revoke --audience, to what was exchanged for it", func(w *revoking) string {
		exchanged := w.exchanged(w.tokens("middle").text("access_token"))
		w.tokensRevoke(control.TokensSelector{Audience: orders})
		return exchanged
	}},
	{"idp tokens revoke --audience, to a token that a page asked for later", func(w *revoking) string {
		next := w.post("/refresh", `{"refresh_token":"`+w.in().RefreshToken+`","audience":"`+orders+`"}`).want(w.t, http.StatusOK)
		w.good(next.AccessToken)
		w.tokensRevoke(control.TokensSelector{Audience: orders})
		return next.AccessToken
	}},
	{"idp tokens revoke --before", func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		w.tokensRevoke(control.TokensSelector{Before: w.house.now()})
		return got
	}},
	{"idp tokens revoke with the access token", func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		w.tokensRevoke(control.TokensSelector{Token: got})
		return got
	}},
	{"idp tokens revoke with an access token whose key was replaced", func(w *revoking) string {
		got := w.tokens("web").text("access_token")
		_, err := w.command.Revoke(w.t.Context(), part(w.t, got, 0)["kid"].(string), "a test")
		must(w.t, err)
		w.tokensRevoke(control.TokensSelector{Token: got})
		return got
	}},
	{"idp tokens revoke with a client's own token", func(w *revoking) string {
		own := w.good(w.client(w.t, "service").token("client_credentials").ok().text("access_token"))
		w.tokensRevoke(control.TokensSelector{Token: own})
		return own
	}},
	{"idp tokens revoke with the refresh token", func(w *revoking) string {
		got := w.tokens("web")
		w.tokensRevoke(control.TokensSelector{Token: got.text("refresh_token")})
		return got.text("access_token")
	}},
}

var harmless = []cause{
	{"a refresh, to the token before it", func(w *revoking) string {
		a := w.in()
		w.post("/refresh", refreshBody(a.RefreshToken)).want(w.t, http.StatusOK)
		return a.AccessToken
	}},
	{"a refresh, to its own token", func(w *revoking) string {
		return w.post("/refresh", refreshBody(w.in().RefreshToken)).want(w.t, http.StatusOK).AccessToken
	}},
	{"the repeat of a lost answer", func(w *revoking) string {
		a := w.in()
		lost := w.post("/refresh", refreshBody(a.RefreshToken)).want(w.t, http.StatusOK)
		again := w.post("/refresh", refreshBody(a.RefreshToken)).want(w.t, http.StatusOK)
		w.good(lost.AccessToken)
		return again.AccessToken
	}},
	{"another person's logout", func(w *revoking) string {
		got := w.in()
		w.post("/logout", refreshBody(w.signUp("x"+w.email).RefreshToken)).want(w.t, http.StatusNoContent)
		return got.AccessToken
	}},
	{"the logout of another grant of the person", func(w *revoking) string {
		got := w.in()
		w.post("/logout", refreshBody(w.in().RefreshToken)).want(w.t, http.StatusNoContent)
		return got.AccessToken
	}},
	{"a new password, to the grant that is kept", func(w *revoking) string {
		own := w.in()
		w.post("/me/password", newPassword, bearer(own.AccessToken)...).want(w.t, http.StatusNoContent)
		return own.AccessToken
	}},
	{"a sign-out, to a client that may go on without the person", func(w *revoking) string {
		got := w.client(w.t, "web").tokens(w.browser, "scope", "openid offline_access", "prompt", "consent")
		w.submit(w.browser, "/account/sign-out")
		return got.text("access_token")
	}},
	{"RFC 7009 by another client", func(w *revoking) string {
		got := w.tokens("web")
		w.revoke("other", got.text("access_token"))
		w.revoke("other", got.text("refresh_token"))
		return got.text("access_token")
	}},
	{"a code that comes back without its client's secret", func(w *revoking) string {
		c := w.client(w.t, "web")
		code := c.code(w.browser)
		access := c.redeem(code).ok().text("access_token")
		w.form(w.t, w.at("token_endpoint"), url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {"web"}}).
			refused(http.StatusUnauthorized, "invalid_client")
		return access
	}},
	by("another name", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Profile(ctx, w.email, []control.ProfileValue{{Name: "name", Value: "Countess Lovelace"}})
		return err
	}),
	by("the roles that were there", func(ctx context.Context, w *revoking) error {
		_, err := w.command.Roles(ctx, w.email, control.RoleChange{Remove: []string{"admin"}})
		return err
	}),
	by("the end of another client", func(ctx context.Context, w *revoking) error {
		return w.command.RemoveClient(ctx, w.newClient("client_credentials").id)
	}),
}
