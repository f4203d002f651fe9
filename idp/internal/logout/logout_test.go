package logout

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

// RP-Initiated Logout, section 2: with an ID token of this very session nobody
// is asked.
func TestRPInitiatedLogoutSection2AnIDTokenOfTheSession(t *testing.T) {
	w := newWorld(t)
	account := w.signIn(w.ann, "web")
	refresh, err := w.grants.Start(t.Context(), grant.StartRequest{User: w.ann, Client: "web", Authorization: data.Authorization{Account: account.ID}})
	must(t, err)
	rec := w.get("id_token_hint", w.idToken(account, "web"), "post_logout_redirect_uri", "https://web.example/bye", "state", "s t&x=y")
	if got := leadsTo(rec); got != "https://web.example/bye?state=s+t%26x%3Dy" {
		t.Errorf("%d, to %s", rec.Code, got)
	}
	if w.who() != "" || len(w.jar) != 0 {
		t.Errorf("still in: %s, %v", w.who(), w.jar)
	}
	if _, err := w.grants.Turn(t.Context(), string(refresh.RefreshToken), nil); err == nil {
		t.Error("the grant goes on")
	}
	if due, _, _ := w.store.DueDeliveries(t.Context(), 10); len(due) != 1 || due[0].Client != "web" {
		t.Errorf("%+v", due)
	}
}

func TestRPInitiatedLogoutSection2WithTheSameClientID(t *testing.T) {
	w := newWorld(t)
	account := w.signIn(w.ann, "web")
	rec := w.get("id_token_hint", w.idToken(account, "web"), "client_id", "web")
	if got := leadsTo(rec); got != "/signed-out" || w.who() != "" {
		t.Errorf("%d, to %s; in: %s", rec.Code, got, w.who())
	}
}

