package session

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// SessionState is the session_state of an authorization response (OpenID
// Connect Session Management, section 2), "" where session management is off.
// It is what the page in the client's frame computes from the cookie (pages,
// checksession.js), so the client hears of every sign-in and sign-out here. It
// is bound to the origin of the redirect URI, and to nobody: it has a salt.
func (s *Service) SessionState(session Session, clientID, redirectURI string) (string, error) {
	u, err := url.Parse(redirectURI)
	if !s.o.Management || err != nil || u.Host == "" {
		return "", nil
	}
	salt, err := s.o.Store.NewID()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{clientID, originOf(u), s.browserState(session), salt}, " ")))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt, nil
}

// StateCookie is the name of the cookie that the page in the frame reads.
func (s *Service) StateCookie() string { return s.state.name }

// browserState changes when somebody signs in or out in this browser, and not
// when they only prove again who they are. It opens nothing: it is a keyed hash
// of the accounts' ids. "" is nobody.
func (s *Service) browserState(session Session) string {
	var ids []string
	for _, a := range session.Accounts {
		ids = append(ids, a.ID)
	}
	if len(ids) == 0 {
		return ""
	}
	slices.Sort(ids)
	return s.derive("browser state", ids...)
}

// keepState keeps the cookie true. Its SameSite is None, so that a frame in
// another site's page gets it; no other cookie of ours goes there.
func (s *Service) keepState(w http.ResponseWriter, r *http.Request, session Session) {
	if !s.o.Management {
		return
	}
	has, ok := s.state.get(w, r)
	switch want := s.browserState(session); {
	case want == "" && len(r.CookiesNamed(s.state.name)) > 0:
		s.state.drop(w)
	case want != "" && (!ok || has != want):
		s.state.put(w, want, s.o.Max)
	}
}
