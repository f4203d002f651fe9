package introspect

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/live/livetest"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// RFC 7662, section 2.2; the answers as they are on the wire.
func TestTheAnswerSaysWhatTheTokenDoes(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	person := string(w.User.ID)
	issued := w.Start("web", "openid posts", func(r *grant.StartRequest) { r.Authorization.ACR = "1" })
	access := w.Token(issued)
	jti := func(raw string) string {
		a, err := w.Live.Access(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		return a.ID
	}
	asks(w, "web", access).says(`{"active":true,"scope":"openid posts","client_id":"web","token_type":"Bearer","exp":1935818289,"iat":1935817689,` +
		`"sub":"` + person + `","aud":["api"],"iss":"https://id.example","jti":"` + jti(access) + `","roles":["admin"],"auth_time":1935817629,"acr":"1"}`)

	own := w.Own("service", "posts")
	asks(w, "service", own).says(`{"active":true,"scope":"posts","client_id":"service","token_type":"Bearer","exp":1935818289,"iat":1935817689,` +
		`"sub":"service","aud":["api"],"iss":"https://id.example","jti":"` + jti(own) + `"}`)

	bound := w.Sign([]string{"api", "files"}, mint.Access{Subject: "service", ClientID: "service", JKT: "the-thumbprint"})
	asks(w, "service", bound).says(`{"active":true,"client_id":"service","token_type":"DPoP","exp":1935818289,"iat":1935817689,` +
		`"sub":"service","aud":["api","files"],"iss":"https://id.example","jti":"` + jti(bound) + `","cnf":{"jkt":"the-thumbprint"}}`)

	exchanged := w.Exchanged(issued, "private", "posts")
	if said := asks(w, "private", exchanged).active(); said.Actor == nil || said.Actor.Subject != "private" || said.Sub == person || said.Scope != "posts" {
		t.Errorf("got %+v", said)
	}

	refresh := `{"active":true,"scope":"openid posts","client_id":"web","token_type":"N_A","exp":` + strconv.FormatInt(issued.Grant.ExpiresAt.Unix(), 10) +
		`,"iat":1935817689,"sub":"` + person + `","iss":"https://id.example","auth_time":1935817629,"acr":"1"}`
	asks(w, "web", string(issued.RefreshToken)).says(refresh)

	key := w.Start("app", "openid", func(r *grant.StartRequest) { r.Authorization.JKT = "the-thumbprint" })
	asks(w, "app", string(key.RefreshToken)).refused(401, wire.CodeInvalidClient)
}

// RFC 7662, section 2.1: "if the server is unable to locate the token using the
// given hint, it MUST extend its search".
func TestAHintChangesNothing(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	access := w.Token(issued)
	for _, raw := range []string{access, string(issued.RefreshToken)} {
		want := asks(w, "web", raw).body
		for _, hint := range []string{"access_token", "refresh_token", "pct", ""} {
			asks(w, "web", raw, "token_type_hint", hint).says(want)
		}
	}
	for _, hint := range []string{"access_token", "refresh_token", "nonsense"} {
		asks(w, "web", "unknown", "token_type_hint", hint).says(inactive)
	}
	asks(w, "web", access, "token_type_hint", "a", "token_type_hint", "b").refused(400, wire.CodeInvalidRequest)
}

// RFC 7662, sections 2.1, 2.3 and 4.
func TestOnlyThoseWhoMayAskAreAnswered(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	access := w.For("web", "openid")
	const wrong = "Basic d2ViOndyb25n" // web:wrong
	form := http.Header{}
	cases := []struct {
		name string
		got  answered
		code string
	}{
		{"nobody", asks(w, "", access), wire.CodeInvalidClient},
		{"a client that is not known", asks(w, "nobody", access), wire.CodeInvalidClient},
		{"a client with a wrong secret", asks(w, "", access, "Authorization:", wrong), wire.CodeInvalidClient},
		{"a client that leaves its secret out", asks(w, "", access, "client_id", "web"), wire.CodeInvalidClient},
		{"a client in two ways", asks(w, "web", access, "client_secret", livetest.Secrets["web"]), wire.CodeInvalidRequest},
		{"a public client", asks(w, "app", access), wire.CodeInvalidClient},
		{"a public client, about its own token", asks(w, "app", w.For("app", "openid")), wire.CodeInvalidClient},
		{"the built-in client", asks(w, "signet", w.For("signet", "")), wire.CodeInvalidClient},
		{"whoever has a token for it", asks(w, "", access, "Authorization:", "Bearer "+access), wire.CodeInvalidClient},
		{"no token", asks(w, "web", ""), wire.CodeInvalidRequest},
		{"two tokens", asks(w, "web", access, "token", access), wire.CodeInvalidRequest},
		{"another media type", raw(t, w, introspection, "{}", http.Header{"Content-Type": {"application/json"}}), wire.CodeInvalidRequest},
		{"nothing at all", raw(t, w, introspection, "", form), wire.CodeInvalidClient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status := map[string]int{wire.CodeInvalidClient: 401, wire.CodeInvalidRequest: 400}[c.code]
			c.got.refused(status, c.code)
		})
	}
}

