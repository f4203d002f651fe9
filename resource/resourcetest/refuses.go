package resourcetest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Refuses fails t unless h guards every route: a request with one of the
// issuer's Bad tokens must get 401 and a challenge with invalid_token, one
// without a token, or with a good one in the URL alone, 401 and a challenge.
// A good token must not be called bad, or nothing was shown; it may be too
// little.
//
// A route is a method and a path, such as "GET /posts". It is asked with no
// body. A server that takes nothing but bound tokens (WithDPoPRequired) has no
// good token here.
func Refuses(t testing.TB, h http.Handler, issuer *Issuer, routes ...string) {
	t.Helper()
	if len(routes) == 0 {
		t.Fatalf("resourcetest: Refuses was given no route; name each, like %q", "GET /posts")
	}
	bad := slices.Collect(issuer.Bad())
	for _, route := range routes {
		if w := ask(t, h, route, ""); !challenged(w, "") {
			t.Errorf("%s without a token: got %s, want 401 and a challenge", route, answer(w))
		}
		if w := ask(t, h, inURL(route, issuer.Token()), ""); !challenged(w, "") {
			t.Errorf("%s with a good token in the URL: got %s, want 401 and a challenge", route, answer(w))
		}
		for _, b := range bad {
			if w := ask(t, h, route, b.Token); !challenged(w, "invalid_token") {
				t.Errorf("%s with a token %s: got %s, want 401 with invalid_token", route, b.Name, answer(w))
			}
		}
		w := ask(t, h, route, issuer.Token())
		switch {
		case w.Code == http.StatusUnauthorized && !tooLittle(w),
			w.Code == http.StatusServiceUnavailable:
			t.Errorf("%s with a good token: got %s. Does the handler verify tokens of %s for the audience %q?",
				route, answer(w), issuer.URL, issuer.Audience)
		}
	}
}

// Needs fails t unless every route wants of a token what what gives it: a good
// token without it must get 403 with insufficient_scope, or 401 with
// insufficient_user_authentication (RFC 9470), and one with it neither 401 nor
// 403. With joins several.
func Needs(t testing.TB, h http.Handler, issuer *Issuer, what TokenOption, routes ...string) {
	t.Helper()
	if len(routes) == 0 {
		t.Fatalf("resourcetest: Needs was given no route; name each, like %q", "POST /posts")
	}
	for _, route := range routes {
		if w := ask(t, h, route, issuer.Token()); !tooLittle(w) {
			t.Errorf("%s with a token that lacks it: got %s, want 403 with insufficient_scope", route, answer(w))
		}
		if w := ask(t, h, route, issuer.Token(what)); w.Code == http.StatusForbidden || w.Code == http.StatusUnauthorized {
			t.Errorf("%s with a token that has it: got %s", route, answer(w))
		}
	}
}

// tooLittle says whether w calls a token good, but not good enough.
func tooLittle(w *httptest.ResponseRecorder) bool {
	return w.Code == http.StatusForbidden && says(w, "insufficient_scope") || challenged(w, "insufficient_user_authentication")
}

// inURL adds the token to the route's query (RFC 6750 section 2.3), where no
// server should look for it.
func inURL(route, token string) string {
	if strings.Contains(route, "?") {
		return route + "&access_token=" + token
	}
	return route + "?access_token=" + token
}

// ask sends a request for the route to h.
func ask(t testing.TB, h http.Handler, route, token string) *httptest.ResponseRecorder {
	t.Helper()
	method, target, ok := strings.Cut(route, " ")
	if !ok || !strings.HasPrefix(target, "/") {
		t.Fatalf("resourcetest: %q is not a method and a path; name a route like %q", route, "GET /posts")
	}
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		Authorize(r, token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// challenged says whether w is 401 with a challenge (RFC 6750 section 3) that
// has this error, or any.
func challenged(w *httptest.ResponseRecorder, code string) bool {
	return w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") != "" && (code == "" || says(w, code))
}

func says(w *httptest.ResponseRecorder, code string) bool {
	return slices.ContainsFunc(w.Header().Values("WWW-Authenticate"), func(challenge string) bool {
		return strings.Contains(challenge, `error="`+code+`"`)
	})
}

// answer is what a person needs to know of w.
func answer(w *httptest.ResponseRecorder) string {
	said := strings.Join(w.Header().Values("WWW-Authenticate"), "; ")
	if said == "" {
		said = "no challenge"
	}
	return strconv.Itoa(w.Code) + " (" + said + ")"
}
