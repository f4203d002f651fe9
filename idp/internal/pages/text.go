package pages

import (
	"embed"
	"fmt"
	"html"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed messages/*.yaml
var messageFiles embed.FS

// text is a message that is not in a language yet: its key, then pairs of a
// placeholder's name and its value. A value is a string, an int, a duration to
// wait for, another text, or HTML that this package made.
type text struct {
	key  string
	args []any
}

func say(key string, args ...any) text { return text{key, args} }

// locale holds the texts of one language.
type locale struct {
	lang     Lang
	messages map[string]string
}

func readLocale(lang Lang) (*locale, error) {
	raw, err := messageFiles.ReadFile("messages/" + string(lang) + ".yaml")
	if err != nil {
		return nil, err
	}
	l := &locale{lang: lang}
	if err := yaml.Unmarshal(raw, &l.messages); err != nil {
		return nil, fmt.Errorf("pages: the messages of %s: %w", lang, err)
	}
	return l, nil
}

// funcs are the functions of the templates. The templates hold no words.
func (l *locale) funcs() template.FuncMap {
	return template.FuncMap{
		"t":       func(key string, args ...any) (template.HTML, error) { return l.html(say(key, args...)) },
		"attr":    func(key string, args ...any) (string, error) { return l.plain(say(key, args...)) },
		"say":     l.html,
		"title":   l.plain,
		"strong":  strong,
		"when":    l.when,
		"clean":   clean,
		"initial": initial,
	}
}

// strong sets a stranger's words apart from ours: bdi keeps the direction of
// its letters to itself.
func strong(name string) template.HTML {
	return template.HTML("<strong><bdi>" + html.EscapeString(clean(name)) + "</bdi></strong>")
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// html is the text with every value escaped that is not HTML of ours.
func (l *locale) html(t text) (template.HTML, error) {
	s, err := l.fill(t, func(v any) (string, error) {
		if made, ok := v.(template.HTML); ok {
			return string(made), nil
		}
		plain, err := l.value(v)
		return html.EscapeString(plain), err
	}, html.EscapeString)
	return template.HTML(s), err
}

// plain is the text for a title or an attribute, which the template escapes.
func (l *locale) plain(t text) (string, error) {
	return l.fill(t, l.value, func(s string) string { return s })
}

// fill puts the values in their places. Words are the message's own.
func (l *locale) fill(t text, value func(any) (string, error), words func(string) string) (string, error) {
	message, ok := l.messages[t.key]
	if !ok {
		return "", fmt.Errorf("no message %q in %s", t.key, l.lang)
	}
	var b strings.Builder
	last := 0
	for _, at := range placeholder.FindAllStringIndex(message, -1) {
		v, err := t.arg(message[at[0]+1 : at[1]-1])
		if err != nil {
			return "", err
		}
		s, err := value(v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", t.key, err)
		}
		b.WriteString(words(message[last:at[0]]) + s)
		last = at[1]
	}
	b.WriteString(words(message[last:]))
	return b.String(), nil
}

func (t text) arg(name string) (any, error) {
	for i := 0; i+1 < len(t.args); i += 2 {
		if t.args[i] == name {
			return t.args[i+1], nil
		}
	}
	return nil, fmt.Errorf("%s has no value for {%s}", t.key, name)
}

func (l *locale) value(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case text:
		return l.plain(v)
	case time.Duration:
		return l.plain(wait(v))
	}
	return "", fmt.Errorf("no text can be made of %T", v)
}

// wait says how long to wait, never less than it is.
func wait(d time.Duration) text {
	up := func(unit time.Duration) int { return max(1, int(math.Ceil(float64(d)/float64(unit)))) }
	switch {
	case up(time.Second) <= 90:
		return count("wait.seconds", up(time.Second))
	case up(time.Minute) <= 90:
		return count("wait.minutes", up(time.Minute))
	}
	return count("wait.hours", up(time.Hour))
}

// count chooses between one and many. English and German need no more forms;
// a language that does (Unicode CLDR, plural rules) starts here.
func count(key string, n int) text {
	if n == 1 {
		return say(key + ".one")
	}
	return say(key+".other", "n", n)
}

// when is a time as people read it, in UTC; the script puts it in their own
// time zone, which no server knows.
func (l *locale) when(at time.Time) (template.HTML, error) {
	at = at.UTC()
	s, err := l.plain(say("time", "day", at.Day(), "month", say("month."+strconv.Itoa(int(at.Month()))), "year", at.Year(), "clock", at.Format("15:04")))
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `">` + html.EscapeString(s) + `</time>`), err
}
