package main

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"

	"signet/idp/internal/account"
	"signet/idp/internal/authorize"
	shown "signet/idp/internal/bearer"
	"signet/idp/internal/config"
	"signet/idp/internal/deliver"
	"signet/idp/internal/device"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/dpop"
	"signet/idp/internal/hint"
	"signet/idp/internal/interact"
	"signet/idp/internal/introspect"
	"signet/idp/internal/live"
	"signet/idp/internal/logout"
	"signet/idp/internal/mint"
	"signet/idp/internal/pages"
	"signet/idp/internal/par"
	"signet/idp/internal/registration"
	"signet/idp/internal/request"
	browser "signet/idp/internal/session"
	"signet/idp/internal/signout"
	"signet/idp/internal/status"
	"signet/idp/internal/token"
	"signet/idp/internal/userinfo"
	"signet/idp/internal/web"
)

// rooms are the services that only a running issuer needs, beside those of the
// house.
type rooms struct {
	*house
	issuer   *url.URL
	mint     *mint.Mint
	dpop     *dpop.Service
	live     *live.Reader
	bearer   *shown.Service
	sessions *browser.Service
	requests *request.Parser
	devices  *devicecode.Service
	signout  *signout.Service
	status   *status.Service
	deliver  *deliver.Service
	pages    *pages.Pages
}

func (h *house) newRooms() (r *rooms, err error) {
	c := h.config
	r = &rooms{house: h}
	if r.issuer, err = url.Parse(c.Issuer); err != nil {
		return nil, err
	}
	if r.pages, err = newPages(c.Brand, r.base()); err != nil {
		return nil, err
	}
	nonces := h.secret.Derive("dpop-nonce")
	r.dpop, err = dpop.New(dpop.Options{Replays: h.store, Key: nonces[:], Now: h.now, RequireNonce: c.OAuth.DPoPNonces, Skew: c.Keys.Skew})
	if err != nil {
		return nil, err
	}
	r.mint = mint.New(mint.Options{Issuer: c.Issuer, Ring: h.ring, Profiles: profilesOf(c), Now: h.now})
	r.status = status.New(status.Options{
		Store: h.store, Mint: r.mint, Ring: h.ring, Alg: c.Keys.Algs[0], Now: h.now, Logger: h.logger,
	})
	r.live = live.New(live.Options{Issuer: c.Issuer, Ring: h.ring, Store: h.store, Clients: h.clients, Now: h.now})
	r.bearer = shown.New(shown.Options{Live: r.live, DPoP: r.dpop})
	r.sessions = browser.New(browser.Options{
		Store: h.store, Secret: h.secret, Issuer: r.issuer, Idle: c.Sessions.Idle, Max: c.Sessions.Max, Now: h.now, Logger: h.logger,
		Management: c.OAuth.SessionManagement,
	})
	r.requests = request.New(request.Options{
		Issuer: c.Issuer, Clients: h.clients, Fetch: h.fetch, Ring: h.ring,
		RequirePKCE: c.OAuth.RequirePKCE, RequirePushed: c.OAuth.RequirePushed, Now: h.now,
	})
	r.devices = devicecode.New(devicecode.Options{Store: h.store, TTL: c.Tokens.DeviceTTL, Now: h.now, Rand: rand.Reader})
	r.signout = signout.New(signout.Options{
		Issuer: c.Issuer, Store: h.store, Grants: h.grants, Clients: h.clients, Sessions: r.sessions, Now: h.now, Logger: h.logger,
	})
	r.deliver = deliver.New(deliver.Options{Store: h.store, Clients: h.clients, Mint: r.mint, Poster: h.newFetcher(), Now: h.now, Logger: h.logger})
	return r, nil
}

func newPages(b config.Brand, base string) (*pages.Pages, error) {
	brand := pages.Brand{Name: b.Name, Color: b.Color}
	if b.Logo != "" {
		logo, err := os.ReadFile(b.Logo)
		if err != nil {
			return nil, fmt.Errorf("brand.logo: %w", err)
		}
		brand.Logo = logo
	}
	return pages.New(pages.Options{Brand: brand, Base: base})
}

// base is the path of the issuer's URL, "" at the root.
func (r *rooms) base() string { return strings.TrimSuffix(r.issuer.Path, "/") }

// at is the URL of an endpoint.
func (r *rooms) at(path string) string { return r.config.Issuer + path }

// endpoints are all that answer, for the table of routes.
func (r *rooms) endpoints() (e web.Endpoints, err error) {
	c := r.config
	e.Account = account.New(account.Options{
		Issuer: c.Issuer, SignIn: r.signin, Grants: r.grants, Bearer: r.bearer, Mint: r.mint, Now: r.now, Logger: r.logger,
		Cookie: account.CookieOptions{Path: r.base() + "/session", Secure: !c.PlainHTTP(), KnownFor: c.Throttle.KnownFor},
	})
	e.Token = token.New(token.Options{
		Issuer: c.Issuer, URL: r.at("/oauth2/token"), AccessTTL: longestAccess(c), IDTTL: c.Tokens.IDTTL,
		Clients: r.clients, Grants: r.grants, Mint: r.mint, Live: r.live, Devices: r.devices, Proofs: r.dpop, Store: r.store,
		Trusted: c.TrustedIssuers, Fetcher: r.fetch, Now: r.now, Logger: r.logger,
	})
	e.Userinfo = userinfo.New(userinfo.Options{Bearer: r.bearer, Mint: r.mint, URL: r.at("/oauth2/userinfo")})
	e.Introspect = introspect.New(introspect.Options{
		Issuer: c.Issuer, Clients: r.clients, Live: r.live, Grants: r.grants, Mint: r.mint, Logger: r.logger,
	})
	e.Authorize = authorize.New(authorize.Options{
		Issuer: c.Issuer, Base: r.base(), Store: r.store, Clients: r.clients, Requests: r.requests, Sessions: r.sessions,
		Grants: r.grants, Mint: r.mint, Pages: web.People{Pages: r.pages}, Limiter: r.signin,
		RequestTTL: c.Tokens.RequestTTL, CodeTTL: c.Tokens.CodeTTL, IDTTL: c.Tokens.IDTTL, Now: r.now,
	})
	e.Pushed = par.New(par.Options{
		Issuer: c.Issuer, Store: r.store, Clients: r.clients, Requests: r.requests, Proofs: r.dpop, Limiter: r.signin, TTL: c.Tokens.PushedTTL, Now: r.now,
	})
	e.Interact = interact.New(interact.Options{
		Base: r.base(), Secure: !c.PlainHTTP(), Config: c, Pages: r.pages, Sessions: r.sessions, Clients: r.clients,
		SignIn: r.signin, Grants: r.grants, Store: r.store, Requests: r.requests, SignOuts: r.signout, Now: r.now, Logger: r.logger,
	})
	e.CheckSession = c.OAuth.SessionManagement
	e.Logout = logout.New(logout.Options{
		Base: r.base(), Store: r.store, Clients: r.clients, Sessions: r.sessions, SignOuts: r.signout,
		Hints: hint.Reader{Issuer: c.Issuer, Ring: r.ring}, Pages: r.pages, Limiter: r.signin, Now: r.now, Logger: r.logger,
	})
	e.Registration = registration.New(registration.Options{
		Issuer: c.Issuer, Mode: c.ClientRegistration, Clients: r.clients, Store: r.store, Limiter: r.signin,
	})
	e.Device = device.New(device.Options{Issuer: c.Issuer, Clients: r.clients, Devices: r.devices, Limiter: r.signin})
	return e, nil
}
