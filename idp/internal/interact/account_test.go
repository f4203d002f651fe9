package interact

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/grant"
)

func TestTheAccountPageNeedsASignIn(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().open("/auth/account").sees("/sign-in", 200)
	b.submit("/sign-in", "email", "ada@example.com", "password", password).sees("/account", 200)
}

func TestTheAccountPageListsBrowsersAndClients(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	w.wait(20 * time.Second)
	phone := w.browser()
	phone.agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile Safari/604"
	phone.signIn("ada@example.com")
	w.grant(ada, "notes", "openid notes:write")
	w.grant(ada, "notes", "openid email")
	w.grant(ada, "signet", "")
	w.grant(ada, "removed-client", "")
	must(t, w.store.AddConsent(t.Context(), data.Consent{User: ada.ID, Client: "https://assistant.example.net/client.json", Scope: "profile"}))
	b.open("/auth/account").sees("/account", 200, "Firefox on Linux This device", "Safari on iPhone", "Tidy Notes", "Write and delete your notes",
		"See your e-mail address", "Signet", "removed-client", "assistant.example.net", "See your name")
	if strings.Index(b.text(), "This device") > strings.Index(b.text(), "Safari on iPhone") {
		t.Error("this browser is not the first")
	}
	if strings.Count(b.text(), "Tidy Notes") != 2 { // the title, and the button for those who hear it
		t.Errorf("it says %s", b.text())
	}
}

func (w *world) grant(u data.User, client, scope string) grant.Issued {
	w.t.Helper()
	issued, err := w.grants.Start(w.t.Context(), grant.StartRequest{User: u, Client: client, Scope: scope, AuthTime: w.clock()})
	must(w.t, err)
	return issued
}

func TestAPersonChangesTheirName(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	b.submit("/account/name", "name", "Ada").sees("/account", 200, "Your name is saved.", "Ada")
	b.submit("/account/name", "name", strings.Repeat("x", 201)).sees("/account/name", 422, "This name is too long.")
	if u := w.byEmail("ada@example.com"); u.Profile.Name != "Ada" {
		t.Errorf("the name is %q", u.Profile.Name)
	}
}

func TestANewPasswordSignsOutEverywhereElse(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	here, there := w.browser().signIn("ada@example.com"), w.browser().signIn("ada@example.com")
	w.grant(ada, "notes", "openid")
	old := here.jarText()
	here.submit("/account/password", "current_password", password, "new_password", "another long way").sees("/account", 200, "Your password is changed")
	if here.jarText() == old {
		t.Error("the session's cookie is the same")
	}
	there.open("/auth/account").sees("/sign-in", 200)
	here.open("/auth/account").sees("/account", 200, "Firefox on Linux This device", "no application access")
	if noted, err := w.store.Endings(t.Context(), 10); err != nil || len(noted) != 2 { // their clients are told
		t.Errorf("noted: %+v %v", noted, err)
	}
	there.submit("/sign-in", "email", "ada@example.com", "password", password).sees("/sign-in", 401)
	there.submit("/sign-in", "email", "ada@example.com", "password", "another long way").sees("/account", 200)
}

func TestAPasswordIsNotChangedWithoutThePresentOne(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	for _, c := range []struct {
		current, new string
		status       int
		says         string
	}{
		{"", "", 422, "Enter your current password."},
		{password, "", 422, "Enter a password."},
		{"wrong", "another long way", 401, "This is not your current password."},
		{password, "short", 422, "Use at least 8 characters."},
		{password, "ada@example.com", 422, "must not be your e-mail"},
	} {
		b.submit("/account/password", "current_password", c.current, "new_password", c.new).sees("/account/password", c.status, c.says)
	}
	if now := w.byEmail("ada@example.com"); now.Epoch != ada.Epoch {
		t.Error("the password was changed")
	}
}

func TestABrowserIsSignedOutFromAnother(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	here, there, third := w.browser().signIn("ada@example.com"), w.browser().signIn("ada@example.com"), w.browser().signIn("ada@example.com")
	there.signIn("grace@example.com")
	sessions, err := w.store.UserSessions(t.Context(), w.byEmail("grace@example.com").ID)
	must(t, err)
	id := sessions[0].Hash.String()
	if here.open("/auth/account"); !strings.Contains(here.body, id) {
		t.Fatal("the other browser is not in the list")
	}
	here.submit("/account/devices", "id", id).sees("/account", 200, "That device is signed out.")
	there.open("/auth/accounts").sees("/accounts", 200, "grace@example.com")
	if strings.Contains(there.text(), "ada@example.com") {
		t.Error("ada is still there")
	}
	if len(w.left) != 1 {
		t.Errorf("left: %+v", w.left)
	}
	third.open("/auth/account").sees("/account", 200)
	here.open("/auth/account").submit("/account/devices", "action", "all").sees("/account", 200, "All other devices are signed out.")
	third.open("/auth/account").sees("/sign-in", 200)
	here.open("/auth/account").sees("/account", 200)
}

