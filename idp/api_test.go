package main

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/grant"
)

func TestAPersonRegistersLogsInRefreshesAndLogsOut(t *testing.T) {
	i := newIssuer(t)
	registered := i.post("/register", credentials("ada@example.com")).want(t, http.StatusCreated)
	if registered.ID == "" || registered.Email != "ada@example.com" {
		t.Errorf("got %s", registered.Body)
	}

	first := i.login("ada@example.com")
	if first.AccessToken == "" || first.TokenType != "Bearer" || first.ExpiresIn != 600 || !strings.HasPrefix(first.RefreshToken, "signet_rt_") {
		t.Errorf("got %s", first.Body)
	}
	if got := first.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q (RFC 6749, section 5.1)", got)
	}
	me := i.call(http.MethodGet, "/me", "", bearer(first.AccessToken)...).want(t, http.StatusOK)
	if want := `{"id":"` + registered.ID + `","email":"ada@example.com","email_verified":false,"roles":[]}` + "\n"; me.Body != want {
		t.Errorf("got %s want %s", me.Body, want)
	}

	second := i.post("/refresh", refreshBody(first.RefreshToken)).want(t, http.StatusOK)
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("a refresh gave the same tokens again")
	}
	again := i.post("/refresh", refreshBody(first.RefreshToken)).want(t, http.StatusOK)
	if again.RefreshToken != second.RefreshToken {
		t.Error("a repeated refresh gave another successor")
	}

	i.post("/logout", refreshBody(second.RefreshToken)).want(t, http.StatusNoContent)
	i.post("/logout", refreshBody(second.RefreshToken)).want(t, http.StatusNoContent)
	if refused := i.post("/refresh", refreshBody(second.RefreshToken)).want(t, http.StatusUnauthorized); refused.Error != "invalid_grant" {
		t.Errorf("got %s", refused.Body)
	}
	i.call(http.MethodGet, "/me", "", bearer(second.AccessToken)...).want(t, http.StatusUnauthorized)
}

func TestLogoutWithAnAccessTokenEndsItsGrantOnly(t *testing.T) {
	i := newIssuer(t)
	phone := i.signUp("ada@example.com")
	laptop := i.login("ada@example.com")
	i.call(http.MethodDelete, "/logout", "", bearer(phone.AccessToken)...).want(t, http.StatusNoContent)
	i.post("/refresh", refreshBody(phone.RefreshToken)).want(t, http.StatusUnauthorized)
	i.post("/refresh", refreshBody(laptop.RefreshToken)).want(t, http.StatusOK)
	i.call(http.MethodDelete, "/logout", refreshBody(laptop.RefreshToken)).want(t, http.StatusNoContent)
	i.post("/refresh", refreshBody(laptop.RefreshToken)).want(t, http.StatusUnauthorized)
}

func TestANewPasswordEndsTheOtherGrants(t *testing.T) {
	i := newIssuer(t)
	phone := i.signUp("ada@example.com")
	laptop := i.login("ada@example.com")
	change := `{"current":"` + password + `","new":"another horse battery"}`
	i.post("/me/password", change, bearer(phone.AccessToken)...).want(t, http.StatusNoContent)

	// Before the refresh, which removes what it finds dead.
	i.call(http.MethodGet, "/me", "", bearer(laptop.AccessToken)...).want(t, http.StatusUnauthorized)
	i.post("/refresh", refreshBody(laptop.RefreshToken)).want(t, http.StatusUnauthorized)
	i.post("/refresh", refreshBody(phone.RefreshToken)).want(t, http.StatusOK)
	i.post("/login", credentials("ada@example.com")).want(t, http.StatusUnauthorized)
	i.post("/login", `{"email":"ada@example.com","password":"another horse battery"}`).want(t, http.StatusOK)
}

func TestTheCurrentPasswordIsNeededForANewOne(t *testing.T) {
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	cases := []struct{ name, body, description string }{
		{"when it is wrong", `{"current":"wrong horse battery","new":"another horse battery"}`, ""},
		{"when it is missing", `{"new":"another horse battery"}`, "current: it is missing"},
		{"and the new one must be long enough", `{"current":"` + password + `","new":"short"}`, "new: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := i.post("/me/password", c.body, bearer(tokens.AccessToken)...)
			if got.Status/100 != 4 || !strings.HasPrefix(got.Description, c.description) {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		})
	}
	i.login("ada@example.com")
}

