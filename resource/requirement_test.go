package resource_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// authenticated edits how and when, before now, the person signed in.
func authenticated(acr string, ago time.Duration, more ...func(*token.Claims)) func(*token.Claims) {
	return func(c *token.Claims) {
		c.ACR, c.AuthTime = acr, token.At(time.Now().Add(-ago))
		for _, edit := range more {
			edit(c)
		}
	}
}

func TestAWeakOrOldSignInIsAskedToStepUp(t *testing.T) {
	now := time.Now().Truncate(time.Second).Add(time.Second / 2)
	clock := resource.WithNow(func() time.Time { return now })
	i := issuertest.New(t, issuerURL)
	at := func(acr string, ago time.Duration) string {
		return i.Token(func(c *token.Claims) { c.ACR, c.AuthTime = acr, token.At(now.Add(-ago)) })
	}
	none := i.Token(func(c *token.Claims) { c.ACR, c.AuthTime = "", 0 })
	const five = 5 * time.Minute
	for _, c := range []struct {
		name  string
		token string
		need  resource.Requirement
		opts  []resource.Option
		ok    bool
	}{
		{"the acr that is needed", at("gold", 0), resource.Requirement{ACR: []string{"gold"}}, nil, true},
		{"the second best that is needed", at("silver", 0), resource.Requirement{ACR: []string{"gold", "silver"}}, nil, true},
		{"another acr", at("1", 0), resource.Requirement{ACR: []string{"gold"}}, nil, false},
		{"the acr in another case", at("Gold", 0), resource.Requirement{ACR: []string{"gold"}}, nil, false},
		{"no acr", none, resource.Requirement{ACR: []string{"gold"}}, nil, false},
		{"no acr where the empty one is named", none, resource.Requirement{ACR: []string{""}}, nil, false},
		{"no acr where none is needed", none, resource.Requirement{}, nil, true},
		{"just now", at("1", 0), resource.Requirement{MaxAge: five}, nil, true},
		{"to the second old enough", at("1", five), resource.Requirement{MaxAge: five}, nil, true},
		{"a second too long ago", at("1", five+time.Second), resource.Requirement{MaxAge: five}, nil, false},
		{"a second too long ago, with leeway", at("1", five+time.Second), resource.Requirement{MaxAge: five}, []resource.Option{resource.WithLeeway(time.Second)}, true},
		{"no auth_time", none, resource.Requirement{MaxAge: five}, nil, false},
		{"no auth_time, and a lifetime would do", none, resource.Requirement{MaxAge: 100 * 365 * 24 * time.Hour}, nil, false},
		{"ahead by less than the skew", at("1", -29*time.Second), resource.Requirement{MaxAge: five}, nil, true},
		{"ahead by more than the skew", at("1", -31*time.Second), resource.Requirement{MaxAge: five}, nil, false},
		{"a fraction of a second is a whole one", at("1", time.Second), resource.Requirement{MaxAge: time.Millisecond}, nil, true},
		{"a negative age", at("1", -20*time.Second), resource.Requirement{MaxAge: -time.Second}, nil, false},
		{"strong and recent", at("gold", time.Minute), resource.Requirement{ACR: []string{"gold"}, MaxAge: five}, nil, true},
		{"strong but old", at("gold", time.Hour), resource.Requirement{ACR: []string{"gold"}, MaxAge: five}, nil, false},
		{"recent but weak", at("1", time.Minute), resource.Requirement{ACR: []string{"gold"}, MaxAge: five}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVerifier(t, append(c.opts, static(i.Key()), clock)...)
			tok, err := v.Verify(t.Context(), c.token)
			if err != nil {
				t.Fatal(err)
			}
			err = v.Check(tok, c.need)
			if c.ok {
				if err != nil {
					t.Fatalf("got %v", err)
				}
				return
			}
			var up *resource.StepUpError
			if !errors.As(err, &up) || !errors.Is(err, resource.ErrInsufficientAuthentication) || errors.Is(err, resource.ErrInvalidToken) {
				t.Fatalf("got %v", err)
			}
			if !reflect.DeepEqual(up.ACR, c.need.ACR) || up.MaxAge != c.need.MaxAge {
				t.Errorf("asks for %v within %v, and %v was needed", up.ACR, up.MaxAge, c.need)
			}
		})
	}
}

