package data

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// An EmailError says in plain words what is wrong with an address. It never
// quotes the address.
type EmailError struct{ Problem string }

func (e *EmailError) Error() string { return "data: e-mail address: " + e.Problem }

func badEmail(format string, args ...any) error {
	return &EmailError{Problem: fmt.Sprintf(format, args...)}
}

// Email is an address that ParseEmail accepted.
type Email struct{ text, key string }

// String is the address as the person wrote it, in NFC and without spaces
// around it. Mail is sent to the String that is stored with an account, never
// to one that was typed into a form: the two may only look alike.
func (e Email) String() string { return e.text }

// Key is the address's canonical form. Addresses with the same key are one
// account. Key is itself an address, with itself as its key.
func (e Email) Key() string { return e.key }

// The limits of RFC 5321 section 4.5.3.1, in bytes.
const (
	maxEmail = 254
	maxLocal = 64
)

// ParseEmail reads an address. Case and Unicode form do not tell two accounts
// apart, in the domain as in the local part, whatever RFC 5321 section 2.4
// lets a mail server do: the local part is folded with NFKC and full case
// folding, the domain is taken to its ASCII form (UTS 46, non-transitional).
// So 'K' (Kelvin) is k and 'ß' in a local part is ss; 'ı' is no i, and its
// account is another one. The error is an *EmailError.
func ParseEmail(text string) (Email, error) {
	if !utf8.ValidString(text) {
		return Email{}, badEmail("it is not valid UTF-8")
	}
	text = norm.NFC.String(strings.Trim(text, " "))
	if err := checkEmail(text); err != nil {
		return Email{}, err
	}
	// Compatibility forms may hide what checkEmail looks for: U+FF20 is an @
	// and U+00A8 begins with a space, once they are normalized.
	folded := norm.NFKC.String(text)
	if err := checkEmail(folded); err != nil {
		return Email{}, err
	}
	local, domain, _ := strings.Cut(folded, "@")
	local, err := foldLocal(local)
	if err != nil {
		return Email{}, err
	}
	if domain, err = foldDomain(domain); err != nil {
		return Email{}, err
	}
	key := local + "@" + domain
	if err := checkEmail(key); err != nil {
		return Email{}, err
	}
	return Email{text: text, key: key}, nil
}

// checkEmail holds for what was written, for its compatibility form and for
// the key.
func checkEmail(s string) error {
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return badEmail("it contains a control character")
		case unicode.IsSpace(r):
			return badEmail("it contains a space")
		case !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			// Formats, private use and code points that are not assigned
			// yet: invisible today, or folded differently tomorrow.
			return badEmail("it contains a character that cannot be seen (U+%04X)", r)
		}
	}
	if strings.Contains(s, `"`) {
		return badEmail("quoted names are not accepted")
	}
	local, domain, found := strings.Cut(s, "@")
	switch {
	case s == "":
		return badEmail("it is empty")
	case !found:
		return badEmail("it has no @")
	case strings.Contains(domain, "@"):
		return badEmail("it has more than one @")
	case local == "":
		return badEmail("nothing stands before the @")
	case domain == "":
		return badEmail("nothing stands after the @")
	case len(s) > maxEmail:
		return badEmail("it has more than %d bytes", maxEmail)
	case len(local) > maxLocal:
		return badEmail("the part before the @ has more than %d bytes", maxLocal)
	}
	return checkLocal(local)
}

// checkLocal asks for a Dot-string: RFC 5321 section 4.1.2, with the letters
// of RFC 6531 section 3.3.
func checkLocal(local string) error {
	for _, r := range local {
		if strings.ContainsRune(`()<>[]:;,\`, r) {
			return badEmail("%q may not stand before the @", r)
		}
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return badEmail("a dot before the @ stands alone and between other characters")
	}
	return nil
}

// foldLocal folds until nothing changes, so that the result folds to itself.
// A few sequences of combining marks need a second round.
func foldLocal(local string) (string, error) {
	fold := cases.Fold()
	for range 8 {
		next := norm.NFKC.String(fold.String(norm.NFD.String(local)))
		if next == local {
			return local, nil
		}
		local = next
	}
	return "", badEmail("the part before the @ has no canonical form")
}

var domainProfile = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.CheckHyphens(true),
	idna.StrictDomainName(true),
	idna.Transitional(false),
	idna.VerifyDNSLength(true),
)

func foldDomain(domain string) (string, error) {
	ascii, err := domainProfile.ToASCII(domain)
	if err != nil || strings.HasSuffix(ascii, ".") {
		return "", badEmail("the part after the @ is not a domain name")
	}
	return ascii, nil
}
