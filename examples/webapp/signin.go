package main

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// passedOn are the parameters of /login that go to the issuer as they are.
var passedOn = []string{"prompt", "max_age", "login_hint", "ui_locales", "acr_values"}

// signIn sends the browser to the issuer. Others may lead people here too, with
// iss and login_hint: OpenID Connect Core, section 4.
func (a *app) signIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Has("iss") && q.Get("iss") != a.issuer {
		return failure{http.StatusBadRequest, "This application does not sign in there", "It knows one issuer only."}
	}
	p, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	try := attempt{nonce: nonce, verifier: verifier, prompt: q.Get("prompt"), maxAge: q.Get("max_age")}
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)}
	for _, name := range passedOn {
		if q.Has(name) {
			options = append(options, oauth2.SetAuthURLParam(name, q.Get(name)))
		}
	}
	if a.responseMode != "" {
		options = append(options, oauth2.SetAuthURLParam("response_mode", a.responseMode))
	}
	browser := a.browser(w, r)
	if l := a.sessions.login(browser); l != nil && try.prompt == "none" {
		// Not whoever is signed in there now, but the person who is here.
		try.subject = l.subject
		options = append(options, oauth2.SetAuthURLParam("id_token_hint", l.idToken))
	}
	a.sessions.begin(browser, state, try)
	http.Redirect(w, r, p.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

// callback takes the issuer's answer, by query or by form_post.
func (a *app) callback(w http.ResponseWriter, r *http.Request) error {
	p, err := a.discover(r.Context())
	if err != nil {
		return err
	}
	browser := a.id(r)
	try, ok := a.sessions.take(browser, r.FormValue("state"))
	if !ok {
		return failure{http.StatusBadRequest, "This sign-in was not begun here",
			"Or it was begun long ago, or it has been finished already. Please begin again."}
	}
	// RFC 9207, section 2.4: an answer of another issuer is refused before
	// anything in it is believed, and its code goes nowhere.
	if iss := r.FormValue("iss"); iss != a.issuer && (p.namesIss || iss != "") {
		return failure{http.StatusBadRequest, "The answer came from another issuer", "Nobody was signed in."}
	}
	if code := r.FormValue("error"); code != "" {
		return a.refused(w, r, browser, try, code)
	}
	ctx := oidc.ClientContext(r.Context(), a.client)
	token, err := p.oauth.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(try.verifier))
	if err != nil {
		return err
	}
	l, err := p.login(ctx, token, func(t *oidc.IDToken) error { return try.wrong(t, a.now()) })
	if err != nil {
		return err
	}
	notice := ""
	if try.prompt == "none" {
		notice = "You are still signed in at the issuer. No page was shown for it."
	}
	// A new id: one that somebody planted before the sign-in is worth nothing.
	a.sessions.end(browser)
	http.SetCookie(w, a.cookie(a.sessions.create(l, notice)))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// wrong holds an ID token against what was asked for.
func (try attempt) wrong(t *oidc.IDToken, now time.Time) error {
	if subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(try.nonce)) != 1 {
		return errors.New("the ID token belongs to another sign-in")
	}
	if try.subject != "" && t.Subject != try.subject {
		return errors.New("the ID token speaks of somebody else")
	}
	if try.maxAge == "" {
		return nil
	}
	seconds, err := strconv.Atoi(try.maxAge)
	if err != nil {
		return fmt.Errorf("max_age: %w", err)
	}
	var claims struct {
		AuthTime int64 `json:"auth_time"`
	}
	if err := t.Claims(&claims); err != nil {
		return err
	}
	// Section 3.1.3.7: with max_age, it is for us to look when the person
	// last signed in. A minute for the way here and for clocks.
	if at := time.Unix(claims.AuthTime, 0); claims.AuthTime == 0 || now.Sub(at) > time.Duration(seconds)*time.Second+time.Minute {
		return errors.New("the person has not signed in lately")
	}
	return nil
}

// refused answers an error of the issuer. What is no fault becomes a notice.
func (a *app) refused(w http.ResponseWriter, r *http.Request, browser string, try attempt, code string) error {
	switch {
	case code == "access_denied":
		a.sessions.tell(browser, "You did not let this application in. It has learned nothing about you.")
	case try.prompt == "none" && silent(code):
		a.sessions.tell(browser, "The issuer cannot say without asking you ("+code+").")
	default:
		return failure{http.StatusBadGateway, "The issuer refused", "Its reason: " + code}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// refresh takes new tokens for a login.
func (a *app) refresh(w http.ResponseWriter, r *http.Request) error {
	browser := a.id(r)
	l := a.sessions.login(browser)
	if l == nil || l.token.RefreshToken == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	if _, err := a.turn(r, browser, l); err == nil {
		a.sessions.tell(browser, "The tokens are new.")
	} else if !errors.Is(err, errEnded) {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// errEnded means that the issuer has ended a login, and so has the application.
var errEnded = errors.New("the login has ended")

func (a *app) turn(r *http.Request, browser string, old *login) (*login, error) {
	p, err := a.discover(r.Context())
	if err != nil {
		return nil, err
	}
	l, err := p.turn(oidc.ClientContext(r.Context(), a.client), old)
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode == "invalid_grant" {
		a.sessions.replace(browser, old, nil)
		a.sessions.tell(browser, "The issuer has ended your sign-in. Please sign in again.")
		return nil, errEnded
	}
	if err != nil {
		return nil, err
	}
	a.sessions.replace(browser, old, l)
	return l, nil
}
