package address

import (
	"errors"
	"net/url"
	"strings"
)

const postgresPort = "5432"

// DSN is what the driver of a PostgreSQL store gets, with its secrets.
func (a Address) DSN() string {
	if a.engine != Postgres {
		return ""
	}
	return a.text
}

func parsePostgres(rest string) (Address, error) {
	if after, found := strings.CutPrefix(rest, "//"); found {
		return postgresURL(after)
	}
	if rest == "" {
		return Address{}, errors.New("write postgres://user@host/database")
	}
	return postgresWords(rest)
}

// postgresURL tells apart what may be shown. Hosts may be several, which is
// more than a URL of net/url has.
func postgresURL(rest string) (Address, error) {
	a := Address{engine: Postgres, text: "postgres://" + rest}
	rest, query, _ := strings.Cut(rest, "?")
	authority, database, _ := strings.Cut(rest, "/")
	if strings.Contains(database+query, "@") || strings.Count(authority, "@") > 1 || strings.Contains(rest+query, "#") {
		return Address{}, errHost // a password that is cut short would show its rest as something else
	}
	userinfo, hosts, named := strings.Cut(authority, "@")
	if !named {
		userinfo, hosts = "", authority
	}
	user, password, _ := strings.Cut(userinfo, ":")
	user, err := url.PathUnescape(user)
	if err != nil {
		return Address{}, errHost
	}
	if _, err := url.PathUnescape(password); err != nil {
		return Address{}, errHost
	}
	if hosts != "" {
		list, err := hostPorts(hosts, postgresPort)
		if err != nil {
			return Address{}, err
		}
		hosts = strings.Join(list, ",")
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return Address{}, errors.New("what follows the ? is not of the form name=value&name=value")
	}
	a.secret = password != ""
	for name := range options {
		a.secret = a.secret || secretWord(name)
	}
	a.shown = "postgres://"
	if user != "" {
		a.shown += url.User(user).String() + "@"
	}
	a.shown += hosts + "/" + database
	return a, nil
}

// secretWord tells whether libpq takes a secret under the name.
func secretWord(name string) bool {
	switch strings.ToLower(name) {
	case "password", "sslpassword":
		return true
	}
	return false
}

// postgresWords reads keywords and values as libpq does: name = value, the
// value in single quotes where it has spaces, with \ before ' and \.
func postgresWords(text string) (Address, error) {
	a := Address{engine: Postgres, text: text}
	bad := errors.New("write keywords and values as in postgres:host=db dbname=signet user=signet, or a URL")
	var shown []string
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		name = strings.TrimSpace(name)
		if !found || name == "" || strings.ContainsAny(name, " '\\") {
			return Address{}, bad
		}
		value, left, ok := word(strings.TrimLeft(after, " "))
		if !ok {
			return Address{}, bad
		}
		rest = left
		a.secret = a.secret || secretWord(name)
		switch name { // only what is known to be no secret is shown
		case "host", "hostaddr", "port", "dbname", "user":
			if name == "dbname" && strings.ContainsAny(value, ":=") {
				return Address{}, errors.New("dbname is a name: write what it holds as the address itself")
			}
			shown = append(shown, name+"="+value)
		}
	}
	a.shown = "postgres:" + strings.Join(shown, " ")
	return a, nil
}

// word reads one value and returns what follows it.
func word(s string) (value, rest string, ok bool) {
	quoted := strings.HasPrefix(s, "'")
	var b strings.Builder
	i := 0
	if quoted {
		i = 1
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && c == '\'':
			return b.String(), s[i+1:], i+1 == len(s) || s[i+1] == ' '
		case !quoted && c == ' ':
			return b.String(), s[i:], true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", !quoted
}
