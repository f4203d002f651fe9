package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// way is a way to take tokens back.
type way struct {
	what   string
	in     int // a hundred revocations
	revoke func(ctx context.Context, r *revoker, d due) error
}

// due is what is going to be revoked.
type due struct {
	way    int
	email  string // of somebody who has nothing else, where everything of theirs is revoked
	tokens issuer.Tokens
}

const (
	oneToken = 0 // in ways: the grant goes on, and has another token to revoke
	oneGrant = 1 // of the party's
	everyone = 4
)

var ways = []way{
	oneToken: {"POST /oauth2/revoke, an access token", 70, func(ctx context.Context, r *revoker, d due) error {
		return r.party.giveBack(ctx, d.tokens.Access)
	}},
	oneGrant: {"POST /oauth2/revoke, a refresh token", 10, func(ctx context.Context, r *revoker, d due) error {
		return r.party.giveBack(ctx, d.tokens.Refresh)
	}},
	{"POST /logout", 10, func(ctx context.Context, r *revoker, d due) error {
		return acknowledged(r.client.Logout(ctx, d.tokens.Refresh))
	}},
	{"DELETE /logout, with the access token", 8, func(ctx context.Context, r *revoker, d due) error {
		return acknowledged(r.client.Ask(ctx, http.MethodDelete, "/logout", d.tokens.Access))
	}},
	everyone: {"idp users sign-out", 2, func(ctx context.Context, r *revoker, d due) error {
		return r.issuer.Command(ctx, "users", "sign-out", d.email).Run()
	}},
}

// wayOf spreads the ways over the revocations; 37 and 100 have no divisor in
// common, so that any hundred of them has each as often as it says.
func wayOf(n int) int {
	at := n * 37 % 100
	for i, w := range ways {
		if at -= w.in; at < 0 {
			return i
		}
	}
	return 0
}

// revoker takes tokens back, one after the other.
type revoker struct {
	issuer  *issuer.Process
	client  *issuer.Client
	party   *party
	servers []*load.Conn
	refresh string // the newest of the party's grant whose access tokens are revoked one by one
	due     []due
}

func acknowledged(a issuer.Answer) error {
	if a.Result != issuer.Done {
		return errors.New(a.String())
	}
	return nil
}

// newRevokers signs in all that is going to be revoked.
func newRevokers(ctx context.Context, s *Stage, servers []guard, count int) ([]*revoker, error) {
	crew := make([]*revoker, revokers)
	errs := make([]error, revokers)
	var all sync.WaitGroup
	for i := range crew {
		all.Go(func() {
			crew[i] = &revoker{issuer: s.Signet, client: issuer.NewClient(s.Signet.URL)}
			errs[i] = crew[i].prepare(ctx, i, servers, count)
		})
	}
	all.Wait()
	for _, r := range crew {
		s.AtEnd(r.close)
	}
	return crew, errors.Join(errs...)
}

// prepare makes every revokers-th of the revocations, from the i-th.
func (r *revoker) prepare(ctx context.Context, i int, servers []guard, count int) error {
	for _, g := range servers {
		c, err := load.Dial(g.url)
		if err != nil {
			return err
		}
		r.servers = append(r.servers, c)
	}
	var err error
	if r.party, err = newParty(ctx, r.issuer.URL, clientID, clientSecret); err != nil {
		return err
	}
	first, err := r.party.grant(ctx)
	r.refresh = first.Refresh
	for n := i; n < count && err == nil; n += revokers {
		d := due{way: wayOf(n)}
		switch d.way {
		case oneToken:
		case oneGrant:
			d.tokens, err = r.party.grant(ctx)
		case everyone:
			d.email = fmt.Sprintf("bench%d@example.com", n)
			if err = acknowledged(r.client.Register(ctx, d.email, password)); err == nil {
				var a issuer.Answer
				d.tokens, a = r.client.Login(ctx, d.email, password)
				err = acknowledged(a)
			}
		default:
			d.tokens, err = login(ctx, r.issuer)
		}
		r.due = append(r.due, d)
	}
	return err
}

func (r *revoker) close() {
	r.client.Close()
	if r.party != nil {
		r.party.close()
	}
	for _, c := range r.servers {
		_ = c.Close()
	}
}

// work revokes all that is due and notes how long each took to be seen.
func (r *revoker) work(ctx context.Context, note func(way int, seen time.Duration)) error {
	for _, d := range r.due {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.way == oneToken {
			tokens, err := r.party.turn(ctx, r.refresh)
			if err != nil {
				return fmt.Errorf("a refresh: %w", err)
			}
			d.tokens, r.refresh = tokens, tokens.Refresh
		}
		seen, err := r.revoke(ctx, d)
		if err != nil {
			return fmt.Errorf("%s: %w", ways[d.way].what, err)
		}
		note(d.way, seen)
	}
	return nil
}

// revoke has every server know the token, revokes it, and returns how long
// after the answer the last of them had refused it.
func (r *revoker) revoke(ctx context.Context, d due) (seen time.Duration, err error) {
	for _, c := range r.servers {
		if no, err := refused(c, d.tokens.Access); err != nil {
			return 0, err
		} else if no {
			return 0, errors.New("a good token was refused")
		}
	}
	if err := ways[d.way].revoke(ctx, r, d); err != nil {
		return 0, err
	}
	answered := time.Now()
	at, errs := make([]time.Time, len(r.servers)), make([]error, len(r.servers))
	var all sync.WaitGroup
	for i, c := range r.servers {
		all.Go(func() { at[i], errs[i] = untilRefused(ctx, c, d.tokens.Access) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	for i, c := range r.servers {
		seen = max(seen, at[i].Sub(answered))
		if no, err := refused(c, d.tokens.Access); err != nil {
			return 0, err
		} else if !no {
			return 0, errors.New("a token that had been refused was accepted again")
		}
	}
	return seen, nil
}
