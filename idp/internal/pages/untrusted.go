package pages

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// maxName is the most that is shown of a name, in characters.
const maxName = 80

// clean makes one line of a name that a stranger chose: no control and no
// invisible characters, which could turn the direction of the text around it
// or make two names look the same, and no more than fits.
func clean(name string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range strings.ToValidUTF8(name, "") {
		if unicode.IsSpace(r) {
			space = n > 0
			continue
		}
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
			continue
		}
		if n >= maxName || space && n+1 >= maxName {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n, space = n+1, false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// link lets a URL that a client named be a link: https, or http as some older
// metadata has it, with a host and nobody's password. All else is dropped.
func link(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// running are the schemes that would run or show what the URL itself holds.
var running = []string{"javascript", "vbscript", "data", "blob", "file", "filesystem", "about", "view-source"}

// destination lets a redirect URI be where a form or a link goes. It was
// matched against the client's registration before; an app's own scheme is
// one (RFC 8252, section 7.1), but none that runs in the page.
func destination(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.IsAbs() && !slices.Contains(running, u.Scheme)
}

// initial is the letter that stands for a name where there is no picture.
func initial(name string) string {
	for _, r := range clean(name) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return ""
}
