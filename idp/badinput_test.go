package main

import (
	"net/http"
	"strings"
	"testing"
)

// Every body below gets an answer of the 400s that names the thing, on every
// endpoint that takes a body, and changes nothing.
func TestABadBodyGetsAClearAnswer(t *testing.T) {
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	endpoints := []struct {
		path, member string
		headers      []string
	}{
		{"/register", "email", nil},
		{"/login", "email", nil},
		{"/refresh", "refresh_token", nil},
		{"/logout", "refresh_token", nil},
		{"/me/password", "current", bearer(tokens.AccessToken)},
		{"/session/login", "email", []string{"Origin", origin}},
	}
	bodies := []struct {
		name, body  string
		status      int
		description string
	}{
		{"not JSON", "email=ada", 400, "not valid JSON"},
		{"cut off", `{"MEMBER":"a`, 400, "not valid JSON"},
		{"an array", `["a"]`, 400, "must be a JSON object"},
		{"null", `null`, 400, "must be a JSON object"},
		{"of two values", `{}{}`, 400, "not valid JSON"},
		{"with a number", `{"MEMBER":1}`, 400, "MEMBER: the value has the wrong type"},
		{"with an object", `{"MEMBER":{"$ne":null}}`, 400, "MEMBER: the value has the wrong type"},
		{"with a duplicate member", `{"MEMBER":"a","MEMBER":"b"}`, 400, "MEMBER: the member is there twice"},
		{"with an unknown member", `{"admin":true}`, 400, "admin: there is no such member here"},
		{"with invalid UTF-8", "{\"MEMBER\":\"\xc3\x28\"}", 400, "not valid JSON"},
		{"with null for the member", `{"MEMBER":null}`, 400, "MEMBER: "},
		{"with an empty member", `{"MEMBER":""}`, 400, "MEMBER: "},
		{"empty object", `{}`, 400, "MEMBER: "},
		{"too large", `{"MEMBER":"` + strings.Repeat("a", 70_000) + `"}`, 413, "larger than 65536 bytes"},
		{"deep", strings.Repeat(`{"MEMBER":`, 3_000), 400, "not valid JSON"},
	}
	for _, e := range endpoints {
		for _, b := range bodies {
			t.Run(e.path+" "+b.name, func(t *testing.T) {
				got := i.post(e.path, strings.ReplaceAll(b.body, "MEMBER", e.member), e.headers...)
				want := strings.ReplaceAll(b.description, "MEMBER", e.member)
				if got.Status != b.status || !strings.Contains(got.Description, want) {
					t.Errorf("got %d %s, want %d …%s…", got.Status, got.Body, b.status, want)
				}
				if got.Header.Get("X-Request-Id") == "" {
					t.Error("there is no request id")
				}
			})
		}
		t.Run(e.path+" of another type", func(t *testing.T) {
			for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"} {
				if got := i.post(e.path, `{}`, append(e.headers, "Content-Type", contentType)...); got.Status != http.StatusUnsupportedMediaType {
					t.Errorf("%s: got %d %s", contentType, got.Status, got.Body)
				}
			}
		})
	}
	i.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusOK)
}

func TestARegistrationIsRefused(t *testing.T) {
	i := newIssuer(t)
	cases := []struct{ name, email, password, field string }{
		{"with an e-mail without @", "ada", password, "email"},
		{"with two @", "a@b@c", password, "email"},
		{"with white space in the e-mail", "a da@example.com", password, "email"},
		{"with NUL in the e-mail", `ada\u0000@example.com`, password, "email"},
		{"with a line end in the e-mail", `ada@example.com\r\nBcc: x`, password, "email"},
		{"with an e-mail that is too long", strings.Repeat("a", 300) + "@example.com", password, "email"},
		{"with an empty password", "ada@example.com", "", "password"},
		{"with a short password", "ada@example.com", "1234567", "password"},
		{"with a common password", "ada@example.com", "Password123", "password"},
		{"with the e-mail as the password", "ada@example.com", "ada@example.com", "password"},
		{"with a password of 73 bytes", "ada@example.com", strings.Repeat("x", 72) + "y", "password"},
		{"with a password of 73 bytes in few letters", "ada@example.com", strings.Repeat("\u20ac", 25), "password"},
		{"with NUL in the password", "ada@example.com", `correct\u0000horse battery`, "password"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := i.post("/register", `{"email":"`+c.email+`","password":"`+c.password+`"}`)
			if got.Status != http.StatusBadRequest || got.Error != "invalid_request" || !strings.HasPrefix(got.Description, c.field+": ") {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
		})
	}
	i.post("/register", `{"email":"ada@example.com","password":"`+strings.Repeat("xy", 36)+`"}`).want(t, http.StatusCreated)
}

