package metadata

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"signet/data"
)

// texts checks what people read, and the names that are compared.
func (c *checker) texts(m *data.Metadata) {
	c.text("client_name", m.Name)
	for _, tag := range slices.Sorted(maps.Keys(m.Names)) {
		c.want(languageTag.MatchString(tag), "client_name", "after # goes a language tag (RFC 5646)")
		c.text("client_name", m.Names[tag])
	}
	c.want(len(m.Names) <= maxList, "client_name", "too many languages")
	c.text("software_id", m.SoftwareID)
	c.text("software_version", m.SoftwareVersion)
	c.textList("contacts", m.Contacts)
	c.textList("default_acr_values", m.DefaultACRValues)
	for scope := range strings.FieldsSeq(m.Scope) {
		switch {
		case strings.ContainsFunc(scope, notScope):
			c.bad("scope", "must be names with single spaces between them (RFC 6749, section 3.3)")
		case !slices.Contains(c.Scopes, scope):
			c.bad("scope", "there is no scope %s", cut(scope))
		}
	}
	c.want(len(m.Scope) <= maxURI, "scope", "too long")
}

func (c *checker) textList(member string, list []string) {
	c.want(len(list) <= maxList, member, "too many")
	for i, text := range list {
		c.want(text != "", at(member, i), "must not be empty")
		c.text(at(member, i), text)
	}
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,8}$`)

// text refuses what a page could not show as it is: a name that turns the
// line around says something else than it seems to.
func (c *checker) text(member, s string) {
	switch {
	case len(s) > maxText:
		c.bad(member, "must have at most %d bytes", maxText)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unreadable):
		c.bad(member, "must be text without control characters")
	}
}

func unreadable(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// notScope finds what is no character of a scope (RFC 6749, appendix A.4).
func notScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

func cut(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
