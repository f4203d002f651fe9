package session

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

func TestASignInIsRemembered(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			b := w.newBrowser()
			if s := b.load(); len(s.Accounts) != 0 || !s.Hash.IsZero() {
				t.Fatalf("a stranger: %+v", s)
			}
			account := b.signIn(w.ann)
			w.open("https://id.example.com") // a restart
			s := b.load()
			got, ok := s.Account(account.ID)
			if !ok || got.Person.Email != "ann@example.com" || got.User != w.ann.ID || !got.AuthTime.Equal(w.clock.Now()) || !slices.Equal(got.AMR, []string{"pwd"}) {
				t.Fatalf("%+v", s)
			}
			if _, ok := s.Account("other"); ok {
				t.Fatal("an account that is not there")
			}
		})
	}
}

func TestTheCookies(t *testing.T) {
	for _, c := range []struct {
		issuer, session, browser string
		secure                   bool
	}{
		{"https://id.example.com", "__Host-signet_session", "__Host-signet_browser", true},
		{"https://id.example.com/", "__Host-signet_session", "__Host-signet_browser", true},
		{"https://id.example.com/a/b", "__Host-signet_session_c14cddc0", "__Host-signet_browser_c14cddc0", true},
		{"http://localhost:4000", "signet_plain_session", "signet_plain_browser", false},
	} {
		w := newWorld(t, mem.New())
		w.open(c.issuer)
		b := w.newBrowser()
		rec := httptest.NewRecorder()
		w.Browser(rec, b.request())
		b.take(rec)
		proof := *b.last[0]
		b.signIn(w.ann)
		for _, got := range []*http.Cookie{&proof, b.last[0]} {
			if got.Path != "/" || got.Domain != "" || !got.HttpOnly || got.Secure != c.secure || got.SameSite != http.SameSiteLaxMode {
				t.Errorf("%s: %s", c.issuer, got.Raw)
			}
		}
		if b.last[0].Name != c.session || b.last[0].MaxAge != int(testMax/time.Second) {
			t.Errorf("%s: %s", c.issuer, b.last[0].Raw)
		}
		if proof.Name != c.browser || proof.MaxAge != 0 || !proof.Expires.IsZero() {
			t.Errorf("%s: %s", c.issuer, proof.Raw)
		}
	}
}

// The store must not help who reads it.
func TestTheStoreHoldsNoCookie(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	name, secret, _ := strings.Cut(b.cookie(), ".")
	must(t, w.engine.View(t.Context(), func(r reader) error {
		return r.Scan(nil, nil, func(key, value []byte) bool {
			if text := string(key) + string(value); strings.Contains(text, name) || strings.Contains(text, secret) {
				t.Errorf("%q has the cookie", key)
			}
			return true
		})
	}))
}

func TestACookieThatIsNotOursSignsNobodyIn(t *testing.T) {
	w := newWorld(t, mem.New())
	real := w.newBrowser()
	real.signIn(w.ann)
	name, secret, _ := strings.Cut(real.cookie(), ".")
	long := strings.Repeat("A", partSize)
	for what, value := range map[string]string{
		"empty":         "",
		"a name alone":  name,
		"no secret":     name + ".",
		"no name":       "." + secret,
		"too long":      name + "." + secret + "A",
		"three parts":   name + "." + secret + ".x",
		"another name":  long + "." + secret,
		"the other way": secret + "." + name,
	} {
		b := w.newBrowser()
		b.jar[w.session.name] = value
		if s := b.load(); len(s.Accounts) != 0 || len(b.last) != 0 {
			t.Errorf("%s: %+v, %v", what, s, b.last)
		}
	}
	if len(real.who()) != 1 {
		t.Error("the real one was signed out by them")
	}
}

func TestTwoCookiesOfOneNameAreNotBelieved(t *testing.T) {
	w := newWorld(t, mem.New())
	ann, thief := w.newBrowser(), w.newBrowser()
	ann.signIn(w.ann)
	thief.signIn(w.bob)
	for _, order := range [][2]string{{ann.cookie(), thief.cookie()}, {thief.cookie(), ann.cookie()}, {ann.cookie(), ann.cookie()}} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, value := range order {
			r.AddCookie(&http.Cookie{Name: w.session.name, Value: value})
		}
		s, err := w.Load(t.Context(), httptest.NewRecorder(), r)
		if err != nil || len(s.Accounts) != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	if len(ann.who()) != 1 || len(thief.who()) != 1 {
		t.Error("they were signed out by it")
	}
}

