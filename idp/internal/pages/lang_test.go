package pages

import (
	"strings"
	"testing"
	"time"
)

func TestTheLanguageIsThatOfTheRequestThenOfTheBrowserThenEnglish(t *testing.T) {
	for _, c := range []struct {
		locales, accept string
		want            Lang
	}{
		{"", "", English}, {"de", "", German}, {"de-AT", "en", German}, {"fr de en", "", German}, {"fr-CA fr", "de-CH,de;q=0.9", German},
		{"en de", "de", English}, {"", "de-DE,de;q=0.9,en;q=0.8", German}, {"", "en;q=0.5,de;q=0.9", German}, {"", "fr,ja", English},
		{"fr", "", English}, {"not a tag!", "de", German}, {"%%%", "%%%", English}, {"", "de;q=x", English},
		{strings.Repeat("de ", 500), "", English}, {"", strings.Repeat("de,", 500), English}, {"GSW", "", German},
	} {
		if got := Match(c.locales, c.accept); got != c.want {
			t.Errorf("ui_locales %.20q, Accept-Language %.20q: %s, want %s", c.locales, c.accept, got, c.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("de-AT en", "en;q=0.5,de;q=0.9")
	f.Add("x-", "*")
	f.Fuzz(func(t *testing.T, locales, accept string) {
		if got := Match(locales, accept); got != English && got != German {
			t.Errorf("got %q", got)
		}
	})
}

func TestAWaitIsSaidInWordsAndNeverTooShort(t *testing.T) {
	for wait, want := range map[time.Duration][2]string{
		-time.Second:            {"1 second", "1 Sekunde"},
		time.Millisecond:        {"1 second", "1 Sekunde"},
		1001 * time.Millisecond: {"2 seconds", "2 Sekunden"},
		90 * time.Second:        {"90 seconds", "90 Sekunden"},
		91 * time.Second:        {"2 minutes", "2 Minuten"},
		15 * time.Minute:        {"15 minutes", "15 Minuten"},
		91 * time.Minute:        {"2 hours", "2 Stunden"},
	} {
		for i, lang := range []Lang{English, German} {
			l, err := readLocale(lang)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := l.value(wait); err != nil || got != want[i] {
				t.Errorf("%s is %q, %v; want %q", wait, got, err, want[i])
			}
		}
	}
}

func TestATimeIsSaidInTheLanguageAndInUTC(t *testing.T) {
	at := time.Date(2026, 3, 5, 1, 7, 0, 0, time.FixedZone("", 3600))
	for lang, want := range map[Lang]string{
		English: `<time datetime="2026-03-05T00:07:00Z">5 March 2026, 00:07 UTC</time>`,
		German:  `<time datetime="2026-03-05T00:07:00Z">5. März 2026, 00:07 UTC</time>`,
	} {
		l, err := readLocale(lang)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.when(at); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", lang, got, err)
		}
	}
}

func TestABrowserIsNamedAsPeopleKnowIt(t *testing.T) {
	for agent, want := range map[string][2]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                         {"Firefox", "Linux"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":      {"Edge", "Windows"},
		"Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36":                {"Chrome", "Android"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile Safari/604": {"Safari", "iPhone"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":          {"Safari", "macOS"},
		"curl/8.0": {"", ""}, "": {"", ""},
	} {
		if browser, system := Agent(agent); browser != want[0] || system != want[1] {
			t.Errorf("%s is %s on %s", agent, browser, system)
		}
	}
}
