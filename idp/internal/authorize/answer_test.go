package authorize

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"signet/data"
	"signet/idp/internal/jose"
	"signet/idp/internal/request/requesttest"
	"signet/resource/token"
)

// half is the left half of a SHA-256 (OpenID Connect Core, section 3.1.3.6).
func half(text string) string {
	sum := sha256.Sum256([]byte(text))
	return requesttest.B64(sum[:16])
}

// opened verifies a token with our own keys.
func (w *world) opened(text, typ string) map[string]any {
	w.t.Helper()
	u, err := jose.Parse(text)
	w.must(err)
	public, alg, _, ok := w.Ring.Snapshot().Public(u.Header().Kid)
	if !ok || !token.IsTyp(u.Header().Typ, typ) {
		w.t.Fatalf("a token of type %s by %s", u.Header().Typ, u.Header().Kid)
	}
	v, err := u.VerifyKey(public, string(alg))
	w.must(err)
	claims := map[string]any{}
	w.must(v.Claims(&claims))
	return claims
}

// allowed is a browser in which somebody allowed the client everything before.
func (w *world) allowed(client, scope string) *browser {
	w.t.Helper()
	w.must(w.Store.AddConsent(w.t.Context(), data.Consent{User: w.ann.ID, Client: client, Scope: scope,
		Audience: []string{"api", "https://billing.example.com"}, Claims: []string{"email"}}))
	return w.signedIn(w.ann)
}

func TestOpenIDCoreSections32And33Answers(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("all", "openid posts email offline_access")
	for _, responseType := range []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"} {
		for _, mode := range []string{"", "fragment", "form_post"} {
			t.Run(responseType+" "+mode, func(t *testing.T) {
				a := b.authorize(asks("all", "response_type", responseType, "response_mode", mode, "scope", "openid posts email offline_access"))
				words := strings.Fields(responseType)
				want := mode
				if mode == "" {
					want = map[bool]string{true: "query", false: "fragment"}[responseType == "code"]
				}
				if a.mode != want || a.client.Get("iss") != issuer || a.client.Get("state") != "the state" {
					t.Fatalf("got %s %v", a.mode, a.client)
				}
				has := func(word string) bool {
					for _, w := range words {
						if w == word {
							return true
						}
					}
					return false
				}
				if a.client.Has("code") != has("code") || a.client.Has("id_token") != has("id_token") || a.client.Has("access_token") != has("token") {
					t.Fatalf("got %v", a.client)
				}
				if has("id_token") {
					checkID(t, w, a, has("code"), has("token"))
				}
				if has("token") {
					checkAccess(t, w, a)
				}
			})
		}
	}
}

func checkID(t *testing.T, w *world, a answer, code, access bool) {
	t.Helper()
	id := w.opened(a.client.Get("id_token"), token.TypID)
	want := map[string]any{"iss": issuer, "sub": string(w.ann.ID), "aud": "all", "azp": "all", "nonce": "n-1", "acr": "1", "s_hash": half("the state")}
	if code {
		want["c_hash"] = half(a.client.Get("code"))
	}
	if access {
		want["at_hash"] = half(a.client.Get("access_token"))
	}
	if !code && !access { // section 5.4: only then there is no userinfo to ask
		want["email"] = "ann@example.com"
	}
	for _, name := range []string{"iss", "sub", "aud", "azp", "nonce", "acr", "s_hash", "c_hash", "at_hash", "email"} {
		if id[name] != want[name] {
			t.Errorf("%s is %v, want %v", name, id[name], want[name])
		}
	}
	if id["auth_time"] != float64(w.Now().Unix()) || id["sid"] == "" || id["exp"].(float64) <= id["iat"].(float64) {
		t.Errorf("got %v", id)
	}
}

func checkAccess(t *testing.T, w *world, a answer) {
	t.Helper()
	if a.client.Get("token_type") != "Bearer" || a.client.Get("expires_in") != "600" || a.client.Get("scope") != "openid posts email" || a.client.Has("refresh_token") {
		t.Errorf("got %v", a.client)
	}
	access := w.opened(a.client.Get("access_token"), token.TypAccess)
	if access["sub"] != string(w.ann.ID) || access["client_id"] != "all" || access["scope"] != "openid posts email" || access["acr"] != "1" {
		t.Errorf("got %v", access)
	}
	id, err := data.ParseGrantID(access["sid"].(string))
	w.must(err)
	g, _, err := w.Store.Grant(t.Context(), id, "")
	w.must(err)
	if g.Client != "all" || g.Offline || !g.NoRefresh || g.Account == "" || g.ExpiresAt.Sub(w.Now()).Minutes() != 10 {
		t.Errorf("got %+v", g)
	}
}

func TestFormPostIsAPageThatHoldsTheAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	a := b.authorize(asks("web", "response_mode", "form_post", "state", `"><script>`))
	a.gave()
	if a.status != http.StatusOK || a.to != nil || a.client.Get("state") != `"><script>` || strings.Contains(a.body, "<script>") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	w.browser().authorize(asks("web", "response_mode", "form_post", "prompt", "none")).told("login_required")
}

func TestAnAnswerWithAScopeOfLess(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.ann)
	handle := b.authorize(asks("web", "scope", "openid posts posts:write")).page("/consent")
	b.allow(handle, "openid posts")
	if c := w.stored(b.goOn(handle).gave()); c.Authorization.Scope != "openid posts" {
		t.Errorf("got %q", c.Authorization.Scope)
	}
	// What was not allowed is asked for again.
	b.authorize(asks("web", "scope", "openid posts posts:write")).page("/consent")
	b.authorize(asks("web", "scope", "openid posts")).gave()
}

func TestOfflineAccessIsKeptApart(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid offline_access")
	c := w.stored(b.authorize(asks("web", "scope", "openid offline_access", "resource", "https://billing.example.com")).gave())
	if !c.Authorization.Offline || c.Authorization.Scope != "openid offline_access" || c.Authorization.Audience[0] != "https://billing.example.com" {
		t.Errorf("got %+v", c.Authorization)
	}
}

// OAuth without OpenID Connect needs no nonce, no redirect URI where there is
// one, and gets no more than a code.
func TestOAuthAlone(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "posts")
	a := b.authorize(asks("web", "scope", "posts", "nonce", "", "redirect_uri", "", "state", ""))
	c := w.stored(a.gave())
	if c.SentURI || c.Nonce != "" || c.RedirectURI != "https://web.example.com/cb" || a.client.Has("state") || len(a.client) != 2 {
		t.Errorf("got %+v %v", c, a.client)
	}
}

func TestAnErrorDescriptionHoldsWhatItMay(t *testing.T) {
	w := newWorld(t)
	for _, params := range []string{"prompt=n%22%5C%0d%0a", "max_age=%00", "claims=%5B"} {
		a := w.browser().get("/oauth2/authorize?" + asks("web").Encode() + "&" + params)
		text := a.told("invalid_request").client.Get("error_description")
		if text == "" || strings.ContainsAny(text, "\"\\\r\n\x00") || text != printable(text) {
			t.Errorf("got %q", text)
		}
	}
	if got := printable("a\"b\\c\r\nd…\x7f~ !"); got != "a?b?c??d??~ !" {
		t.Errorf("got %q", got)
	}
}

func TestALookSpendsNothing(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	_, uri := w.push("web", asks("web"))
	for _, target := range []string{"/oauth2/authorize?" + asks("web").Encode(), "/oauth2/authorize?client_id=web&request_uri=" + uri,
		pathContinue + "?request=" + strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")} {
		if a := b.send(httptest.NewRequest(http.MethodHead, target, nil)); a.status != http.StatusOK || a.to != nil {
			t.Errorf("got %d %v", a.status, a.to)
		}
	}
	b.get("/oauth2/authorize?client_id=web&request_uri=" + uri).gave()
}

// The ID token of one client, brought back by another, says nothing.
func TestAHintOfAnotherClientIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("all", "openid posts")
	w.must(w.Store.AddConsent(t.Context(), data.Consent{User: w.ann.ID, Client: "web", Scope: "openid posts", Audience: []string{"api"}}))
	id := b.authorize(asks("all", "response_type", "id_token")).client.Get("id_token")
	b.authorize(asks("web", "id_token_hint", id)).told("invalid_request")
	b.authorize(asks("all", "id_token_hint", id, "prompt", "none")).gave()
	w.signedIn(w.bob).authorize(asks("all", "id_token_hint", id, "prompt", "none")).told("login_required")
	w.browser().authorize(asks("all", "id_token_hint", id, "prompt", "none")).told("login_required")
}