func TestAVisitWritesNothingUntilItIsTime(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	for _, step := range []struct {
		after  time.Duration
		writes int64
		cookie bool
	}{
		{0, 0, false},
		{seenEvery - 1, 0, false},
		{1, 1, false}, // the visit is noted
		{time.Minute, 0, false},
		{turnEvery, 1, true}, // a new secret
		{grace, 0, false},
		{seenEvery, 1, false},
		{-time.Hour, 0, false}, // the clock is set back
		{time.Hour, 0, false},
	} {
		w.clock.Move(step.after)
		before := w.engine.Writes.Load()
		if len(b.who()) != 1 {
			t.Fatalf("signed out after %s", step.after)
		}
		if got := w.engine.Writes.Load() - before; got != step.writes || (len(b.last) > 0) != step.cookie {
			t.Errorf("after %s: %d writes and %v", step.after, got, b.last)
		}
	}
}

func TestASessionEnds(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		name   string
		visits []time.Duration // from one to the next
		alive  bool
	}{
		{"not while it is used", []time.Duration{13 * day, 13 * day, 13 * day}, true},
		{"when it was not used for long", []time.Duration{14 * day}, false},
		{"not just before that", []time.Duration{14*day - 1}, true},
		{"at last, however much it is used", slices.Repeat([]time.Duration{10 * day}, 9), false},
		{"and not before that", append(slices.Repeat([]time.Duration{10 * day}, 8), 10*day-1), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mem.New())
			b := w.newBrowser()
			b.signIn(w.ann)
			hash := b.load().Hash
			for i, pause := range c.visits {
				w.clock.Move(pause)
				_, err := w.store.Sweep(t.Context(), 1000)
				must(t, err)
				if got := len(b.who()) == 1; got != (c.alive || i < len(c.visits)-1) {
					t.Fatalf("alive at visit %d: %v", i, got)
				}
			}
			if _, err := w.store.Sessions.Get(t.Context(), hash); errors.Is(err, data.ErrNone) == c.alive {
				t.Errorf("the record: %v", err)
			}
		})
	}
}

// Somebody else's sign-in in the same browser does not lengthen mine.
func TestAnAccountEndsWithItsOwnTime(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	for range 8 {
		w.clock.Move(10 * 24 * time.Hour)
		b.load()
	}
	b.signIn(w.bob)
	if got := b.who(); len(got) != 2 {
		t.Fatal(got)
	}
	w.clock.Move(10 * 24 * time.Hour)
	if got := b.who(); !slices.Equal(got, []data.UserID{w.bob.ID}) {
		t.Fatal(got)
	}
}

func TestWhatEndsAUserEndsTheirAccounts(t *testing.T) {
	for name, end := range map[string]func(w *world) error{
		"an end of all grants": func(w *world) error { return w.store.EndUserGrants(context.Background(), w.ann.ID, nil) },
		"a new password": func(w *world) error {
			_, err := w.store.ChangePassword(context.Background(), w.ann.ID, "", nil)
			return err
		},
		"disabling": func(w *world) error {
			_, err := w.store.ChangeUser(context.Background(), w.ann.ID, func(u *data.User) error { u.Disabled = true; return nil })
			return err
		},
		"deletion": func(w *world) error { return w.store.DeleteUser(context.Background(), w.ann.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, mem.New())
			b := w.newBrowser()
			before := b.signIn(w.ann)
			b.signIn(w.bob)
			if list, err := w.Browsers(t.Context(), w.ann); len(list) != 1 || err != nil {
				t.Errorf("before, %d browsers, %v", len(list), err)
			}
			must(t, end(w))
			if got := b.who(); !slices.Equal(got, []data.UserID{w.bob.ID}) {
				t.Error(got)
			}
			if now, err := w.store.User(t.Context(), w.ann.ID); err == nil && !now.Disabled {
				if list, _ := w.Browsers(t.Context(), now); len(list) != 0 {
					t.Error("a browser is left on the account page")
				}
				if again := b.signIn(now); again.ID == before.ID {
					t.Error("what had ended goes on")
				}
				if got := b.who(); !slices.Equal(got, []data.UserID{w.ann.ID, w.bob.ID}) {
					t.Error(got)
				}
			}
		})
	}
}