func TestARefreshTokenIsRefused(t *testing.T) {
	i := newIssuer(t)
	good := i.signUp("ada@example.com").RefreshToken
	last := good[len(good)-1]
	cases := []struct{ name, token string }{
		{"cut short", good[:len(good)-1]},
		{"without its prefix", strings.TrimPrefix(good, "signet_rt_")},
		{"with padding", good + "="},
		{"with white space inside", good[:20] + " " + good[20:]},
		{"with a line end behind it", good + `\n`},
		{"in the standard alphabet", "signet_rt_" + strings.Repeat("+/", (len(good)-10)/2)},
		{"with other trailing bits", good[:len(good)-1] + string(nextInAlphabet(last))},
		{"with a changed grant", flip(good, 12)},
		{"with a changed generation", flip(good, 34)},
		{"with a changed MAC", flip(good, 60)},
		{"of a made-up family", "signet_rt_" + strings.Repeat("A", len(good)-10)},
		{"that is very long", strings.Repeat("a", 60_000)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := i.post("/refresh", refreshBody(c.token)); got.Status != http.StatusUnauthorized || got.Error != "invalid_grant" {
				t.Errorf("got %d %s", got.Status, got.Body)
			}
			i.post("/logout", refreshBody(c.token)).want(t, http.StatusNoContent)
		})
	}
	i.post("/refresh", refreshBody(good)).want(t, http.StatusOK)
}

func TestAnAudienceThatNobodyConfiguredChangesNothing(t *testing.T) {
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	got := i.post("/login", `{"email":"ada@example.com","password":"`+password+`","audience":"other"}`).want(t, http.StatusBadRequest)
	if got.Error != "invalid_target" {
		t.Errorf("got %s", got.Body)
	}
	refused := `{"refresh_token":"` + tokens.RefreshToken + `","audience":"other"}`
	if got := i.post("/refresh", refused).want(t, http.StatusBadRequest); got.Error != "invalid_target" {
		t.Errorf("got %s", got.Body)
	}
	first := i.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusOK)
	again := i.post("/refresh", refreshBody(tokens.RefreshToken)).want(t, http.StatusOK)
	if first.RefreshToken != again.RefreshToken {
		t.Error("the refused request turned the grant")
	}
}

