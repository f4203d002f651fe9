package live_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/live"
	"signet/idp/internal/live/livetest"
	"signet/idp/internal/mint"
	"signet/resource/token"
)

func read(t testing.TB, w *livetest.World, raw string) live.Access {
	t.Helper()
	a, err := w.Live.Access(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func isDead(t testing.TB, w *livetest.World, raw string) {
	t.Helper()
	if a, err := w.Live.Access(t.Context(), raw); !errors.Is(err, live.ErrDead) {
		t.Fatalf("got %+v, %v", a, err)
	}
}

func TestALiveTokenIsReadTheSameAtEverySight(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid posts")
	raw := w.Token(issued)
	for sight := range 3 {
		a := read(t, w, raw)
		if a.Subject != string(w.User.ID) || a.ClientID != "web" || a.Scope != "openid posts" || !a.Person ||
			a.Grant.ID != issued.Grant.ID || a.User.Email != "ada@example.com" || a.Client == nil || a.Client.ID != "web" {
			t.Fatalf("sight %d: got %+v", sight, a)
		}
		own := read(t, w, w.Own("service", "posts"))
		if own.Person || own.Subject != "service" || own.Client.ID != "service" || own.User.ID != "" {
			t.Fatalf("sight %d: got %+v", sight, own)
		}
		first := read(t, w, w.For("signet", ""))
		if !first.Person || first.Client != nil || first.User.ID != w.User.ID {
			t.Fatalf("sight %d: got %+v", sight, first)
		}
	}
}

// Whatever makes a token dead does so at the next sight, although its signature
// is remembered.
func TestWhatIsRememberedIsAskedForAgain(t *testing.T) {
	ctx := context.Background()
	cases := []struct {
		name string
		end  func(t *testing.T, w *livetest.World, issued grant.Issued, raw string)
	}{
		{"the token is revoked", func(t *testing.T, w *livetest.World, _ grant.Issued, raw string) {
			if err := w.Live.Revoke(ctx, read(t, w, raw)); err != nil {
				t.Fatal(err)
			}
		}},
		{"the grant ends", func(t *testing.T, w *livetest.World, issued grant.Issued, _ string) {
			if _, err := w.Grants.EndByID(ctx, issued.Grant.ID, w.User.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"the person is disabled", func(_ *testing.T, w *livetest.World, _ grant.Issued, _ string) {
			w.ChangeUser(func(u *data.User) { u.Disabled = true })
		}},
		{"all grants of the person end", func(t *testing.T, w *livetest.World, _ grant.Issued, _ string) {
			if err := w.Store.EndUserGrants(ctx, w.User.ID, nil); err != nil {
				t.Fatal(err)
			}
		}},
		{"the person is deleted", func(t *testing.T, w *livetest.World, _ grant.Issued, _ string) {
			if err := w.Store.DeleteUser(ctx, w.User.ID); err != nil {
				t.Fatal(err)
			}
		}},
		{"the client is removed", func(t *testing.T, w *livetest.World, _ grant.Issued, _ string) {
			if err := w.Store.DeleteClient(ctx, "stored"); err != nil {
				t.Fatal(err)
			}
		}},
		{"exp comes", func(_ *testing.T, w *livetest.World, _ grant.Issued, _ string) { w.Clock.Pass(10 * time.Minute) }},
		{"the clock jumps back", func(_ *testing.T, w *livetest.World, _ grant.Issued, _ string) { w.Clock.Pass(-48 * time.Hour) }},
		{"the key is revoked", func(t *testing.T, w *livetest.World, _ grant.Issued, raw string) {
			parsed, _ := token.ParseCompact(raw)
			if _, err := w.Ring.Revoke(ctx, parsed.Header.KID, "a test"); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := livetest.New(t, livetest.Options{Ring: livetest.NewRing(t)})
			if err := w.Store.CreateClient(ctx, data.Client{ID: "stored"}, 0); err != nil {
				t.Fatal(err)
			}
			issued := w.Start("stored", "openid")
			raw := w.Token(issued)
			for range 2 {
				read(t, w, raw)
			}
			c.end(t, w, issued, raw)
			for range 2 {
				isDead(t, w, raw)
			}
		})
	}
}

func TestWhatChangesIsSeenAtTheNextSight(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	issued := w.Start("web", "openid")
	raw := w.Token(issued)
	read(t, w, raw)
	w.ChangeUser(func(u *data.User) { u.Profile.Name = "Countess Lovelace" })
	if a := read(t, w, raw); a.User.Profile.Name != "Countess Lovelace" {
		t.Errorf("got %q", a.User.Profile.Name)
	}
	w.Clock.Pass(time.Second)
	turned, err := w.Grants.Turn(t.Context(), string(issued.RefreshToken), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := read(t, w, raw); a.Grant.Current != turned.Grant.Current || a.User.Profile.Name != "Countess Lovelace" {
		t.Errorf("got generation %d", a.Grant.Current)
	}
}

func TestATokenOutlivesNeitherItsClientNorTheOneItWasExchangedFrom(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	for _, id := range []string{"giver", "taker"} {
		if err := w.Store.CreateClient(t.Context(), data.Client{ID: id}, 0); err != nil {
			t.Fatal(err)
		}
	}
	exchanged := w.Exchanged(w.Start("giver", "openid"), "taker", "openid")
	own := w.Sign([]string{"api"}, mint.Access{Subject: "giver", ClientID: "taker"})
	if a := read(t, w, exchanged); a.Client.ID != "taker" || a.Actor == nil {
		t.Errorf("got %+v", a)
	}
	read(t, w, own)
	if err := w.Store.DeleteClient(t.Context(), "giver"); err != nil {
		t.Fatal(err)
	}
	isDead(t, w, exchanged)
	isDead(t, w, own)
}

// another is a letter of base64url that is not c.
func another(c byte) string {
	if c == 'x' {
		return "y"
	}
	return "x"
}

func TestATokenIsDeadFromTheStart(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	good := w.For("web", "openid")
	changed := func(name string, value any) string {
		claims := w.Claims()
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
		return w.Raw(token.TypAccess, claims)
	}
	read(t, w, changed("scope", "posts"))
	parts := strings.Split(good, ".")
	header := func(json string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(json)) + "." + parts[1] + "." + parts[2]
	}
	parsed, _ := token.ParseCompact(good)
	kid := parsed.Header.KID
	now := w.Clock.Now()
	cases := map[string]string{
		"because it is empty":                         "",
		"because it is too long":                      strings.Repeat("a", token.MaxLength+1),
		"because it is cut short":                     good[:len(good)-1],
		"because a letter of it is another":           good[:len(good)-10] + another(good[len(good)-10]) + good[len(good)-9:],
		"because its payload is another token's":      parts[0] + "." + strings.Split(w.For("web", "openid posts"), ".")[1] + "." + parts[2],
		"because it is a refresh token":               string(w.Start("web", "openid").RefreshToken),
		"because it has no signature":                 parts[0] + "." + parts[1] + ".",
		"with the algorithm none":                     header(`{"alg":"none","typ":"at+jwt","kid":"` + kid + `"}`),
		"with a MAC":                                  header(`{"alg":"HS256","typ":"at+jwt","kid":"` + kid + `"}`),
		"with another algorithm than its key's":       header(`{"alg":"RS256","typ":"at+jwt","kid":"` + kid + `"}`),
		"without a kid":                               header(`{"alg":"ES256","typ":"at+jwt"}`),
		"with a kid that is none of ours":             header(`{"alg":"ES256","typ":"at+jwt","kid":"k"}`),
		"with a key that it brings along":             header(`{"alg":"ES256","typ":"at+jwt","kid":"` + kid + `","jwk":{}}`),
		"with an extension":                           header(`{"alg":"ES256","typ":"at+jwt","kid":"` + kid + `","crit":["b64"]}`),
		"because it is an ID token":                   w.Raw(token.TypID, w.Claims()),
		"because it is a logout token":                w.Raw(token.TypLogout, w.Claims()),
		"because it is an answer to an introspection": w.Raw(token.TypIntrospection, w.Claims()),
		"of another issuer":                           changed("iss", "https://evil.example"),
		"without an issuer":                           changed("iss", nil),
		"without a subject":                           changed("sub", nil),
		"without a client":                            changed("client_id", nil),
		"without a jti":                               changed("jti", nil),
		"without an iat":                              changed("iat", nil),
		"without an exp":                              changed("exp", nil),
		"that has expired":                            changed("exp", now.Unix()),
		"from the future":                             changed("iat", now.Add(31*time.Second).Unix()),
		"that is not good yet":                        changed("nbf", now.Add(31*time.Second).Unix()),
		"bound to what nobody knows here":             changed("cnf", map[string]any{"x5t#S256": "x"}),
		"with a subject of another type":              changed("sub", 1),
		"with a sid that names nothing":               changed("sid", "sid"),
		"with a sid of a grant that is not there":     changed("sid", strings.Repeat("B", 21)+"A"),
		"with a sid of zeros":                         changed("sid", strings.Repeat("A", 22)),
		"of a client that is not there":               changed("client_id", "nobody"),
		"about a client that is not there":            changed("sub", "nobody"),
		"of the built-in client about itself":         w.Own("signet", "posts"),
		"of a client whose document nobody may have":  w.Own("https://evil.example/client", "posts"),
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			isDead(t, w, raw)
			isDead(t, w, raw)
		})
	}
}

// A failure of the store is no verdict about the token.
func TestATokenIsNotDeadBecauseTheStoreIsDown(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw := w.For("web", "openid")
	for range 2 { // at first sight, and remembered
		w.Engine.Down.Store(true)
		if _, err := w.Live.Access(t.Context(), raw); !errors.Is(err, livetest.ErrDown) || errors.Is(err, live.ErrDead) {
			t.Errorf("got %v", err)
		}
		w.Engine.Down.Store(false)
		read(t, w, raw)
	}
}

// One view tells all that the store has to say; of a token that is not the
// caller's it is not asked, so nothing can be told from the time that it takes.
func TestTheStoreIsAskedOnceAndOfTheCallersTokensOnly(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw := w.For("web", "openid")
	for range 3 {
		before := w.Engine.Views.Load()
		read(t, w, raw)
		if n := w.Engine.Views.Load() - before; n != 1 {
			t.Errorf("the store was read %d times", n)
		}
		before = w.Engine.Views.Load()
		if _, err := w.Live.AccessIf(t.Context(), raw, func(c token.Claims) bool { return c.ClientID == "other" }); !errors.Is(err, live.ErrDead) {
			t.Errorf("got %v", err)
		}
		if n := w.Engine.Views.Load() - before; n != 0 {
			t.Errorf("the store was read %d times about another's token", n)
		}
	}
}

// Four of the allocations are the engine's in memory, and one comes with the
// race detector. The number is what a change must not raise unseen.
func TestATokenThatWasSeenBeforeCostsFewAllocations(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	for name, raw := range map[string]string{"of a person": w.For("web", "openid"), "of a client": w.Own("service", "posts")} {
		read(t, w, raw)
		ctx := context.Background()
		n := testing.AllocsPerRun(100, func() {
			if _, err := w.Live.Access(ctx, raw); err != nil {
				t.Fatal(err)
			}
		})
		if n > 8 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestATokenIsDeadToAllWhoAskAfterItWasRevoked(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw := w.For("web", "openid")
	a := read(t, w, raw)
	start, revoked := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			<-start
			for over := false; !over; {
				select {
				case <-revoked:
					over = true
				default:
				}
				if _, err := w.Live.Access(context.Background(), raw); over && !errors.Is(err, live.ErrDead) || err != nil && !errors.Is(err, live.ErrDead) {
					t.Errorf("got %v, revoked %t", err, over)
				}
			}
		})
	}
	close(start)
	if err := w.Live.Revoke(t.Context(), a); err != nil {
		t.Error(err)
	}
	close(revoked)
	all.Wait()
}

func TestARevokedTokenStaysDeadUntilItWouldHaveEnded(t *testing.T) {
	w := livetest.New(t, livetest.Options{})
	raw, own, other := w.For("web", "openid"), w.Own("service", "posts"), w.For("web", "openid")
	for _, token := range []string{raw, own} {
		if err := w.Live.Revoke(t.Context(), read(t, w, token)); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		isDead(t, w, raw)
		isDead(t, w, own)
		w.Clock.Pass(59 * time.Second)
	}
	read(t, w, other)
	w.Clock.Pass(time.Minute)
	isDead(t, w, raw)
}

func FuzzAccess(f *testing.F) {
	w := livetest.New(f, livetest.Options{})
	good := w.For("web", "openid")
	f.Add(good)
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := w.Live.Access(context.Background(), raw); raw != good && !errors.Is(err, live.ErrDead) {
			t.Errorf("%q: %v", raw, err)
		}
	})
}