// Who guesses e-mails learns nothing: the answers are the same, byte by byte.
// That the work is the same too is tested in signin, where it is counted.
func TestAWrongPasswordAndAnUnknownPersonGetTheSameAnswer(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	wrong := i.post("/login", `{"email":"ada@example.com","password":"wrong horse battery"}`).want(t, http.StatusUnauthorized)
	unknown := i.post("/login", `{"email":"bob@example.com","password":"wrong horse battery"}`).want(t, http.StatusUnauthorized)
	if wrong.Body != unknown.Body || wrong.Error != "invalid_grant" {
		t.Errorf("got %s and %s", wrong.Body, unknown.Body)
	}
	for name := range wrong.Header {
		if name != "X-Request-Id" && name != "Date" && wrong.Header.Get(name) != unknown.Header.Get(name) {
			t.Errorf("%s differs: %q and %q", name, wrong.Header.Get(name), unknown.Header.Get(name))
		}
	}
}

func TestAnAccountHasOneEmailHoweverItIsWritten(t *testing.T) {
	i := newIssuer(t)
	i.signUp("jos\u00e9@example.com")
	for _, same := range []string{"JOS\u00c9@EXAMPLE.COM", "jose\u0301@example.com", " jos\u00e9@Example.com ", "jos\u00e9@\uff45xample.com"} {
		got := i.post("/register", credentials(same)).want(t, http.StatusConflict)
		if got.Error != "email_taken" {
			t.Errorf("%q: got %s", same, got.Body)
		}
		i.login(same)
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	i := newIssuer(t, "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=20s")
	i.signUp("ada@example.com")
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		guess := `{"email":"` + email + `","password":"wrong horse battery"}`
		for range 2 {
			i.post("/login", guess).want(t, http.StatusUnauthorized)
		}
		// A forwarded address from a stranger is not believed.
		got := i.post("/login", guess, "X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.9").want(t, http.StatusTooManyRequests)
		if wait, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 20 || got.Error != "too_many_requests" {
			t.Errorf("%s: got %s, Retry-After %q", email, got.Body, got.Header.Get("Retry-After"))
		}
	}
}

func TestATrustedProxyNamesTheClient(t *testing.T) {
	i := newIssuer(t, "SIGNET_TRUSTED_PROXIES=127.0.0.1/32", "SIGNET_THROTTLE_NETWORK_BURST=1", "SIGNET_THROTTLE_NETWORK_EVERY=1h")
	guess := func(email, from string) int {
		return i.post("/login", `{"email":"`+email+`","password":"wrong horse battery"}`, "X-Forwarded-For", from).Status
	}
	if got := guess("a@example.com", "203.0.113.9"); got != http.StatusUnauthorized {
		t.Fatalf("got %d", got)
	}
	if got := guess("b@example.com", "203.0.113.200"); got != http.StatusTooManyRequests {
		t.Errorf("the same network: got %d", got)
	}
	if got := guess("c@example.com", "198.51.100.1"); got != http.StatusUnauthorized {
		t.Errorf("another network: got %d", got)
	}
	if got := guess("d@example.com", "192.0.2.1, 203.0.113.9"); got != http.StatusTooManyRequests {
		t.Errorf("an address that the client wrote itself: got %d", got)
	}
}

func TestRegistrationCanBeClosed(t *testing.T) {
	i := newIssuer(t, "SIGNET_REGISTRATION=closed")
	if got := i.post("/register", credentials("ada@example.com")).want(t, http.StatusForbidden); got.Error != "access_denied" {
		t.Errorf("got %s", got.Body)
	}
}

func TestAnInvitationIsNeededWhereTheSettingsSaySo(t *testing.T) {
	i := newIssuer(t, "SIGNET_REGISTRATION=invitation")
	for _, body := range []string{credentials("ada@example.com"), `{"email":"ada@example.com","password":"` + password + `","invitation":"made up"}`} {
		got := i.post("/register", body).want(t, http.StatusBadRequest)
		if !strings.HasPrefix(got.Description, "invitation: ") {
			t.Errorf("got %s", got.Body)
		}
	}
}