func TestNobodySignsOutSomebodyElse(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	grace := w.person("grace@example.com")
	ada, other := w.browser().signIn("ada@example.com"), w.browser().signIn("grace@example.com")
	sessions, err := w.store.UserSessions(t.Context(), grace.ID)
	must(t, err)
	g := w.grant(grace, "notes", "openid")
	w.grant(w.byEmail("ada@example.com"), "notes", "openid")
	w.browser().signIn("ada@example.com")
	ada.open("/auth/account").submit("/account/devices", "id", sessions[0].Hash.String())
	ada.open("/auth/account").submit("/account/devices", "id", "nonsense").sees("/account", 200)
	ada.open("/auth/account").submit("/account/apps", "id", "notes").sees("/account", 200)
	other.open("/auth/account").sees("/account", 200, "grace@example.com", "Tidy Notes")
	if _, _, err := w.store.Grant(t.Context(), g.Grant.ID, ""); err != nil {
		t.Error("the grant of another person ended")
	}
}

func TestAClientIsRemoved(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	first, second, kept := w.grant(ada, "notes", "openid"), w.grant(ada, "notes", "email"), w.grant(ada, "signet", "")
	must(t, w.store.AddConsent(t.Context(), data.Consent{User: ada.ID, Client: "notes", Scope: "openid"}))
	b := w.browser().signIn("ada@example.com")
	b.submit("/account/apps", "id", "notes").sees("/account", 200, "has no access any more")
	if strings.Contains(b.text(), "Tidy Notes") {
		t.Error("it is still there")
	}
	for _, g := range []grant.Issued{first, second} {
		if _, _, err := w.store.Grant(t.Context(), g.Grant.ID, ""); err == nil {
			t.Error("a grant goes on")
		}
	}
	if _, _, err := w.store.Grant(t.Context(), kept.Grant.ID, ""); err != nil {
		t.Error("another client's grant ended")
	}
	if c, err := w.store.Consent(t.Context(), ada.ID, "notes"); err != nil || c.Scope != "" {
		t.Errorf("the consent is %+v %v", c, err)
	}
}

func TestSigningOutEndsThisAccountAndNoOther(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	b := w.browser().signIn("ada@example.com").signIn("grace@example.com")
	b.submit("/account/sign-out").sees("/signed-out", 200, "You’re signed out")
	if len(w.left) != 1 {
		t.Errorf("left: %+v", w.left)
	}
	b.open("/auth/account").sees("/account", 200, "ada@example.com")
	b.submit("/account/sign-out").sees("/signed-out", 200)
	b.open("/auth/account").sees("/sign-in", 200)
}

// The first account may be another one by the time a form arrives.
func TestAFormChangesTheAccountThatItWasShownFor(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	b := w.browser().signIn("ada@example.com")
	var shown form
	for _, f := range b.forms() {
		if f.action == "/auth/account/name" {
			shown = f
		}
	}
	b.signIn("grace@example.com")
	shown.fields.Set("name", "Ada")
	b.do("POST", shown.action, shown.fields)
	if ada, grace := w.byEmail("ada@example.com"), w.byEmail("grace@example.com"); ada.Profile.Name != "Ada" || grace.Profile.Name != "" {
		t.Errorf("ada is %q, grace is %q", ada.Profile.Name, grace.Profile.Name)
	}
}

func TestClientsInThisBrowserAreToldOfASignOut(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	w.frames = []string{"https://notes.example.com/logout?sid=1"}
	b.submit("/account/sign-out").sees("/account/sign-out", 200, "Signing you out")
	if !strings.Contains(b.body, `src="https://notes.example.com/logout?sid=1"`) || !strings.Contains(b.body, `href="/auth/signed-out"`) {
		t.Errorf("the page is %s", b.body)
	}
	b.open("/auth/account").sees("/sign-in", 200)
}

func TestWhoeverWasSignedOutIsNotToldOtherwise(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.failure = errors.New("the clients cannot be reached")
	b, other := w.browser().signIn("ada@example.com"), w.browser().signIn("ada@example.com")
	b.open("/auth/account").submit("/account/devices", "action", "all").sees("/account", 200, "All other devices are signed out.")
	other.open("/auth/account").sees("/sign-in", 200)
	b.submit("/account/password", "current_password", password, "new_password", "another long way").sees("/account", 200, "Your password is changed")
	b.submit("/account/sign-out").sees("/signed-out", 200)
}

func TestPasswordManagersFindTheForm(t *testing.T) {
	w := newWorld(t)
	c := w.echo.NewContext(httptest.NewRequest("GET", issuer, nil), httptest.NewRecorder())
	must(t, w.api.ChangePasswordAddress(c))
	if got := c.Response().Header().Get("Location"); c.Response().Status != 302 || got != "/auth/account#password" {
		t.Errorf("got %d %s", c.Response().Status, got)
	}
	w.person("ada@example.com")
	if b := w.browser().signIn("ada@example.com"); !strings.Contains(b.body, `id="password"`) {
		t.Error("nothing is there")
	}
}