// The hint is understood although it has long expired, and although its key
// has left the JWKS in the course of things.
func TestRPInitiatedLogoutSection2AnExpiredIDToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(w *world)
		ok     bool
	}{
		{"it has expired", func(w *world) { w.now = w.now.Add(23 * time.Hour) }, true},
		{"its key is gone", func(w *world) {
			w.now = w.now.Add(11 * time.Minute)
			_, err := w.ring.Rotate(w.t.Context(), token.ES256, true)
			must(w.t, err)
			w.now = w.now.Add(12 * time.Hour)
			run(w)
		}, true},
		{"its key was revoked", func(w *world) {
			for _, k := range w.ring.List() {
				if k.State == keys.Active {
					_, err := w.ring.Revoke(w.t.Context(), k.KID, "stolen")
					must(w.t, err)
				}
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			text := w.idToken(w.signIn(w.ann, "web"), "web")
			c.happen(w)
			rec := w.get("id_token_hint", text, "post_logout_redirect_uri", "https://web.example/bye")
			if c.ok && (leadsTo(rec) != "https://web.example/bye" || w.who() != "") {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if !c.ok && (rec.Code != http.StatusBadRequest || w.who() == "") {
				t.Errorf("%d, to %s", rec.Code, leadsTo(rec))
			}
		})
	}
}

// Section 2: "the OP MUST ask" without a hint, or with one that is not of the
// session that the client and the person have now.
func TestRPInitiatedLogoutSection2WhoeverElseIsAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		query func(w *world, ann, bob string) []string
		email string // who is asked
		left  string // who is in after the yes
		to    string
	}{
		{"no parameter at all", func(*world, string, string) []string { return nil }, "bob@example.com, ann@example.com", "", "/signed-out"},
		{"only a state", func(*world, string, string) []string { return []string{"state", "x"} }, "bob@example.com, ann@example.com", "", "/signed-out"},
		{"a redirect of nobody", func(*world, string, string) []string {
			return []string{"post_logout_redirect_uri", "https://web.example/bye"}
		}, "bob@example.com, ann@example.com", "", "/signed-out"},
		{"a client without a hint", func(*world, string, string) []string {
			return []string{"client_id", "web", "post_logout_redirect_uri", "https://web.example/bye", "state", "x"}
		}, "ann@example.com", "bob@example.com", "https://web.example/bye?state=x"},
		{"a client that registered itself, without a hint", func(*world, string, string) []string {
			return []string{"client_id", "app", "post_logout_redirect_uri", "https://app.example/bye"}
		}, "bob@example.com", "ann@example.com", "https://app.example/bye"},
		{"a hint of an earlier session of the same person", func(w *world, _, _ string) []string {
			return []string{"id_token_hint", w.sign(mint.ID{Subject: "web|" + string(w.ann.ID), ClientID: "web", SID: "earlier"}), "post_logout_redirect_uri", "https://web.example/bye"}
		}, "ann@example.com", "bob@example.com", "https://web.example/bye"},
		{"a hint of somebody who is not here", func(w *world, _, _ string) []string {
			return []string{"id_token_hint", w.sign(mint.ID{Subject: "web|somebody", ClientID: "web", SID: "else"})}
		}, "ann@example.com", "bob@example.com", "/signed-out"},
		{"a hint of a client that is gone", func(w *world, _, _ string) []string {
			return []string{"id_token_hint", w.sign(mint.ID{Subject: "gone|somebody", ClientID: "gone", SID: "else"}), "post_logout_redirect_uri", "https://evil.example/"}
		}, "bob@example.com, ann@example.com", "", "/signed-out"},
		{"a logout_hint with the e-mail", func(*world, string, string) []string { return []string{"logout_hint", "ANN@example.com"} }, "ann@example.com", "bob@example.com", "/signed-out"},
		{"a logout_hint with the sid", func(_ *world, ann, _ string) []string {
			return []string{"client_id", "web", "logout_hint", ann}
		}, "ann@example.com", "bob@example.com", "/signed-out"},
		{"a logout_hint of nobody", func(*world, string, string) []string { return []string{"logout_hint", "eve@example.com"} }, "bob@example.com, ann@example.com", "", "/signed-out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.signIn(w.ann, "web")
			bob := w.signIn(w.bob, "app")
			rec := w.get(c.query(w, w.sessions.SID(ann.Account, "web"), w.sessions.SID(bob.Account, "app"))...)
			if !asks(rec) || !strings.Contains(rec.Body.String(), c.email) {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			if w.who() != "bob@example.com ann@example.com" {
				t.Fatal("somebody was signed out before the yes")
			}
			if no := w.press(rec, "cancel"); leadsTo(no) != "/account" || w.who() != "bob@example.com ann@example.com" {
				t.Errorf("after a no: %d, to %s; in: %s", no.Code, leadsTo(no), w.who())
			}
			yes := w.press(rec, "go")
			if leadsTo(yes) != c.to || w.who() != c.left {
				t.Errorf("after a yes: %d, to %s; in: %s", yes.Code, leadsTo(yes), w.who())
			}
			again := w.press(rec, "go") // the button was pressed twice
			if leadsTo(again) != c.to || w.who() != c.left {
				t.Errorf("after another yes: %d, to %s; in: %s", again.Code, leadsTo(again), w.who())
			}
		})
	}
}

// A hint without a sid is of the person's session here.
func TestRPInitiatedLogoutSection2AnIDTokenWithoutASession(t *testing.T) {
	w := newWorld(t)
	w.signIn(w.ann, "web")
	w.signIn(w.bob, "web")
	w.get("id_token_hint", w.sign(mint.ID{Subject: "web|" + string(w.ann.ID), ClientID: "web"}))
	if w.who() != "bob@example.com" {
		t.Errorf("in: %s", w.who())
	}
}

