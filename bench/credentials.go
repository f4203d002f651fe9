package main

import (
	"bytes"
	"context"
	"errors"
	"net/url"

	"signet/bench/internal/load"
)

var (
	credentialsES256Row = credentials("ES256", ofFloor(0.70))
	credentialsRS256Row = credentials("RS256", ofFloor(0.92))
	credentialsEdDSARow = credentials("EdDSA")
)

func credentials(alg string, claims ...promise) Row {
	return Row{
		Name: "credentials-" + alg, Alg: alg, Claims: claims,
		What:  "POST client_credentials to the token endpoint, " + alg,
		Floor: "Echo, form, one " + alg + " signature",
		Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
			f, err := s.Provider.ownToken()
			if err != nil {
				return measured, floor, err
			}
			if err := signedWith(f, alg); err != nil {
				return measured, floor, err
			}
			bare := f.Request
			bare.Path = "/credentials/" + alg
			return s.measured(f.server, newTokens(s.Most, f.Request)), s.floorSide(newTokens(s.Most, bare)), nil
		},
	}
}

// ownToken asks for a token of the client's own (RFC 6749, section 4.4).
func (p *Provider) ownToken() (form, error) {
	if p.ClientSecret == "" {
		return form{}, errLacks("no client_secret is known")
	}
	fixed := url.Values{}
	if p.Scope != "" {
		fixed.Set("scope", p.Scope)
	}
	return p.tokenForm("client_credentials", fixed)
}

// signedWith looks whether the tokens are signed with alg; others may have
// another one.
func signedWith(f form, alg string) error {
	c, err := load.Dial(f.server)
	if err != nil {
		return err
	}
	defer c.Close()
	t, err := askTokens(c, f.Request)
	if err == nil && algOf(t.Access) != alg {
		err = errLacks("the access tokens are not signed with " + alg)
	}
	return err
}

func askTokens(c *load.Conn, r load.Request) (tokens, error) {
	body, err := c.Do(r)
	if err != nil {
		return tokens{}, err
	}
	return parseTokens(body)
}

var errTwice = errors.New("the same token twice")

// newTokens asks for the same each time and wants another token each time. It
// looks for the one as cheaply as can be.
func newTokens(most int, r load.Request) func(context.Context, int, *load.Conn) error {
	last := make([][]byte, most)
	return func(_ context.Context, i int, c *load.Conn) error {
		body, err := c.Do(r)
		switch {
		case err != nil:
			return err
		case !bytes.Contains(body, []byte(`"access_token":"`)):
			return errors.New("an answer without an access token")
		case bytes.Equal(body, last[i]):
			return errTwice
		}
		last[i] = append(last[i][:0], body...)
		return nil
	}
}
