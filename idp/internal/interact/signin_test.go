package interact

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/signin"
)

func TestAPersonSignsInForAClient(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	b := w.browser()
	handle := b.asks("notes", "login_hint", "ada@example.com")
	b.open("/auth/sign-in?request="+handle).sees("/sign-in", 200, "to continue to Tidy Notes", "Create an account")
	b.submit("/sign-in", "password", password).goesBack(handle)
	r := w.request(handle)
	if r.Account == "" || !r.SignedIn.Equal(w.clock()) || r.Consented || r.Declined {
		t.Errorf("noted %+v", r)
	}
	sessions, err := w.store.UserSessions(t.Context(), ada.ID)
	must(t, err)
	if len(sessions) != 1 || sessions[0].Accounts[0].ID != r.Account || sessions[0].Accounts[0].AMR[0] != "pwd" {
		t.Errorf("the sessions are %+v", sessions)
	}
}

func TestSignInWithoutARequestLeadsToTheAccount(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	b.open("/auth/sign-in").sees("/account", 200, "ada@example.com")
	b.open("/auth/sign-in?add=1").sees("/sign-in", 200)
}

func TestASignInThatFailsSaysWhatIsWrongAndKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser()
	handle := b.asks("notes")
	b.open("/auth/sign-in?request=" + handle)
	for _, c := range []struct {
		email, password string
		status          int
		says            string
	}{
		{"", "", 422, "Enter your e-mail address.Enter a password."},
		{"ada@example.com", "", 422, "Enter a password."},
		{"ada", "x", 422, "not a complete e-mail address"},
		{"ada@example.com", "wrong", 401, "The e-mail or the password is wrong."},
		{"nobody@example.com", "wrong", 401, "The e-mail or the password is wrong."},
		{"ada@example.com", strings.Repeat("x", 200), 401, "The e-mail or the password is wrong."},
	} {
		b.submit("/sign-in", "email", c.email, "password", c.password).sees("/sign-in", c.status, c.says, "Tidy Notes")
		if got := b.forms()[0].fields; got.Get("email") != c.email || got.Get("password") != "" || got.Get("request") != handle {
			t.Errorf("the form holds %v", got)
		}
		if r := w.request(handle); r.Account != "" || !r.SignedIn.IsZero() {
			t.Fatalf("noted %+v", r)
		}
	}
}

func TestGuessingIsSlowedDownAndThePageSaysUntilWhen(t *testing.T) {
	w := newWorld(t, "throttle: {free: 2, delay: 20s, account_delay_max: 20s}")
	w.person("ada@example.com")
	b := w.browser().open("/auth/sign-in")
	for range 2 {
		b.submit("/sign-in", "email", "ada@example.com", "password", "wrong").sees("/sign-in", 401)
	}
	b.submit("/sign-in", "email", "ada@example.com", "password", password).sees("/sign-in", 429, "Please wait 20 seconds")
	if got := b.header.Get("Retry-After"); got != "20" {
		t.Errorf("Retry-After is %q", got)
	}
	w.wait(20 * time.Second)
	b.submit("/sign-in", "email", "ada@example.com", "password", password).sees("/account", 200)
}

func TestABrowserThatSignedInIsKnownAgain(t *testing.T) {
	w := newWorld(t, "throttle: {free: 2, delay: 20s, account_delay_max: 20s}")
	w.person("ada@example.com")
	known, stranger := w.browser().signIn("ada@example.com"), w.browser().open("/auth/sign-in")
	for range 2 {
		stranger.submit("/sign-in", "email", "ada@example.com", "password", "wrong").sees("/sign-in", 401)
	}
	stranger.submit("/sign-in", "email", "ada@example.com", "password", "wrong").sees("/sign-in", 429)
	known.open("/auth/sign-in?add=1").submit("/sign-in", "email", "ada@example.com", "password", password).sees("/account", 200)
}

func TestAnAccountThatWasChosenProvesItselfAgain(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes")
	b.open("/auth/accounts?request="+handle).submit("/accounts", "account", b.forms()[0].buttons[0].value).goesBack(handle)
	w.wait(30 * time.Minute)
	b.asksPasswordOf(handle, "ada@example.com")
	b.submit("/sign-in", "password", password).goesBack(handle)
	if r := w.request(handle); !r.SignedIn.Equal(w.clock()) || r.Account == "" {
		t.Errorf("noted %+v", r)
	}
}

// The page says who is expected, and takes whoever comes.
func TestSomebodyElseMaySignInWhereAnAccountIsToProveItself(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	grace := w.person("grace@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes")
	b.open("/auth/accounts?request="+handle).submit("/accounts", "account", b.forms()[0].buttons[0].value).goesBack(handle)
	b.asksPasswordOf(handle, "ada@example.com")
	if strings.Contains(b.body, "readonly") {
		t.Error("the e-mail cannot be changed")
	}
	b.submit("/sign-in", "email", "grace@example.com", "password", "wrong").sees("/sign-in", 401, "Confirm it’s you")
	if got := b.forms()[0].fields.Get("email"); got != "grace@example.com" {
		t.Errorf("what was typed became %s", got)
	}
	b.submit("/sign-in", "password", password).goesBack(handle)
	sessions, err := w.store.UserSessions(t.Context(), grace.ID)
	must(t, err)
	if r := w.request(handle); len(sessions) != 1 || !slices.ContainsFunc(sessions[0].Accounts, func(a data.Account) bool { return a.ID == r.Account && a.User == grace.ID }) {
		t.Errorf("noted %+v, in %+v", r, sessions)
	}
}

