package main

import (
	"bytes"
	"context"
	"errors"
	"net/url"

	"signet/bench/internal/load"
)

var introspectSeenRow = Row{
	Name: "introspect-seen", Alg: "ES256", What: "POST to the introspection endpoint, a token seen before", Floor: floorSame, Claims: []promise{ofFloor(0.50)},
	Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		f, m, err := s.introspection(ctx)
		if err != nil {
			return measured, floor, err
		}
		token, err := m.one(ctx)
		if err != nil {
			return measured, floor, err
		}
		return s.sameBytes(f.server, f.with("token", token), bytes.Equal)
	},
}

var introspectFirstRow = Row{
	Name: "introspect-first", Alg: "ES256", What: "POST to the introspection endpoint, another token each time",
	Floor: "Echo, form, one verification, the bytes of such an answer", Claims: []promise{ofFloor(0.60)},
	Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
		f, m, err := s.introspection(ctx)
		if err != nil {
			return measured, floor, err
		}
		return s.firstSights(ctx, once{f.server, m, func(token string) load.Request { return f.with("token", token) }, active, "/introspect"})
	},
}

// introspection is the request, and where tokens come from: a person's, or where
// nobody is known to be signed in, the client's own.
func (s *Stage) introspection(ctx context.Context) (f form, m minter, err error) {
	at, err := endpoint("introspection_endpoint", s.Provider.Introspection)
	if err != nil {
		return f, m, err
	}
	if f, err = s.Provider.form(at, url.Values{}); err != nil {
		return f, m, err
	}
	var lacks errLacks
	if m, err = s.personMinter(ctx); errors.As(err, &lacks) {
		m, err = s.ownMinter()
	}
	return f, m, err
}

func active(body []byte) error {
	if !bytes.Contains(body, []byte(`"active":true`)) {
		return errors.New("the token is not active")
	}
	return nil
}
