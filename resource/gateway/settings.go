package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"signet/resource"
)

// settings are the flags.
type settings struct {
	listen, health   string
	issuer, resource string
	audiences        names
	need             resource.Requirement
	upstream         *url.URL // nil: a proxy asks us
	keep             bool     // the upstream sees the token
}

// names is a flag that may be given again and again.
type names []string

func (n *names) String() string { return strings.Join(*n, " ") }

func (n *names) Set(name string) error {
	if !visible(name) {
		return errors.New("it is empty, or has a space or another character that no name has")
	}
	*n = append(*n, name)
	return nil
}

func parse(args []string) (settings, error) {
	var s settings
	var upstream string
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "localhost:4180", "`address` to listen on")
	flags.StringVar(&s.issuer, "issuer", "http://localhost:4000", "`URL` of the issuer")
	flags.Var(&s.audiences, "audience", "`name` that tokens must be for, one of them; may be repeated (default api)")
	flags.StringVar(&s.resource, "resource", "", "`URL` that clients know the protected server by; tells them where the issuer is (RFC 9728), and takes DPoP proofs")
	flags.Var((*names)(&s.need.Scopes), "scope", "`name` of a scope that every token needs; may be repeated")
	flags.Var((*names)(&s.need.Roles), "role", "`name` of a role that every token needs; may be repeated")
	flags.StringVar(&upstream, "upstream", "", "`URL` of a server to pass requests on to; without it, a proxy asks /auth")
	flags.BoolVar(&s.keep, "keep-authorization", false, "let the upstream see the token")
	flags.StringVar(&s.health, "health", "", "`address` to serve /healthz on; with --upstream it is nowhere else")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if len(s.audiences) == 0 {
		s.audiences = names{"api"}
	}
	if upstream == "" {
		if s.keep {
			return s, errors.New("--keep-authorization is for --upstream; a proxy in front decides for itself what it sends on")
		}
		return s, nil
	}
	var err error
	s.upstream, err = parseUpstream(upstream)
	return s, err
}

// parseUpstream wants a server and nothing below it: with a path in front of
// its own, a request for /../ could leave it again.
func parseUpstream(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.TrimSuffix(u.Path, "/") != "" || strings.ContainsAny(raw, "?#") {
		return nil, errors.New("--upstream is the URL of a server, such as http://localhost:8080, without a path")
	}
	return u, nil
}
