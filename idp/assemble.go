package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"signet/data/kv"
	"signet/idp/internal/config"
	"signet/idp/internal/mint"
	"signet/idp/internal/web"
	"signet/idp/internal/wellknown"
)

// newServer puts the rooms together: services, endpoints, the table of routes.
func (r *rooms) newServer(polls *wellknown.Polls) (*http.Server, error) {
	h := r.house
	metadata, err := wellknown.NewMetadata(capabilities(h.config))
	if err != nil {
		return nil, err
	}
	endpoints, err := r.endpoints()
	if err != nil {
		return nil, err
	}
	endpoints.JWKS, endpoints.Metadata = wellknown.NewJWKS(h.ring, polls, h.now), metadata
	endpoints.StatusLists = wellknown.NewStatusLists(r.status, polls)
	c := h.config
	return web.New(web.Options{
		Issuer: r.issuer, Origins: c.Browser.Origins, TrustedProxies: c.TrustedProxies, Limits: c.Limits, Logger: h.logger,
		Healthy: h.healthy, Ready: r.ready, Pages: r.pages, Endpoints: endpoints,
	}), nil
}

func profilesOf(c config.Config) []mint.Profile {
	var profiles []mint.Profile
	for _, a := range c.Audiences {
		profiles = append(profiles, mint.Profile{Audience: a.Name, Alg: c.Alg(a), TTL: c.AccessTTL(a)})
	}
	return profiles
}

// healthy says whether only a restart helps: after a failed sync it does. It
// brings no store back that is away, and would forget what the node knows.
func (h *house) healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := h.store.Reach(ctx)
	if errors.Is(err, kv.ErrUnavailable) || errors.Is(err, kv.ErrBusy) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// ready says whether tokens can be signed now. A store that is away for less
// than a lease, as while another member takes over, takes no node out.
func (r *rooms) ready() error {
	h := r.house
	if h.leaving.Load() {
		return errors.New("this node is stopping")
	}
	if err := h.healthy(); err != nil {
		return err
	}
	now := h.now()
	err := errors.Join(h.ring.Ready(now), h.macs.Ready(now))
	if err == nil && r.nodes != nil {
		err = r.nodes.Ready()
	}
	return err
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
