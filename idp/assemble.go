package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"signet/data/kv"
	"signet/idp/internal/account"
	"signet/idp/internal/config"
	"signet/idp/internal/mint"
	"signet/idp/internal/web"
	"signet/idp/internal/wellknown"
	"signet/keys"
	"signet/resource"
)

// newServer puts the rooms together: services, endpoints, the table of routes.
func newServer(h *house, jwks *wellknown.JWKS) (*http.Server, error) {
	c := h.config
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, err
	}
	metadata, err := wellknown.NewMetadata(c.Issuer, c.Keys.Algs)
	if err != nil {
		return nil, err
	}
	bearer, err := h.ownTokens()
	if err != nil {
		return nil, err
	}
	return web.New(web.Options{
		Issuer: issuer, Origins: c.Browser.Origins, TrustedProxies: c.TrustedProxies, Limits: c.Limits, Logger: h.logger,
		Healthy: h.healthy, Ready: h.ready,
		Account: account.New(account.Options{
			SignIn: h.signin, Grants: h.grants, Users: h.store, Bearer: bearer, Now: h.now, Logger: h.logger,
			Mint:   mint.New(mint.Options{Issuer: c.Issuer, Ring: h.ring, Profiles: profilesOf(c), Now: h.now}),
			Cookie: account.CookieOptions{Path: strings.TrimSuffix(issuer.Path, "/") + "/session", Secure: !c.PlainHTTP(), KnownFor: c.Throttle.KnownFor},
		}),
		JWKS: jwks, Metadata: metadata,
	}), nil
}

func profilesOf(c config.Config) []mint.Profile {
	var profiles []mint.Profile
	for _, a := range c.Audiences {
		profiles = append(profiles, mint.Profile{Audience: a.Name, Alg: c.Alg(a), TTL: c.AccessTTL(a)})
	}
	return profiles
}

// ownTokens verifies the issuer's own access tokens with the keys at hand.
func (h *house) ownTokens() (*resource.Verifier, error) {
	c := h.config
	var audiences []string
	for _, a := range c.Audiences {
		audiences = append(audiences, a.Name)
	}
	published := resource.KeyFunc(func(kid string) (resource.Key, bool) {
		public, alg, state, ok := h.ring.Snapshot().Public(kid)
		return resource.Key{ID: kid, Alg: alg, Public: public}, ok && state != keys.Gone
	})
	options := []resource.Option{resource.WithAudiences(audiences[1:]...), resource.WithKeys(published), resource.WithNow(h.now)}
	if c.InsecureIssuer {
		options = append(options, resource.WithInsecureHTTP())
	}
	return resource.New(c.Issuer, audiences[0], options...)
}

// healthy says whether the store still answers; after a failed sync it does
// not, and only a restart helps.
func (h *house) healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return h.engine.View(ctx, func(kv.Reader) error { return nil })
}

// ready says whether tokens can be signed now.
func (h *house) ready() error {
	if err := h.healthy(); err != nil {
		return err
	}
	now := h.now()
	return errors.Join(h.ring.Ready(now), h.macs.Ready(now))
}

// listen opens the port, with TLS where there is a certificate.
func (h *house) listen() (net.Listener, error) {
	c := h.config
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	if !c.TLS.Enabled() {
		return listener, nil
	}
	certificate, err := web.LoadCertificate(c.TLS.Cert, c.TLS.Key, h.logger, h.now)
	if err != nil {
		listener.Close()
		return nil, err
	}
	return tls.NewListener(listener, certificate.TLSConfig()), nil
}
