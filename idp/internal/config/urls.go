package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// hostPort checks an address to listen on.
func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("write host:port, such as localhost:4000, :4000 or [::1]:4000")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 || strconv.Itoa(n) != port {
		return errors.New("the port must be a number from 0 to 65535")
	}
	return nil
}

// issuerURL checks the issuer identifier as RFC 8414 §2 has it, but for
// https, which check.go asks for. It also wants the one canonical spelling,
// because every verifier compares the issuer as a string.
func issuerURL(s string) error {
	u, err := parseOrigin(s)
	if err != nil {
		return err
	}
	switch {
	case strings.ContainsAny(s, "?#"):
		return errors.New("must have no query and no fragment")
	case strings.HasSuffix(s, "/"):
		return fmt.Errorf("must not end in a slash; write %s", strings.TrimRight(s, "/"))
	case u.Path != "" && path.Clean(u.Path) != u.Path, u.RawPath != "", u.String() != s:
		return errors.New("must be spelled plainly, without .., doubled slashes or escapes")
	}
	return nil
}

// originForm checks an origin as a browser sends it (RFC 6454 §6.2), since it
// is compared as a string.
func originForm(s string) error {
	if strings.Contains(s, "*") {
		return errors.New("name each origin exactly; a wildcard would let strangers' pages act for signed-in people")
	}
	u, err := parseOrigin(s)
	if err != nil {
		return err
	}
	if want := u.Scheme + "://" + u.Host; s != want {
		return fmt.Errorf("an origin is scheme, host and port only; write %s", want)
	}
	return nil
}

// parseOrigin reads an absolute http URL whose scheme, host and port are in
// the canonical form.
func parseOrigin(s string) (*url.URL, error) {
	example := errors.New("write an absolute URL, such as https://id.example.com")
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return nil, example
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, example
	}
	if u.User != nil {
		return nil, errors.New("must name no user or password")
	}
	host := u.Hostname()
	if strings.ToLower(s[:len(u.Scheme)]) != s[:len(u.Scheme)] || strings.ToLower(host) != host {
		return nil, errors.New("write scheme and host in lower case")
	}
	if err := hostName(host); err != nil {
		return nil, err
	}
	return u, portForm(u)
}

// hostName checks a host in the form that browsers and tokens have it.
func hostName(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" || addr.String() != host {
			return fmt.Errorf("write the address as %s", addr.WithZone(""))
		}
		return nil
	}
	for label := range strings.SplitSeq(host, ".") {
		bad := func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
		}
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, bad) {
			return errors.New("the host must be a name or an address; write an international name in its xn-- form")
		}
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; last[0] >= '0' && last[0] <= '9' {
		return errors.New("the host is neither a name nor an address")
	}
	return nil
}

func portForm(u *url.URL) error {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return errors.New("the port is missing after the colon")
		}
		return nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
		return errors.New("the port must be a number from 1 to 65535")
	}
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return fmt.Errorf("leave out :%s, which every browser leaves out too", port)
	}
	return nil
}

// loopback reports whether a host never leaves the machine (RFC 6761 §6.3).
func loopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// crossSite says why a browser takes an origin and the issuer for different
// sites, or nil when it does not. A cookie with SameSite=Strict is then never
// sent. The comparison is the schemeful one of HTML ("same site"): ports do
// not matter, and hosts without a registrable domain must be equal.
func crossSite(origin, issuer string) error {
	o, err := url.Parse(origin)
	if err != nil {
		return err
	}
	i, err := url.Parse(issuer)
	if err != nil {
		return err
	}
	if o.Scheme != i.Scheme {
		return fmt.Errorf("is %s while the issuer is %s, so browsers take them for different sites and never send the session cookie",
			o.Scheme, i.Scheme)
	}
	if o.Hostname() == i.Hostname() {
		return nil
	}
	a, b := site(o.Hostname()), site(i.Hostname())
	if a != b {
		return fmt.Errorf("is of the site %s while the issuer is of %s, so browsers never send the session cookie; "+
			"put both under one domain, such as app.example.com and id.example.com", a, b)
	}
	return nil
}

// site is the registrable domain of a host, or the host where it has none.
func site(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return domain
	}
	return host
}
