package pages

import "strings"

// Agent makes a name that people know of a User-Agent header, as far as it
// can: "Firefox", "Linux". It is for them to recognise their own devices by,
// and nothing else: the header may say anything.
func Agent(userAgent string) (browser, system string) {
	return find(userAgent, browsers), find(userAgent, systems)
}

type mark struct{ part, name string }

// The order matters: most browsers also claim to be those that follow here.
var (
	browsers = []mark{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Vivaldi/", "Vivaldi"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systems = []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

func find(userAgent string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(userAgent, m.part) {
			return m.name
		}
	}
	return ""
}
