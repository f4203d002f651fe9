package metadata

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"signet/data"
)

// The bounds of what a client may say.
const (
	maxURI  = 2048 // bytes
	maxList = 100
	maxText = 255 // bytes
)

func at(member string, i int) string { return fmt.Sprintf("%s[%d]", member, i) }

// parse reads an absolute URI, and says what is wrong with it.
func parse(uri string) (u *url.URL, problem string) {
	switch {
	case uri == "":
		return nil, "must not be empty"
	case len(uri) > maxURI:
		return nil, fmt.Sprintf("must have at most %d bytes", maxURI)
	case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^`+"`{|}", r) }):
		return nil, "must hold only the characters of a URI (RFC 3986, section 2)"
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "":
		return nil, "must be an absolute URI"
	case uri[:len(u.Scheme)] != u.Scheme:
		return nil, "must have its scheme in lower case"
	case u.User != nil:
		return nil, "must name no user or password"
	case isHTTP(u) && (u.Opaque != "" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":")):
		return nil, "must have a host"
	}
	return u, ""
}

func isHTTP(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

// isLoopback tells whether a browser finds the host on its own machine (RFC
// 8252, sections 7.3 and 8.3).
func isLoopback(u *url.URL) bool {
	return isLoopbackIP(u) || u.Hostname() == "localhost"
}

func isLoopbackIP(u *url.URL) bool { return u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" }

// redirects checks where people are sent back to.
func (c *checker) redirects(m *data.Metadata) {
	for _, list := range []struct {
		member string
		uris   []string
	}{{"redirect_uris", m.RedirectURIs}, {"post_logout_redirect_uris", m.PostLogoutURIs}} {
		c.want(len(list.uris) <= maxList, list.member, "too many")
		for i, uri := range list.uris {
			if problem := c.redirect(uri, m); problem != "" {
				c.bad(at(list.member, i), "%s", problem)
			} else if slices.Contains(list.uris[:i], uri) {
				c.bad(at(list.member, i), "is there twice")
			}
		}
	}
}

// redirect says what is wrong with a redirect URI (RFC 6749, section 3.1.2;
// RFC 8252, section 7; OpenID Connect Registration, section 2).
func (c *checker) redirect(uri string, m *data.Metadata) string {
	u, problem := parse(uri)
	native := m.ApplicationType == Native
	switch {
	case problem != "":
		return problem
	case strings.Contains(uri, "#"):
		return "must have no fragment"
	case strings.Contains(uri, "*"):
		return "is compared as it stands; name each URI without a wildcard"
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && !isLoopback(u):
		return "must be https: an answer would travel in the clear"
	case u.Scheme == "http" && !native && !c.PlainHTTP:
		return "must be https; a program on the person's own machine is of application_type native"
	case u.Scheme == "http":
		return ""
	case !native:
		return "must be https; only a client of application_type native has a scheme of its own"
	case !strings.Contains(u.Scheme, "."):
		// RFC 8252, section 7.1; javascript, data and the like have none.
		return "a scheme of one's own is a domain name in reverse, such as com.example.app"
	}
	return ""
}

// addresses checks the URIs that are fetched, shown or called.
func (c *checker) addresses(m *data.Metadata) {
	for _, shown := range [][2]string{
		{"client_uri", m.ClientURI}, {"logo_uri", m.LogoURI}, {"policy_uri", m.PolicyURI}, {"tos_uri", m.TOSURI},
	} {
		c.address(shown[0], shown[1], true)
	}
	for _, fetched := range [][2]string{
		{"jwks_uri", m.JWKSURI}, {"backchannel_logout_uri", m.BackLogoutURI}, {"sector_identifier_uri", m.SectorURI},
	} {
		c.address(fetched[0], fetched[1], c.FetchHTTP)
		c.want(!strings.Contains(fetched[1], "#"), fetched[0], "must have no fragment")
	}
	c.address("initiate_login_uri", m.InitiateLoginURI, c.PlainHTTP && onThisMachine(m.InitiateLoginURI)) // https: OpenID Connect Registration, section 2
	c.address("frontchannel_logout_uri", m.FrontLogoutURI, c.PlainHTTP)
	c.want(m.FrontLogoutURI == "" || sharesOrigin(m.FrontLogoutURI, m.RedirectURIs), "frontchannel_logout_uri",
		"must have scheme, host and port of a redirect URI") // Front-Channel Logout, section 2
	c.want(len(m.RequestURIs) <= maxList, "request_uris", "too many")
	for i, uri := range m.RequestURIs { // a fragment may hold a hash (OpenID Connect Core, section 6.2)
		c.want(uri != "", at("request_uris", i), "must not be empty")
		c.address(at("request_uris", i), uri, c.FetchHTTP)
	}
}

func (c *checker) address(member, uri string, plain bool) {
	if problem := address(uri, plain); uri != "" && problem != "" {
		c.bad(member, "%s", problem)
	}
}

func address(uri string, plain bool) (problem string) {
	u, problem := parse(uri)
	if problem == "" && u.Scheme != "https" && !(plain && u.Scheme == "http") {
		problem = "must be https"
	}
	return problem
}

func onThisMachine(uri string) bool {
	u, problem := parse(uri)
	return problem == "" && isLoopback(u)
}

// FetchedURI says what is wrong with a URI that the issuer will fetch, or "".
func (r Rules) FetchedURI(uri string) (problem string) { return address(uri, r.FetchHTTP) }

func sharesOrigin(uri string, others []string) bool {
	u, problem := parse(uri)
	if problem != "" {
		return true // complained of before
	}
	return slices.ContainsFunc(others, func(other string) bool {
		o, problem := parse(other)
		return problem == "" && o.Scheme == u.Scheme && o.Host == u.Host
	})
}

// subject checks that a pairwise client has one sector (OpenID Connect Core,
// section 8.1).
func (c *checker) subject(m *data.Metadata) {
	if m.SubjectType != SubjectPairwise || m.SectorURI != "" {
		return
	}
	if Sector(*m) == "" {
		c.bad("sector_identifier_uri", "a pairwise client needs one, unless its redirect URIs all have the same host")
	}
}

// Sector is the host by which a pairwise client knows people: that of its
// sector_identifier_uri, or the one that all its redirect URIs have; "" where
// there is none (OpenID Connect Core, section 8.1).
func Sector(m data.Metadata) (host string) {
	uris := m.RedirectURIs
	if m.SectorURI != "" {
		uris = []string{m.SectorURI}
	}
	for _, uri := range uris {
		u, problem := parse(uri)
		if problem != "" || u.Hostname() == "" || host != "" && host != strings.ToLower(u.Hostname()) {
			return ""
		}
		host = strings.ToLower(u.Hostname())
	}
	return host
}

// SameRedirect tells whether asked is the registered redirect URI: the same
// string (RFC 9700, section 2.1), except that a native client on the person's
// own machine takes the port that it gets (RFC 8252, section 7.3). The name
// localhost is no address (section 8.3): it has any port only where none was
// registered.
func SameRedirect(registered, asked string, native bool) bool {
	if registered == asked {
		return true
	}
	if !native {
		return false
	}
	r, problem := parse(registered)
	if problem != "" || r.Scheme != "http" || !(isLoopbackIP(r) || r.Hostname() == "localhost" && r.Port() == "") {
		return false
	}
	a, problem := parse(asked)
	return problem == "" && withoutPort(registered, r) == withoutPort(asked, a)
}

// withoutPort cuts the port out of the text and leaves the rest as it stands.
func withoutPort(uri string, u *url.URL) string {
	if u.Port() == "" {
		return uri
	}
	authority := u.Scheme + "://" + u.Host
	bare := strings.TrimSuffix(authority, ":"+u.Port())
	return bare + strings.TrimPrefix(uri, authority)
}
