package main

import (
	"crypto/rand"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

const (
	sessionTTL  = 12 * time.Hour
	attemptTTL  = 10 * time.Minute
	maxSessions = 10_000
	maxAttempts = 10 // of one browser: tabs in which somebody is about to sign in
)

// session is what the application knows of one browser. It is never changed
// without the lock of its store.
type session struct {
	expires  time.Time
	attempts map[string]attempt // by state
	notice   string             // to be shown once
	login    *login             // nil: nobody is signed in
}

// attempt is a sign-in that has been sent to the issuer and has not come back.
type attempt struct {
	nonce, verifier string
	prompt, maxAge  string
	subject         string // who it must be, if set
	expires         time.Time
}

// login is somebody who is signed in. It is never changed, only replaced.
type login struct {
	issuer, subject, sid string
	idToken              string // as it came: the hint at logout
	claims, userinfo     map[string]any
	token                *oauth2.Token
}

// sessions are the sessions of all browsers, in memory.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: map[string]*session{}}
}

// cookieName is different for each application: browsers do not tell the ports
// of a host apart.
func (s settings) cookieName() string { return "session_" + s.clientID }

// cookie carries a session's id. Lax: a page elsewhere can lead here, and the
// person is still signed in, but it cannot post in the person's name.
func (s settings) cookie(id string) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: id, Path: "/", MaxAge: int(sessionTTL.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(),
	}
}

// id is the session that a request names, whether it exists or not.
func (s settings) id(r *http.Request) string {
	c, err := r.Cookie(s.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// create makes a session, and gives the id that only this browser will know.
func (s *sessions) create(l *login, notice string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	maps.DeleteFunc(s.byID, func(_ string, old *session) bool { return !now.Before(old.expires) })
	for stranger := range s.byID {
		if len(s.byID) < maxSessions {
			break
		}
		delete(s.byID, stranger)
	}
	id := rand.Text()
	s.byID[id] = &session{expires: now.Add(sessionTTL), attempts: map[string]attempt{}, login: l, notice: notice}
	return id
}

// live gives a session that has not expired, or nil. The lock must be held.
func (s *sessions) live(id string) *session {
	found := s.byID[id]
	if found == nil || !s.now().Before(found.expires) {
		return nil
	}
	return found
}

func (s *sessions) exists(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live(id) != nil
}

// login is who is signed in, or nil.
func (s *sessions) login(id string) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.live(id); found != nil {
		return found.login
	}
	return nil
}

// replace puts the newer state of a login in the place of the older. It does
// nothing when that has ended meanwhile.
func (s *sessions) replace(id string, older, newer *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.live(id); found != nil && found.login == older {
		found.login = newer
	}
}

// tell keeps a notice for the next page.
func (s *sessions) tell(id, notice string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.live(id); found != nil {
		found.notice = notice
	}
}

// notice gives the notice, once.
func (s *sessions) notice(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(id)
	if found == nil {
		return ""
	}
	notice := found.notice
	found.notice = ""
	return notice
}

// begin remembers an attempt by its state.
func (s *sessions) begin(id, state string, a attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(id)
	if found == nil {
		return
	}
	now := s.now()
	maps.DeleteFunc(found.attempts, func(_ string, old attempt) bool { return !now.Before(old.expires) })
	for oldest := range found.attempts {
		if len(found.attempts) < maxAttempts {
			break
		}
		delete(found.attempts, oldest)
	}
	a.expires = now.Add(attemptTTL)
	found.attempts[state] = a
}

// take gives the attempt that this browser began with the state. A state works
// once.
func (s *sessions) take(id, state string) (attempt, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(id)
	if found == nil {
		return attempt{}, false
	}
	a, ok := found.attempts[state]
	delete(found.attempts, state)
	return a, ok && s.now().Before(a.expires)
}

// end ends one session and says who was signed in, if anybody.
func (s *sessions) end(id string) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(id)
	delete(s.byID, id)
	if found == nil {
		return nil
	}
	return found.login
}

// signOutAll ends the logins that match. What their browsers have begun
// meanwhile stays: whoever is signing in again just now need not begin anew.
func (s *sessions) signOutAll(matches func(*login) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.byID {
		if each.login != nil && matches(each.login) {
			each.login, each.notice = nil, ""
		}
	}
}