// Nobody is signed in: there is nothing to ask. A place that only a client that
// registered itself stands for is not gone to.
func TestRPInitiatedLogoutSection3WhenNobodyIsIn(t *testing.T) {
	w := newWorld(t)
	hints := map[string]string{"web": w.sign(mint.ID{Subject: "web|x", ClientID: "web", SID: "s"}), "app": w.sign(mint.ID{Subject: "app|x", ClientID: "app", SID: "s"})}
	for _, c := range []struct{ client, uri, hint, to string }{
		{"web", "https://web.example/bye", hints["web"], "https://web.example/bye?state=x"},
		{"web", "https://web.example/bye", "", "https://web.example/bye?state=x"},
		{"app", "https://app.example/bye", hints["app"], "https://app.example/bye?state=x"},
		{"app", "https://app.example/bye", "", "/signed-out"},
		{"", "https://web.example/bye", "", "/signed-out"},
	} {
		if rec := w.get("client_id", c.client, "post_logout_redirect_uri", c.uri, "id_token_hint", c.hint, "state", "x"); leadsTo(rec) != c.to {
			t.Errorf("%+v: %d, to %s", c, rec.Code, leadsTo(rec))
		}
	}
}

// Section 3: "the OP MUST NOT perform post-logout redirection" to what is not
// registered, byte by byte. Nobody is signed out by such a request either.
func TestRPInitiatedLogoutSection3UnknownRedirects(t *testing.T) {
	for _, uri := range []string{
		"https://evil.example/", "https://web.example/bye/", "https://web.example/bye?", "https://web.example/bye?x=2", "https://web.example/bye?x=1&y=2",
		"https://web.example/bye#f", "https://WEB.example/bye", "https://web.example:443/bye", "http://web.example/bye", "https://web.example/../bye",
		"https://web.example/bye%20", " https://web.example/bye", "javascript:alert(1)", "//web.example/bye", "/bye", "https://app.example/bye",
	} {
		w := newWorld(t)
		account := w.signIn(w.ann, "web")
		for _, pairs := range [][]string{
			{"id_token_hint", w.idToken(account, "web"), "post_logout_redirect_uri", uri},
			{"client_id", "web", "post_logout_redirect_uri", uri},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r := w.request(http.MethodGet, "/oauth2/logout?"+query(pairs...).Encode(), nil)
				if method == http.MethodPost {
					r = w.request(http.MethodPost, "/oauth2/logout", query(pairs...))
				}
				if rec := w.do(r); rec.Code != http.StatusBadRequest || rec.Header().Get("Location") != "" || w.who() == "" {
					t.Errorf("%s %s: %d, to %s; in: %s", method, uri, rec.Code, rec.Header().Get("Location"), w.who())
				}
			}
		}
	}
}

func TestRPInitiatedLogoutSection3TheStateIsAdded(t *testing.T) {
	for _, c := range []struct{ uri, state, want string }{
		{"https://a.example/", "", "https://a.example/"},
		{"https://a.example/", "x", "https://a.example/?state=x"},
		{"https://a.example/?", "x", "https://a.example/?state=x"},
		{"https://a.example/?b=%2F&c", "x y&z", "https://a.example/?b=%2F&c&state=x+y%26z"},
		{"https://a.example/?b=1&", "x", "https://a.example/?b=1&state=x"},
		{"https://a.example/#f", "x", "https://a.example/?state=x#f"},
		{"com.example.app:/bye", "x", "com.example.app:/bye?state=x"},
		{"https://a.example/", "\r\nX: y", "https://a.example/?state=%0D%0AX%3A+y"},
	} {
		if got := withState(c.uri, c.state); got != c.want {
			t.Errorf("%s, %q: %s", c.uri, c.state, got)
		}
	}
}

