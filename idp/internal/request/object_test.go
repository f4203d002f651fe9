package request_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/mint"
	"signet/idp/internal/request"
	"signet/idp/internal/request/requesttest"
	"signet/resource/token"
)

// claims are those of a good request object of the client signs, with changes:
// pairs of a name and a value, nil taking it away.
func claims(w *requesttest.World, changes ...any) map[string]any {
	m := map[string]any{
		"iss": "signs", "aud": requesttest.Issuer, "exp": w.Now().Add(time.Minute).Unix(), "client_id": "signs",
		"response_type": "code", "redirect_uri": "https://signs.example.com/cb", "scope": "openid posts", "state": "inside", "nonce": "n-2",
		"code_challenge": challenge, "code_challenge_method": "S256",
	}
	for i := 0; i < len(changes); i += 2 {
		if delete(m, changes[i].(string)); changes[i+1] != nil {
			m[changes[i].(string)] = changes[i+1]
		}
	}
	return m
}

// with is what goes beside a request object.
func with(object string, pairs ...string) url.Values {
	v := url.Values{"client_id": {"signs"}, "request": {object}}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestRFC9101Section6RequestObject(t *testing.T) {
	w := requesttest.New(t, "")
	sign := func(changes ...any) string { return w.Sign(nil, claims(w, changes...)) }
	typed := func(typ string) string { return w.Sign(map[string]any{"typ": typ}, claims(w)) }
	outside := []string{"redirect_uri", "https://signs.example.com/two", "state", "outside"}
	goodObject := sign()
	run(t, w, []row{
		{"a good one", with(goodObject), good},
		{"without an end", with(sign("exp", nil)), good},
		{"without client_id inside", with(sign("client_id", nil)), good},
		{"for several audiences", with(sign("aud", []string{"https://other.example", requesttest.Issuer})), good},
		{"typed as JWT", with(typed("JWT")), good},
		{"typed in full", with(typed("application/oauth-authz-req+jwt")), good},
		{"untyped", with(w.Sign(map[string]any{}, claims(w))), good},

		{"typed as an access token", with(typed("at+jwt")), page("invalid_request_object")},
		{"typed as a proof", with(typed("dpop+jwt")), page("invalid_request_object")},
		{"no JWT", with("hello"), page("invalid_request_object")},
		{"unsigned", with(unsigned(claims(w))), page("request_not_supported")},
		{"unsigned, and the client can be told", with(unsigned(claims(w)), outside...), tells("request_not_supported")},
		{"with the secret of the client", with(w.Sign(map[string]any{"alg": "HS256"}, claims(w))), page("invalid_request_object")},
		{"a broken signature", with(goodObject[:len(goodObject)-4] + "AAAA"), page("invalid_request_object")},
		{"a changed payload", with(changed(goodObject)), page("invalid_request_object")},
		{"another key", with(requesttest.New(t, "").Sign(nil, claims(w))), page("invalid_request_object")},
		{"of another client", with(sign("iss", "web")), page("invalid_request_object")},
		{"of nobody", with(sign("iss", nil)), page("invalid_request_object")},
		{"for another client", with(sign("client_id", "web")), page("invalid_request_object")},
		{"for another server", with(sign("aud", "https://other.example")), page("invalid_request_object")},
		{"for nobody", with(sign("aud", nil)), page("invalid_request_object")},
		{"for a server with a longer name", with(sign("aud", requesttest.Issuer+"/")), page("invalid_request_object")},
		{"expired", with(sign("exp", w.Now().Add(-time.Minute).Unix())), page("invalid_request_object")},
		{"from the future", with(sign("nbf", w.Now().Add(time.Minute).Unix())), page("invalid_request_object")},
		{"a client assertion", with(sign("sub", "signs")), page("invalid_request_object")},
		{"an object in the object", with(sign("request", goodObject)), page("invalid_request_object")},
		{"a reference in the object", with(sign("request_uri", "https://signs.example.com/request")), page("invalid_request_object")},
		{"a parameter of another type", with(sign("scope", []any{1, 2})), page("invalid_request_object")},
		{"a date of another type", with(sign("exp", "soon")), page("invalid_request_object")},
		{"expired, and the client can be told", with(sign("exp", w.Now().Add(-time.Minute).Unix()), outside...), tells("invalid_request_object")},
		{"expired, and the address outside is nobody's", with(sign("exp", w.Now().Add(-time.Minute).Unix()), "redirect_uri", "https://evil.example.com"), page("invalid_request_object")},
		{"an object and a reference", with(goodObject, "request_uri", "https://signs.example.com/request"), page("invalid_request")},
		{"two objects", url.Values{"client_id": {"signs"}, "request": {goodObject, goodObject}}, page("invalid_request")},
		{"no client outside", url.Values{"request": {goodObject}}, page("invalid_request")},
		{"of another algorithm than the registered one", url.Values{"client_id": {"otherwise"}, "request": {w.Sign(nil, claims(w, "iss", "otherwise", "client_id", "otherwise",
			"redirect_uri", "https://otherwise.example.com/cb"))}}, page("invalid_request_object")},
		{"of a client without keys", url.Values{"client_id": {"web"}, "request": {w.Sign(nil, claims(w, "iss", "web", "client_id", "web"))}}, page("invalid_request_object")},

		{"a redirect URI inside that is nobody's", with(sign("redirect_uri", "https://evil.example.com")), page("invalid_request")},
		{"none inside, although one is outside", with(sign("redirect_uri", nil), outside...), page("invalid_request")},
		{"no response type inside, although one is outside", with(sign("response_type", nil), "response_type", "code"), tells("invalid_request")},
		{"a scope of nothing", with(sign("scope", "magic")), tells("invalid_scope")},
	})
}

func TestRFC9101Section105ASignatureCanBeRequired(t *testing.T) {
	w := requesttest.New(t, "")
	mine := func(changes ...any) map[string]any {
		return claims(w, append([]any{"iss", "mustsign", "client_id", "mustsign", "redirect_uri", "https://mustsign.example.com/cb"}, changes...)...)
	}
	run(t, w, []row{
		{"signed", url.Values{"client_id": {"mustsign"}, "request": {w.Sign(nil, mine())}}, good},
		{"not signed", asks("mustsign"), tells("invalid_request")},
		{"unsigned", url.Values{"client_id": {"mustsign"}, "request": {unsigned(mine())}}, page("request_not_supported")},
	})
	c, err := w.Registry.Find(t.Context(), "mustsign")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Parser.Push(t.Context(), c, asks("mustsign")); codeOf(err) != "invalid_request" {
		t.Errorf("pushed without a signature: %v", err)
	}
	if r, err := w.Parser.Push(t.Context(), c, url.Values{"request": {w.Sign(nil, mine())}}); err != nil || !r.Signed {
		t.Errorf("pushed with a signature: %v", err)
	}
}

// RFC 9101, section 6.3: what is beside the object does not count, not even
// where the object says nothing.
func TestOnlyWhatIsSignedCounts(t *testing.T) {
	w := requesttest.New(t, "")
	object := w.Sign(nil, claims(w, "login_hint", nil, "max_age", 60, "claims", map[string]any{"id_token": map[string]any{"email": nil}},
		"resource", []string{"https://billing.example.com"}, "audience", "api"))
	r, err := w.Parser.Read(t.Context(), with(object, "state", "outside", "login_hint", "eve@example.com", "prompt", "none", "scope", "posts:write",
		"redirect_uri", "https://evil.example.com", "response_type", "code token", "nonce", "other"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Reply != (request.Reply{RedirectURI: "https://signs.example.com/cb", Sent: true, Mode: request.Query, State: "inside"}) ||
		r.LoginHint != "" || r.Prompt != 0 || r.Scope != "openid posts" || r.Nonce != "n-2" || !r.Signed ||
		r.MaxAge != time.Minute || !slices.Equal(r.Claims.Names(), []string{"email"}) || !slices.Equal(r.Audience, []string{"https://billing.example.com", "api"}) {
		t.Errorf("got %+v", r)
	}
}

func TestRFC9101Section52RequestURI(t *testing.T) {
	w := requesttest.New(t, "")
	const registered = "https://signs.example.com/request"
	by := func(uri string, pairs ...string) url.Values {
		v := with("", append(pairs, "request_uri", uri)...)
		v.Del("request")
		return v
	}
	run(t, w, []row{
		{"it does not answer", by(registered), page("invalid_request_uri")},
		{"it does not answer, and the client can be told", by(registered, "redirect_uri", "https://signs.example.com/cb"), tells("invalid_request_uri")},
	})
	w.Put(registered, w.Sign(nil, claims(w))+"\n")
	w.Put("https://signs.example.com/other", w.Sign(nil, claims(w)))
	run(t, w, []row{
		{"registered", by(registered), good},
		{"in another version", by(registered + "#v2"), good},
		{"not registered", by("https://signs.example.com/other"), page("invalid_request_uri")},
		{"longer than registered", by(registered + "/x"), page("invalid_request_uri")},
		{"of a client that registered none", url.Values{"client_id": {"web"}, "request_uri": {registered}}, page("invalid_request_uri")},
		{"too long", by(registered + "#" + strings.Repeat("x", 500)), page("invalid_request_uri")},
		{"inside of us", by("http://127.0.0.1:4000/"), page("invalid_request_uri")},
		{"two of them", url.Values{"client_id": {"signs"}, "request_uri": {registered, registered}}, page("invalid_request")},
	})
	w.Put(registered, unsigned(claims(w)))
	run(t, w, []row{{"unsigned", by(registered), page("request_uri_not_supported")}})
	w.Put(registered, "<html>")
	run(t, w, []row{{"something else", by(registered), page("invalid_request_object")}})
}

func TestRFC9126Section21Push(t *testing.T) {
	w := requesttest.New(t, "")
	signs, err := w.Registry.Find(t.Context(), "signs")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		params url.Values
		want   string
	}{
		{"plain", asks("signs"), ""},
		{"without client_id", asks("signs", "client_id", ""), ""},
		{"a request_uri", asks("signs", "request_uri", "urn:ietf:params:oauth:request_uri:signet_rq_x"), "invalid_request"},
		{"an object", url.Values{"request": {w.Sign(nil, claims(w))}}, ""},
		{"another client's id", asks("web", "redirect_uri", "https://signs.example.com/cb"), "invalid_request"},
		{"two ids", asks("signs", "+client_id", "web"), "invalid_request"},
		{"another client's object", url.Values{"request": {w.Sign(nil, claims(w, "iss", "web", "client_id", "web"))}}, "invalid_request_object"},
		{"a redirect URI that is nobody's", asks("signs", "redirect_uri", "https://evil.example.com"), "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := w.Parser.Push(t.Context(), signs, c.params); codeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestOpenIDCoreIDTokenHint(t *testing.T) {
	w := requesttest.New(t, "")
	m := mint.New(mint.Options{Issuer: requesttest.Issuer, Ring: w.Ring, Now: w.Now, Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}})
	signed := func(checked *mint.Checked, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Sign(checked)
		if err != nil {
			t.Fatal(err)
		}
		return got.Value
	}
	id := func(clientID string) string {
		return signed(m.ID(mint.ID{Subject: "ann", ClientID: clientID, Alg: token.ES256, TTL: time.Minute}))
	}
	p, err := m.Profile("")
	if err != nil {
		t.Fatal(err)
	}
	ours := id("web")
	other := requesttest.New(t, "")
	theirs := mint.New(mint.Options{Issuer: requesttest.Issuer, Ring: other.Ring, Now: w.Now, Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}})
	forged, err := theirs.ID(mint.ID{Subject: "ann", ClientID: "web", Alg: token.ES256, TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	forgery, err := theirs.Sign(forged)
	if err != nil {
		t.Fatal(err)
	}
	w.Move(24 * time.Hour) // a hint may be old
	cases := []struct {
		name, hint, want string
	}{
		{"ours", ours, ""},
		{"another client's", id("spa"), "invalid_request"},
		{"of another ring", forgery.Value, "invalid_request"},
		{"changed", changed(ours), "invalid_request"},
		{"an access token", signed(m.Access(p, mint.Access{Subject: "ann", ClientID: "web", Status: m.Status(data.Slot{})})), "invalid_request"},
		{"a logout token", signed(m.Logout(mint.Logout{ClientID: "web", Alg: token.ES256, Subject: "ann", JTI: "j"})), "invalid_request"},
		{"a signed userinfo answer", signed(m.Userinfo(token.ES256, "web", map[string]any{"sub": "ann"})), "invalid_request"},
		{"unsigned", unsigned(map[string]any{"iss": requesttest.Issuer, "aud": "web", "sub": "ann"}), "invalid_request"},
		{"a person", "ann@example.com", "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := w.Parser.Read(t.Context(), asks("web", "id_token_hint", c.hint))
			if codeOf(err) != c.want || c.want == "" && r.Hint != "ann" {
				t.Errorf("got %q %v, want %q", r.Hint, err, c.want)
			}
		})
	}
}

// unsigned is a JWT with alg none.
func unsigned(claims map[string]any) string {
	parts := strings.Split((&requesttest.World{Key: make([]byte, 64)}).Sign(map[string]any{"alg": "none"}, claims), ".")
	return parts[0] + "." + parts[1] + "."
}

// changed is the token with another payload.
func changed(text string) string {
	parts := strings.Split(text, ".")
	parts[1] = strings.Split(unsigned(map[string]any{"iss": requesttest.Issuer, "aud": []string{"web", requesttest.Issuer}, "sub": "eve"}), ".")[1]
	return strings.Join(parts, ".")
}

var _ request.Clients = (*client.Registry)(nil)