func TestTheChallengeToStepUpIsThatOfRFC9470(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	const begin = `Bearer error="insufficient_user_authentication", error_description="the person has to authenticate again, as is needed here", `
	const body = `{"error":"insufficient_user_authentication","error_description":"the person has to authenticate again, as is needed here"}` + "\n"
	const scope = `Bearer error="insufficient_scope", error_description="the token lacks a scope that is needed here", scope="posts write", `
	old := authenticated("1", time.Hour)
	for _, c := range []struct {
		name      string
		need      resource.Requirement
		status    int
		challenge string
	}{
		{"a way to authenticate", resource.Requirement{ACR: []string{"gold", "silver"}}, 401, begin + `acr_values="gold silver", `},
		{"an age", resource.Requirement{MaxAge: 5 * time.Second}, 401, begin + `max_age="5", `},
		{"an age that is no whole second", resource.Requirement{MaxAge: 1500 * time.Millisecond}, 401, begin + `max_age="2", `},
		{"a negative age", resource.Requirement{MaxAge: -time.Hour}, 401, begin + `max_age="0", `},
		{"both, of which one is met", resource.Requirement{ACR: []string{"1"}, MaxAge: time.Minute}, 401, begin + `acr_values="1", max_age="60", `},
		{"a scope that is there", resource.Requirement{Scopes: []string{"posts"}, MaxAge: time.Minute}, 401, begin + `max_age="60", `},
		{"a scope that is missing too", resource.Requirement{Scopes: []string{"posts", "write"}, MaxAge: time.Minute}, 401, begin + `max_age="60", scope="posts write", `},
		{"a scope alone", resource.Requirement{Scopes: []string{"posts", "write"}, MaxAge: 2 * time.Hour}, 403, scope},
		{"a role that no sign-in gives", resource.Requirement{Roles: []string{"author", "admin"}, MaxAge: time.Minute}, 403,
			`Bearer error="insufficient_scope", error_description="the role admin is needed here", `},
		{"characters that a parameter cannot hold", resource.Requirement{ACR: []string{"a\"b\\\r\nX: y"}}, 401, begin + `acr_values="abX: y", `},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(v.Require(c.need)(whoami), "Bearer "+i.Token(old))
			if got, want := challenges(w), c.challenge+metadataParam; w.Code != c.status || got != want {
				t.Errorf("got  %d %s\nwant %d %s", w.Code, got, c.status, want)
			}
			if c.status == 401 && w.Body.String() != body {
				t.Errorf("body %s", w.Body)
			}
		})
	}
}

func TestABoundTokenIsAskedToStepUpByItsOwnScheme(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	c := newClient(t, i, "ES256", authenticated("1", time.Hour))
	w := ask(v.Require(resource.Requirement{MaxAge: time.Minute})(whoami), "DPoP "+c.token, c.prove())
	got := challenges(w)
	if w.Code != 401 || !strings.HasPrefix(got, `DPoP error="insufficient_user_authentication", `) || !strings.Contains(got, `max_age="60"`) || strings.Contains(got, "Bearer") {
		t.Errorf("got %d %s", w.Code, got)
	}
}

func TestARequirementLetsPassWhoFulfilsAllOfIt(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	need := resource.Requirement{Scopes: []string{"openid", "posts"}, Roles: []string{"author", "editor"}, ACR: []string{"gold"}, MaxAge: time.Minute}
	good := func(c *token.Claims) { c.Roles = []string{"editor", "author"} }
	h := v.Middleware(v.Require(need)(whoami))
	for _, c := range []struct {
		name   string
		edit   func(*token.Claims)
		status int
	}{
		{"all", func(*token.Claims) {}, 200},
		{"a scope less", func(c *token.Claims) { c.Scope = "openid" }, 403},
		{"a role less", func(c *token.Claims) { c.Roles = []string{"editor"} }, 403},
		{"a weaker sign-in", func(c *token.Claims) { c.ACR = "1" }, 401},
		{"an older sign-in", func(c *token.Claims) { c.AuthTime -= 120 }, 401},
	} {
		if w := ask(h, "Bearer "+i.Token(authenticated("gold", 0, good, c.edit))); w.Code != c.status {
			t.Errorf("with %s: got %d %s", c.name, w.Code, challenges(w))
		}
	}
}

// A handler may learn only late what it needs.
func TestAHandlerCanAskToStepUpItself(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	h := v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tok, _ := resource.FromContext(r.Context())
		if err := v.Check(tok, resource.Requirement{ACR: []string{"gold"}}); err != nil {
			v.WriteError(w, err)
		}
	}))
	if w := ask(h, "Bearer "+i.Token(authenticated("1", 0))); w.Code != 401 || !strings.Contains(challenges(w), `acr_values="gold"`) {
		t.Errorf("got %d %s", w.Code, challenges(w))
	}
	if w := ask(h, "Bearer "+i.Token(authenticated("gold", 0))); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, challenges(w))
	}
}

func TestARefusalSaysWhatWriteErrorWrites(t *testing.T) {
	v := newVerifier(t, static(), ourselves, resource.WithDPoPNonces(make([]byte, 32)))
	for _, err := range []error{resource.ErrNoToken, resource.ErrRequest, resource.ErrExpired, resource.ErrNonce, resource.ErrReplay, resource.ErrUnavailable,
		&resource.InsufficientError{Scopes: []string{"a"}}, &resource.StepUpError{MaxAge: time.Second}, errors.New("a secret")} {
		w := httptest.NewRecorder()
		v.WriteError(w, err)
		r := v.Refuse(err)
		body := `{"error":"` + r.Code + `","error_description":"` + r.Description + "\"}\n"
		if w.Code != r.Status || w.Body.String() != body || !reflect.DeepEqual(w.Header()["Www-Authenticate"], r.Challenges) {
			t.Errorf("%v: got %+v, want %d %s %v", err, r, w.Code, w.Body, w.Header())
		}
	}
}
