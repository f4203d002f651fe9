package main

import (
	"context"
	"net/url"

	"signet/bench/internal/load"
)

var revokeRow = Row{
	Name: "revoke", Alg: "ES256", What: "POST to the revocation endpoint, another access token of the client's own each time",
	Floor: "Echo, form, one verification, one durable group commit",
	Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		at, err := endpoint("revocation_endpoint", s.Provider.Revocation)
		if err != nil {
			return measured, floor, err
		}
		f, err := s.Provider.form(at, url.Values{})
		if err != nil {
			return measured, floor, err
		}
		m, err := s.ownMinter()
		if err != nil {
			return measured, floor, err
		}
		return s.firstSights(ctx, once{at, m, func(token string) load.Request { return f.with("token", token) },
			func([]byte) error { return nil }, "/revoke"})
	},
}
