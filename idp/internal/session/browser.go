package session

import (
	"crypto/subtle"
	"net/http"

	"signet/data"
	"signet/idp/internal/wire"
)

// Browser names this browser by a cookie of its own, which proves nothing but
// that it is the same browser; one is set where there is none. It lives until
// the browser closes.
func (s *Service) Browser(w http.ResponseWriter, r *http.Request) data.Hash {
	if value, ok := s.browser.get(w, r); ok {
		return data.HashOf(value)
	}
	value, hash, err := s.o.Store.NewSecret("")
	if err != nil {
		panic(err) // no randomness; no browser may share a name with another
	}
	s.browser.put(w, value, 0)
	return hash
}

// CSRF is the token that a form in this browser carries.
func (s *Service) CSRF(browser data.Hash) string {
	return s.derive("csrf", browser.String())
}

// CheckCSRF tells whether a form comes from a page that this browser was shown:
// the token is right, and the Origin header, which browsers send with every
// POST, is the issuer's. A page must not have the Referrer-Policy no-referrer
// then, which makes the Origin of its forms null (Fetch, "append a request
// Origin header"); same-origin is right. The error is a *wire.Error, 403.
func (s *Service) CheckCSRF(r *http.Request, token string) error {
	lines := r.Header.Values("Origin")
	if len(lines) != 1 || lines[0] != s.origin {
		return forged("The form comes from another page.")
	}
	cookies := r.CookiesNamed(s.browser.name)
	if len(cookies) != 1 || cookies[0].Value == "" {
		return forged("The browser keeps no cookies of this page, or the form is too old.")
	}
	want := s.CSRF(data.HashOf(cookies[0].Value))
	if subtle.ConstantTimeCompare([]byte(token), []byte(want)) != 1 {
		return forged("The form is too old, or comes from another browser.")
	}
	return nil
}

func forged(description string) error {
	return &wire.Error{Status: http.StatusForbidden, Code: wire.CodeAccessDenied, Description: description}
}
