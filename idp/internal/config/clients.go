package config

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"signet/idp/internal/client/metadata"
	"signet/idp/internal/wire"
)

// MinClientSecret is the least length of a secret that an operator chose, in
// bytes: enough for a MAC (RFC 7518, section 3.2), and for one hash to guard.
const MinClientSecret = 32

// ClientRules is what the issuer can do for a client.
func (c Config) ClientRules() metadata.Rules {
	rules := metadata.Rules{PlainHTTP: c.PlainHTTP(), FetchHTTP: c.PlainHTTP() || len(c.Fetch.Allow) > 0}
	for _, alg := range c.Keys.Algs {
		rules.Algs = append(rules.Algs, string(alg))
	}
	rules.Scopes = append(rules.Scopes, metadata.OpenIDScopes...)
	for _, s := range c.Scopes {
		rules.Scopes = append(rules.Scopes, s.Name)
	}
	return rules
}

// AuthMethod is how the client authenticates: what it says, or by its secret,
// or, without one, not at all.
func (c Client) AuthMethod() string {
	byDefault := wire.AuthNone
	if c.Secret != "" || c.SecretFile != "" || c.SecretSHA256 != "" {
		byDefault = wire.AuthClientSecretBasic
	}
	return cmp.Or(c.Metadata.AuthMethod, byDefault)
}

// isSecret tells the settings whose value is never shown. The address of a
// store may hold a password.
func isSecret(key string) bool {
	return key == "store" || strings.HasPrefix(key, "clients[") && (leaf(key) == "secret" || leaf(key) == "secret_sha256")
}

// checkClients holds what is declared of clients against the rules for all
// clients, and against the rest of the file.
func (l *loader) checkClients(c *Config) {
	rules := c.ClientRules()
	seen := map[string]bool{}
	for i, client := range c.Clients {
		key := fmt.Sprintf("clients[%d]", i)
		l.want(!seen[client.ID] || client.ID == "", []string{key + ".id"}, "this client is there twice")
		seen[client.ID] = true
		c.Clients[i].Where = l.origin(key + ".id").where
		l.checkSecret(key, client)
		l.checkNames(key+".audiences", client.Audiences, c.audienceNames(), "audiences")
		l.checkNames(key+".exchange_audiences", client.ExchangeAudiences, c.audienceNames(), "audiences")

		m := client.Metadata
		m.AuthMethod = client.AuthMethod()
		var wrong metadata.Error
		if errors.As(rules.Complete(&m), &wrong) {
			for _, p := range wrong {
				l.wantMember(key, p)
			}
		}
	}
}

// wantMember complains of a member in the words of package metadata, at the
// key that is there, or else at the client itself.
func (l *loader) wantMember(key string, p metadata.Problem) {
	member, index, _ := strings.Cut(p.Member, "[")
	text := p.Text
	if index != "" {
		number, _ := strconv.Atoi(strings.TrimSuffix(index, "]"))
		text = fmt.Sprintf("the %s: %s", ordinal(number+1), text)
	}
	if _, there := l.from[key+"."+member]; there {
		l.want(false, []string{key + "." + member}, "%s", text)
		return
	}
	o := l.origin(key + ".id")
	if !o.bad {
		l.complain(o.where, key+"."+member, "", "%s", text)
	}
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		suffix = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
	}
	return strconv.Itoa(n) + cmp.Or(suffix, "th")
}

// checkSecret holds the places of a secret against each other and against how
// the client authenticates.
func (l *loader) checkSecret(key string, c Client) {
	var places []string
	for name, value := range map[string]string{"secret": c.Secret, "secret_file": c.SecretFile, "secret_sha256": c.SecretSHA256} {
		if value != "" {
			places = append(places, key+"."+name)
		}
	}
	slices.Sort(places)
	if len(places) > 1 {
		l.want(false, places, "one place for the secret is enough: secret, secret_file or secret_sha256")
		return
	}
	method := c.AuthMethod()
	switch method {
	case wire.AuthNone, wire.AuthPrivateKeyJWT:
		for _, place := range places {
			l.want(false, []string{place}, "a client whose token_endpoint_auth_method is %s has no secret", method)
		}
	case wire.AuthClientSecretBasic, wire.AuthClientSecretPost, wire.AuthClientSecretJWT:
		l.want(len(places) == 1, []string{key + ".token_endpoint_auth_method"}, "needs a secret: set secret, secret_file or secret_sha256")
		l.want(method != wire.AuthClientSecretJWT || c.SecretSHA256 == "", []string{key + ".token_endpoint_auth_method"},
			"needs the secret itself: set secret or secret_file")
	}
}

// checkNames wants each of names to be among those that exist.
func (l *loader) checkNames(key string, names, exist []string, what string) {
	for _, name := range names {
		l.want(slices.Contains(exist, name), []string{key, what}, "%s is not one of the %s, which are %s", quote(name), what, strings.Join(exist, ", "))
	}
}

func (c Config) audienceNames() (names []string) {
	for _, a := range c.Audiences {
		names = append(names, a.Name)
	}
	return names
}

func (l *loader) checkScopes(c *Config) {
	seen := map[string]bool{}
	for i, s := range c.Scopes {
		key := fmt.Sprintf("scopes[%d].name", i)
		l.want(!seen[s.Name] || s.Name == "", []string{key}, "this scope is there twice")
		l.want(!slices.Contains(metadata.OpenIDScopes, s.Name), []string{key}, "is a scope of OpenID Connect, which is always there")
		seen[s.Name] = true
	}
}

func (l *loader) checkTrustedIssuers(c *Config) {
	rules := c.ClientRules()
	seen := map[string]bool{}
	for i, t := range c.TrustedIssuers {
		key := fmt.Sprintf("trusted_issuers[%d]", i)
		l.want(!seen[t.Issuer] || t.Issuer == "", []string{key + ".issuer"}, "this issuer is there twice")
		l.want(t.Issuer != c.Issuer, []string{key + ".issuer", "issuer"}, "is this issuer itself, which signs no such JWTs")
		seen[t.Issuer] = true
		for _, need := range [][2]string{{"jwks_uri", t.JWKSURI}, {"subjects", t.Subjects}} {
			if _, there := l.from[key+"."+need[0]]; !there {
				l.complain(l.origin(key+".issuer").where, key+"."+need[0], "", "is missing")
			}
		}
		if problem := rules.FetchedURI(t.JWKSURI); t.JWKSURI != "" && problem != "" {
			l.want(false, []string{key + ".jwks_uri"}, "%s", problem)
		}
		l.checkNames(key+".scopes", t.Scopes, rules.Scopes, "scopes")
	}
}

// The checks of single values.

func longSecret(s string) error {
	if len(s) < MinClientSecret {
		return fmt.Errorf("must have at least %d bytes; make one with: openssl rand -base64 33", MinClientSecret)
	}
	return nil
}

func hexHash(s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 {
		return errors.New("must be a SHA-256 in 64 hexadecimal digits, as sha256sum writes it")
	}
	return nil
}

var scopeForm = regexp.MustCompile(`^[!#-+\x2d-\x5b\x5d-~]{1,255}$`) // RFC 6749, section 3.3, without a comma

func scopeName(s string) error {
	if !scopeForm.MatchString(s) {
		return errors.New("must be 1 to 255 visible ASCII characters without a comma, \" and \\")
	}
	return nil
}

// maxAge is a number of seconds, or none.
var maxAge = kindOf[*int64]{"number", []string{"!!int"}, func(s string) (*int64, error) {
	n, err := parseInt(s)
	seconds := int64(n)
	return &seconds, err
}}
