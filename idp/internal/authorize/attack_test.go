package authorize

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"signet/data"
)

// RFC 9700, section 4.1: nothing is sent to an address that is not the
// client's, whatever else is wrong with a request.
func TestRFC9700Section41RedirectURIs(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	for _, uri := range []string{
		"https://evil.example.com/cb", "https://web.example.com/cb/../evil", "https://web.example.com/cb#", "https://web.example.com/cb?next=evil",
		"https://web.example.com/cb%2f", "https://web.example.com.evil.example.com/cb", "https://web.example.com@evil.example.com/cb",
		"https://web.example.com\\@evil.example.com/cb", "//web.example.com/cb", "javascript:alert(1)", "data:text/html,x",
		"https://WEB.example.com/cb", "http://web.example.com/cb", "https://web.example.com:443/cb", " https://web.example.com/cb", "https://web.example.com/cb\n",
	} {
		for _, more := range [][]string{nil, {"response_type", ""}, {"scope", "magic"}, {"prompt", "none login"}, {"response_mode", "form_post"}, {"claims", "x"}} {
			b.authorize(asks("web", append([]string{"redirect_uri", uri}, more...)...)).shown("invalid_request")
		}
	}
}

// RFC 9700, section 4.4: the answer says who answers, good or bad.
func TestRFC9700Section44MixUp(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("all", "openid posts")
	for _, mode := range []string{"query", "fragment", "form_post"} {
		a := b.authorize(asks("all", "response_mode", mode))
		if a.gave(); a.mode != mode || len(a.client["iss"]) != 1 {
			t.Errorf("%s: %v", mode, a.client)
		}
		if a = b.authorize(asks("all", "response_mode", mode, "scope", "magic")).told("invalid_scope"); a.mode != mode {
			t.Errorf("%s: %s", mode, a.mode)
		}
	}
}

// RFC 9700, section 4.5: a code knows the challenge, the nonce, the redirect
// URI and the client of its request, so that it is of no use in another.
func TestRFC9700Section45CodeInjection(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	for range 3 {
		c := w.stored(b.authorize(asks("web")).gave())
		if c.Challenge != challenge || c.Nonce != "n-1" || c.RedirectURI != "https://web.example.com/cb" || c.Authorization.Client != "web" || !c.ExpiresAt.Equal(w.Now().Add(time.Minute)) {
			t.Errorf("got %+v", c)
		}
	}
	// section 4.8: a request without a challenge gives a code without one.
	if c := w.stored(b.authorize(asks("web", "code_challenge", "", "code_challenge_method", "")).gave()); c.Challenge != "" {
		t.Errorf("got %q", c.Challenge)
	}
}

// RFC 9700, section 4.7, from our side: whoever is made to go on with a
// stranger's request is told so.
func TestRFC9700Section47RequestsBelongToABrowser(t *testing.T) {
	w := newWorld(t)
	eve := w.browser()
	handle := eve.authorize(asks("web")).page("/sign-in")
	ann := w.allowed("web", "openid posts")
	ann.goOn(handle).shown("invalid_request")
	if stored, err := w.Store.Requests.Get(t.Context(), data.HashOf(handle)); err != nil || stored.Account != "" {
		t.Errorf("got %+v %v", stored, err)
	}
	// Without any cookie it is another browser, too.
	w.browser().goOn(handle).shown("invalid_request")
	// The one who began goes on.
	eve.signInFor(handle, w.bob)
	eve.goOn(handle).page("/consent")
	// A guess leads nowhere.
	for _, guess := range []string{"", "x", handle[:len(handle)-1], handle + "A", "signet_rq_" + strings.Repeat("A", 43)} {
		eve.goOn(guess).shown("invalid_request")
	}
}

// RFC 9700, section 4.11: we lead nobody away for a client that nobody has
// looked at, before anybody has done anything.
func TestRFC9700Section4112AnUnknownClientLeadsNobodyAway(t *testing.T) {
	const id = "https://app.example.com/client.json"
	w := newWorld(t, `client_documents: ["app.example.com"]`)
	w.Put(id, `{"client_id":"`+id+`","client_name":"App","redirect_uris":["https://app.example.com/cb"],"token_endpoint_auth_method":"none"}`)
	of := func(changes ...string) url.Values {
		v := asks("web", changes...)
		v.Set("client_id", id)
		if v.Has("redirect_uri") {
			v.Set("redirect_uri", "https://app.example.com/cb")
		}
		return v
	}
	b := w.browser()
	b.authorize(of("scope", "magic")).shown("invalid_scope")
	b.authorize(of("prompt", "none login")).shown("invalid_request")
	b.authorize(of("prompt", "none")).told("login_required") // silent requests must be answered
	handle := b.authorize(of()).page("/sign-in")
	b.signInFor(handle, w.ann)
	b.goOn(handle).page("/consent")
	b.allow(handle, "openid posts")
	b.goOn(handle).gave()
	b.authorize(of()).page("/consent") // each time
	b.authorize(of("prompt", "none")).gave()
}

