package interact

import (
	"context"
	"strings"
	"testing"
	"time"

	"signet/data"
)

func TestConsentNamesTheClientThePersonAndEachPermission(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes", "scope", "openid email notes:write unknown offline_access",
		"claims", `{"userinfo":{"phone_number":{"essential":true},"email":null,"unknown":null}}`)
	b.open("/auth/consent?request="+handle).sees("/consent", 200, "Tidy Notes wants access to your account", "ada@example.com",
		"Recognise you", "See your e-mail address", "Write and delete your notes", "Keep this access", "See your phone number")
	if strings.Contains(b.text(), "unknown") || strings.Contains(b.text(), "postal") || strings.Contains(b.text(), "has not checked") {
		t.Errorf("it says %s", b.text())
	}
	b.submit("/consent", "action", "go").goesBack(handle)
	r := w.request(handle)
	if !r.Consented || r.Declined || r.Scope != "openid email notes:write offline_access" || r.Account == "" || !r.SignedIn.IsZero() {
		t.Errorf("noted %+v", r)
	}
	b.accept = "de"
	b.open("/auth/consent?request="+b.asks("notes", "scope", "notes:write")).sees("/consent", 200, "Ihre Notizen ändern und löschen")
}

func TestNothingIsAllowedByAFormThatDoesNotSayGo(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes", "scope", "openid")
	b.open("/auth/consent?request=" + handle).submit("/consent").goesBack(handle)
	if r := w.request(handle); r.Consented || !r.Declined {
		t.Errorf("noted %+v", r)
	}
}

func TestConsentIsForTheAccountThatWasShown(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	b := w.browser().signIn("ada@example.com").signIn("grace@example.com")
	handle := b.asks("notes", "scope", "openid")

	b.open("/auth/accounts?request="+handle).sees("/accounts", 200, "grace@example.com", "ada@example.com")
	grace, ada := b.forms()[0].buttons[0].value, b.forms()[0].buttons[1].value
	b.submit("/accounts", "account", ada).goesBack(handle)
	b.open("/auth/consent?request="+handle).sees("/consent", 200, "ada@example.com")
	shown := b.forms()[0].fields

	// Meanwhile, in another tab.
	b.open("/auth/accounts?request="+handle).submit("/accounts", "account", grace)
	b.do("POST", "/auth/consent", withAction(shown, "go"))
	if r := w.request(handle); r.Account != ada || !r.Consented {
		t.Errorf("noted %+v", r)
	}

	// What was allowed for one account is not allowed for another.
	b.open("/auth/accounts?request="+handle).submit("/accounts", "account", grace)
	if r := w.request(handle); r.Account != grace || r.Consented || r.Scope != "" {
		t.Errorf("noted %+v", r)
	}
}

func withAction(fields map[string][]string, action string) map[string][]string {
	fields["action"] = []string{action}
	return fields
}

func TestAnAccountOfAnotherBrowserIsNotChosen(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	ada, grace := w.browser().signIn("ada@example.com"), w.browser().signIn("grace@example.com")
	foreign := ada.open("/auth/accounts").forms()[0].buttons[0].value
	handle := grace.asks("notes", "scope", "openid")
	grace.open("/auth/accounts?request="+handle).submit("/accounts", "account", foreign).sees("/accounts", 200)
	grace.open("/auth/consent?request="+handle).submit("/consent", "action", "go", "account", foreign).goesBack(handle)
	if r := w.request(handle); r.Account != "" || r.Consented {
		t.Errorf("noted %+v", r)
	}
}

func TestAnotherAccountIsSignedInToBesideTheFirst(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	w.person("grace@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes")
	ada := b.open("/auth/accounts?request=" + handle).forms()[0].buttons[0].value
	b.submit("/accounts", "account", ada).goesBack(handle)
	b.open("/auth/accounts?request="+handle).submit("/accounts", "action", "other").sees("/sign-in", 200, "Sign in", "Use another account")
	if r := w.request(handle); r.Account != "" {
		t.Errorf("noted %+v", r)
	}
	b.submit("/sign-in", "email", "grace@example.com", "password", password).goesBack(handle)
	if r := w.request(handle); r.Account == ada || r.Account == "" {
		t.Errorf("noted %+v", r)
	}
	b.open("/auth/accounts").sees("/accounts", 200, "ada@example.com", "grace@example.com")
	b.submit("/accounts", "account", ada).sees("/account", 200, "ada@example.com")
	b.open("/auth/accounts").submit("/accounts", "action", "other").sees("/sign-in", 200)
}

func TestConsentWithoutAnAccountGoesBackToBeDecided(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.asks("notes")
	b.open("/auth/consent?request=" + handle).goesBack(handle)
	b.open("/auth/accounts?request="+handle).sees("/sign-in", 200)
}

func TestAClientThatNobodyLookedAtIsShownWithItsHost(t *testing.T) {
	for name, c := range map[string]struct {
		redirect string
		host     string
		local    bool
	}{
		"on the web":                  {"https://assistant.example.net/cb", "assistant.example.net", false},
		"on the person's own machine": {"http://127.0.0.1:7777/cb", "127.0.0.1:7777", true},
		"by its IPv6 name":            {"http://[::1]:7777/cb", "[::1]:7777", true},
		"by its name":                 {"http://localhost:7777/cb", "localhost:7777", true},
		"with a scheme of its own":    {"com.example.assistant:/cb", "com.example.assistant:", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.person("ada@example.com")
			must(t, w.store.CreateClient(context.Background(), data.Client{ID: "dynamic", Registered: true, ExpiresAt: w.clock().Add(time.Hour),
				Metadata: data.Metadata{Name: "Desk Assistant", RedirectURIs: []string{"https://elsewhere.example.org/", c.redirect}}}, 0))
			b := w.browser().signIn("ada@example.com")
			handle := b.asks("dynamic", "scope", "openid", "redirect_uri", c.redirect)
			b.open("/auth/consent?request="+handle).sees("/consent", 200, "Desk Assistant wants access", "This application is at "+c.host)
			if got := strings.Contains(b.text(), "runs on your own device"); got != c.local {
				t.Errorf("it says %s", b.text())
			}
		})
	}
}

func TestTheNameOfAClientIsInThePersonsLanguage(t *testing.T) {
	m := data.Metadata{Name: "Notes", Names: map[string]string{"de-AT": "Notizen", "fr": "Carnet"}}
	if got := nameOf(m, "de"); got != "Notizen" {
		t.Errorf("got %s", got)
	}
	if got := nameOf(m, "en"); got != "Notes" {
		t.Errorf("got %s", got)
	}
}