// What cannot be right is an error page; nobody is signed out, nobody is sent
// anywhere.
func TestRPInitiatedLogoutSection4BadRequests(t *testing.T) {
	w := newWorld(t)
	account := w.signIn(w.ann, "web")
	good := w.idToken(account, "web")
	header, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	access, err := w.mint.Access(mint.Profile{Audience: "api", Alg: token.ES256, TTL: time.Minute}, mint.Access{Subject: "web|" + string(w.ann.ID), ClientID: "web", SID: "x", Status: w.mint.Status(data.Slot{})})
	must(t, err)
	for name, pairs := range map[string][]string{
		"a hint that is no token":            {"id_token_hint", "x"},
		"a hint without its signature":       {"id_token_hint", header + "." + payload + "."},
		"a hint of alg none":                 {"id_token_hint", none + "." + payload + "."},
		"a hint that was changed":            {"id_token_hint", tamper(good, `"aud":"web"`, `"aud":"app"`)},
		"a hint of another signature":        {"id_token_hint", good[:len(good)-4] + "AAAA"},
		"an access token for a hint":         {"id_token_hint", w.signed(access, nil)},
		"a logout token for a hint":          {"id_token_hint", w.signed(w.mint.Logout(mint.Logout{ClientID: "web", Alg: token.ES256, Subject: "web|" + string(w.ann.ID), JTI: "x"}))},
		"a signed userinfo for a hint":       {"id_token_hint", w.signed(w.mint.Userinfo(token.ES256, "web", map[string]any{"sub": "web|" + string(w.ann.ID)}))},
		"a hint of another issuer":           {"id_token_hint", otherIssuer(t)},
		"a hint of another client":           {"id_token_hint", good, "client_id", "app"},
		"a client that is not there":         {"client_id", "nobody"},
		"a parameter twice":                  {"state", "a", "state", "b"},
		"a parameter that is not UTF-8":      {"state", "\xff"},
		"a handle that is not there":         {"request", "signet_rq_x"},
		"a handle of something else":         {"request", "signet_rq_authorization"},
		"a handle that has ended, with more": {"request", "signet_rq_x", "id_token_hint", good},
	} {
		must(t, w.store.Requests.Create(t.Context(), data.Request{Hash: data.HashOf("signet_rq_authorization"), Client: "web",
			Params: map[string][]string{"id_token_hint": {good}}, ExpiresAt: w.now.Add(time.Minute)}))
		t.Run(name, func(t *testing.T) {
			rec := w.get(append(pairs, "post_logout_redirect_uri", "https://web.example/bye")...)
			if rec.Code != http.StatusBadRequest && rec.Code != http.StatusGone || rec.Header().Get("Location") != "" || w.who() != "ann@example.com" {
				t.Errorf("%d %s; in: %s", rec.Code, rec.Body, w.who())
			}
			if strings.Contains(rec.Body.String(), good) {
				t.Error("the hint is in the answer")
			}
		})
		must(t, w.store.Requests.Change(t.Context(), data.HashOf("signet_rq_authorization"), func(*data.Request) data.Change { return data.End }))
	}
}

// otherIssuer is an ID token of somebody who has other keys.
func otherIssuer(t *testing.T) string {
	w := newWorld(t)
	return w.idToken(w.signIn(w.ann, "web"), "web")
}

// Section 2: "OpenID Providers MUST support the use of the HTTP GET and POST
// methods". A POST of another site brings no cookie; its parameters are kept,
// and stay out of the URL.
func TestRPInitiatedLogoutSection2Post(t *testing.T) {
	w := newWorld(t)
	text := w.idToken(w.signIn(w.ann, "web"), "web")
	jar := w.jar
	w.jar = map[string]string{} // SameSite=Lax
	rec := w.do(w.request(http.MethodPost, "/oauth2/logout?state=ignored", query("id_token_hint", text, "post_logout_redirect_uri", "https://web.example/bye", "state", "x",
		"response_type", "code", "redirect_uri", "https://evil.example/")))
	next := leadsTo(rec)
	if !strings.HasPrefix(next, "/oauth2/logout?request=signet_rq_") || strings.Contains(next, "web") || len(rec.Result().Cookies()) != 0 {
		t.Fatalf("%d, to %s", rec.Code, next)
	}
	stored, err := w.store.Requests.Get(t.Context(), data.HashOf(strings.TrimPrefix(next, "/oauth2/logout?request=")))
	if err != nil || !stored.Logout || len(stored.Params) != 3 || stored.Params["state"][0] != "x" {
		t.Fatalf("%+v, %v", stored, err)
	}
	w.jar = jar
	rec = w.do(w.request(http.MethodGet, next, nil))
	if leadsTo(rec) != "https://web.example/bye?state=x" || w.who() != "" {
		t.Errorf("%d, to %s; in: %s", rec.Code, leadsTo(rec), w.who())
	}
	w.signIn(w.ann)
	w.now = w.now.Add(keptFor)
	if rec = w.do(w.request(http.MethodGet, next, nil)); rec.Code != http.StatusGone || w.who() == "" {
		t.Errorf("a handle that has ended: %d", rec.Code)
	}
}

