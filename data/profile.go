package data

import (
	"fmt"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Profile is what a person, or the operator, says of the person, under the
// names of OpenID Connect Core, section 5.1. Each value has the form that its
// name asks for; that it is true, nobody has checked, but where it says so.
type Profile struct {
	Name              string  `json:"name,omitzero"`
	GivenName         string  `json:"given_name,omitzero"`
	FamilyName        string  `json:"family_name,omitzero"`
	MiddleName        string  `json:"middle_name,omitzero"`
	Nickname          string  `json:"nickname,omitzero"`
	PreferredUsername string  `json:"preferred_username,omitzero"`
	Profile           string  `json:"profile,omitzero"` // URL of a page about the person
	Picture           string  `json:"picture,omitzero"` // URL
	Website           string  `json:"website,omitzero"` // URL
	Gender            string  `json:"gender,omitzero"`
	Birthdate         string  `json:"birthdate,omitzero"` // YYYY-MM-DD, YYYY, or 0000-MM-DD
	Zoneinfo          string  `json:"zoneinfo,omitzero"`  // such as Europe/Paris
	Locale            string  `json:"locale,omitzero"`    // such as en-US
	PhoneNumber       string  `json:"phone_number,omitzero"`
	PhoneVerified     bool    `json:"phone_number_verified,omitzero"`
	Address           Address `json:"address,omitzero"`
}

// Address is a postal address (OpenID Connect Core, section 5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitzero"`
	StreetAddress string `json:"street_address,omitzero"`
	Locality      string `json:"locality,omitzero"`
	Region        string `json:"region,omitzero"`
	PostalCode    string `json:"postal_code,omitzero"`
	Country       string `json:"country,omitzero"`
}

// A ProfileError says in plain words what is wrong with a value, and what to
// write instead. It never quotes the value.
type ProfileError struct{ Field, Problem string }

func (e *ProfileError) Error() string { return "data: " + e.Field + ": " + e.Problem }

// profileField is one value of a Profile that is text.
type profileField struct {
	name  string
	of    func(*Profile) *string
	check func(string) (problem string)
}

// phoneVerified is the one field that is no text.
const phoneVerified = "phone_number_verified"

var profileFields = []profileField{
	{"name", func(p *Profile) *string { return &p.Name }, line},
	{"given_name", func(p *Profile) *string { return &p.GivenName }, line},
	{"family_name", func(p *Profile) *string { return &p.FamilyName }, line},
	{"middle_name", func(p *Profile) *string { return &p.MiddleName }, line},
	{"nickname", func(p *Profile) *string { return &p.Nickname }, line},
	{"preferred_username", func(p *Profile) *string { return &p.PreferredUsername }, line},
	{"profile", func(p *Profile) *string { return &p.Profile }, page},
	{"picture", func(p *Profile) *string { return &p.Picture }, page},
	{"website", func(p *Profile) *string { return &p.Website }, page},
	{"gender", func(p *Profile) *string { return &p.Gender }, line},
	{"birthdate", func(p *Profile) *string { return &p.Birthdate }, birthdate},
	{"zoneinfo", func(p *Profile) *string { return &p.Zoneinfo }, zoneinfo},
	{"locale", func(p *Profile) *string { return &p.Locale }, locale},
	{"phone_number", func(p *Profile) *string { return &p.PhoneNumber }, phone},
	{"address.formatted", func(p *Profile) *string { return &p.Address.Formatted }, lines},
	{"address.street_address", func(p *Profile) *string { return &p.Address.StreetAddress }, lines},
	{"address.locality", func(p *Profile) *string { return &p.Address.Locality }, line},
	{"address.region", func(p *Profile) *string { return &p.Address.Region }, line},
	{"address.postal_code", func(p *Profile) *string { return &p.Address.PostalCode }, line},
	{"address.country", func(p *Profile) *string { return &p.Address.Country }, line},
}

// ProfileNames lists the names that Set knows.
func ProfileNames() []string {
	var names []string
	for _, f := range profileFields {
		if names = append(names, f.name); f.name == "phone_number" {
			names = append(names, phoneVerified)
		}
	}
	return names
}

