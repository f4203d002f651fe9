package session

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signet/data"
)

// jar is one cookie of ours. All are host-only and for the whole host, also
// where the issuer has a path of its own: __Host- asks for Path=/ (RFC 6265bis,
// section 4.1.3.2) and keeps other hosts under the same domain from planting
// one, while a path keeps nobody out: all pages of a host are one origin. An
// issuer with a path has it in the cookie's name instead, so that two issuers
// on one host do not take each other's.
type jar struct {
	name   string
	secure bool
	framed bool // it is for our page in a frame of another site, and for its script
}

func newJar(issuer *url.URL, name string) jar {
	j := jar{name: "signet_plain_" + name, secure: issuer.Scheme == "https"}
	if j.secure {
		j.name = "__Host-signet_" + name
	}
	if path := strings.Trim(issuer.Path, "/"); path != "" {
		sum := sha256.Sum256([]byte(path))
		j.name += "_" + hex.EncodeToString(sum[:4])
	}
	return j
}

// get reads the cookie: what this answer has set already, else what the browser
// sent. Two of one name mean that somebody has planted one: neither is
// believed.
func (j jar) get(w http.ResponseWriter, r *http.Request) (value string, ok bool) {
	for _, line := range w.Header()["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == j.name {
			return c.Value, c.Value != ""
		}
	}
	cookies := r.CookiesNamed(j.name)
	if len(cookies) != 1 || cookies[0].Value == "" {
		return "", false
	}
	return cookies[0].Value, true
}

// put sets the cookie for so long, or, with 0, until the browser closes. There
// is one line for a name (RFC 6265, section 4.1.1).
func (j jar) put(w http.ResponseWriter, value string, lives time.Duration) {
	j.set(w, value, int(lives/time.Second))
}

// drop deletes the cookie.
func (j jar) drop(w http.ResponseWriter) { j.set(w, "", -1) }

func (j jar) set(w http.ResponseWriter, value string, maxAge int) {
	lines := w.Header()["Set-Cookie"]
	w.Header().Del("Set-Cookie")
	for _, line := range lines {
		if !strings.HasPrefix(line, j.name+"=") {
			w.Header().Add("Set-Cookie", line)
		}
	}
	c := &http.Cookie{Name: j.name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: j.secure, SameSite: http.SameSiteLaxMode}
	if j.framed {
		c.HttpOnly, c.Secure, c.SameSite = false, true, http.SameSiteNoneMode
	}
	http.SetCookie(w, c)
}

// cookie is what the session cookie holds: the name of a record and a secret.
type cookie struct {
	name, secret string
	hash         data.Hash // of the name
}

func newCookie(name, secret string) cookie {
	return cookie{name: name, secret: secret, hash: data.HashOf(name)}
}

func (c cookie) text() string { return c.name + "." + c.secret }

// partSize is the length of 32 bytes in base64url.
const partSize = 43

func (s *Service) shown(w http.ResponseWriter, r *http.Request) (cookie, bool) {
	value, ok := s.session.get(w, r)
	name, secret, found := strings.Cut(value, ".")
	if !ok || !found || len(name) != partSize || len(secret) != partSize {
		return cookie{}, false
	}
	return newCookie(name, secret), true
}

// originOf is what a browser sends as Origin for a page of u (RFC 6454, section
// 6.1): no path, and no port that the scheme implies.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}