// RFC 7662, section 2.2: for a token that is not active, or that the asker may
// not know of, the answer says that, and not why.
func TestATokenThatIsNotTheAskersBusinessIsLikeNone(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	forAPI := w.For("web", "openid")
	forFiles := w.Sign([]string{"files"}, mint.Access{Subject: "web", ClientID: "web"})
	forBoth := w.Sign([]string{"files", "api"}, mint.Access{Subject: "web", ClientID: "web"})
	first := w.For("signet", "")
	refresh := string(w.Start("web", "openid").RefreshToken)
	cases := []struct {
		name, asker, token string
		knows              bool
	}{
		{"the client of an access token", "web", forAPI, true},
		{"the client of a refresh token", "web", refresh, true},
		{"the server of its audience", "api", forAPI, true},
		{"the server of its audience, about the built-in client's", "api", first, true},
		{"the server of one of its audiences", "api", forBoth, true},
		{"the server of another audience", "api", forFiles, false},
		{"who guards all audiences", "gateway", forFiles, true},
		{"who guards all audiences, about a refresh token", "gateway", refresh, false},
		{"the server of its audience, about a refresh token", "api", refresh, false},
		{"another client", "other", forAPI, false},
		{"another client, about a refresh token", "other", refresh, false},
		{"another client, which may exchange tokens", "service", forAPI, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for range 2 {
				before := w.Engine.Views.Load()
				got := asks(w, c.asker, c.token)
				if c.knows {
					got.active()
					continue
				}
				got.says(inactive)
				if n := w.Engine.Views.Load() - before; n != 0 && c.token != refresh {
					t.Errorf("the store was asked %d times, which takes its time", n)
				}
			}
		})
	}
}

func TestATokenThatIsOverIsNotActive(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	ctx := t.Context()
	if err := w.Store.CreateClient(ctx, data.Client{ID: "stored"}, 0); err != nil {
		t.Fatal(err)
	}
	issued := w.Start("web", "openid")
	access := w.Token(issued)
	ended := w.Start("web", "openid")
	if _, err := w.Grants.EndByID(ctx, ended.Grant.ID, w.User.ID); err != nil {
		t.Fatal(err)
	}
	removed := w.For("stored", "openid")
	asks(w, "gateway", removed).active()
	if err := w.Store.DeleteClient(ctx, "stored"); err != nil {
		t.Fatal(err)
	}
	good := string(issued.RefreshToken)
	for name, raw := range map[string]string{
		"an unknown text":                              "unknown",
		"a forged refresh token":                       good[:len(good)-6] + "AAAAAA",
		"an access token of a grant that has ended":    w.Token(ended),
		"a refresh token of a grant that has ended":    string(ended.RefreshToken),
		"a token of a client that was removed":         removed,
		"a token that is cut short":                    access[:len(access)-1],
		"a token of another kind":                      w.Raw(token.TypID, w.Claims()),
		"an answer to an introspection":                asks(w, "signed", "unknown").body,
		"a token with a line end behind it":            access + "\n",
		"a very long text":                             strings.Repeat("a", 60_000),
		"an authorization code":                        "signet_ac_AAAA",
		"a refresh token with a space in front of it":  " " + good,
		"a refresh token's prefix":                     grant.Prefix,
		"a text that is not UTF-8 but would be a form": "%ff",
	} {
		t.Run(name, func(t *testing.T) { asks(w, "gateway", raw).says(inactive); asks(w, "web", raw).says(inactive) })
	}
	asks(w, "web", access).active()
	w.Clock.Pass(10 * time.Minute)
	asks(w, "web", access).says(inactive)
	asks(w, "web", good).active()
	w.ChangeUser(func(u *data.User) { u.Disabled = true })
	asks(w, "web", good).says(inactive)
}

// Whoever was answered has the successor: the spent one is active for nobody,
// although within the grace a lost answer would be given again.
func TestOnlyTheNewestRefreshTokenIsActive(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	first := string(issued.RefreshToken)
	asks(w, "web", first).active()
	turned, err := w.Grants.Turn(t.Context(), first, nil)
	if err != nil {
		t.Fatal(err)
	}
	second := string(turned.RefreshToken)
	asks(w, "web", first).says(inactive)
	asks(w, "web", second).active()
	again, err := w.Grants.Turn(t.Context(), first, nil) // asking changed nothing
	if err != nil || again.Outcome != grant.Repeated || string(again.RefreshToken) != second {
		t.Fatalf("got %v, %v", again.Outcome, err)
	}
	w.Clock.Pass(time.Minute)
	asks(w, "web", first).says(inactive)
	asks(w, "web", second).active()
	w.Clock.Pass(31 * 24 * time.Hour)
	asks(w, "web", second).says(inactive)
}

func FuzzIntrospect(f *testing.F) {
	w := livetest.New(f, livetest.Options{})
	basic := "Basic d2ViOnRoZS13ZWItYXBwLXMtc2VjcmV0LW9mLTMyLWJ5dGVz" // of web
	f.Add(basic, "token=x&token_type_hint=access_token", "")
	f.Add("", "token=x&client_id=app", "application/token-introspection+jwt")
	f.Fuzz(func(t *testing.T, authorization, body, accept string) {
		header := http.Header{}
		if authorization != "" {
			header["Authorization"] = []string{authorization}
		}
		if accept != "" {
			header["Accept"] = []string{accept}
		}
		got := raw(t, w, introspection, body, header)
		switch {
		case got.err != nil && got.err.Status >= 500:
			t.Errorf("%q: got %v", body, got.err)
		case got.err == nil && authorization == "" && !strings.Contains(body, "client_secret"):
			t.Errorf("%q: a client that did not authenticate was answered %s", body, got.body)
		case got.err == nil && strings.Contains(got.body, `"active":true`):
			t.Errorf("%q: active", body)
		}
	})
}