// RFC 9700, section 4.12: a redirect of ours never sends a form on.
func TestRFC9700Section412Redirects(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	for name, a := range map[string]answer{
		"a POST":       b.post(asks("web")),
		"a page":       w.browser().authorize(asks("web")),
		"the client":   b.authorize(asks("web")),
		"a bad POST":   b.post(asks("web", "scope", "magic")),
		"an error":     b.authorize(asks("web", "scope", "magic")),
		"silent error": w.browser().authorize(asks("web", "prompt", "none")),
	} {
		if a.status != http.StatusSeeOther || a.to == nil {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
}

// A form that is posted from another site brings no cookie, and needs none.
func TestAPostGoesOnWithAGet(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	before := len(b.jar)
	a := b.post(asks("web", "prompt", "none"))
	handle := a.page(pathContinue)
	if len(b.jar) != before || len(a.header.Values("Set-Cookie")) > 0 {
		t.Errorf("the POST set a cookie, which takes the place of one that was not sent: %v", a.header)
	}
	b.goOn(handle).gave()
	b.goOn(handle).shown("invalid_request")
	w.browser().goOn(b.post(asks("web", "prompt", "none")).page(pathContinue)).told("login_required")
	// Its parameters are those of the body.
	r := httptest.NewRequest(http.MethodPost, "/oauth2/authorize?"+asks("web").Encode(), strings.NewReader(""))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.send(r).shown("invalid_request")
	r = httptest.NewRequest(http.MethodPost, "/oauth2/authorize", strings.NewReader(`{}`))
	r.Header.Set("Content-Type", "application/json")
	b.send(r).shown("invalid_request")
}

// What one person proved or allowed is never another's, whatever is done to a
// request in between.
func TestNobodyGoesOnWithWhatAnotherDid(t *testing.T) {
	w := newWorld(t)
	t.Run("a sign-in", func(t *testing.T) {
		b := w.signedIn(w.bob)
		bob := b.signIn(w.bob)
		w.Move(time.Minute)
		handle := b.authorize(asks("web", "prompt", "login")).page("/sign-in")
		b.signInFor(handle, w.ann)
		b.choose(handle, bob.ID)
		b.goOn(handle).page("/sign-in")
		// Nor where the page forgot to forget.
		b.change(handle, func(r *data.Request) { r.Account, r.SignedIn = bob.ID, w.Now() })
		b.goOn(handle).page("/sign-in")
	})
	t.Run("a consent", func(t *testing.T) {
		b := w.signedIn(w.ann)
		handle := b.authorize(asks("web", "prompt", "consent")).page("/consent")
		b.allow(handle, "openid posts")
		bob := b.signIn(w.bob)
		b.choose(handle, bob.ID)
		b.goOn(handle).page("/consent")
	})
	t.Run("a consent of one who left", func(t *testing.T) {
		b := w.signedIn(w.ann)
		handle := b.authorize(asks("web", "prompt", "consent")).page("/consent")
		b.allow(handle, "openid posts")
		b.signOut()
		b.goOn(handle).page("/sign-in")
		bob := b.signIn(w.bob)
		b.change(handle, func(r *data.Request) { r.Account = bob.ID })
		b.goOn(handle).page("/consent")
	})
	t.Run("a consent of another client", func(t *testing.T) {
		w.allowed("web", "openid posts").authorize(asks("strict", "redirect_uri", "https://strict.example.com/cb?x=1")).page("/consent")
	})
}

// Whoever signs out, or is signed out everywhere, gets no code any more.
func TestNoCodeForOneWhoIsGone(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	b.authorize(asks("web")).gave()
	b.signOut()
	b.authorize(asks("web")).page("/sign-in")
	b = w.signedIn(w.ann)
	w.must(w.Store.EndUserGrants(t.Context(), w.ann.ID, nil))
	b.authorize(asks("web")).page("/sign-in")
	b.authorize(asks("web", "prompt", "none")).told("login_required")
}

// A client that loses its right in the middle of a request gets nothing.
func TestARequestIsReadAgainBeforeItIsAnswered(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn(w.ann)
	handle := b.authorize(asks("web")).page("/consent")
	b.allow(handle, "openid posts")
	b.change(handle, func(r *data.Request) { r.Params["redirect_uri"] = []string{"https://evil.example.com/"} })
	b.goOn(handle).shown("invalid_request")
	b.change(handle, func(r *data.Request) { r.Client = "gone" })
	b.goOn(handle).shown("invalid_client")
}

// Silent requests change nothing in a browser, so that one in a frame of
// another site cannot.
func TestASilentRefusalLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	a := b.authorize(asks("web", "prompt", "none")).told("login_required")
	if len(a.header.Values("Set-Cookie")) > 0 {
		t.Errorf("got %v", a.header)
	}
}

// A request to be signed out waits in the same table. It is none to sign in.
func TestALogoutIsNoAuthorizationRequest(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	handle := b.authorize(asks("web", "prompt", "consent")).page("/consent")
	b.change(handle, func(r *data.Request) { r.Logout, r.Consented, r.Scope = true, true, "openid posts" })
	b.goOn(handle).shown("invalid_request")
}

func TestASignInTookTooLong(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	handle := b.authorize(asks("web")).page("/sign-in")
	w.Move(31 * time.Minute)
	b.goOn(handle).shown("invalid_request")
}
