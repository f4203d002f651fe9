package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"

	"golang.org/x/sync/errgroup"

	"signet/bench/internal/load"
)

var codeRow = Row{
	Name: "code", Alg: "ES256", Settings: everyProcessor,
	What:    "GET authorize in a signed-in browser, and POST the code with its verifier to the token endpoint, with an ID token, ES256",
	Floor:   "Echo, one durable group commit and a redirect; form, one more, two ES256 signatures",
	Prepare: prepareCode,
}

// codeVerifier belongs to the challenge of all requests (RFC 7636).
const codeVerifier = "a-codeVerifier-that-is-long-enough-to-be-one-of-RFC-7636"

func prepareCode(ctx context.Context, s *Stage) (measured, floor Side, err error) {
	if _, err := s.own(); err != nil {
		return measured, floor, err
	}
	cookies, err := s.browsers(ctx, s.Most)
	if err != nil {
		return measured, floor, err
	}
	challenge := sha256.Sum256([]byte(codeVerifier))
	query := "?" + url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callback}, "scope": {"openid"},
		"state": {"af0ifjsldkj"}, "nonce": {"n-0S6_WzA2Mj"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}}.Encode()
	f, err := s.Provider.tokenForm("authorization_code", url.Values{"redirect_uri": {callback}, "code_verifier": {codeVerifier}})
	if err != nil {
		return measured, floor, err
	}
	path, err := pathOf(s.Provider.Authorization)
	if err != nil {
		return measured, floor, err
	}
	measured = s.measured(f.server, func(_ context.Context, i int, c *load.Conn) error {
		return roundTrip(c, load.Request{Path: path + query, Cookie: cookies[i]}, func(code string) load.Request { return f.with("code", code) })
	})
	floor = s.floorSide(func(_ context.Context, i int, c *load.Conn) error {
		return roundTrip(c, load.Request{Path: "/authorize" + query, Cookie: cookies[i]}, func(code string) load.Request {
			r := f.with("code", code)
			r.Path = "/code/ES256"
			return r
		})
	})
	return measured, floor, nil
}

// roundTrip has a code given and redeems it.
func roundTrip(c *load.Conn, authorize load.Request, redeem func(code string) load.Request) error {
	to, err := c.Redirect(authorize)
	if err != nil {
		return err
	}
	code := to.Query().Get("code")
	if code == "" {
		return errors.New("no code, but " + to.String())
	}
	t, err := askTokens(c, redeem(code))
	if err == nil && (t.ID == "" || t.Refresh == "") {
		err = errors.New("an answer without an ID token or a refresh token")
	}
	return err
}

// browsers signs the one person in to n browsers, and returns their cookies.
func (s *Stage) browsers(ctx context.Context, n int) ([]string, error) {
	if err := register(ctx, s.Signet); err != nil {
		return nil, err
	}
	cookies := make([]string, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range cookies {
		group.Go(func() error {
			y, err := newParty(ctx, s.Signet.URL, clientID, clientSecret)
			cookies[i] = y.browser.Cookies()
			y.close()
			return err
		})
	}
	return cookies, group.Wait()
}