// Set gives the value of that name another text, or none for "". A member of
// the address is named like address.locality. A new phone number is not
// verified. The error is a *ProfileError.
func (p *Profile) Set(name, value string) error {
	if name == phoneVerified {
		if value != "true" && value != "false" && value != "" {
			return &ProfileError{name, "write true or false"}
		}
		p.PhoneVerified = value == "true"
		return nil
	}
	i := slices.IndexFunc(profileFields, func(f profileField) bool { return f.name == name })
	if i < 0 {
		return &ProfileError{name, "there is no such field; there are " + strings.Join(ProfileNames(), ", ")}
	}
	f := profileFields[i]
	if f.name == "phone_number" && value != p.PhoneNumber {
		p.PhoneVerified = false
	}
	*f.of(p) = value
	return f.wrong(value)
}

// All gives the names and values that are set, in the order of ProfileNames.
func (p Profile) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range profileFields {
			if value := *f.of(&p); value != "" && !yield(f.name, value) {
				return
			}
			if f.name == "phone_number" && p.PhoneVerified && !yield(phoneVerified, "true") {
				return
			}
		}
	}
}

// Check holds each value against the form that its name asks for. The error is
// a *ProfileError.
func (p Profile) Check() error {
	for _, f := range profileFields {
		if err := f.wrong(*f.of(&p)); err != nil {
			return err
		}
	}
	if p.PhoneVerified && p.PhoneNumber == "" {
		return &ProfileError{phoneVerified, "there is no phone_number that could be verified: set it, too"}
	}
	return nil
}

func (f profileField) wrong(value string) error {
	if value == "" {
		return nil
	}
	if problem := f.check(value); problem != "" {
		return &ProfileError{f.name, problem}
	}
	return nil
}

// The longest values, in bytes.
const (
	maxLine  = 200
	maxLines = 1000
	maxURL   = 2000
)

// line is text that people read in one line. Characters that turn the
// direction of what stands around them could make one name look like another.
func line(value string) string {
	switch {
	case len(value) > maxLine:
		return fmt.Sprintf("write at most %d bytes", maxLine)
	case !utf8.ValidString(value):
		return "write it in UTF-8"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "write it in one line, without control characters"
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }):
		return "write it without characters that change the direction of text"
	case strings.TrimSpace(value) != value:
		return "write it without space around it"
	}
	return ""
}

// lines are as in OpenID Connect Core, section 5.1.1: a line ends with \n or
// \r\n.
func lines(value string) string {
	if len(value) > maxLines {
		return fmt.Sprintf("write at most %d bytes", maxLines)
	}
	for l := range strings.SplitSeq(strings.ReplaceAll(value, "\r\n", "\n"), "\n") {
		if problem := line(l); l != "" && problem != "" {
			return problem
		}
	}
	return ""
}

// page is a URL that others will make a link or a picture of.
func page(value string) string {
	const cure = "write a whole URL, such as https://example.com/ada"
	if len(value) > maxURL {
		return fmt.Sprintf("write at most %d bytes", maxURL)
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^{|}`+"`", r) }):
		return cure + " (RFC 3986)"
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Opaque != "":
		return cure
	case u.User != nil:
		return cure + ", without a user's name in it"
	}
	return ""
}

// birthdate is of ISO 8601-1; the year 0000 says that it is left out (OpenID
// Connect Core, section 5.1).
func birthdate(value string) string {
	for _, layout := range []string{"2006-01-02", "2006"} {
		if _, err := time.Parse(layout, value); err == nil && value != "0000" {
			return ""
		}
	}
	return "write it as 1815-12-10, as 1815, or as 0000-12-10 without the year"
}

var zone = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}$`)

func zoneinfo(value string) string {
	if !zone.MatchString(value) || value == "Local" {
		return "write the name of a time zone, such as Europe/Paris"
	}
	return ""
}

// locale is a language tag (RFC 5646), with dashes.
func locale(value string) string {
	if _, err := language.Parse(value); err != nil || len(value) > maxLine || strings.Contains(value, "_") {
		return "write a language tag, such as en-US"
	}
	return ""
}

// number is of E.164, with an extension as in RFC 3966 (OpenID Connect Core,
// section 5.1).
var number = regexp.MustCompile(`^\+[0-9][0-9 ().-]{2,30}(;ext=[0-9]{1,15})?$`)

func phone(value string) string {
	if !number.MatchString(value) {
		return "write it with the country's code, such as +1 (604) 555-1234;ext=5678"
	}
	return ""
}
