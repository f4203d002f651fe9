package userinfo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	wirejson "github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/jose"
	"signet/idp/internal/live/livetest"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

const here = livetest.Issuer + "/oauth2/userinfo"

// answered is what the endpoint said.
type answered struct {
	t    testing.TB
	rec  *httptest.ResponseRecorder
	err  *wire.Error
	body string
}

func ask(t testing.TB, w *livetest.World, r *http.Request) answered {
	t.Helper()
	api := New(Options{Bearer: w.Bearer, Mint: w.Mint, URL: here})
	a := answered{t: t, rec: httptest.NewRecorder()}
	if err := api.Userinfo(newEcho().NewContext(r, a.rec)); err != nil && !errors.As(err, &a.err) {
		t.Fatal(err)
	}
	a.body = strings.TrimSpace(a.rec.Body.String())
	return a
}

func get(w *livetest.World, raw string) answered {
	w.T.Helper()
	r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	return ask(w.T, w, r)
}

func (a answered) ok() map[string]any {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("refused: %v (%v)", a.err, a.err.Cause)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return out
}

func (a answered) refused(status int, code string) {
	a.t.Helper()
	if a.err == nil || a.err.Status != status || a.err.Code != code || a.err.Challenge == "" {
		a.t.Fatalf("got %#v %s, want %d %s", a.err, a.body, status, code)
	}
}

