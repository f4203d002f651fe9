package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readProvider reads what -against names: a file, in YAML or JSON, or the URL of
// an issuer, with a client's id and secret in front of the host.
func readProvider(name string) (*Provider, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return providerAt(name)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("-against: %w", err)
	}
	p := &Provider{}
	in := yaml.NewDecoder(bytes.NewReader(raw))
	in.KnownFields(true)
	if err := in.Decode(p); err != nil {
		return nil, fmt.Errorf("-against: %s: %w", name, err)
	}
	return p, p.check(name)
}

func providerAt(name string) (*Provider, error) {
	u, err := url.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("-against: %w", err)
	}
	p := &Provider{ClientID: u.User.Username()}
	p.ClientSecret, _ = u.User.Password()
	u.User = nil
	p.Issuer = u.String()
	return p, p.check(name)
}

// check says what is wrong with a provider's file, and gives it a name.
func (p *Provider) check(file string) error {
	for _, e := range []struct{ key, url string }{
		{"issuer", p.Issuer}, {"discovery", p.Discovery}, {"jwks_uri", p.JWKS}, {"authorization_endpoint", p.Authorization},
		{"token_endpoint", p.Token}, {"introspection_endpoint", p.Introspection}, {"userinfo_endpoint", p.Userinfo},
		{"revocation_endpoint", p.Revocation}, {"status_list_aggregation_endpoint", p.StatusLists},
	} {
		u, err := url.Parse(e.url)
		if e.url != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("-against: %s: %s: %q is no http or https URL", file, e.key, e.url)
		}
	}
	if cmp.Or(p.Issuer, p.Discovery, p.JWKS, p.Token) == "" {
		return fmt.Errorf("-against: %s: it names neither an issuer nor an endpoint", file)
	}
	switch p.AuthMethod {
	case "", "client_secret_basic", "client_secret_post":
	default:
		return fmt.Errorf("-against: %s: token_endpoint_auth_method: %q is neither client_secret_basic nor client_secret_post", file, p.AuthMethod)
	}
	u, _ := url.Parse(cmp.Or(p.Issuer, p.Discovery, p.JWKS, p.Token))
	p.Name = cmp.Or(p.Name, u.Host)
	return nil
}
