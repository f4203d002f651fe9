package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// provider is what the application knows of its issuer, from the issuer's own
// metadata.
type provider struct {
	*oidc.Provider
	oauth      oauth2.Config
	verifier   *oidc.IDTokenVerifier
	endSession string // where to sign out; may be empty
	namesIss   bool   // every answer carries iss (RFC 9207)
}

// discover reads the metadata, once. While the issuer is away the application
// works as far as it can, and asks again when it needs to know.
func (a *app) discover(ctx context.Context) (*provider, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider != nil {
		return a.provider, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, a.client), a.issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer's metadata: %w", err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
		NamesIss   bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("the issuer's metadata: %w", err)
	}
	endpoint := found.Endpoint()
	// Otherwise x/oauth2 would find out by trying.
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if a.clientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	a.provider = &provider{
		Provider: found,
		oauth: oauth2.Config{
			ClientID: a.clientID, ClientSecret: a.clientSecret, Endpoint: endpoint,
			RedirectURL: a.url + "/callback", Scopes: strings.Fields(a.scope),
		},
		verifier:   found.Verifier(&oidc.Config{ClientID: a.clientID, Now: a.now}),
		endSession: more.EndSession,
		namesIss:   more.NamesIss,
	}
	return a.provider, nil
}

// login makes a login of an answer of the token endpoint. wrong judges the ID
// token besides what is the same for all.
func (p *provider) login(ctx context.Context, token *oauth2.Token, wrong func(*oidc.IDToken) error) (*login, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, fmt.Errorf("the issuer sent no ID token")
	}
	idToken, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		return nil, err
	}
	// OpenID Connect Core, section 3.1.3.7: a token that is for others too
	// must have been made for us.
	if azp, there := claims["azp"]; (there || len(idToken.Audience) > 1) && azp != p.oauth.ClientID {
		return nil, fmt.Errorf("the ID token was made for another client")
	}
	if idToken.AccessTokenHash != "" {
		if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, err
		}
	}
	if err := wrong(idToken); err != nil {
		return nil, err
	}
	l := &login{issuer: idToken.Issuer, subject: idToken.Subject, idToken: raw, claims: claims, token: token}
	l.sid, _ = claims["sid"].(string)
	return l, p.ask(ctx, l)
}

// ask fetches userinfo for a login.
func (p *provider) ask(ctx context.Context, l *login) error {
	if p.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(l.token))
	if err != nil {
		return fmt.Errorf("userinfo: %w", err)
	}
	// Section 5.3.2: what is said of somebody else must not be used.
	if info.Subject != l.subject {
		return fmt.Errorf("userinfo speaks of somebody else")
	}
	return info.Claims(&l.userinfo)
}

// turn refreshes a login. The ID token that may come is about the same person
// and the same sign-in (section 12.2); without one, the last one stays.
func (p *provider) turn(ctx context.Context, old *login) (*login, error) {
	token, err := p.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: old.token.RefreshToken}).Token()
	if err != nil {
		return nil, err
	}
	if token.Extra("id_token") == nil {
		l := *old
		l.token = token
		return &l, p.ask(ctx, &l)
	}
	return p.login(ctx, token, func(t *oidc.IDToken) error {
		if t.Issuer != old.issuer || t.Subject != old.subject {
			return fmt.Errorf("the refreshed ID token speaks of somebody else")
		}
		return nil
	})
}

// silent are the answers to prompt=none that only say that a person is needed.
// OpenID Connect Core, section 3.1.2.6.
func silent(code string) bool {
	return slices.Contains([]string{"login_required", "interaction_required", "consent_required", "account_selection_required"}, code)
}
