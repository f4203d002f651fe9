package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"signet/prove/issuer"
)

// party is a client of the issuer's, with the browser of the one person, who is
// signed in: it can have as many grants as it likes.
type party struct {
	id, secret string
	client     *issuer.Client
	browser    *issuer.Browser
}

// newParty signs the person in, who is there.
func newParty(ctx context.Context, url, id, secret string) (*party, error) {
	y := &party{id: id, secret: secret, client: issuer.NewClient(url), browser: issuer.NewBrowser(url)}
	a := y.browser.Walk(ctx, "/sign-in", func(page string, forms []issuer.Form) *issuer.Form {
		if page != "/sign-in" {
			return nil
		}
		f := forms[len(forms)-1]
		f.Values.Set("email", email)
		f.Values.Set("password", password)
		f.Values.Set("action", "go")
		return &f
	})
	if a.Page != "/account" {
		return y, fmt.Errorf("sign-in ended with %d at %s: %w", a.Status, a.Page, a.Err)
	}
	return y, nil
}

// party is one of the bench's own client, whose person is made for it.
func (s *Stage) party(ctx context.Context) (*party, error) {
	p, err := s.own()
	if err != nil {
		return nil, err
	}
	if err := register(ctx, p); err != nil {
		return nil, err
	}
	y, err := newParty(ctx, p.URL, clientID, clientSecret)
	s.AtEnd(y.close)
	return y, err
}

// grants are the refresh tokens of n grants of the bench's client.
func (s *Stage) grants(ctx context.Context, n int) ([]string, error) {
	y, err := s.party(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]string, n)
	for i := range all {
		t, err := y.grant(ctx)
		if err != nil {
			return nil, err
		}
		all[i] = t.Refresh
	}
	return all, nil
}

func (y *party) close() {
	y.client.Close()
	y.browser.Close()
}

// grant has the person sent to the issuer and back, and redeems the code.
func (y *party) grant(ctx context.Context) (issuer.Tokens, error) {
	ask := url.Values{"response_type": {"code"}, "client_id": {y.id}, "redirect_uri": {callback}, "scope": {"openid"}, "state": {"s"}}
	a := y.browser.Walk(ctx, "/oauth2/authorize?"+ask.Encode(), func(string, []issuer.Form) *issuer.Form { return nil })
	if a.To == nil || a.To.Query().Get("code") == "" {
		return issuer.Tokens{}, fmt.Errorf("no code, but %d at %s: %w", a.Status, a.Page, a.Err)
	}
	return y.token(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {a.To.Query().Get("code")}, "redirect_uri": {callback}})
}

// turn spends a refresh token.
func (y *party) turn(ctx context.Context, refresh string) (issuer.Tokens, error) {
	return y.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func (y *party) token(ctx context.Context, form url.Values) (tokens issuer.Tokens, err error) {
	a := y.client.PostForm(ctx, "/oauth2/token", y.id, y.secret, form)
	if err := acknowledged(a); err != nil {
		return tokens, err
	}
	if err := json.Unmarshal(a.Body, &tokens); err != nil {
		return tokens, err
	}
	return tokens, nil
}

// giveBack revokes a token (RFC 7009).
func (y *party) giveBack(ctx context.Context, token string) error {
	return acknowledged(y.client.PostForm(ctx, "/oauth2/revoke", y.id, y.secret, url.Values{"token": {token}}))
}
