package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

const (
	envPrefix = "SIGNET_"
	// envMasterKey is the one name that is no setting: package secret reads it.
	envMasterKey = "SIGNET_MASTER_KEY"

	// maxFile bounds the file, which people write by hand.
	maxFile = 1 << 20
)

// Load reads the file at path and the SIGNET_ names of environ, which is in
// the form of os.Environ and wins over the file, and checks the whole. A file
// that is missing is an error only if it was asked for explicitly. What is
// wrong with the settings is returned as one *Error that lists all of it.
func Load(path string, explicit bool, environ []string) (Config, error) {
	body, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !explicit:
		path, body = "", nil
	case err != nil:
		return Config{}, fmt.Errorf("config: reading %s: %w", path, err)
	}
	return Parse(path, body, environ)
}

// Parse is Load for a file that was read before; name is what errors call it.
func Parse(name string, body []byte, environ []string) (Config, error) {
	var c Config
	l := newLoader(&c)
	l.readYAML(name, body)
	l.readEnviron(environ)
	l.checkTogether()
	if len(l.problems) > 0 {
		return Config{}, &Error{Problems: l.problems}
	}
	c.File = name
	for _, s := range l.table {
		if where := l.from[s.key].where; where != byDefault {
			c.places = append(c.places, Place{Key: s.key, Where: where})
		}
	}
	return c, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(body) > maxFile {
		err = errors.New("it is larger than 1 MiB, which no configuration is")
	}
	return body, err
}

// loader fills a Config and remembers where each value came from, so that a
// later complaint can name the place.
type loader struct {
	config   *Config
	table    []setting
	from     map[string]origin // by key
	problems []Problem
}

// byDefault is the place of a setting that nobody set.
const byDefault = "default"

type origin struct {
	where string // file:line, or the name in the environment
	text  string
	bad   bool
	whole bool // a mapping, which no error shows
}

// shown is the value in an error.
func (o origin) shown() string {
	if o.whole {
		return ""
	}
	return quote(o.text)
}

func newLoader(c *Config) *loader {
	l := &loader{config: c, table: settings(c), from: map[string]origin{}}
	for _, s := range l.table {
		l.set(s, s.key, origin{where: byDefault, text: s.def}, splitList(s.value, s.def))
	}
	return l
}

// set gives a setting its items and notes where they came from.
func (l *loader) set(s setting, key string, o origin, items []string) {
	if err := s.value.set(items); err != nil {
		o.bad = true
		l.complain(o.where, key, quote(o.text), "%s", err)
	}
	l.from[key] = o
}

// complain notes a problem. The value of a setting that is a secret stays
// unsaid.
func (l *loader) complain(where, key, value, format string, args ...any) {
	if isSecret(key) {
		value = ""
	}
	l.problems = append(l.problems, Problem{where, key, value, fmt.Sprintf(format, args...)})
}

// readEnviron applies the SIGNET_ names, in the order of their names.
func (l *loader) readEnviron(environ []string) {
	values := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, envPrefix) && name != envMasterKey {
			values[name] = value
		}
	}
	byEnv := map[string]setting{}
	for _, s := range l.table {
		byEnv[s.env()] = s
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		s, found := byEnv[name]
		if !found {
			// The value stays unsaid: this may be a mistyped SIGNET_MASTER_KEY.
			known := append(slices.Sorted(maps.Keys(byEnv)), envMasterKey)
			l.complain(name, "", "", "there is no such setting%s", suggest(name, known))
			continue
		}
		for key := range l.from { // what the file said of single items is gone
			if strings.HasPrefix(key, s.key+"[") {
				delete(l.from, key)
			}
		}
		text := values[name]
		l.set(s, s.key, origin{where: name, text: text}, splitList(s.value, text))
	}
}

// splitList takes the text of a list apart at its commas.
func splitList(v value, text string) []string {
	if !v.list() {
		return []string{text}
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// Problem is one thing that is wrong.
type Problem struct {
	Where string // file:line, or the name in the environment
	Key   string // "" where there is none
	Value string // quoted, or "" where it may be a secret or there is none
	Want  string // what would be right
}

func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Where, p.Key, p.Value, p.Want}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Error lists everything that is wrong, a line each.
type Error struct {
	Problems []Problem
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("config: the configuration has errors:")
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// quote shows a value in an error, short and on one line.
func quote(s string) string {
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