func (b *browser) asksPasswordOf(handle, email string) {
	b.w.t.Helper()
	b.open("/auth/sign-in?request="+handle).sees("/sign-in", 200, "Confirm it’s you", "Use another account")
	if got := b.forms()[0].fields.Get("email"); got != email {
		b.w.t.Errorf("it asks for %s", got)
	}
}

func TestAPersonSignsUpForAClient(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.asks("notes")
	b.open("/auth/sign-up?request="+handle).sees("/sign-up", 200, "to continue to Tidy Notes")
	b.submit("/sign-up", "email", "ada@example.com", "password", password, "name", "  Ada \t Lovelace ").goesBack(handle)
	ada := w.byEmail("ada@example.com")
	if ada.Profile.Name != "Ada Lovelace" || ada.EmailVerified {
		t.Errorf("made %+v", ada)
	}
	if r := w.request(handle); r.Account == "" || !r.SignedIn.Equal(w.clock()) {
		t.Errorf("noted %+v", r)
	}
}

func (w *world) byEmail(email string) data.User {
	w.t.Helper()
	e, err := data.ParseEmail(email)
	must(w.t, err)
	u, err := w.store.UserByEmail(w.t.Context(), e)
	must(w.t, err)
	return u
}

func TestASignUpThatFailsSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().open("/auth/sign-up")
	for _, c := range []struct {
		email, password, name string
		status                int
		says                  string
	}{
		{"", "", "", 422, "Enter your e-mail address.Enter a password."},
		{"grace", password, "", 422, "not a complete e-mail address"},
		{"grace@example.com", "short", "", 422, "Use at least 8 characters."},
		{"grace@example.com", strings.Repeat("a9", 40), "", 422, "too long"},
		{"grace@example.com", "password1", "", 422, "among the first"},
		{"grace@example.com", "grace@example.com", "", 422, "must not be your e-mail"},
		{"grace@example.com", "a\x00bcdefgh", "", 422, "cannot be used"},
		{"grace@example.com", password, strings.Repeat("x", 201), 422, "name is too long"},
		{"ada@example.com", password, "", 409, "There is an account with this e-mail already."},
	} {
		b.submit("/sign-up", "email", c.email, "password", c.password, "name", c.name).sees("/sign-up", c.status, c.says)
	}
	if sessions, err := w.store.UserSessions(t.Context(), w.byEmail("ada@example.com").ID); err != nil || len(sessions) > 0 {
		t.Errorf("somebody is signed in: %v %v", sessions, err)
	}
}

func TestSignUpFollowsTheRegistrationPolicy(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		w := newWorld(t, "registration: closed")
		b := w.browser()
		if b.open("/auth/sign-in"); strings.Contains(b.body, "/sign-up") {
			t.Error("the sign-in page leads to sign-up")
		}
		b.open("/auth/sign-up").sees("/sign-up", 403, "cannot be created")
		b.submit("/sign-up", "email", "ada@example.com", "password", password).sees("/sign-up", 403)
	})
	t.Run("invitation", func(t *testing.T) {
		w := newWorld(t, "registration: invitation")
		b := w.browser().open("/auth/sign-up").sees("/sign-up", 200, "Invitation code")
		b.submit("/sign-up", "email", "ada@example.com", "password", password).sees("/sign-up", 422, "Enter the invitation code")
		b.submit("/sign-up", "email", "ada@example.com", "password", password, "invitation", "wrong").sees("/sign-up", 422, "not valid, or was used")
	})
}

func TestWhoWouldRatherNotGoesBackToTheClient(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	for _, path := range []string{"/sign-in", "/sign-up", "/accounts", "/consent"} {
		handle := b.asks("notes", "scope", "openid")
		b.open("/auth"+path+"?request="+handle).sees(path, 200)
		b.submit(path, "action", "cancel").goesBack(handle)
		if r := w.request(handle); !r.Declined || r.Consented {
			t.Errorf("%s: noted %+v", path, r)
		}
	}
}

func TestTheLanguageIsTheRequestsThenTheBrowsers(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	b.accept = "de-AT,de;q=0.9"
	b.open("/auth/sign-in").sees("/sign-in", 200, "Passwort")
	handle := b.asks("notes", "ui_locales", "fr en")
	b.open("/auth/sign-in?request="+handle).sees("/sign-in", 200, "Password")
}

func TestABusyHashingRoomIsSaid(t *testing.T) {
	w := newWorld(t)
	v := &visit{API: w.api, c: w.echo.NewContext(nil, nil)}
	v.c.SetResponse(newResponse(w))
	status, _, ok := v.problem(&signin.BusyError{RetryAfter: 1500 * time.Millisecond}, "password")
	if got := v.c.Response().Header().Get("Retry-After"); status != http.StatusServiceUnavailable || !ok || got != "2" {
		t.Errorf("%d %v, Retry-After %q", status, ok, got)
	}
}
