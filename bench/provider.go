package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// Provider is who is measured: Signet, or with -against another one. Rows know
// nothing else about it, and what they need of Signet alone is in Stage.
type Provider struct {
	Name   string `yaml:"name"`
	Issuer string `yaml:"issuer"`

	// The endpoints, by their names in the metadata of OpenID Connect Discovery
	// and RFC 8414, where those that are left out here are looked up.
	Discovery     string `yaml:"discovery"`
	JWKS          string `yaml:"jwks_uri" json:"jwks_uri"`
	Authorization string `yaml:"authorization_endpoint" json:"authorization_endpoint"`
	Token         string `yaml:"token_endpoint" json:"token_endpoint"`
	Introspection string `yaml:"introspection_endpoint" json:"introspection_endpoint"`
	Userinfo      string `yaml:"userinfo_endpoint" json:"userinfo_endpoint"`
	Revocation    string `yaml:"revocation_endpoint" json:"revocation_endpoint"`
	StatusLists   string `yaml:"status_list_aggregation_endpoint" json:"status_list_aggregation_endpoint"`

	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"`
	AuthMethod   string `yaml:"token_endpoint_auth_method"` // client_secret_basic or client_secret_post

	Scope      string            `yaml:"scope"`      // of tokens by client_credentials
	Parameters map[string]string `yaml:"parameters"` // more of every token request, such as audience

	// RefreshTokens begin one chain each, so one is needed for each connection.
	RefreshTokens []string `yaml:"refresh_tokens"`

	PID int `yaml:"pid"` // of its process on this machine, for its processor time; 0: not known

	chains *chains // those of RefreshTokens, as far as they were turned
}

// errLacks says that a row cannot be measured with what is known of a provider.
type errLacks string

func (e errLacks) Error() string { return string(e) }

// discover looks the endpoints up that are not known yet.
func (p *Provider) discover(ctx context.Context) error {
	if p.Discovery == "" && p.Issuer != "" {
		p.Discovery = strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration"
	}
	if p.Discovery == "" {
		return nil
	}
	body, err := fetch(ctx, p.Discovery)
	if err != nil {
		return err
	}
	var found Provider
	if err := json.Unmarshal(body, &found); err != nil {
		return fmt.Errorf("%s: %w", p.Discovery, err)
	}
	for _, e := range []struct {
		known *string
		found string
	}{
		{&p.JWKS, found.JWKS}, {&p.Authorization, found.Authorization}, {&p.Token, found.Token}, {&p.Introspection, found.Introspection},
		{&p.Userinfo, found.Userinfo}, {&p.Revocation, found.Revocation}, {&p.StatusLists, found.StatusLists},
	} {
		*e.known = cmp.Or(*e.known, e.found)
	}
	return nil
}

// endpoint fails where the provider is not known to have it.
func endpoint(name, at string) (string, error) {
	if at == "" {
		return "", errLacks("no " + name + " is known")
	}
	return at, nil
}

// fetch gets a document.
func fetch(ctx context.Context, at string) ([]byte, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	client := issuer.NewClient(u.Scheme + "://" + u.Host)
	defer client.Close()
	a := client.Ask(ctx, "GET", u.RequestURI(), "")
	if a.Result != issuer.Done {
		return nil, fmt.Errorf("%s: %s", at, a)
	}
	return a.Body, nil
}

// form is a request of the client's to an endpoint, but for what changes from
// one to the next.
type form struct {
	server string
	load.Request
}

// form makes one with these parameters.
func (p *Provider) form(at string, fixed url.Values) (form, error) {
	u, err := url.Parse(at)
	if err != nil {
		return form{}, err
	}
	f := form{at, load.Request{Path: u.RequestURI(), Type: load.Form}}
	if p.AuthMethod == "client_secret_post" {
		fixed.Set("client_id", p.ClientID)
		fixed.Set("client_secret", p.ClientSecret)
	} else { // RFC 6749, section 2.3.1: encoded before they are joined
		pair := url.QueryEscape(p.ClientID) + ":" + url.QueryEscape(p.ClientSecret)
		f.Authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	f.Body = []byte(fixed.Encode())
	return f, nil
}

// tokenForm is a form for the token endpoint.
func (p *Provider) tokenForm(grant string, fixed url.Values) (form, error) {
	at, err := endpoint("token_endpoint", p.Token)
	if err != nil {
		return form{}, err
	}
	fixed.Set("grant_type", grant)
	for name, value := range p.Parameters {
		fixed.Set(name, value)
	}
	return p.form(at, fixed)
}

// with adds a parameter.
func (f form) with(name, value string) load.Request {
	r := f.Request
	if len(r.Body) > 0 {
		name = "&" + name
	}
	r.Body = append(r.Body[:len(r.Body):len(r.Body)], name+"="+url.QueryEscape(value)...)
	return r
}

// tokens is an answer of a token endpoint (RFC 6749, section 5.1).
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func parseTokens(body []byte) (t tokens, err error) {
	if err = json.Unmarshal(body, &t); err == nil && t.Access == "" {
		err = errors.New("an answer without an access token")
	}
	return t, err
}

// algOf is the algorithm that signed a token, or "" for one that is no JWT.
func algOf(token string) string {
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	var header struct {
		Alg string `json:"alg"`
	}
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return ""
	}
	return header.Alg
}

// pathOf is what a request asks for of a URL's server.
func pathOf(at string) (string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	return u.RequestURI(), nil
}
