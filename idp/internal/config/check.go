package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// checkTogether holds settings against each other. A value that was refused
// alone is not held against anything: what it should have been is not known.
func (l *loader) checkTogether() {
	c := l.config
	l.checkIssuer(c)
	l.checkAudiences(c)
	l.checkLifetimes(c)
	l.checkSessions(c)
	l.checkScopes(c)
	l.checkClients(c)
	l.checkTrustedIssuers(c)
	for _, origin := range c.Browser.Origins {
		if err := crossSite(origin, c.Issuer); err != nil {
			l.want(false, []string{"browser.origins", "issuer"}, "%s %s", quote(origin), err)
		}
	}
}

// want complains of the first key unless ok holds, or one of the keys is
// already in trouble.
func (l *loader) want(ok bool, keys []string, format string, args ...any) {
	if ok || slices.ContainsFunc(keys, func(k string) bool { return l.origin(k).bad }) {
		return
	}
	o := l.origin(keys[0])
	l.complain(o.where, keys[0], o.shown(), format, args...)
}

// origin is where a key was set: itself, or what it is a part of.
func (l *loader) origin(key string) origin {
	if o, found := l.from[key]; found {
		return o
	}
	head, _, _ := strings.Cut(key, "[")
	return l.from[head]
}

func (l *loader) checkIssuer(c *Config) {
	u, err := url.Parse(c.Issuer)
	if err != nil {
		return // refused before
	}
	l.want(u.Scheme == "https" || c.InsecureIssuer || loopback(u.Hostname()), []string{"issuer", "insecure_issuer"},
		"passwords and tokens would travel in the clear; write https, or set insecure_issuer: true if you know that nobody listens")
	l.want((c.TLS.Cert == "") == (c.TLS.Key == ""), []string{"tls.cert", "tls.key"},
		"tls.cert and tls.key go together; set both or neither (tls.key is %s)", quote(c.TLS.Key))
	l.want(c.TLS.Cert == "" || u.Scheme == "https", []string{"issuer", "tls.cert"},
		"write https, since tls.cert makes the issuer speak TLS")
}

func (l *loader) checkAudiences(c *Config) {
	l.want(len(c.Keys.Algs) > 0, []string{"keys.algs"}, "name at least one algorithm, such as ES256")
	l.want(len(c.Audiences) > 0, []string{"audiences"}, "name at least one audience, such as api")
	seen := map[string]bool{}
	for i, a := range c.Audiences {
		key := fmt.Sprintf("audiences[%d]", i)
		l.want(!seen[a.Name], []string{key + ".name"}, "this audience is there twice")
		seen[a.Name] = true
		l.want(a.Alg == "" || slices.Contains(c.Keys.Algs, a.Alg), []string{key + ".alg", "keys.algs"},
			"must be one of keys.algs, which are %s", l.origin("keys.algs").text)
		l.want(a.AccessTTL <= c.Tokens.RefreshTTL, []string{key + ".access_ttl", "tokens.refresh_ttl"},
			"must not be longer than tokens.refresh_ttl, which is %s", l.said("tokens.refresh_ttl"))
	}
}

func (l *loader) checkLifetimes(c *Config) {
	t := c.Tokens
	l.want(t.AccessTTL <= t.RefreshTTL, []string{"tokens.access_ttl", "tokens.refresh_ttl"},
		"must not be longer than tokens.refresh_ttl, which is %s", l.said("tokens.refresh_ttl"))
	l.want(t.RefreshTTL <= t.RefreshMax, []string{"tokens.refresh_ttl", "tokens.refresh_max"},
		"must not be longer than tokens.refresh_max, which is %s", l.said("tokens.refresh_max"))
	l.want(t.RefreshGrace < t.RefreshTTL, []string{"tokens.refresh_grace", "tokens.refresh_ttl"},
		"must be shorter than tokens.refresh_ttl, which is %s", l.said("tokens.refresh_ttl"))
	l.want(c.Throttle.Delay <= c.Throttle.DelayMax, []string{"throttle.delay", "throttle.delay_max"},
		"must not be longer than throttle.delay_max, which is %s", l.said("throttle.delay_max"))
	l.want(c.Throttle.Delay <= c.Throttle.AccountDelayMax, []string{"throttle.delay", "throttle.account_delay_max"},
		"must not be longer than throttle.account_delay_max, which is %s", l.said("throttle.account_delay_max"))
	l.want(c.Limits.LongPollsEach <= c.Limits.LongPolls, []string{"limits.long_polls_each", "limits.long_polls"},
		"must not be more than limits.long_polls, which is %s", l.said("limits.long_polls"))
	l.want(c.Limits.HeaderTimeout <= c.Limits.RequestTimeout, []string{"limits.header_timeout", "limits.request_timeout"},
		"must not be longer than limits.request_timeout, which is %s", l.said("limits.request_timeout"))
	l.want(c.Passwords.HashingWait < c.Limits.RequestTimeout, []string{"passwords.hashing_wait", "limits.request_timeout"},
		"must be shorter than limits.request_timeout, which is %s", l.said("limits.request_timeout"))
}

func (l *loader) checkSessions(c *Config) {
	l.want(c.Sessions.Idle <= c.Sessions.Max, []string{"sessions.idle", "sessions.max"},
		"must not be longer than sessions.max, which is %s", l.said("sessions.max"))
	l.want(c.Tokens.PushedTTL <= c.Tokens.RequestTTL, []string{"tokens.pushed_ttl", "tokens.request_ttl"},
		"must not be longer than tokens.request_ttl, which is %s", l.said("tokens.request_ttl"))
}

// said shows what a setting is and who said so.
func (l *loader) said(key string) string {
	o := l.origin(key)
	return o.text + " (" + o.where + ")"
}
