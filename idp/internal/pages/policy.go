package pages

import (
	"net/url"
	"strings"
)

// policy is the Content-Security-Policy of a page. No page has inline scripts
// or styles, so none is ever allowed.
type policy struct {
	// leadsOut is for a page whose form may end at a client. Chrome and Safari
	// hold form-action against every redirect that follows a submit, those of
	// the client's own servers too (github.com/w3c/webappsec-csp/issues/8): a
	// callback at api.example.com that goes on to app.example.com, or to an
	// app's own scheme, would be blocked, and nobody can know these places
	// beforehand. Such a page leaves form-action out. All others say 'self'.
	leadsOut bool
	frames   []string // the origins of what the page frames
	framed   bool     // any page may frame this one: check_session_iframe
}

// String is the value of the header (CSP Level 3).
func (p policy) String() string {
	directives := []string{"default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "base-uri 'none'"}
	if !p.leadsOut {
		directives = append(directives, "form-action 'self'")
	}
	if !p.framed {
		directives = append(directives, "frame-ancestors 'none'")
	}
	if len(p.frames) > 0 {
		directives = append(directives, "frame-src "+strings.Join(p.frames, " "))
	}
	return strings.Join(directives, "; ")
}

// source is the origin of a URL as a policy names it, or "" where it has none
// that a policy could name. What could end a directive is no part of a host
// here, even if net/url should let it pass.
func source(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*\t\r\n") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
