package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a stranger sends, the issuer neither breaks nor says that it did,
// and every refusal is JSON with a request id.
func FuzzNoRequestIsAServerError(f *testing.F) {
	i := newIssuer(f, "SIGNET_THROTTLE_NETWORK_EVERY=1ms", "SIGNET_THROTTLE_REGISTER_EVERY=1ms")
	tokens := i.signUp("ada@example.com")
	good := bearer(tokens.AccessToken)[1]
	for _, path := range []string{"/register", "/login", "/refresh", "/logout", "/me/password", "/session/login", "/session/refresh", "/session/logout"} {
		f.Add("POST", path, "application/json", good, "signet_session="+tokens.RefreshToken, credentials("bob@example.com"))
		f.Add("POST", path, "application/json; charset=\xff", "Bearer \x00", "signet_session=;;=", `{"email":"\u0000@\ud800"}`)
	}
	f.Add("POST", "/refresh", "application/json", "", "", `{"refresh_token":"signet_rt_AAAA","audience":"x"}`)
	f.Add("POST", "/me/password", "application/json", good, "", `{"current":"a","new":"b"}`)
	f.Add("DELETE", "/logout", "", "Bearer a.b.c", "", "")
	f.Add("GET", "/.well-known/jwks.json?%zz", "", "", "", "")
	f.Add("HEAD", "/me/../%2e%2e//", "", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, contentType, authorization, cookie, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost:4000/", strings.NewReader(body))
		if err != nil {
			return
		}
		if u, err := r.URL.Parse(path); err == nil {
			r.URL = u
		}
		r.RemoteAddr = "192.0.2.1:1"
		for name, value := range map[string]string{"Content-Type": contentType, "Authorization": authorization, "Cookie": cookie, "Origin": origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		i.handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%s %q was answered with %d %s", method, path, w.Code, w.Body)
		}
		var refusal struct{ Error string }
		if w.Code >= http.StatusBadRequest && method != http.MethodHead {
			if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil || refusal.Error == "" || w.Header().Get("X-Request-Id") == "" {
				t.Errorf("%s %q was answered with %d %s %v", method, path, w.Code, w.Body, w.Header())
			}
		}
	})
}