func TestRPInitiatedLogoutSection2PostThatIsAsked(t *testing.T) {
	w := newWorld(t)
	w.signIn(w.ann, "web")
	rec := w.do(w.request(http.MethodPost, "/oauth2/logout", query("client_id", "web", "post_logout_redirect_uri", "https://web.example/bye", "ui_locales", "de")))
	rec = w.do(w.request(http.MethodGet, leadsTo(rec), nil))
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `lang="de"`) || !strings.Contains(rec.Body.String(), "The Web App") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if rec = w.press(rec, "go"); leadsTo(rec) != "https://web.example/bye" || w.who() != "" {
		t.Errorf("%d, to %s; in: %s", rec.Code, leadsTo(rec), w.who())
	}
	if rec = w.do(w.request(http.MethodPost, "/oauth2/logout", nil)); leadsTo(rec) != "/oauth2/logout" {
		t.Errorf("a POST of nothing: %d, to %s", rec.Code, leadsTo(rec))
	}
}

// No other site, and no other browser, can say yes for the person.
func TestNobodyElseSaysYes(t *testing.T) {
	for name, change := range map[string]func(r *http.Request, form url.Values){
		"another site":       func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "https://evil.example") },
		"an opaque origin":   func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "null") },
		"no origin":          func(r *http.Request, _ url.Values) { r.Header.Del("Origin") },
		"no token":           func(_ *http.Request, form url.Values) { form.Del("csrf") },
		"another token":      func(_ *http.Request, form url.Values) { form.Set("csrf", strings.Repeat("A", 43)) },
		"a token in the URL": func(r *http.Request, form url.Values) { r.URL.RawQuery = form.Encode(); form.Del("csrf") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.signIn(w.ann, "web")
			csrf := formCSRF.FindStringSubmatch(w.get().Body.String())[1]
			form := query("csrf", csrf, "action", "go")
			probe := w.request(http.MethodPost, "/oauth2/logout/confirm", form)
			change(probe, form)
			r := w.request(http.MethodPost, "/oauth2/logout/confirm?"+probe.URL.RawQuery, form)
			r.Header["Origin"] = probe.Header["Origin"]
			if rec := w.do(r); rec.Code != http.StatusForbidden || w.who() != "ann@example.com" {
				t.Errorf("%d; in: %s", rec.Code, w.who())
			}
		})
	}
}

func TestALookSignsNobodyOut(t *testing.T) {
	w := newWorld(t)
	text := w.idToken(w.signIn(w.ann, "web"), "web")
	rec := w.do(w.request(http.MethodHead, "/oauth2/logout?"+query("id_token_hint", text).Encode(), nil))
	if rec.Code != http.StatusOK || w.who() != "ann@example.com" {
		t.Errorf("%d; in: %s", rec.Code, w.who())
	}
}

// A yes is for those who were named, also when the form is old.
func TestAnOldYesSignsNobodyElseOut(t *testing.T) {
	w := newWorld(t)
	w.signIn(w.ann, "web")
	page := w.get("client_id", "web")
	w.press(page, "go")
	w.signIn(w.bob, "web")
	if rec := w.press(page, "go"); rec.Code != http.StatusSeeOther || w.who() != "bob@example.com" {
		t.Errorf("%d; in: %s", rec.Code, w.who())
	}
}

