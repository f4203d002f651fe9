package client

import (
	"context"
	"errors"
	"fmt"

	"signet/idp/internal/jose"
)

// ErrNoKeys says that a client's keys cannot be had: it has none, or its
// jwks_uri does not answer with a key set.
var ErrNoKeys = errors.New("client: the client's keys cannot be had")

// Keys returns the client's public keys, fetched where it has a jwks_uri. With
// fresh they are asked for again, for a kid that is not among them. The error
// is ErrNoKeys, or that of ctx.
func (r *Registry) Keys(ctx context.Context, c *Client, fresh bool) (jose.KeySet, error) {
	switch {
	case c.JWKS != nil:
		return c.keys, nil
	case c.JWKSURI == "" || r.o.Fetch == nil:
		return jose.KeySet{}, ErrNoKeys
	}
	doc, err := r.o.Fetch.Get(ctx, c.JWKSURI, "application/jwk-set+json, application/json", fresh)
	if err != nil && ctx.Err() != nil {
		return jose.KeySet{}, err
	} else if err != nil {
		return jose.KeySet{}, fmt.Errorf("%w: %w", ErrNoKeys, err)
	}
	return r.keySets.of(c.JWKSURI, doc.FetchedAt, func() (jose.KeySet, error) {
		set, err := jose.ParseKeySet(doc.Body)
		if err != nil {
			return jose.KeySet{}, fmt.Errorf("%w: %w", ErrNoKeys, err)
		}
		return set, nil
	})
}

// VerifySigned checks a JWT with the client's keys. Where none of them fits,
// they are fetched again, once. The error is one of jose's, or ErrNoKeys.
func (r *Registry) VerifySigned(ctx context.Context, c *Client, u *jose.Unverified, algs ...string) (*jose.Verified, error) {
	set, err := r.Keys(ctx, c, false)
	if err != nil {
		return nil, err
	}
	v, err := u.Verify(set, algs...)
	if !errors.Is(err, jose.ErrNoKey) || c.JWKSURI == "" {
		return v, err
	}
	if set, err = r.Keys(ctx, c, true); err != nil {
		return nil, err
	}
	return u.Verify(set, algs...)
}
