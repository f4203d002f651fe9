package main

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"signet/bench/internal/load"
)

// purse holds access tokens that nobody was shown yet; each is taken once.
type purse struct {
	mint   minter
	tokens []string
	next   atomic.Int64
	again  atomic.Int64
}

// minter makes access tokens over several connections at once.
type minter struct {
	server string
	conns  int
	make   func(i int, c *load.Conn) (string, error)
}

// take returns the next token, or load.ErrSpent.
func (p *purse) take() (string, error) {
	i := p.next.Add(1) - 1
	if i >= int64(len(p.tokens)) {
		return "", load.ErrSpent
	}
	return p.tokens[i], nil
}

// any returns one of the tokens, taken or not.
func (p *purse) any() string { return p.tokens[p.again.Add(1)%int64(len(p.tokens))] }

// fill makes n new tokens. What was left of the ones before is dropped, since it
// may be about to expire.
func (p *purse) fill(ctx context.Context, n int) (err error) {
	p.tokens, err = p.mint.many(ctx, n)
	p.next.Store(0)
	return err
}

func (m minter) many(ctx context.Context, n int) ([]string, error) {
	all := make([]string, n)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for i := range m.conns {
		group.Go(func() error {
			c, err := load.Dial(m.server)
			if err != nil {
				return err
			}
			defer c.Close()
			for at := next.Add(1) - 1; at < int64(n) && ctx.Err() == nil; at = next.Add(1) - 1 {
				if all[at], err = m.make(i, c); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return all, group.Wait()
}

// personMinter makes access tokens of a person's grants, by refreshes.
func (s *Stage) personMinter(ctx context.Context) (minter, error) {
	all, err := s.formChains(ctx)
	if err != nil {
		return minter{}, err
	}
	return minter{s.Provider.Token, len(all.list), func(i int, c *load.Conn) (string, error) {
		t, err := all.turn(i, c)
		return t.Access, err
	}}, nil
}

// ownMinter makes access tokens of the client's own.
func (s *Stage) ownMinter() (minter, error) {
	f, err := s.Provider.ownToken()
	if err != nil {
		return minter{}, err
	}
	return minter{f.server, s.Most, func(_ int, c *load.Conn) (string, error) {
		t, err := askTokens(c, f.Request)
		return t.Access, err
	}}, nil
}

// one makes a single token.
func (m minter) one(ctx context.Context) (string, error) {
	all, err := m.many(ctx, 1)
	return all[0], err
}
