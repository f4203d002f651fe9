package resource

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/resource/token"
)

// Verifier checks the access tokens of one issuer. It is used by many
// goroutines at once.
type Verifier struct {
	options
	issuer   string
	metadata string // where the resource server's metadata is, or empty
	source   KeySource
	follower *follower // nil when the keys were given by WithKeys
	seen     *cache
}

// New returns a Verifier of the tokens that issuer made for audience. It does
// not wait for the issuer: keys are fetched in the background, and until there
// are some, Verify returns ErrUnavailable. The error is about the arguments.
// Close ends what New began.
func New(issuer, audience string, opts ...Option) (*Verifier, error) {
	o := defaults()
	o.audiences = []string{audience}
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	id, err := checkIdentifier(issuer, o.insecure)
	if err != nil {
		return nil, fmt.Errorf("resource: the issuer %q: %w", issuer, err)
	}
	v := &Verifier{options: o, issuer: issuer, source: o.keys, seen: newCache(o.cacheBytes)}
	if o.resource != "" {
		u, err := checkIdentifier(o.resource, o.insecure)
		if err != nil {
			return nil, fmt.Errorf("resource: the resource %q: %w", o.resource, err)
		}
		v.metadata = wellKnown(u, protectedResource)
	}
	if v.source == nil {
		v.follower = follow(id, issuer, o)
		v.source = v.follower
	}
	return v, nil
}

// Close stops following the issuer, and returns when nothing runs any more.
func (v *Verifier) Close() {
	if v.follower != nil {
		v.follower.close()
	}
}

// Verify returns what raw says when it is a good access token: signed by a key
// that the issuer publishes now, made by the issuer for an audience of this
// Verifier, and alive. Else the error is ErrInvalidToken, more precisely one
// of the reasons that wrap it, or ErrUnavailable.
//
// A token that was verified before is remembered; only its lifetime and its
// key are checked again.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	if len(raw) > token.MaxLength {
		return nil, ErrMalformed
	}
	name := digest(sha256.Sum256([]byte(raw)))
	if t := v.seen.get(name); t != nil {
		switch key, err := v.source.Key(ctx, t.key.ID); {
		case err == nil && key.same(t.key) && !v.expired(t.claims):
			return t, nil
		case errors.Is(err, ErrUnavailable):
			return nil, err
		}
		v.seen.drop(name) // and let the whole check say why
	}
	t, err := v.verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	v.seen.put(name, t)
	return t, nil
}

// verify does the work, the cheap parts first, so that what costs a key or a
// signature was at least meant for us.
func (v *Verifier) verify(ctx context.Context, raw string) (*Token, error) {
	c, err := token.ParseCompact(raw)
	if err != nil {
		return nil, ErrMalformed
	}
	if err := v.checkHeader(c.Header); err != nil {
		return nil, err
	}
	claims, err := token.ParseClaims(c.Payload)
	if err != nil {
		return nil, ErrClaims
	}
	if err := v.checkAddress(claims); err != nil {
		return nil, err
	}
	key, err := v.source.Key(ctx, c.Header.KID)
	if err != nil {
		return nil, err
	}
	// The key's own algorithm decides, not the header's (RFC 8725 section 3.1).
	if key.Alg != c.Header.Alg {
		return nil, ErrAlgorithm
	}
	if err := token.VerifySignature(key.Alg, key.Public, c.SigningInput, c.Signature); err != nil {
		return nil, ErrSignature
	}
	// From here on claims is what the issuer said: the signature covers the
	// bytes that it was read from.
	if err := v.checkClaims(claims); err != nil {
		return nil, err
	}
	return &Token{claims: claims, scopes: claims.Scopes(), key: key, size: len(raw)}, nil
}

// checkHeader admits what RFC 9068 section 4 does, and nothing that brings a
// key along or asks for an extension, since none is understood here (RFC 7515
// section 4.1.11, RFC 8725 section 3.10).
func (v *Verifier) checkHeader(h token.Header) error {
	switch {
	case !token.IsTyp(h.Typ, token.TypAccess):
		return ErrTyp
	case !slices.Contains(v.algs, h.Alg):
		return ErrAlgorithm
	case h.Crit || h.JWK || h.JKU || h.X5U || h.X5C || h.KID == "":
		return ErrHeader
	}
	return nil
}

// checkAddress looks at whose token it is, before anything is believed.
func (v *Verifier) checkAddress(c token.Claims) error {
	switch {
	case c.Issuer != v.issuer:
		return ErrIssuer
	case !slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(v.audiences, aud) }):
		return ErrAudience
	case c.Expiry == 0:
		return ErrClaims
	case v.expired(c):
		return ErrExpired
	}
	return nil
}

// checkClaims wants what RFC 9068 section 2.2 requires.
func (v *Verifier) checkClaims(c token.Claims) error {
	if c.Subject == "" || c.ClientID == "" || c.ID == "" || c.IssuedAt == 0 {
		return ErrClaims
	}
	latest := v.now().Add(v.skew)
	if c.IssuedAt.Time().After(latest) || c.NotBefore.Time().After(latest) {
		return ErrNotYet
	}
	return nil
}

// expired says whether exp has come; on the very second it has (RFC 7519
// section 4.1.4).
func (v *Verifier) expired(c token.Claims) bool {
	return !v.now().Before(c.Expiry.Time().Add(v.leeway))
}

// Health says how well the keys of the issuer are known.
func (v *Verifier) Health() Health {
	if v.follower == nil {
		return Health{State: Following}
	}
	return v.follower.health()
}

// since is how long ago then was, by whichever clock says more: the wall clock
// may be set back, the monotonic one may stand still while a machine sleeps.
// It is never negative.
func since(now, then time.Time) time.Duration {
	return max(0, now.Sub(then), now.Round(0).Sub(then.Round(0)))
}