// Front-Channel Logout, section 3: the clients of the session are loaded in
// frames, and then the browser goes on.
func TestFrontChannelLogoutSection3(t *testing.T) {
	w := newWorld(t)
	w.clients.add("plain", client.Stored, data.Metadata{FrontLogoutURI: "https://plain.example/out?a=b"})
	w.clients.add("sid", client.Stored, data.Metadata{FrontLogoutURI: "https://sid.example/out", FrontLogoutSID: true})
	account := w.signIn(w.ann, "web", "plain", "sid")
	rec := w.get("id_token_hint", w.idToken(account, "web"), "post_logout_redirect_uri", "https://web.example/bye", "state", "x")
	body := strings.ReplaceAll(rec.Body.String(), "&amp;", "&")
	for _, want := range []string{
		`<iframe src="https://plain.example/out?a=b"`,
		`<iframe src="https://sid.example/out?iss=https%3A%2F%2Fid.example.com&sid=` + w.sessions.SID(account.Account, "sid") + `"`,
		`href="https://web.example/bye?state=x"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in %s", want, body)
		}
	}
	if csp := rec.Header().Get("Content-Security-Policy"); rec.Code != http.StatusOK || !strings.Contains(csp, "frame-src https://plain.example https://sid.example") {
		t.Errorf("%d, %s", rec.Code, csp)
	}
	if w.who() != "" {
		t.Error("still in")
	}
}

func TestSessionManagementSection3_2(t *testing.T) {
	w := newWorld(t)
	rec := w.do(w.request(http.MethodGet, "/oauth2/check_session", nil))
	csp := rec.Header().Get("Content-Security-Policy")
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `data-cookie="__Host-signet_state"`) || strings.Contains(csp, "frame-ancestors") || strings.Contains(csp, "unsafe") {
		t.Errorf("%d %s %s", rec.Code, csp, rec.Body)
	}
}

// run lets the ring do what is due.
func run(w *world) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.ring.Run(ctx) }()
	for {
		gone := false
		for _, k := range w.ring.List() {
			gone = gone || k.State == keys.Gone
		}
		if gone {
			break
		}
		changed := w.ring.Changed()
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			w.t.Fatal("no key is gone")
		}
	}
	cancel()
	<-done
}

// Whatever a stranger asks, nobody is signed out without an ID token or a yes,
// and nobody is sent to a place that is not registered.
func FuzzLogout(f *testing.F) {
	w := newWorld(f)
	w.signIn(w.ann, "web")
	w.signIn(w.bob, "app")
	jar := w.jar
	f.Fuzz(func(t *testing.T, query string, post, in bool) {
		if w.t, w.jar = t, jar; !in {
			w.jar = map[string]string{}
		}
		r := w.request(http.MethodGet, "/oauth2/logout", nil)
		r.URL.RawQuery = query
		if post {
			r = w.request(http.MethodPost, "/oauth2/logout", nil)
			r.Body = io.NopCloser(strings.NewReader(query))
		}
		rec := w.do(r)
		to, _, _ := strings.Cut(rec.Header().Get("Location"), "?")
		switch {
		case rec.Code == http.StatusSeeOther && !slices.Contains([]string{"/oauth2/logout", "/signed-out", "https://web.example/bye"}, to):
			t.Errorf("to %s", to)
		case rec.Code == http.StatusOK && !asks(rec), rec.Code >= http.StatusInternalServerError:
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if w.jar = jar; w.who() != "bob@example.com ann@example.com" {
			t.Errorf("in: %s", w.who())
		}
	})
}

// A client that registered itself may name anybody's address beside its own.
func TestTheHostOfAStrangerIsWhereThePersonGoes(t *testing.T) {
	w := newWorld(t)
	w.clients.add("stranger", client.Registered, data.Metadata{RedirectURIs: []string{"https://bank.example/cb"},
		PostLogoutURIs: []string{"https://bank.example/bye", "https://evil.example/bye"}})
	w.signIn(w.ann)
	body := w.get("client_id", "stranger", "post_logout_redirect_uri", "https://evil.example/bye").Body.String()
	if !strings.Contains(body, "evil.example") || strings.Contains(body, "bank.example") {
		t.Errorf("got %s", body)
	}
	if body := w.get("client_id", "stranger").Body.String(); strings.Contains(body, "bank.example") {
		t.Errorf("got %s", body)
	}
}
