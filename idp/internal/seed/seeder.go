package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/crypto/bcrypt"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/idp/internal/account"
	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/wire"
)

// together is how many records share a commit; each page that one replaces is
// free after it. The last ones come in groups as small as the issuer's, and use
// those pages up.
const (
	together = 2000
	lastOnes = 64
)

type seeder struct {
	plan
	config  config.Config
	engine  *bolt.Engine
	bulk    *bulk
	store   *data.Store
	clients *client.Registry
	now     time.Time // of store and starts

	// starts makes grants. turns turns them, on a store of the same engine whose
	// clock is ahead by more than an access token's life.
	starts, turns *grant.Service
}

func (s *seeder) clock() time.Time { return s.now }

func (s *seeder) later() time.Time { return s.now.Add(2 * s.config.Tokens.AccessTTL) }

// email and clientID are how the bench names the i-th of them.
func email(i int) string    { return fmt.Sprintf("person%07d@example.com", i) }
func clientID(i int) string { return fmt.Sprintf("client%06d", i) }

func (s *seeder) run(ctx context.Context) (m made, err error) {
	began := time.Now()
	// The oldest grant is not turned before a day has gone by, and lives still.
	span := s.config.Tokens.RefreshTTL - 24*time.Hour
	s.now = began.Add(-span)
	m = made{Users: s.users, Grants: s.plan.grants, Clients: s.plan.clients}
	for _, step := range []struct {
		bytes *int64
		do    func(context.Context) error
	}{
		{&m.UserBytes, s.makeUsers},
		{&m.ClientBytes, s.makeClients},
		{&m.GrantBytes, func(ctx context.Context) error { return s.makeGrants(ctx, span) }},
	} {
		before := s.used()
		if err := step.do(ctx); err != nil {
			return m, err
		}
		*step.bytes = s.used() - before
	}
	stats := s.engine.Stats()
	m.FileBytes, m.FreeBytes, m.Took = stats.Pages, stats.Free, time.Since(began)
	return m, nil
}

// used is what the pairs take of the file.
func (s *seeder) used() int64 {
	stats := s.engine.Stats()
	return stats.Pages - stats.Free
}

// batches calls fn for 0 to n-1, a range at a time, each in one transaction.
func (s *seeder) batches(ctx context.Context, what string, n int, fn func(from, to int) error) error {
	p := newProgress(what, n)
	for from := 0; from < n; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		to := min(from+together, n)
		if from >= n-n/20 {
			to = min(from+lastOnes, n)
		}
		if err := s.bulk.together(ctx, func() error { return fn(from, to) }); err != nil {
			return fmt.Errorf("%s %d to %d: %w", what, from, to, err)
		}
		from = to
		p.at(from)
	}
	p.end()
	return nil
}

// each calls fn for 0 to n-1, many of them in one transaction.
func (s *seeder) each(ctx context.Context, what string, n int, fn func(i int) error) error {
	return s.batches(ctx, what, n, func(from, to int) (err error) {
		for i := from; i < to && err == nil; i++ {
			err = fn(i)
		}
		return err
	})
}

// makeUsers gives all users one hash: a million of their own would take a day.
func (s *seeder) makeUsers(ctx context.Context) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(s.password), s.config.Passwords.BcryptCost)
	if err != nil {
		return err
	}
	return s.each(ctx, "users", s.users, func(i int) error {
		outcome, err := s.store.ImportUser(ctx, data.User{Email: email(i), EmailVerified: true, PasswordHash: string(hash),
			Profile: data.Profile{Name: fmt.Sprintf("Person %d", i), Locale: "en"}})
		if err == nil && outcome != data.ImportAdded {
			err = errors.New("somebody has this e-mail already")
		}
		return err
	})
}

func (s *seeder) makeClients(ctx context.Context) error {
	return s.each(ctx, "clients", s.plan.clients, func(i int) error {
		_, _, err := s.clients.Create(ctx, data.Client{
			ID: clientID(i), SecretHash: data.HashOf(s.secret), Introspect: true,
			Metadata: data.Metadata{
				Name: fmt.Sprintf("Program %d", i), RedirectURIs: []string{fmt.Sprintf("https://app%d.example/callback", i)},
				AuthMethod: wire.AuthClientSecretBasic,
				GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantClientCredentials},
			},
		})
		return err
	})
}

// makeGrants starts grants, half of them of the JSON API and half of the
// clients, and turns each once: so a record is as it is after any number of
// turns.
func (s *seeder) makeGrants(ctx context.Context, span time.Duration) (err error) {
	out, err := os.OpenFile(s.tokens, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	defer func() { err = errors.Join(err, w.Flush(), out.Close()) }()

	n := s.plan.grants
	began := s.now
	every := max(1, (n+1)/2/max(1, s.keep)) // of those of the JSON API
	tokens := make([]grant.RefreshToken, together)
	err = s.batches(ctx, "grants", n, func(from, to int) error {
		s.now = began.Add(time.Duration(float64(span) * float64(from) / float64(n)))
		for i := from; i < to; i++ {
			r, err := s.request(ctx, i)
			if err != nil {
				return err
			}
			issued, err := s.starts.Start(ctx, r)
			if err != nil {
				return err
			}
			tokens[i-from] = issued.RefreshToken
		}
		for i := from; i < to; i++ {
			issued, err := s.turns.Turn(ctx, string(tokens[i-from]), nil)
			if err == nil && i%(2*every) == 0 {
				_, err = fmt.Fprintln(w, string(issued.RefreshToken))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.now = began.Add(span)
	return s.sweep(ctx)
}

// sweep takes out what ended meanwhile: the status lists of those weeks.
func (s *seeder) sweep(ctx context.Context) error {
	const step = 1000
	for {
		if n, err := s.store.Sweep(ctx, step); err != nil || n < step {
			return err
		}
	}
}

func (s *seeder) request(ctx context.Context, i int) (r grant.StartRequest, err error) {
	who, err := data.ParseEmail(email(i % s.users))
	if err != nil {
		return r, err
	}
	if r.User, err = s.store.UserByEmail(ctx, who); err != nil {
		return r, err
	}
	r.Client, r.Audience = account.ClientID, []string{s.config.Audiences[0].Name}
	r.AuthTime, r.AMR = s.now, []string{"pwd"}
	if i%2 == 1 && s.plan.clients > 0 {
		r.Client, r.Scope = clientID(i/2%s.plan.clients), "openid offline_access"
		r.Audience = []string{s.config.Audiences[i/2%len(s.config.Audiences)].Name}
	}
	return r, nil
}
