package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestABrowserKeepsItsRefreshTokenInACookie(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	login := i.post("/session/login", credentials("ada@example.com"), "Origin", origin).want(t, http.StatusOK)
	if login.AccessToken == "" || login.RefreshToken != "" || strings.Contains(login.Body, "signet_rt_") {
		t.Errorf("got %s", login.Body)
	}
	session := login.cookie(t, "signet_session")
	if !session.HttpOnly || session.SameSite != http.SameSiteStrictMode || session.Path != "/session" || session.Domain != "" || session.Secure || session.MaxAge < 1 {
		t.Errorf("the cookie is %s", session.Raw)
	}

	refreshed := i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", pair(session)).want(t, http.StatusOK)
	next := refreshed.cookie(t, "signet_session")
	if next.Value == session.Value || refreshed.RefreshToken != "" {
		t.Errorf("got %s %s", next.Raw, refreshed.Body)
	}
	other := i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", pair(session)).want(t, http.StatusOK)
	if got := other.cookie(t, "signet_session"); got.Value != next.Value {
		t.Error("two tabs that refresh at once got different successors")
	}

	logout := i.post("/session/logout", `{}`, "Origin", origin, "Cookie", pair(next)).want(t, http.StatusNoContent)
	if gone := logout.cookie(t, "signet_session"); gone.MaxAge >= 0 || gone.Value != "" || gone.Path != "/session" {
		t.Errorf("the cookie is %s", gone.Raw)
	}
	refused := i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", pair(next)).want(t, http.StatusUnauthorized)
	if set := refused.Header.Values("Set-Cookie"); len(set) > 0 {
		t.Errorf("a late refusal deletes what may be a newer session: %v", set)
	}
	i.post("/session/refresh", `{}`, "Origin", origin).want(t, http.StatusUnauthorized)
	i.post("/session/logout", `{}`, "Origin", origin).want(t, http.StatusNoContent)
}

func TestTheCookieIsSecureBehindTLS(t *testing.T) {
	i := newIssuer(t, "SIGNET_ISSUER=https://id.example.com/auth", "SIGNET_BROWSER_ORIGINS=https://app.example.com")
	i.post("/auth/register", credentials("ada@example.com"), "Origin", "https://app.example.com").want(t, http.StatusCreated)
	login := i.post("/auth/session/login", credentials("ada@example.com"), "Origin", "https://app.example.com").want(t, http.StatusOK)
	for _, name := range []string{"__Secure-signet_session", "__Secure-signet_known"} {
		if c := login.cookie(t, name); !c.Secure || !c.HttpOnly || c.Path != "/auth/session" || c.Domain != "" {
			t.Errorf("the cookie is %s", c.Raw)
		}
	}
	if got := login.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	i.call(http.MethodGet, "/auth/.well-known/openid-configuration", "").want(t, http.StatusOK)
	i.call(http.MethodGet, "/.well-known/oauth-authorization-server/auth", "").want(t, http.StatusOK)
}

func TestASessionIsForConfiguredOriginsOnly(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	session := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin).cookie(t, "signet_session"))
	cases := []struct {
		name    string
		headers []string
	}{
		{"no Origin", nil},
		{"another site", []string{"Origin", "https://evil.example"}},
		{"a neighbour on the same site", []string{"Origin", "http://localhost:3001"}},
		{"the issuer itself", []string{"Origin", "http://localhost:4000"}},
		{"a sandboxed page", []string{"Origin", "null"}},
		{"another scheme", []string{"Origin", "https://localhost:3000"}},
		{"a longer name", []string{"Origin", origin + ".evil.example"}},
		{"other case", []string{"Origin", "http://LOCALHOST:3000"}},
		{"a slash behind it", []string{"Origin", origin + "/"}},
		{"two of them", []string{"Origin", origin, "Origin", "https://evil.example"}},
		{"a Referer instead", []string{"Referer", origin + "/"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/session/login", "/session/refresh", "/session/logout"} {
				got := i.post(path, `{}`, append(c.headers, "Cookie", session)...)
				if got.Status != http.StatusForbidden || len(got.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s: got %d %s", path, got.Status, got.Body)
				}
				// A browser that sent two would be no browser; that it could
				// not read the answer is the point of one.
				if c.name != "two of them" && got.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: the page may read the answer", path)
				}
			}
		})
	}
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", session).want(t, http.StatusOK)
}

func TestAPlantedCookieIsNotBelieved(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	i.signUp("mallory@example.com")
	ada := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin).cookie(t, "signet_session"))
	mallory := pair(i.post("/session/login", credentials("mallory@example.com"), "Origin", origin).cookie(t, "signet_session"))
	got := i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", mallory+"; "+ada).want(t, http.StatusBadRequest)
	if !strings.Contains(got.Description, "two cookies") {
		t.Errorf("got %s", got.Body)
	}
}

