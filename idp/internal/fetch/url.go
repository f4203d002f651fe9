package fetch

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds a URL, in bytes.
const maxURL = 2048

// Check says what can be said of a URL without the network: it is absolute,
// https and port 443, without user information or fragment, and its host is
// not an address that may not be reached. Where the operator allowed addresses
// of their own, http and other ports pass, for the address decides. A
// request_uri may have a fragment (OpenID Connect Core, section 6.2); who
// reads it cuts that off first. The error is an *Error.
func (f *Fetcher) Check(rawURL string) error {
	if _, err := f.check(rawURL); err != nil {
		return err
	}
	return nil
}

func (f *Fetcher) check(rawURL string) (*url.URL, *Error) {
	if rawURL == "" || len(rawURL) > maxURL {
		return nil, badURL("its length is out of bounds")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, badURL("not a URL")
	}
	secure := u.Scheme == "https"
	own := len(f.allow) > 0
	switch {
	case !secure && !(own && u.Scheme == "http"):
		return nil, badURL("only https")
	case u.Opaque != "" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":"):
		return nil, badURL("no host, or half a port")
	case u.User != nil:
		return nil, badURL("it has user information")
	case strings.Contains(rawURL, "#"):
		return nil, badURL("it has a fragment")
	case !own && u.Port() != "" && u.Port() != "443":
		return nil, badURL("only port 443")
	}
	return u, f.checkHost(u, secure)
}

// checkHost refuses hosts that are no names, and literal addresses as the
// dialer would. localhost is one (RFC 6761, section 6.3).
func (f *Fetcher) checkHost(u *url.URL, secure bool) *Error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return f.mayReach(a, port(u), secure)
	}
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return badURL("its host is not a name")
	}
	// Some resolvers take 127.1 and 0x7f000001 for addresses.
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return badURL("its host ends in a number")
	}
	return nil
}

// port is the port of u as the dialer will see it.
func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

func portText(to netip.AddrPort) string { return strconv.Itoa(int(to.Port())) }
