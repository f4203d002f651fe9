package interact

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/claims"
	"signet/idp/internal/client"
	"signet/idp/internal/pages"
)

// askedBy is the client that the person is to continue to, or nil.
func (v *visit) askedBy() *pages.Client {
	if v.asked == nil {
		return nil
	}
	shown := v.shown(v.asked.Client, v.asked.Reply.RedirectURI)
	return &shown
}

// shown is the client as people see it. redirect is where its answer goes to,
// or "" where it goes to no URL: then a client that registered itself has no
// host, since what it registered may be anybody's.
func (v *visit) shown(c *client.Client, redirect string) pages.Client {
	shown := pages.Client{Name: nameOf(c.Metadata, v.lang), URI: c.ClientURI, Policy: c.PolicyURI, Terms: c.TOSURI}
	if redirect == "" && c.Source == client.Document && len(c.RedirectURIs) > 0 {
		redirect = c.RedirectURIs[0] // for the warning alone: its host is that of its id
	}
	where, local := place(redirect)
	switch c.Source {
	case client.Document:
		shown.Host, shown.Loopback = c.Host(), local
	case client.Registered:
		shown.Host, shown.Loopback = where, local
		if where == "" {
			shown.Host = c.ID
		}
	}
	if shown.Name == "" && shown.Host == "" {
		shown.Name = c.ID
	}
	return shown
}

// nameOf is the client's name in the language, else the one without a
// language (OpenID Connect Registration, section 2.1).
func nameOf(m data.Metadata, lang pages.Lang) string {
	if name := m.Names[string(lang)]; name != "" {
		return name
	}
	for tag, name := range m.Names {
		if base, _, _ := strings.Cut(tag, "-"); strings.EqualFold(base, string(lang)) && name != "" {
			return name
		}
	}
	return m.Name
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// place is where a redirect URI leads, in a word, and whether that is on the
// person's own device: a loopback address, or an app with a scheme of its own
// (RFC 8252, section 7).
func place(redirect string) (where string, local bool) {
	u, err := url.Parse(redirect)
	switch {
	case err != nil || redirect == "":
		return "", false
	case u.Scheme != "https" && u.Scheme != "http":
		return u.Scheme + ":", true
	}
	name := u.Hostname()
	if addr, err := netip.ParseAddr(name); err == nil {
		return u.Host, addr.Unmap().IsLoopback()
	}
	return u.Host, name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// permissions are what the client asks for, in the order of its request: its
// scopes, then what single claims belong to.
func (v *visit) permissions(scope string, claimNames []string) []pages.Permission {
	asked := strings.Fields(scope)
	for _, name := range claimNames {
		asked = append(asked, claims.Scope(name))
	}
	var names []string
	for _, name := range asked {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	list := make([]pages.Permission, 0, len(names))
	for _, name := range names {
		list = append(list, pages.Permission{Scope: name, Text: v.operatorsText(name)})
	}
	return list
}

// operatorsText is what the operator says of a scope, in the language or
// without one.
func (v *visit) operatorsText(scope string) string {
	for _, s := range v.Config.Scopes {
		if s.Name == scope {
			if text := s.Texts[string(v.lang)]; text != "" {
				return text
			}
			return s.Text
		}
	}
	return ""
}