// The cookie is all that knows of the old grant: one that the new cookie
// covers could be ended by nobody for a month (OWASP ASVS 5.0, 7.2.4).
func TestANewLoginEndsTheSessionThatWasInTheBrowser(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	elsewhere := i.login("ada@example.com")
	first := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin).cookie(t, "signet_session"))
	wrong := `{"email":"ada@example.com","password":"wrong horse battery"}`
	i.post("/session/login", wrong, "Origin", origin, "Cookie", first).want(t, http.StatusUnauthorized)
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", first).want(t, http.StatusOK)

	second := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin, "Cookie", first).cookie(t, "signet_session"))
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", first).want(t, http.StatusUnauthorized)
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", second).want(t, http.StatusOK)
	i.post("/refresh", refreshBody(elsewhere.RefreshToken)).want(t, http.StatusOK)
}

func TestAPlantedCookieDoesNotKeepAnyoneSignedIn(t *testing.T) {
	i := newIssuer(t)
	i.signUp("ada@example.com")
	i.signUp("mallory@example.com")
	ada := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin).cookie(t, "signet_session"))
	mallory := pair(i.post("/session/login", credentials("mallory@example.com"), "Origin", origin).cookie(t, "signet_session"))
	both := "signet_session=planted; " + mallory + "; " + ada
	i.post("/session/logout", `{}`, "Origin", origin, "Cookie", both).want(t, http.StatusNoContent)
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", ada).want(t, http.StatusUnauthorized)
}

// Whoever locks an account out with wrong passwords does not lock out the
// browser that its owner has used before.
func TestAKnownBrowserIsNotLockedOut(t *testing.T) {
	i := newIssuer(t, "SIGNET_THROTTLE_FREE=2", "SIGNET_THROTTLE_DELAY=10s")
	i.signUp("ada@example.com")
	known := pair(i.post("/session/login", credentials("ada@example.com"), "Origin", origin).want(t, http.StatusOK).cookie(t, "signet_known"))
	for range 4 {
		i.post("/login", `{"email":"ada@example.com","password":"wrong horse battery"}`)
	}
	i.post("/login", credentials("ada@example.com")).want(t, http.StatusTooManyRequests)
	i.post("/session/login", credentials("ada@example.com"), "Origin", origin).want(t, http.StatusTooManyRequests)
	i.post("/session/login", credentials("ada@example.com"), "Origin", origin, "Cookie", known).want(t, http.StatusOK)
	forged := known[:len(known)-4] + "AAAA"
	i.post("/session/login", credentials("ada@example.com"), "Origin", origin, "Cookie", forged).want(t, http.StatusTooManyRequests)
}

func TestPagesReachWhatTheyNeedAndNoMore(t *testing.T) {
	i := newIssuer(t)
	const none, any, here = "", "*", origin
	cases := []struct {
		path, method, from  string
		origin, credentials string
		status              int
	}{
		{"/session/login", "POST", origin, here, "true", 204},
		{"/session/refresh", "POST", origin, here, "true", 204},
		{"/session/login", "POST", "https://evil.example", none, "", 204},
		{"/register", "POST", origin, here, "", 204},
		{"/me", "GET", origin, here, "", 204},
		{"/me/password", "POST", origin, here, "", 204},
		{"/me", "GET", "https://evil.example", none, "", 204},
		{"/.well-known/jwks.json", "GET", "https://any.example", any, "", 204},
		{"/login", "POST", origin, none, "", 204},
		{"/refresh", "POST", origin, none, "", 204},
		{"/logout", "POST", origin, none, "", 204},
	}
	for _, c := range cases {
		t.Run(c.path+" from "+c.from, func(t *testing.T) {
			got := i.call(http.MethodOptions, c.path, "", "Origin", c.from, "Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", "content-type")
			h := got.Header
			if got.Status != c.status || h.Get("Access-Control-Allow-Origin") != c.origin || h.Get("Access-Control-Allow-Credentials") != c.credentials {
				t.Errorf("got %d %v", got.Status, h)
			}
			if allowed := strings.Contains(h.Get("Access-Control-Allow-Methods"), c.method); allowed != (c.origin != none) {
				t.Errorf("the methods are %q", h.Get("Access-Control-Allow-Methods"))
			}
		})
	}
}

func (a answer) cookie(t *testing.T, name string) *http.Cookie {
	t.Helper()
	for _, line := range a.Header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no cookie %s in %v: %s", name, a.Header, a.Body)
	return nil
}

func pair(c *http.Cookie) string { return c.Name + "=" + c.Value }
