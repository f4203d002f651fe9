package interact

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
)

// forms are all forms, with what each would take.
var forms = map[string]url.Values{
	"/sign-in":          {"email": {"ada@example.com"}, "password": {password}},
	"/sign-up":          {"email": {"eve@example.com"}, "password": {password}},
	"/accounts":         {"action": {"other"}},
	"/consent":          {"action": {"go"}},
	"/device":           {"user_code": {"BCDF-GHJK"}, "action": {"go"}},
	"/account/name":     {"name": {"Eve"}},
	"/account/password": {"current_password": {password}, "new_password": {"another long way"}},
	"/account/devices":  {"action": {"all"}},
	"/account/apps":     {"id": {"notes"}},
	"/account/sign-out": {},
}

func TestAFormThatDoesNotComeFromOurPageDoesNothing(t *testing.T) {
	w := newWorld(t)
	ada := w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	other := w.browser().signIn("ada@example.com")
	account := b.open("/auth/account").forms()[0].fields.Get("account")
	token := b.forms()[0].fields.Get("csrf")
	foreign := other.open("/auth/account").forms()[0].fields.Get("csrf")
	for path, fields := range forms {
		for name, c := range map[string]struct {
			csrf    string
			headers []string
		}{
			"without a token":            {"", nil},
			"with another one's token":   {foreign, nil},
			"from another origin":        {token, []string{"Origin", "https://evil.example"}},
			"from a page without origin": {token, []string{"Origin", "null"}},
			"from a neighbour's":         {token, []string{"Origin", "https://other.example.com"}},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				handle := b.asks("notes", "scope", "openid")
				f := url.Values{"csrf": {c.csrf}, "request": {handle}, "account": {account}}
				for k, v := range fields {
					f[k] = v
				}
				b.visited = nil
				b.do(http.MethodPost, "/auth"+path, f, c.headers...)
				if b.status != http.StatusForbidden || !strings.Contains(b.text(), "could not be sure it was you") {
					t.Fatalf("got %d %s", b.status, b.text())
				}
				if r := w.request(handle); r.Account != "" || r.Consented || r.Declined {
					t.Errorf("noted %+v", r)
				}
			})
		}
	}
	now, err := w.store.User(t.Context(), ada.ID)
	must(t, err)
	if sessions, err := w.store.UserSessions(t.Context(), ada.ID); err != nil || len(sessions) != 2 || now.Epoch != ada.Epoch || now.Profile.Name != "" {
		t.Errorf("something was done: %v %v %+v", sessions, err, now)
	}
}

func TestTheWayBackFromARefusedFormIsAPageOfOurs(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes")
	for path, want := range map[string]string{
		"/sign-in":      `href="/auth/sign-in?request=` + handle + `"`,
		"/account/name": `href="/auth/account?request=` + handle + `"`,
	} {
		b.do(http.MethodPost, "/auth"+path, url.Values{"request": {handle}, "password": {"typed"}})
		if !strings.Contains(b.body, want) || strings.Contains(b.body, "typed") {
			t.Errorf("%s: the page is %s", path, b.body)
		}
	}
}

func TestARequestOfAnotherBrowserIsNoRequest(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	victim, thief := w.browser(), w.browser().signIn("ada@example.com")
	handle := victim.asks("notes", "scope", "openid")
	token := thief.open("/auth/account").forms()[0].fields.Get("csrf")
	for _, h := range []string{handle, "signet_rq_unknown", "x"} {
		for _, path := range []string{"/sign-in", "/sign-up", "/accounts", "/consent"} {
			thief.open("/auth"+path+"?request="+h).sees(path, 400, "This took too long")
			f := url.Values{"csrf": {token}, "request": {h}}
			for k, v := range forms[path] {
				f[k] = v
			}
			thief.visited = nil
			thief.do(http.MethodPost, "/auth"+path, f).sees(path, 400, "This took too long")
		}
	}
	if r := w.request(handle); r.Account != "" || r.Consented || r.Declined {
		t.Errorf("noted %+v", r)
	}
}

func TestARequestThatIsOverIsNoRequest(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.asks("notes")
	b.open("/auth/sign-in?request="+handle).sees("/sign-in", 200)
	w.wait(2 * time.Hour)
	b.submit("/sign-in", "email", "ada@example.com", "password", password).sees("/sign-in", 400, "This took too long")
}

// A handle that was pushed belongs to no browser until it was at the
// authorization endpoint.
func TestARequestOfNoBrowserIsNobodys(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.asks("notes")
	r := w.request(handle)
	r.Browser = [32]byte{}
	_, r.Hash, _ = w.store.NewSecret("")
	text, hash, err := w.store.NewSecret("")
	must(t, err)
	r.Hash = hash
	must(t, w.store.Requests.Create(t.Context(), r))
	b.open("/auth/sign-in?request="+text).sees("/sign-in", 400)
}

func TestNoParameterLeadsAwayFromHere(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	for _, evil := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "%0d%0aLocation:%20https://evil.example"} {
		q := url.Values{}
		for _, name := range []string{"account", "user_code", "add", "notice", "id", "next", "return", "redirect_uri", "continue"} {
			q.Set(name, evil)
		}
		for _, path := range []string{"/sign-in", "/sign-up", "/accounts", "/consent", "/device", "/account", "/signed-out"} {
			b.open("/auth" + path + "?" + q.Encode())
			for _, to := range b.visited {
				if !strings.HasPrefix(to, "/auth/") {
					t.Errorf("%s with %q leads to %s", path, evil, to)
				}
			}
			if b.status >= 500 {
				t.Errorf("%s with %q: %d %s", path, evil, b.status, b.body)
			}
			if strings.Contains(b.body, `href="https://evil`) || strings.Contains(b.body, `href="//evil`) || strings.Contains(b.body, `action="https://evil`) {
				t.Errorf("%s with %q: %s", path, evil, b.body)
			}
		}
	}
}

func TestEveryPageHasThePolicyAndIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	handle := b.asks("notes")
	for _, page := range []string{"/sign-in?request=" + handle, "/sign-up", "/accounts", "/consent?request=" + handle, "/device", "/account", "/signed-out", "/sign-in?request=x"} {
		h := b.open("/auth" + page).header
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", page, h)
		}
	}
}

// Where the request goes to another browser between the look and the write.
func TestWhatIsNotedIsNotedForTheBrowserOfTheRequest(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.asks("notes")
	v := &visit{API: w.api, browser: data.HashOf("another"), asked: &asked{record: w.request(handle)}}
	v.c = w.echo.NewContext(httptest.NewRequest(http.MethodPost, issuer+"/consent", nil), httptest.NewRecorder())
	if err := v.change(func(r *data.Request) { r.Consented = true }); err != errExpired {
		t.Errorf("got %v", err)
	}
	if w.request(handle).Consented {
		t.Error("it was noted")
	}
}

// Its client may have changed since; the authorization endpoint tells it.
func TestARequestThatIsNoLongerGoodGoesBack(t *testing.T) {
	w := newWorld(t)
	w.person("ada@example.com")
	b := w.browser().signIn("ada@example.com")
	token := b.forms()[0].fields.Get("csrf")
	handle := b.asks("notes", "response_type", "nonsense")
	b.open("/auth/consent?request=" + handle).goesBack(handle)
	b.visited = nil
	b.do(http.MethodPost, "/auth/consent", url.Values{"csrf": {token}, "request": {handle}, "action": {"go"}}).goesBack(handle)
	if r := w.request(handle); r.Consented {
		t.Errorf("noted %+v", r)
	}
}