func TestABadAuthorizationHeaderIsChallenged(t *testing.T) {
	i := newIssuer(t)
	good := i.signUp("ada@example.com").AccessToken
	cases := []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"missing", nil, 401, `Bearer realm="signet"`},
		{"of another scheme", []string{"Authorization", "Basic YTpi"}, 401, `Bearer realm="signet"`},
		{"without a token", []string{"Authorization", "Bearer "}, 401, `Bearer realm="signet"`},
		{"twice", []string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good}, 400, `Bearer realm="signet", error="invalid_request"`},
		{"with a token that is cut short", bearer(good[:len(good)-2]), 401, `Bearer realm="signet", error="invalid_token"`},
		{"with white space inside", bearer(good[:9] + " " + good[9:]), 401, `Bearer realm="signet", error="invalid_token"`},
		{"with a refresh token", bearer("signet_rt_" + strings.Repeat("A", 75)), 401, `Bearer realm="signet", error="invalid_token"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := i.call(http.MethodGet, "/me", "", c.headers...)
			if got.Status != c.status || got.Header.Get("WWW-Authenticate") != c.challenge {
				t.Errorf("got %d %q %s", got.Status, got.Header.Get("WWW-Authenticate"), got.Body)
			}
		})
	}
	i.call(http.MethodGet, "/me", "", "Authorization", "bearer "+good).want(t, http.StatusOK)
}

func TestHEADIsGETWithoutItsBody(t *testing.T) {
	i := newIssuer(t)
	for _, path := range []string{"/ping", "/healthz", "/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		get := i.call(http.MethodGet, path, "").want(t, http.StatusOK)
		head := i.call(http.MethodHead, path, "").want(t, http.StatusOK)
		if head.Body != "" || head.Header.Get("ETag") != get.Header.Get("ETag") || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("%s: got %q %v", path, head.Body, head.Header)
		}
	}
	i.call(http.MethodHead, "/me", "").want(t, http.StatusUnauthorized)
	i.call(http.MethodHead, "/login", "").want(t, http.StatusMethodNotAllowed)
}

func TestNoSecretReachesTheLog(t *testing.T) {
	i := newIssuer(t, "SIGNET_LOG_LEVEL=debug")
	tokens := i.signUp("ada@example.com")
	i.post("/login", `{"email":"ada@example.com","password":"guess-number-one"}`)
	i.post("/refresh", refreshBody(flip(tokens.RefreshToken, 60)))
	i.call(http.MethodGet, "/me", "", bearer(flip(tokens.AccessToken, 200))...)
	i.call(http.MethodGet, "/me?access_token="+tokens.AccessToken, "")
	i.call(http.MethodGet, "/nothing/"+tokens.RefreshToken, "")
	for _, secret := range []string{password, "guess-number-one", tokens.RefreshToken[20:40], tokens.AccessToken[150:180]} {
		if strings.Contains(i.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, i.log)
		}
	}
	if !strings.Contains(i.log.String(), "id=") {
		t.Errorf("the log names no request:\n%s", i.log)
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// nextInAlphabet changes the lowest bit of the last letter.
func nextInAlphabet(c byte) byte { return alphabet[strings.IndexByte(alphabet, c)^1] }

// flip changes one letter of a token.
func flip(token string, at int) string {
	return token[:at] + string(nextInAlphabet(token[at])) + token[at+1:]
}

// What people type ends up in the wrong field: a password, or 64 KiB of
// nothing, in every line of the log.
func TestTheLogRepeatsNothingThatAStrangerTyped(t *testing.T) {
	const typed = "hunter2-and-more"
	i := newIssuer(t)
	tokens := i.signUp("ada@example.com")
	i.post("/login", `{"email":"ada@example.com","password":"`+password+`","audience":"`+typed+`"}`).want(t, http.StatusBadRequest)
	i.post("/refresh", `{"refresh_token":"`+tokens.RefreshToken+`","audience":"`+typed+`"}`).want(t, http.StatusBadRequest)
	i.post("/refresh", refreshBody(typed)).want(t, http.StatusUnauthorized)
	i.post("/register", `{"email":"`+typed+`","password":"`+typed+`","invitation":"`+typed+`"}`).want(t, http.StatusBadRequest)
	i.post("/login", `{"email":"`+typed+`@example.com","password":"`+typed+`"}`).want(t, http.StatusUnauthorized)
	i.call(http.MethodGet, "/me", "", "Authorization", "Bearer "+typed).want(t, http.StatusUnauthorized)
	i.call(http.MethodGet, "/"+typed, "").want(t, http.StatusNotFound)
	i.post("/session/refresh", `{}`, "Origin", origin, "Cookie", "signet_session="+typed).want(t, http.StatusUnauthorized)
	i.post("/session/refresh", `{}`, "Origin", "https://"+typed).want(t, http.StatusForbidden)
	if log := i.log.String(); strings.Contains(log, typed) || !strings.Contains(log, "no such audience") {
		t.Errorf("logged %s", log)
	}
}
