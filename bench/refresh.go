package main

import (
	"context"
	"encoding/json"
	"errors"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

var refreshRow = Row{
	Name:    "refresh",
	What:    "POST /refresh on disk, a chain a connection",
	Floor:   "Echo, JSON, one durable group commit, one ES256 signature",
	Prepare: prepareRefresh,
}

func prepareRefresh(ctx context.Context, s *Stage) (signet, floor Side, err error) {
	ours, err := newChains(ctx, s.Signet, s.Most)
	if err != nil {
		return signet, floor, err
	}
	theirs := make(chains, s.Most)
	for i := range theirs {
		theirs[i] = newChain("the first of its chain")
	}
	return http(s.Signet, ours.ask), http(s.Floor, theirs.ask), nil
}

// chain is one family of refresh tokens; every token of it must be new.
type chain struct {
	newest string
	seen   map[string]struct{}
}

func newChain(first string) *chain {
	return &chain{newest: first, seen: map[string]struct{}{first: {}}}
}

type chains []*chain

// newChains signs one person in as often as there are chains.
func newChains(ctx context.Context, p *issuer.Process, n int) (chains, error) {
	if err := register(ctx, p); err != nil {
		return nil, err
	}
	all := make(chains, n)
	for i := range all {
		tokens, err := login(ctx, p)
		if err != nil {
			return nil, err
		}
		all[i] = newChain(tokens.Refresh)
	}
	return all, nil
}

// ask takes one turn of the chain of that connection.
func (all chains) ask(_ context.Context, i int, c *load.Conn) error { return all[i].turn(c) }

func (ch *chain) turn(c *load.Conn) error {
	body, err := c.Do("/refresh", []byte(`{"refresh_token":"`+ch.newest+`"}`))
	if err != nil {
		return err
	}
	var tokens issuer.Tokens
	if err := json.Unmarshal(body, &tokens); err != nil {
		return err
	}
	if tokens.Access == "" || tokens.Refresh == "" {
		return errors.New("an answer without tokens")
	}
	if _, twice := ch.seen[tokens.Refresh]; twice {
		return errors.New("a refresh token came twice")
	}
	ch.newest, ch.seen[tokens.Refresh] = tokens.Refresh, struct{}{}
	return nil
}
