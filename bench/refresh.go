package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"golang.org/x/sync/errgroup"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

var (
	refreshES256Row   = refresh("ES256", onConns(64, ofFloor(0.60)), onConns(64, peers), onConns(1, commits(1)), onConns(64, commits(0.15)))
	refreshRS256Row   = refresh("RS256")
	refreshES256IDRow = refreshWithID("ES256", onConns(1, commits(1)), onConns(64, commits(0.15)))
	refreshRS256IDRow = refreshWithID("RS256")
)

// peers is what the fastest others reach on two processors, in memory alone.
var peers = rate(6000, "which peers reach that keep refresh tokens in memory")

// refresh is a row without ID tokens. Signet's JSON API gives none.
func refresh(alg string, claims ...promise) Row {
	return Row{
		Name: "refresh-" + alg, Alg: alg, Claims: claims, Settings: everyProcessor,
		What:  "a refresh without an ID token (Signet: POST /refresh of the JSON API), on disk, " + alg + ", a chain a connection",
		Floor: "Echo, JSON (of others a form), one durable group commit, one " + alg + " signature",
		Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
			if s.Signet == nil {
				return s.formTurns(ctx, alg, false)
			}
			first, err := loginAll(ctx, s.Signet, s.Most, 4)
			if err != nil {
				return measured, floor, err
			}
			ours := chains{list: newChains(first), request: jsonRefresh("/refresh")}
			theirs := chains{list: anyChains(s.Most), request: jsonRefresh("/refresh/json/" + alg)}
			return s.measured(s.Signet.URL, ours.ask), s.floorSide(theirs.ask), nil
		},
	}
}

// refreshWithID is a row of the token endpoint, with an ID token.
func refreshWithID(alg string, claims ...promise) Row {
	return Row{
		Name: "refresh-" + alg + "-id", Alg: alg, Claims: claims,
		What:  "a refresh with an ID token (POST to the token endpoint), on disk, both " + alg + ", a chain a connection",
		Floor: "Echo, form, one durable group commit, two " + alg + " signatures",
		Prepare: func(ctx context.Context, s *Stage) (measured, floor Side, err error) {
			return s.formTurns(ctx, alg, true)
		},
	}
}

// formTurns are the sides of turns at the token endpoint. id says whether an ID
// token comes with each.
func (s *Stage) formTurns(ctx context.Context, alg string, id bool) (measured, floor Side, err error) {
	ours, err := s.formChains(ctx)
	switch {
	case err != nil:
		return measured, floor, err
	case ours.alg != alg:
		return measured, floor, errLacks("the access tokens are not signed with " + alg)
	case ours.id != id:
		return measured, floor, errLacks(fmt.Sprintf("an ID token comes with a refresh: %t", ours.id))
	}
	path := "/refresh/form/" + alg
	if id {
		path += "/id"
	}
	theirs := chains{list: anyChains(s.Most), id: id, request: func(refresh string) load.Request {
		r := ours.request(refresh)
		r.Path = path
		return r
	}}
	measured = s.measured(s.Provider.Token, ours.ask)
	measured.Most = len(ours.list)
	return measured, s.floorSide(theirs.ask), nil
}

// chain is one family of refresh tokens; every token of it must be new.
type chain struct {
	newest string
	seen   map[string]struct{}
}

func newChains(first []string) (all []*chain) {
	for _, token := range first {
		all = append(all, &chain{newest: token, seen: map[string]struct{}{token: {}}})
	}
	return all
}

// anyChains are for the floor, which takes any token.
func anyChains(n int) []*chain {
	first := make([]string, n)
	for i := range first {
		first[i] = fmt.Sprintf("the first of chain %d", i)
	}
	return newChains(first)
}

// chains are turned in the same way, one a connection.
type chains struct {
	list    []*chain
	request func(refresh string) load.Request
	id      bool   // an ID token comes with each turn
	alg     string // of the access tokens, where that was looked at
}

func (all *chains) ask(_ context.Context, i int, c *load.Conn) error {
	_, err := all.turn(i, c)
	return err
}

// turn takes one turn of the i-th chain and checks the answer.
func (all *chains) turn(i int, c *load.Conn) (tokens, error) {
	ch := all.list[i]
	t, err := askTokens(c, all.request(ch.newest))
	switch {
	case err != nil:
		return t, err
	case t.Refresh == "":
		return t, errors.New("an answer without a refresh token")
	case all.id != (t.ID != ""):
		return t, fmt.Errorf("an ID token: %t, expected: %t", t.ID != "", all.id)
	}
	if _, twice := ch.seen[t.Refresh]; twice {
		return t, errTwice
	}
	ch.newest, ch.seen[t.Refresh] = t.Refresh, struct{}{}
	return t, nil
}

func jsonRefresh(path string) func(string) load.Request {
	return func(refresh string) load.Request {
		return load.Request{Path: path, Type: load.JSON, Body: []byte(`{"refresh_token":"` + refresh + `"}`)}
	}
}

// loginAll signs the one person in n times, some at once, for the refresh tokens.
func loginAll(ctx context.Context, p *issuer.Process, n, atOnce int) ([]string, error) {
	if err := register(ctx, p); err != nil {
		return nil, err
	}
	all := make([]string, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range all {
		group.Go(func() error {
			t, err := login(ctx, p)
			all[i] = t.Refresh
			return err
		})
	}
	return all, group.Wait()
}

// formChains are chains of the token endpoint, each of a grant of its own. They
// go on from row to row where their beginnings come from a file, and take a first
// turn to find out what comes with it.
func (s *Stage) formChains(ctx context.Context) (*chains, error) {
	if s.Provider.chains != nil {
		return s.Provider.chains, nil
	}
	f, err := s.Provider.tokenForm("refresh_token", url.Values{})
	if err != nil {
		return nil, err
	}
	first := s.Provider.RefreshTokens
	if s.Signet != nil {
		if first, err = s.grants(ctx, s.Most); err != nil {
			return nil, err
		}
	}
	if len(first) == 0 {
		return nil, errLacks("no refresh_tokens are known")
	}
	all := &chains{list: newChains(first), request: func(refresh string) load.Request { return f.with("refresh_token", refresh) }}
	c, err := load.Dial(f.server)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	t, err := askTokens(c, all.request(first[0]))
	if err != nil {
		return nil, err
	}
	all.list[0].newest, all.id, all.alg = cmp.Or(t.Refresh, first[0]), t.ID != "", algOf(t.Access)
	s.Provider.chains = all
	return all, nil
}
