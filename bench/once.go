package main

import (
	"context"

	"signet/bench/internal/load"
)

// once is a request that shows a token, another one each time: the provider has
// never seen it.
type once struct {
	server  string
	mint    minter
	request func(token string) load.Request
	check   func(body []byte) error
	bare    string // the floor's path
}

// firstSights are its sides. The floor, which remembers nothing, is shown the
// same tokens, and answers as the first one was answered.
func (s *Stage) firstSights(ctx context.Context, o once) (measured, floor Side, err error) {
	one, err := o.mint.one(ctx)
	if err != nil {
		return measured, floor, err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return measured, floor, err
	}
	if err := s.put("jwks.json", keys); err != nil {
		return measured, floor, err
	}
	if _, err := s.putAnswer(o.server, o.request(one)); err != nil {
		return measured, floor, err
	}
	p := &purse{mint: o.mint}
	ask := func(c *load.Conn, r load.Request) error {
		body, err := c.Do(r)
		if err != nil {
			return err
		}
		return o.check(body)
	}
	measured = s.measured(o.server, func(_ context.Context, _ int, c *load.Conn) error {
		token, err := p.take()
		if err != nil {
			return err
		}
		return ask(c, o.request(token))
	})
	measured.Stock = p.fill
	floor = s.floorSide(func(_ context.Context, _ int, c *load.Conn) error {
		r := o.request(p.any())
		r.Path = o.bare
		return ask(c, r)
	})
	return measured, floor, nil
}

func (s *Stage) keys(ctx context.Context) ([]byte, error) {
	at, err := endpoint("jwks_uri", s.Provider.JWKS)
	if err != nil {
		return nil, err
	}
	return fetch(ctx, at)
}
