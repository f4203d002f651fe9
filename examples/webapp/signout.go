package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// signOut ends the session here, then sends the browser to the issuer, to end
// it there: OpenID Connect RP-Initiated Logout.
func (a *app) signOut(w http.ResponseWriter, r *http.Request) error {
	l := a.sessions.end(a.id(r))
	gone := a.cookie("")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	p, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	if l == nil || p.endSession == "" {
		http.Redirect(w, r, "/signed-out", http.StatusSeeOther)
		return nil
	}
	there, err := url.Parse(p.endSession)
	if err != nil {
		return err
	}
	q := there.Query()
	q.Set("id_token_hint", l.idToken)
	q.Set("post_logout_redirect_uri", a.url+"/signed-out")
	there.RawQuery = q.Encode()
	http.Redirect(w, r, there.String(), http.StatusSeeOther)
	return nil
}

// backChannel takes a logout token, which the issuer sends by itself, without
// the browser: OpenID Connect Back-Channel Logout, section 2.5.
func (a *app) backChannel(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	err := a.loggedOut(r)
	if err == nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request", "error_description": err.Error()})
}

func (a *app) loggedOut(r *http.Request) error {
	p, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	// go-oidc holds signature, iss, aud, exp, events, jti, sub or sid, and
	// that there is no nonce, against section 2.6.
	ctx := oidc.ClientContext(r.Context(), a.client)
	t, err := p.verifier.VerifyLogout(ctx, r.PostFormValue("logout_token"))
	if err != nil {
		return err
	}
	var more struct {
		Events map[string]map[string]any `json:"events"`
	}
	if err := t.Claims(&more); err != nil || more.Events["http://schemas.openid.net/event/backchannel-logout"] == nil {
		return errors.New("the event is not an object")
	}
	now := a.now()
	if old := now.Sub(t.IssuedAt); old > tokenAge || old < -time.Minute {
		return errors.New("the logout token was not made just now")
	}
	if !a.logoutTokens.first(t.TokenID, now) {
		return errors.New("the logout token has been here before")
	}
	// With a sid, that session ends; without, all of the person.
	a.sessions.signOutAll(func(l *login) bool {
		return l.issuer == t.Issuer && (t.Subject == "" || l.subject == t.Subject) && (t.SessionID == "" || l.sid == t.SessionID)
	})
	return nil
}

// frontChannel is loaded by the issuer's signed-out page, in a frame. The
// cookie may not come along in there, so the session is found by its sid:
// OpenID Connect Front-Channel Logout, section 3.
func (a *app) frontChannel(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors "+origin(a.issuer))
	h.Set("Content-Type", "text/html; charset=utf-8")
	iss, sid := r.URL.Query().Get("iss"), r.URL.Query().Get("sid")
	if iss != a.issuer || sid == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.sessions.signOutAll(func(l *login) bool { return l.issuer == iss && l.sid == sid })
	fmt.Fprint(w, "<!doctype html><title>Signed out</title>")
}

// tokenAge is how old a logout token may be: it was made to be sent at once,
// and again when that failed.
const tokenAge = 10 * time.Minute

// seen remembers the ids of logout tokens for as long as they could work.
type seen struct {
	mu sync.Mutex
	at map[string]time.Time
}

// first says whether an id comes for the first time.
func (s *seen) first(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	maps.DeleteFunc(s.at, func(_ string, at time.Time) bool { return now.Sub(at) > 2*tokenAge })
	_, again := s.at[id]
	s.at[id] = now
	return !again
}