func TestATokenOfAnotherClientDoesNotOpenTheAccount(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	email, _ := data.ParseEmail("ada@example.com")
	user, err := i.house.store.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := i.house.grants.Start(t.Context(), grant.StartRequest{User: user, Client: "other", Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	i.post("/refresh", refreshBody(string(issued.RefreshToken))).want(t, http.StatusUnauthorized)
	i.post("/logout", refreshBody(string(issued.RefreshToken))).want(t, http.StatusNoContent)
	if _, _, err := i.house.store.Grant(t.Context(), issued.Grant.ID, ""); err != nil {
		t.Errorf("another client's grant was ended: %v", err)
	}
}

func TestADisabledPersonIsOut(t *testing.T) {
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	email, _ := data.ParseEmail("ada@example.com")
	user, _ := i.house.store.UserByEmail(t.Context(), email)
	if _, err := i.house.store.ChangeUser(t.Context(), user.ID, func(u *data.User) error { u.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	i.post("/login", credentials("ada@example.com")).want(t, http.StatusUnauthorized)
	i.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusUnauthorized)
	i.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusUnauthorized)
}

func TestWhoIsRemovedIsOutAndTheEmailIsSomebodyElses(t *testing.T) {
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	email, _ := data.ParseEmail("ada@example.com")
	user, _ := i.house.store.UserByEmail(t.Context(), email)
	if err := i.house.store.DeleteUser(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	i.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusUnauthorized)
	i.post("/login", credentials("ada@example.com")).want(t, http.StatusUnauthorized)
	again := i.signUp("ada@example.com")
	if me := i.call(http.MethodGet, "/me", "", bearer(again.AccessToken)...).want(t, http.StatusOK); me.ID == string(user.ID) {
		t.Error("somebody else has the same id")
	}
	i.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusUnauthorized)
}

func TestAPlainHTTPIssuerOnANetworkWorksWhereTheSettingsAllowIt(t *testing.T) {
	i := newIssuer(t, "SIGNET_ISSUER=http://id.internal:4000", "SIGNET_INSECURE_ISSUER=true", "SIGNET_BROWSER_ORIGINS=")
	tokens := i.signUp("ada@example.com")
	i.call(http.MethodGet, "/me", "", bearer(tokens.AccessToken)...).want(t, http.StatusOK)
}

// Access tokens of before are from the future then, and are refused as any
// such token; nobody is signed out, and nothing that had ended comes back.
func TestAClockThatJumpsBackSignsNobodyOut(t *testing.T) {
	i := newIssuer(t)
	ada := i.signUp("ada@example.com")
	ended := i.login("ada@example.com")
	i.post("/logout", refreshBody(ended.RefreshToken)).want(t, http.StatusNoContent)

	i.clock.setBack(48 * time.Hour)
	i.call(http.MethodGet, "/readyz", "").want(t, http.StatusOK)
	jwks := i.call(http.MethodGet, "/.well-known/jwks.json", "").want(t, http.StatusOK)
	if got := jwks.Header.Get("Cache-Control"); !strings.HasPrefix(got, "public, max-age=5") {
		t.Errorf("the JWKS may be cached: %s", got)
	}
	i.call(http.MethodGet, "/me", "", bearer(ada.AccessToken)...).want(t, http.StatusUnauthorized)
	for range 3 {
		ada = i.post("/refresh", refreshBody(ada.RefreshToken)).want(t, http.StatusOK)
		i.call(http.MethodGet, "/me", "", bearer(ada.AccessToken)...).want(t, http.StatusOK)
	}
	i.post("/refresh", refreshBody(ended.RefreshToken)).want(t, http.StatusUnauthorized)
	i.login("ada@example.com")

	// What a network has registered cannot be told from what it will have
	// registered: it waits for one more, and no longer.
	put := i.post("/register", credentials("bob@example.com")).want(t, http.StatusTooManyRequests)
	if wait, err := strconv.Atoi(put.Header.Get("Retry-After")); err != nil || wait > 30 {
		t.Errorf("a registration is put off for %q seconds", put.Header.Get("Retry-After"))
	}
}
