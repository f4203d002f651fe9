package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/resource/dpop/dpoptest"
)

// makings are one token of every kind that there is: those that the issuer
// makes for a client, and those that the client makes for the issuer.
func makings(t *testing.T, p *provider, c *relying, registered reply, rp *receiver) map[string]string {
	t.Helper()
	leaving := p.browser(t)
	c.logout(leaving, "id_token_hint", c.tokens(leaving).text("id_token"))
	var logout string
	select {
	case post := <-rp.posts:
		logout = post.PostForm.Get("logout_token")
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was posted to the back channel")
	}
	b := p.signedIn(t)
	got := c.tokens(b)
	access := got.text("access_token")
	status, _ := part(t, access, 1)["status"].(map[string]any)
	list, _ := status["status_list"].(map[string]any)
	uri, _ := list["uri"].(string)
	object := map[string]any{"iss": c.id, "aud": p.url}
	for name, values := range c.asks() {
		object[name] = values[0]
	}
	return map[string]string{
		"an access token":        access,
		"an ID token":            got.text("id_token"),
		"a logout token":         logout,
		"signed userinfo":        c.userinfo(access).ok().body,
		"a signed introspection": c.send(p.at("introspection_endpoint"), url.Values{"token": {access}}).ok().body,
		"a status list":          p.request(t, http.MethodGet, uri, "", "").ok().body,
		"a refresh token":        got.text("refresh_token"),
		"a code":                 c.code(b),
		"a registration token":   registered.text("registration_access_token"),
		"a client assertion":     c.assertion(nil),
		"a request object":       signJWT(c.key, "oauth-authz-req+jwt", object),
		"an untyped object":      signJWT(c.key, "JWT", object),
		"a DPoP proof":           c.key.Proof(http.MethodPost, p.at("token_endpoint"), p.clock.now()),
	}
}

// RFC 8725, sections 2.8, 3.11 and 3.12; RFC 9068, sections 4 and 5; RFC 9101,
// section 10.8: no token is taken for one of another kind, in any place.
func TestNoTokenIsTakenForOneOfAnotherKind(t *testing.T) {
	t.Parallel()
	rp, key := newReceiver(t), dpoptest.NewKey(t, "RS256")
	p := newProvider(t, openRegistration, "SIGNET_KEYS_ALGS=RS256")
	c, registered := p.register(t, key, usual(key).with(said{
		"userinfo_signed_response_alg": "RS256", "introspection_signed_response_alg": "RS256", "backchannel_logout_uri": rp.url + "/backchannel",
		"grant_types": []string{"authorization_code", "refresh_token"}, "post_logout_redirect_uris": []string{"https://rp.example.com/bye"},
	}))
	all := makings(t, p, c, registered, rp)
	b := p.signedIn(t)
	good := func(r reply) bool { return r.status == http.StatusOK }
	for _, place := range []struct {
		name string
		take []string // what is good there
		try  func(token string) bool
	}{
		{"the access token of userinfo", []string{"an access token"}, func(token string) bool { return good(c.userinfo(token)) }},
		{"the access token of the JSON API", []string{"an access token"}, func(token string) bool {
			return good(p.request(t, http.MethodGet, p.url+"/me", "", "", "Authorization", "Bearer "+token))
		}},
		{"what is introspected", []string{"an access token", "a refresh token"}, func(token string) bool {
			said := c.send(p.at("introspection_endpoint"), url.Values{"token": {token}}, "Accept", "application/json").ok()
			return said.values["active"] == true
		}},
		{"a client assertion", []string{"a client assertion"}, func(token string) bool {
			form := url.Values{"token": {"x"}, "client_assertion_type": {assertionType}, "client_assertion": {token}}
			return good(p.form(t, p.at("revocation_endpoint"), form))
		}},
		{"an id_token_hint", []string{"an ID token"}, func(token string) bool {
			return !c.authorize(b, "prompt", "none", "id_token_hint", token).values.Has("error")
		}},
		{"the hint of a logout", []string{"an ID token"}, func(token string) bool {
			v := p.browser(t).get(p.at("end_session_endpoint") + "?" + url.Values{"id_token_hint": {token}}.Encode())
			return v.status == http.StatusSeeOther
		}},
		{"a request object", []string{"a request object", "an untyped object"}, func(token string) bool {
			v := url.Values{"client_id": {c.id}, "redirect_uri": {c.redirect}, "response_type": {"code"}, "scope": {"openid"}, "request": {token}}
			return b.work(b.get(p.at("authorization_endpoint") + "?" + v.Encode())).values.Has("code")
		}},
		{"a refresh token", []string{"a refresh token"}, func(token string) bool { return good(c.token("refresh_token", "refresh_token", token)) }},
		{"a registration access token", []string{"a registration token"}, func(token string) bool {
			return good(p.request(t, http.MethodGet, registered.text("registration_client_uri"), "", "", "Authorization", "Bearer "+token))
		}},
		{"a code", []string{"a code"}, func(token string) bool { return good(c.redeem(token)) }},
	} {
		for name, token := range all {
			if token == "" || strings.HasPrefix(token, "{") {
				t.Fatalf("%s is %q", name, token)
			}
			if want := slices.Contains(place.take, name); !want && place.try(token) {
				t.Errorf("%s is taken for %s", name, place.name)
			}
		}
		for _, name := range place.take { // or nothing was shown
			if !place.try(all[name]) {
				t.Errorf("%s is not taken for %s", name, place.name)
			}
		}
	}
}

// RFC 9207, section 2: each answer, good or bad, says who answers, in every
// mode; and nothing is said where nobody may be told.
func TestRFC9207Section2(t *testing.T) {
	t.Parallel()
	p := newProvider(t, hybridClients, "SIGNET_KEYS_ALGS=RS256")
	c, in, out := p.client(t, "hybrid"), p.signedIn(t), p.browser(t)
	for _, f := range flows {
		for _, mode := range []string{"", "fragment", "form_post"} {
			ask := func(b *userAgent, changes ...string) arrival {
				return c.authorize(b, append([]string{"response_type", f.responseType, "response_mode", mode}, changes...)...)
			}
			for name, a := range map[string]arrival{
				"good":             ask(in),
				"an error":         ask(in, "max_age", "soon"),
				"a silent refusal": ask(out, "prompt", "none"),
			} {
				if got := a.values["iss"]; a.client == nil || !slices.Equal(got, []string{p.url}) {
					t.Errorf("%s %s, %s: iss is %q at %v", f.responseType, mode, name, got, a.client)
				}
			}
			ask(in, "redirect_uri", "https://evil.example.com/cb").shown()
		}
	}
	if p.document["authorization_response_iss_parameter_supported"] != true || p.document["issuer"] != p.url { // section 3
		t.Errorf("the metadata says %v of %v", p.document["authorization_response_iss_parameter_supported"], p.document["issuer"])
	}
}
