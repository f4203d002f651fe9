package dpop

import (
	"net/url"
	"strings"
)

// sameURL says whether two http URLs are one, without their queries and
// fragments (RFC 9449 section 4.3, step 9).
func sameURL(a, b string) bool {
	one, ok := normalize(a)
	two, ok2 := normalize(b)
	return ok && ok2 && one == two
}

// normalize does what RFC 3986 sections 6.2.2 and 6.2.3 say: scheme and host
// in lower case, no default port, percent-encodings in upper case and only
// where they are needed, no dot segments, and / for no path. What is not an
// absolute http or https URL, or names a user, is not normalized.
func normalize(raw string) (string, bool) {
	if len(raw) > maxURL {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Hostname() == "" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme { // in lower case already
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":") + dotless(canonicalPath(pathOf(raw))), true
}

// pathOf cuts the path out of an absolute URL as it was written. A parsed URL
// would give a decoded one, in which %2F and / can no longer be told apart.
func pathOf(raw string) string {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	_, rest, _ := strings.Cut(raw, "://")
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
	}
	return ""
}

// canonicalPath writes each byte in its one form: unreserved characters as
// they are, everything else that was encoded or has to be, encoded in upper
// case. The percent signs of path are known to be well-formed.
func canonicalPath(path string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, encoded := path[i], false
		if c == '%' && i+2 < len(path) {
			c, encoded = unhex(path[i+1])<<4|unhex(path[i+2]), true
			i += 2
		}
		if unreserved(c) || !encoded && strings.IndexByte("/:@!$&'()*+,;=", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upper[c>>4])
		b.WriteByte(upper[c&15])
	}
	return b.String()
}

// dotless removes dot segments (RFC 3986 section 5.2.4) from a path that is
// empty or begins with a slash.
func dotless(path string) string {
	var out []string
	segments := strings.Split(path, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 1 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	if path := strings.Join(out, "/"); path != "" {
		return path
	}
	return "/"
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
