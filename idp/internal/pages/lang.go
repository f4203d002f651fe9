package pages

import (
	"strings"

	"golang.org/x/text/language"
)

// Lang is a language of the pages, as an HTML document names it (BCP 47).
type Lang string

// The languages whose texts are complete.
const (
	English Lang = "en"
	German  Lang = "de"
)

// Languages lists them, the default first.
func Languages() []Lang { return []Lang{English, German} }

var matcher = language.NewMatcher([]language.Tag{language.English, language.German})

// maxPreference bounds what is read of a stranger's wishes, in bytes.
const maxPreference = 512

// Match chooses the language: by the ui_locales of the request (OpenID Connect
// Core, section 3.1.2.1: tags separated by spaces, the best first), then by the
// browser's Accept-Language, then English. A wish that cannot be read is none.
func Match(uiLocales, acceptLanguage string) Lang {
	var tags []language.Tag
	if len(uiLocales) <= maxPreference {
		for _, wish := range strings.Fields(uiLocales) {
			if tag, err := language.Parse(wish); err == nil {
				tags = append(tags, tag)
			}
		}
	}
	if lang, ok := match(tags); ok {
		return lang
	}
	if len(acceptLanguage) <= maxPreference {
		if tags, _, err := language.ParseAcceptLanguage(acceptLanguage); err == nil {
			if lang, ok := match(tags); ok {
				return lang
			}
		}
	}
	return English
}

func match(tags []language.Tag) (Lang, bool) {
	_, i, confidence := matcher.Match(tags...)
	return Languages()[i], confidence > language.No
}