func TestASignInWithARecordOfBeforeSignsNobodyIn(t *testing.T) {
	w := newWorld(t, mem.New())
	must(t, w.store.EndUserGrants(t.Context(), w.ann.ID, nil))
	b := w.newBrowser()
	rec := httptest.NewRecorder()
	_, session, err := w.SignIn(t.Context(), rec, b.request(), w.ann, nil)
	b.take(rec)
	if err != nil || len(session.Accounts) != 0 || len(b.who()) != 0 {
		t.Fatalf("%+v, %v", session, err)
	}
}

func TestTheUserAgentIsCutAndCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "",
		"Firefox/1":                         "Firefox/1",
		"a\x1b[31mb\nc":                     "a[31mbc",
		"bad \xff byte":                     "bad  byte",
		strings.Repeat("é", 150):            strings.Repeat("é", 100),
		"x" + strings.Repeat("é", maxAgent): "x" + strings.Repeat("é", 99),
	} {
		if got := agent(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestAClientIsNotedOnce(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	ann := b.signIn(w.ann)
	bob := b.signIn(w.bob)
	hash := b.load().Hash
	for _, step := range []struct {
		account, client string
		writes          int64
	}{
		{ann.ID, "web", 1}, {ann.ID, "web", 0}, {ann.ID, "app", 1}, {ann.ID, "web", 0}, {bob.ID, "web", 1}, {ann.ID, "app", 1},
	} {
		before := w.engine.Writes.Load()
		must(t, w.Touch(t.Context(), hash, step.account, step.client))
		if got := w.engine.Writes.Load() - before; got != step.writes {
			t.Errorf("%+v: %d writes", step, got)
		}
		if got := b.load().Accounts[0].ID; got != step.account {
			t.Errorf("%+v: %s is first", step, got)
		}
	}
	s := b.load()
	a, _ := s.Account(ann.ID)
	if !slices.Equal(a.Clients, []string{"web", "app"}) {
		t.Error(a.Clients)
	}
	if err := w.Touch(t.Context(), hash, "nobody", "web"); !errors.Is(err, ErrSignedOut) {
		t.Error(err)
	}
	b.signOut("")
	if err := w.Touch(t.Context(), hash, ann.ID, "web"); !errors.Is(err, ErrSignedOut) {
		t.Error(err)
	}
}

func TestNoAccountHasEndlessClients(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	account := b.signIn(w.ann)
	hash := b.load().Hash
	for i := range maxClients + 10 {
		must(t, w.Touch(t.Context(), hash, account.ID, strings.Repeat("c", i+1)))
	}
	got, _ := b.load().Account(account.ID)
	if len(got.Clients) != maxClients || len(got.Clients[0]) != 11 {
		t.Error(len(got.Clients), len(got.Clients[0]))
	}
}

func TestEachClientKnowsASessionByAnotherName(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	ann := b.signIn(w.ann).Account
	web := w.SID(ann, "web")
	if web == w.SID(ann, "app") || strings.Contains(web, ann.ID) || len(web) < 22 {
		t.Error("clients can compare notes")
	}
	if w.SID(b.signIn(w.bob).Account, "web") == web {
		t.Error("two people have one name")
	}
	if again := b.signIn(w.ann); w.SID(again.Account, "web") != web || again.ID != ann.ID {
		t.Error("a new proof of the same person made another session")
	}
	b.signOut("")
	if w.SID(b.signIn(w.ann).Account, "web") == web {
		t.Error("a new session has the name of the old one")
	}
}

// Whatever cookies a stranger sends, nobody is signed in, and nobody else is
// signed out.
func FuzzCookies(f *testing.F) {
	w := newWorld(f, mem.New())
	real := w.newBrowser()
	real.signIn(w.ann)
	f.Fuzz(func(t *testing.T, header string) {
		w.t = t
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Cookie", header)
		r.Header.Set("Origin", w.origin)
		rec := httptest.NewRecorder()
		s, err := w.Load(t.Context(), rec, r)
		if err != nil || len(s.Accounts) != 0 || len(rec.Result().Cookies()) != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if left, err := w.SignOut(t.Context(), rec, r, ""); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		if w.CheckCSRF(r, "") == nil {
			t.Error("a form without a token")
		}
		if len(real.who()) != 1 {
			t.Error("the owner is signed out")
		}
	})
}
