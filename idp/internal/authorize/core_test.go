package authorize

import (
	"testing"
	"time"

	"signet/data"
)

// OpenID Connect Core, section 3.1.2.3: what a page must be shown for, and in
// which order, through the endpoint.
func TestOpenIDCoreSection3123Authentication(t *testing.T) {
	w := newWorld(t)
	t.Run("prompt=login wants a sign-in for itself", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		w.Move(time.Minute)
		handle := b.authorize(asks("web", "prompt", "login")).page("/sign-in")
		b.goOn(handle).page("/sign-in")
		b.signInFor(handle, w.ann)
		b.goOn(handle).gave()
	})
	t.Run("max_age wants a young sign-in", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		w.Move(time.Minute)
		b.authorize(asks("web", "max_age", "60")).gave()
		b.authorize(asks("web", "max_age", "59", "prompt", "none")).told("login_required")
		handle := b.authorize(asks("web", "max_age", "59")).page("/sign-in")
		b.signInFor(handle, w.ann)
		c := w.stored(b.goOn(handle).gave())
		if !c.Authorization.AuthTime.Equal(w.Now()) {
			t.Errorf("auth_time is %v", c.Authorization.AuthTime)
		}
	})
	t.Run("max_age=0 wants a sign-in for itself", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		handle := b.authorize(asks("web", "max_age", "0")).page("/sign-in")
		b.signInFor(handle, w.ann)
		b.goOn(handle).gave()
	})
	t.Run("default_max_age", func(t *testing.T) {
		w.must(w.Store.AddConsent(t.Context(), data.Consent{User: w.ann.ID, Client: "narrow", Scope: "openid posts", Audience: []string{"api"}}))
		b := w.signedIn(w.ann)
		b.authorize(asks("narrow")).gave()
		w.Move(11 * time.Minute)
		b.authorize(asks("narrow")).page("/sign-in")
	})
	t.Run("prompt=select_account, and another account", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		bob := b.signIn(w.bob)
		handle := b.authorize(asks("web", "prompt", "select_account")).page("/accounts")
		b.choose(handle, bob.ID)
		b.goOn(handle).page("/consent")
		b.allow(handle, "openid posts")
		if c := w.stored(b.goOn(handle).gave()); c.Authorization.User != w.bob.ID || c.Authorization.Account != bob.ID {
			t.Errorf("got %+v", c.Authorization)
		}
	})
	t.Run("several accounts", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		b.signIn(w.bob)
		b.authorize(asks("web")).page("/accounts")
		b.authorize(asks("web", "prompt", "none")).told("account_selection_required")
		if c := w.stored(b.authorize(asks("web", "login_hint", "ann@example.com")).gave()); c.Authorization.User != w.ann.ID {
			t.Errorf("got %+v", c.Authorization)
		}
	})
	t.Run("prompt=create", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		handle := b.authorize(asks("web", "prompt", "create")).page("/sign-up")
		cat, err := w.Store.CreateUser(t.Context(), data.User{Email: "cat@example.com"}, data.InvitationHash{})
		w.must(err)
		b.signInFor(handle, cat)
		b.goOn(handle).page("/consent")
	})
	t.Run("prompt=consent asks again", func(t *testing.T) {
		b := w.allowed("web", "openid posts")
		handle := b.authorize(asks("web", "prompt", "consent")).page("/consent")
		b.allow(handle, "openid posts")
		b.goOn(handle).gave()
	})
	t.Run("a client of the house is not asked about", func(t *testing.T) {
		w.signedIn(w.ann).authorize(asks("ours")).gave()
		if c, err := w.Store.Consent(t.Context(), w.ann.ID, "ours"); err != nil || c.Scope != "" {
			t.Errorf("a consent that nobody gave: %+v %v", c, err)
		}
	})
}

func TestOpenIDCoreSection3126Errors(t *testing.T) {
	w := newWorld(t)
	ann := func() *browser { return w.signedIn(w.ann) }
	w.browser().authorize(asks("web", "prompt", "none")).told("login_required")
	ann().authorize(asks("web", "prompt", "none")).told("consent_required")
	ann().authorize(asks("web", "registration", "{}")).told("registration_not_supported")
	ann().authorize(asks("web", "request", "e30.e30.", "redirect_uri", "https://web.example.com/cb")).told("request_not_supported")
	ann().authorize(asks("web", "request_uri", "https://web.example.com/r")).told("invalid_request_uri")
	ann().authorize(asks("web", "request", "x")).told("invalid_request_object")
}

// OpenID Connect Core, section 5.5: claims that bind.
func TestOpenIDCoreSection55Claims(t *testing.T) {
	w := newWorld(t)
	b := w.allowed("web", "openid posts")
	b.authorize(asks("web", "claims", `{"id_token":{"acr":{"essential":true,"values":["9"]}}}`)).told("unmet_authentication_requirements")
	b.authorize(asks("web", "claims", `{"id_token":{"acr":{"values":["9"]}}}`)).gave()
	b.authorize(asks("web", "acr_values", "9 8")).gave()
	b.authorize(asks("web", "claims", `{"id_token":{"sub":{"value":"`+string(w.ann.ID)+`"}}}`)).gave()
	b.authorize(asks("web", "claims", `{"id_token":{"sub":{"value":"`+string(w.bob.ID)+`"}}}`, "prompt", "none")).told("login_required")
	handle := b.authorize(asks("web", "claims", `{"id_token":{"sub":{"value":"`+string(w.bob.ID)+`"}}}`)).page("/sign-in")
	b.signInFor(handle, w.ann)
	b.goOn(handle).told("login_required")
	c := w.stored(b.authorize(asks("web", "claims", `{"userinfo":{"email":{"essential":true}}}`)).gave())
	if c.Authorization.Claims != `{"userinfo":{"email":{"essential":true}}}` {
		t.Errorf("got %q", c.Authorization.Claims)
	}
	b.authorize(asks("web", "claims", `{"userinfo":{"phone_number":null}}`)).page("/consent")
}
