package data

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"signet/data/kv"
)

// Consent is what a user has allowed a client, so that the same is not asked
// twice.
type Consent struct {
	V        int       `json:"v"`
	User     UserID    `json:"user"`
	Client   string    `json:"client"`
	Scope    string    `json:"scope,omitzero"`
	Audience []string  `json:"audience,omitzero"`
	Claims   []string  `json:"claims,omitzero"` // single claims that were asked for by name
	At       time.Time `json:"at"`
}

func (c *Consent) kind() string  { return "consent" }
func (c *Consent) version() *int { return &c.V }

// Covers tells whether all that is asked for was allowed. Where nothing was ever
// allowed, nothing is covered: not even to learn that the user is there.
func (c Consent) Covers(scope string, audience, claims []string) bool {
	return !c.At.IsZero() && subset(strings.Fields(scope), strings.Fields(c.Scope)) && subset(audience, c.Audience) && subset(claims, c.Claims)
}

func subset(small, big []string) bool {
	return !slices.ContainsFunc(small, func(s string) bool { return !slices.Contains(big, s) })
}

// Consent returns what the user has allowed the client; nothing is a zero
// Consent.
func (s *Store) Consent(ctx context.Context, user UserID, client string) (c Consent, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		_, err := get(tx, consentKey(user, client), &c)
		return err
	})
	return c, err
}

// AddConsent adds what the user allowed to what was allowed before. It returns
// ErrNoUser.
func (s *Store) AddConsent(ctx context.Context, c Consent) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		if _, found, err := getUser(tx, c.User); err != nil || !found {
			return ErrNoUser, err
		}
		var old Consent
		if _, err := get(tx, consentKey(c.User, c.Client), &old); err != nil {
			return nil, err
		}
		next := c
		next.Scope = strings.Join(union(strings.Fields(old.Scope), strings.Fields(c.Scope)), " ")
		next.Audience, next.Claims, next.At = union(old.Audience, c.Audience), union(old.Claims, c.Claims), s.now()
		return nil, put(tx, consentKey(c.User, c.Client), &next)
	})
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Consents lists what the user has allowed, at most 1000.
func (s *Store) Consents(ctx context.Context, user UserID) (list []Consent, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var bad error
		err := tx.Scan(ofUser(consentPrefix, user), nil, func(_, value []byte) bool {
			var c Consent
			if bad = decode(value, &c); bad == nil {
				list = append(list, c)
			}
			return bad == nil && len(list) < maxPage
		})
		return errors.Join(err, bad)
	})
	return list, err
}

// RemoveConsent forgets what the user allowed the client. Its grants are ended
// by their owner, package grant.
func (s *Store) RemoveConsent(ctx context.Context, user UserID, client string) error {
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		tx.Delete(consentKey(user, client))
		return nil
	})
}