// OpenID Connect Core, sections 5.3.2, 5.4 and 5.5; the answers as they are on
// the wire, with PERSON for the person's id.
func TestTheAnswerSaysWhatTheScopeAndTheClaimsParameterAllow(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	name := `"family_name":null,"nickname":null`
	cases := []struct{ name, client, scope, asked, want string }{
		{"openid alone", "web", "openid", "", `{"sub":"PERSON"}`},
		{"profile", "web", "openid profile", "", `{"given_name":"Ada","name":"Ada Lovelace","sub":"PERSON","updated_at":1935817689}`},
		{"e-mail", "web", "openid email", "", `{"email":"ada@example.com","email_verified":true,"sub":"PERSON"}`},
		{"a telephone number, and an address that nobody gave", "web", "openid phone address", "",
			`{"phone_number":"+44 20 7946 0000","phone_number_verified":false,"sub":"PERSON"}`},
		{"scopes of an API", "web", "openid posts", "", `{"sub":"PERSON"}`},
		{"a claim by name", "web", "openid", `{"userinfo":{"given_name":{"essential":true}}}`, `{"given_name":"Ada","sub":"PERSON"}`},
		{"claims by name that have no value", "web", "openid", `{"userinfo":{` + name + `}}`, `{"sub":"PERSON"}`},
		{"a claim for the ID token", "web", "openid", `{"id_token":{"email":null}}`, `{"sub":"PERSON"}`},
		{"claims that nobody knows", "web", "openid", `{"userinfo":{"password_hash":null,"roles":null}}`, `{"sub":"PERSON"}`},
		{"a sub that is asked for", "web", "openid", `{"userinfo":{"sub":{"value":"somebody"}}}`, `{"sub":"PERSON"}`},
		{"the token of the built-in client, which has no scope", "signet", "", "", `{"sub":"PERSON"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := w.Token(w.Start(c.client, c.scope, livetest.Asking(c.asked)))
			want := strings.ReplaceAll(c.want, "PERSON", string(w.User.ID))
			got := get(w, raw)
			got.ok()
			if canonical(t, got.body) != want {
				t.Errorf("got  %s\nwant %s", got.body, want)
			}
			if contentType, _, _ := strings.Cut(got.rec.Header().Get("Content-Type"), ";"); contentType != "application/json" {
				t.Errorf("Content-Type is %q", contentType)
			}
		})
	}
}

// canonical orders the members, which map encodings do not.
func canonical(t *testing.T, body string) string {
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// Core, section 5.3.1.
func TestGETAndPOSTAnswerTheSame(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw := w.For("web", "openid email")
	want := canonical(t, get(w, raw).body)
	inHeader := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", nil)
	inHeader.Header.Set("Authorization", "Bearer "+raw)
	emptyForm := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", strings.NewReader(""))
	emptyForm.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	emptyForm.Header.Set("Authorization", "Bearer "+raw)
	inForm := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", strings.NewReader(url.Values{"access_token": {raw}}.Encode()))
	inForm.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, r := range map[string]*http.Request{"in the header": inHeader, "in the header, beside an empty form": emptyForm, "in a form": inForm} {
		got := ask(t, w, r)
		got.ok()
		if canonical(t, got.body) != want {
			t.Errorf("%s: got %s", name, got.body)
		}
	}
}

// Core, section 8.1: at one client the sub of userinfo is that of its other
// tokens, and of no other client's.
func TestAPairwiseClientKnowsThePersonByAnotherName(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	owner, err := w.Clients.Find(t.Context(), "private")
	if err != nil {
		t.Fatal(err)
	}
	sub, _ := get(w, w.For("private", "openid")).ok()["sub"].(string)
	if sub != w.Clients.Subject(owner, w.User.ID) || sub == string(w.User.ID) || sub == "" {
		t.Errorf("got %q", sub)
	}
}

// Core, section 5.3.2. There is no exp, so that it is no ID token.
func TestAClientThatRegisteredAnAlgorithmGetsASignedAnswer(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	got := get(w, w.For("signed", "openid email"))
	if got.err != nil || got.rec.Header().Get("Content-Type") != "application/jwt" {
		t.Fatalf("got %v %v", got.err, got.rec.Header())
	}
	parsed, err := jose.Parse(got.body)
	if err != nil {
		t.Fatal(err)
	}
	h := parsed.Header()
	public, alg, _, _ := w.Ring.Snapshot().Public(h.Kid)
	verified, err := parsed.VerifyKey(public, string(alg))
	if err != nil || h.Alg != "ES256" {
		t.Fatalf("got %+v, %v", h, err)
	}
	var said map[string]any
	if err := verified.Claims(&said); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(said)
	want := `{"aud":"signed","email":"ada@example.com","email_verified":true,"iat":1935817689,"iss":"https://id.example","sub":"` + string(w.User.ID) + `"}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// What the claims parameter asked for was allowed to one client: another, which
// has exchanged the token, gets what its own scope says.
func TestAnExchangedTokenHearsWhatItsOwnScopeAllows(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid email", livetest.Asking(`{"userinfo":{"phone_number":null}}`))
	if got := get(w, w.Token(issued)).ok(); got["phone_number"] == nil {
		t.Errorf("got %v", got)
	}
	got := get(w, w.Exchanged(issued, "private", "openid")).ok()
	if len(got) != 1 || got["sub"] == string(w.User.ID) {
		t.Errorf("got %v", got)
	}
	get(w, w.Exchanged(issued, "service", "posts")).refused(403, wire.CodeInsufficientScope)
}

// Core, section 5.3.3, and RFC 6750, section 3.1.
func TestUserinfoIsRefused(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	ctx := context.Background()
	if err := w.Store.CreateClient(ctx, data.Client{ID: "stored"}, 0); err != nil {
		t.Fatal(err)
	}
	revoked := w.For("web", "openid")
	if a, err := w.Live.Access(ctx, revoked); err != nil || w.Live.Revoke(ctx, a) != nil {
		t.Fatal(err)
	}
	ended := w.Start("web", "openid")
	if _, err := w.Grants.EndByID(ctx, ended.Grant.ID, w.User.ID); err != nil {
		t.Fatal(err)
	}
	removed := w.For("stored", "openid")
	get(w, removed).ok()
	if err := w.Store.DeleteClient(ctx, "stored"); err != nil {
		t.Fatal(err)
	}
	now := w.Clock.Now()
	idToken := w.Raw("JWT", map[string]any{"iss": livetest.Issuer, "sub": string(w.User.ID), "aud": "web",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()})
	cases := []struct {
		name, raw string
		status    int
		code      string
	}{
		{"to a token without openid", w.For("web", "profile email"), 403, wire.CodeInsufficientScope},
		{"to a scope that only looks like it", w.For("web", "openidx OPENID"), 403, wire.CodeInsufficientScope},
		{"to a client's own token", w.Own("service", "openid"), 403, wire.CodeInsufficientScope},
		{"to a revoked token", revoked, 401, wire.CodeInvalidToken},
		{"to a token of a grant that has ended", w.Token(ended), 401, wire.CodeInvalidToken},
		{"to a token of a client that was removed", removed, 401, wire.CodeInvalidToken},
		{"to an ID token", idToken, 401, wire.CodeInvalidToken},
		{"to a signed answer of its own", get(w, w.For("signed", "openid")).body, 401, wire.CodeInvalidToken},
		{"to a refresh token", string(w.Start("web", "openid").RefreshToken), 401, wire.CodeInvalidToken},
		{"to a bound token without a proof", w.For("web", "openid", livetest.Bound("jkt")), 401, wire.CodeInvalidToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { get(w, c.raw).refused(c.status, c.code) })
	}
	disabled := w.For("web", "openid")
	get(w, disabled).ok()
	w.ChangeUser(func(u *data.User) { u.Disabled = true })
	t.Run("about somebody who was disabled", func(t *testing.T) { get(w, disabled).refused(401, wire.CodeInvalidToken) })
}

func TestNothingIsSaidOfAPersonWhoIsDeleted(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw := w.For("web", "openid")
	get(w, raw).ok()
	if err := w.Store.DeleteUser(t.Context(), w.User.ID); err != nil {
		t.Fatal(err)
	}
	get(w, raw).refused(401, wire.CodeInvalidToken)
}

// RFC 9449, section 7.1.
func TestABoundTokenComesWithAProofForUserinfo(t *testing.T) {
	w := livetest.New(t, livetest.Options{Nonces: true})
	key := dpoptest.NewKey(t, "ES256")
	raw := w.For("web", "openid", livetest.Bound(key.JKT()))
	send := func(url, nonce string) answered {
		r := httptest.NewRequest(http.MethodGet, "/oauth2/userinfo", nil)
		r.Header.Set("Authorization", "DPoP "+raw)
		r.Header.Set("DPoP", key.Proof("GET", url, w.Clock.Now(), dpoptest.ForToken(raw), dpoptest.WithNonce(nonce)))
		return ask(t, w, r)
	}
	send(here, "").refused(401, wire.CodeUseDPoPNonce)
	got := send(here, w.DPoP.Nonce())
	got.ok()
	if got.rec.Header().Get("DPoP-Nonce") == "" {
		t.Error("there is no next nonce (section 8.2)")
	}
	send(livetest.Issuer+"/me", w.DPoP.Nonce()).refused(401, wire.CodeInvalidDPoPProof)
}

func FuzzUserinfo(f *testing.F) {
	w := livetest.New(f, livetest.Options{})
	person := mint.Access{Subject: "x", ClientID: "web", Scope: "openid"}
	f.Add("application/x-www-form-urlencoded", "access_token="+w.Sign([]string{"api"}, person))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/oauth2/userinfo", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		if got := ask(t, w, r); got.err == nil || got.err.Status >= 500 || got.err.Challenge == "" && got.err.Status != 413 {
			t.Errorf("%q %q: got %#v %s", contentType, body, got.err, got.body)
		}
	})
}

// newEcho writes JSON as the issuer does.
func newEcho() *echo.Echo {
	e := echo.New()
	e.JSONSerializer = serializer{}
	return e
}

type serializer struct{ echo.DefaultJSONSerializer }

func (serializer) Serialize(c echo.Context, v any, _ string) error {
	return wirejson.MarshalWrite(c.Response(), v)
}
