package main

import (
	"errors"
	"net/http"
	"strings"

	"signet/resource"
	"signet/resource/token"
)

// prefix is what the names of all headers of the identity begin with, folded.
// The page about nginx names each of them.
const prefix = "x-auth"

// errUnsayable says that a good token holds what no header could carry
// unchanged. The issuer's own names are none of those.
var errUnsayable = errors.New("gateway: the token has a name that no header can carry")

// identity is what the program behind the gateway is told of t.
func identity(t *resource.Token) (http.Header, error) {
	c := t.Claims()
	h := http.Header{}
	for name, values := range map[string][]string{
		"X-Auth-Subject":  {c.Subject},
		"X-Auth-Client":   {c.ClientID},
		"X-Auth-Scope":    c.Scopes(),
		"X-Auth-Roles":    c.Roles,
		"X-Auth-Token-Id": {c.ID},
		"X-Auth-Actor":    actor(c.Actor),
	} {
		for _, value := range values {
			if !visible(value) {
				return nil, errUnsayable
			}
		}
		if len(values) > 0 {
			h.Set(name, strings.Join(values, " "))
		}
	}
	return h, nil
}

// actor is the outermost one, who acts now (RFC 8693 section 4.1).
func actor(a *token.Actor) []string {
	switch {
	case a == nil:
		return nil
	case a.Subject != "":
		return []string{a.Subject}
	}
	return []string{a.ClientID}
}

// visible says whether s is one name of visible ASCII: nothing in it ends a
// header, and no space makes two names of it.
func visible(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// strip takes from h every header that a program could take for one of the
// identity. CGI, WSGI and their like make one name of X-Auth-Subject,
// X_Auth_Subject and x.auth.subject (RFC 3875 section 4.1.18).
func strip(h http.Header) {
	for name := range h {
		if strings.HasPrefix(fold(name), prefix) {
			delete(h, name)
		}
	}
}

// fold is a header's name in lower case, with a hyphen for all that is neither
// letter nor digit.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
}
