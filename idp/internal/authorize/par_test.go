package authorize

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/par"
	"signet/resource/dpop/dpoptest"
)

// at is the authorization request that refers to a pushed one.
func at(client, uri string) url.Values {
	return url.Values{"client_id": {client}, "request_uri": {uri}}
}

func TestRFC9126Section2Push(t *testing.T) {
	w := newWorld(t)
	object := w.Sign(nil, map[string]any{"iss": "signs", "aud": issuer, "response_type": "code", "redirect_uri": "https://signs.example.com/cb", "scope": "openid"})
	cases := []struct {
		name   string
		client string
		params url.Values
		status int
		code   string
	}{
		{"a good one", "web", asks("web"), 201, ""},
		{"of a client that must push", "pushes", asks("pushes"), 201, ""},
		{"a request object", "signs", url.Values{"request": {object}}, 201, ""},
		{"a public client", "", asks("spa"), 201, ""},
		{"nobody", "", asks("web"), 401, "invalid_client"},
		{"an unknown client", "", asks("nobody"), 401, "invalid_client"},
		{"a request_uri", "web", asks("web", "request_uri", "urn:ietf:params:oauth:request_uri:x"), 400, "invalid_request"},
		{"another client's id", "web", asks("pushes"), 400, "invalid_request"},
		{"a redirect URI that is nobody's", "web", asks("web", "redirect_uri", "https://evil.example.com/"), 400, "invalid_request"},
		{"a response type that is not the client's", "web", asks("web", "response_type", "code token"), 400, "unauthorized_client"},
		{"no challenge of a public client", "", asks("spa", "code_challenge", "", "code_challenge_method", ""), 400, "invalid_request"},
		{"an unknown scope", "web", asks("web", "scope", "magic"), 400, "invalid_scope"},
		{"an unknown resource", "web", asks("web", "resource", "https://evil.example.com"), 400, "invalid_target"},
		{"a parameter twice", "web", url.Values{"scope": {"openid", "posts"}}, 400, "invalid_request"},
		{"an object of another client", "web", url.Values{"request": {object}}, 400, "invalid_request_object"},
		{"no signature where one is needed", "mustsign", asks("mustsign"), 400, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a, uri := w.push(c.client, c.params)
			if a.status != c.status || a.code != c.code || (uri != "") != (c.code == "") {
				t.Fatalf("got %d %s", a.status, a.body)
			}
			if c.code != "" {
				return
			}
			if !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:signet_rq_") || !strings.Contains(a.body, `"expires_in":90`) {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

// What a client proves itself with is not kept.
func TestAPushedRequestKeepsNoCredential(t *testing.T) {
	w := newWorld(t)
	_, uri := w.push("web", asks("web", "foo", "z"))
	stored, err := w.Store.Requests.Get(t.Context(), data.HashOf(strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")))
	w.must(err)
	for name := range stored.Params {
		if strings.HasPrefix(name, "client_") && name != "client_id" || name == "foo" {
			t.Errorf("%s is kept", name)
		}
	}
}

func TestRFC9126Section4Use(t *testing.T) {
	w := newWorld(t)
	fresh := func() string { _, uri := w.push("web", asks("web")); return uri }
	uri := fresh()
	b := w.allowed("web", "openid posts")
	for name, params := range map[string]url.Values{
		"another client":  at("spa", uri),
		"no client":       {"request_uri": {uri}},
		"two clients":     {"request_uri": {uri}, "client_id": {"web", "spa"}},
		"an unknown one":  at("web", "urn:ietf:params:oauth:request_uri:signet_rq_x"),
		"nothing in it":   at("web", "urn:ietf:params:oauth:request_uri:"),
		"an unknown kind": at("web", "urn:example:x"),
		"a longer one":    at("web", uri+"x"),
	} {
		t.Run(name, func(t *testing.T) {
			if a := b.authorize(params); a.code != "invalid_request_uri" && a.code != "invalid_request" || a.to != nil {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
	both := at("web", uri)
	both.Set("request", "x")
	b.authorize(both).shown("invalid_request")

	// What is beside the reference does not count.
	beside := at("web", uri)
	beside.Set("scope", "posts:write")
	beside.Set("redirect_uri", "https://evil.example.com/")
	if c := w.stored(b.authorize(beside).gave()); c.Authorization.Scope != "openid posts" || c.RedirectURI != "https://web.example.com/cb" {
		t.Errorf("got %+v", c)
	}
	b.authorize(at("web", uri)).shown("invalid_request_uri") // it was used

	late := fresh()
	w.Move(91 * time.Second)
	b.authorize(at("web", late)).shown("invalid_request_uri")
	b.authorize(asks("pushes")).told("invalid_request") // this one has to push
}

func TestAPushedRequestLivesOnOnceAPersonTakesPart(t *testing.T) {
	w := newWorld(t)
	_, uri := w.push("pushes", asks("pushes"))
	b := w.browser()
	handle := b.authorize(at("pushes", uri)).page("/sign-in")
	if !strings.HasSuffix(uri, handle) {
		t.Errorf("another handle: %s", handle)
	}
	w.Move(10 * time.Minute)
	if again := b.authorize(at("pushes", uri)).page("/sign-in"); again != handle {
		t.Errorf("a reload got %s", again)
	}
	w.browser().authorize(at("pushes", uri)).shown("invalid_request") // another browser
	b.signInFor(handle, w.ann)
	b.goOn(handle).page("/consent")
	b.allow(handle, "openid posts")
	b.goOn(handle).gave()
	b.authorize(at("pushes", uri)).shown("invalid_request_uri")
}

func TestAPushedRequestCanBePosted(t *testing.T) {
	w := newWorld(t)
	_, uri := w.push("web", asks("web"))
	b := w.allowed("web", "openid posts")
	handle := b.post(at("web", uri)).page(pathContinue)
	b.goOn(handle).gave()
}

// The handle of a request that waits for its person is in URLs of ours. It is
// no pushed request, whoever shows it.
func TestOnlyPushedRequestsAreReferredTo(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.authorize(asks("web")).page("/sign-in")
	b.authorize(at("web", "urn:ietf:params:oauth:request_uri:"+handle)).shown("invalid_request_uri")
}

func TestRFC9449Section10BindsTheCode(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	w.must(w.Store.AddConsent(t.Context(), data.Consent{User: w.ann.ID, Client: "all", Scope: "openid posts", Audience: []string{"api"}}))
	key := dpoptest.NewKey(t, "ES256")
	proof := func() string { return key.Proof(http.MethodPost, issuer+par.Path, w.Now()) }
	bound := func(params url.Values) string {
		t.Helper()
		return w.stored(b.authorize(params).gave()).Authorization.JKT
	}
	if got := bound(asks("web", "dpop_jkt", key.JKT())); got != key.JKT() {
		t.Errorf("by the parameter: %q", got)
	}
	for name, params := range map[string]url.Values{"by the header": asks("web"), "by both": asks("web", "dpop_jkt", key.JKT())} {
		a, uri := w.push("web", params, "DPoP", proof())
		if a.status != 201 || bound(at("web", uri)) != key.JKT() {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	other := dpoptest.NewKey(t, "ES256")
	used := proof()
	w.push("web", asks("web"), "DPoP", used)
	for name, c := range map[string]struct {
		params url.Values
		proof  string
		code   string
	}{
		"by two keys":           {asks("web", "dpop_jkt", other.JKT()), proof(), "invalid_dpop_proof"},
		"by a used proof":       {asks("web"), used, "invalid_dpop_proof"},
		"for another endpoint":  {asks("web"), key.Proof(http.MethodPost, issuer+"/oauth2/token", w.Now()), "invalid_dpop_proof"},
		"by no proof":           {asks("web"), "x", "invalid_dpop_proof"},
		"of a token in a front": {asks("all", "response_type", "code token"), proof(), "invalid_request"},
	} {
		id := c.params.Get("client_id")
		if a, uri := w.push(id, c.params, "DPoP", c.proof); a.code != c.code || uri != "" {
			t.Errorf("%s: got %d %s", name, a.status, a.body)
		}
	}
	// A refused request spends no proof.
	kept := proof()
	w.push("web", asks("web", "scope", "magic"), "DPoP", kept)
	if a, _ := w.push("web", asks("web"), "DPoP", kept); a.status != 201 {
		t.Errorf("the proof was spent: %d %s", a.status, a.body)
	}
	b.authorize(asks("web", "dpop_jkt", "short")).told("invalid_request")
}

func TestRFC9101AtTheEndpoint(t *testing.T) {
	w := newWorld(t)
	w.must(w.Store.AddConsent(t.Context(), data.Consent{User: w.ann.ID, Client: "signs", Scope: "openid posts", Audience: []string{"api"}}))
	b := w.signedIn(w.ann)
	object := w.Sign(nil, map[string]any{"iss": "signs", "aud": issuer, "client_id": "signs", "response_type": "code", "state": "inside",
		"redirect_uri": "https://signs.example.com/cb", "scope": "openid posts", "nonce": "n-2"})
	by := url.Values{"client_id": {"signs"}, "request": {object}, "state": {"outside"}, "scope": {"openid"}, "response_type": {"code"}}
	a := b.authorize(by)
	if c := w.stored(a.gave()); a.client.Get("state") != "inside" || c.Nonce != "n-2" || c.Authorization.Scope != "openid posts" {
		t.Errorf("got %v %+v", a.client, c)
	}
	b.goOn(b.post(by).page(pathContinue)).gave()
	// It stays signed while it waits.
	waiting := w.browser()
	handle := waiting.authorize(by).page("/sign-in")
	stored, err := w.Store.Requests.Get(t.Context(), data.HashOf(handle))
	if err != nil || !stored.Signed || stored.Params["state"][0] != "inside" || stored.Params["request"] != nil {
		t.Errorf("got %+v %v", stored, err)
	}
	w.Put("https://signs.example.com/request", object)
	b.authorize(url.Values{"client_id": {"signs"}, "request_uri": {"https://signs.example.com/request"}}).gave()
	b.authorize(url.Values{"client_id": {"signs"}, "request_uri": {"https://signs.example.com/other"}}).shown("invalid_request_uri")
}
