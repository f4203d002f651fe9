package resource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/internal/recent"
	"signet/resource/dpop"
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
	seen     *recent.Cache[*Token]

	base    string       // what the URL of every request begins with, or empty: then no proof is taken
	nonces  *dpop.Nonces // nil when no nonce is asked for
	replays Replays
	about   []byte // the metadata, as it is served
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
	v := &Verifier{options: o, issuer: issuer, source: o.keys, seen: recent.New[*Token](o.cacheBytes)}
	if o.resource != "" {
		u, err := checkIdentifier(o.resource, o.insecure)
		if err != nil {
			return nil, fmt.Errorf("resource: the resource %q: %w", o.resource, err)
		}
		v.metadata = wellKnown(u, protectedResource)
		v.base = u.Scheme + "://" + u.Host
	}
	if err := v.takeProofs(); err != nil {
		return nil, err
	}
	if v.about, err = v.describe(issuer); err != nil {
		return nil, err
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
// A token that is bound to a key is ErrBound: a token alone does not show that
// its sender holds the key. VerifyRequest takes those, with their proofs.
//
// A token that was verified before is remembered; only its lifetime, its key
// and its status are checked again.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	t, how, err := v.verifyBearer(ctx, raw)
	v.count(how, err)
	return t, err
}

func (v *Verifier) verifyBearer(ctx context.Context, raw string) (*Token, Outcome, error) {
	t, how, err := v.known(ctx, raw)
	switch {
	case err != nil:
		return nil, "", err
	case t.JKT() != "":
		return nil, "", ErrBound
	case v.bound:
		return nil, "", ErrUnbound
	}
	return t, how, nil
}

// known finds a good token of every kind, and says whether it was seen before.
func (v *Verifier) known(ctx context.Context, raw string) (*Token, Outcome, error) {
	if len(raw) > token.MaxLength {
		return nil, "", ErrMalformed
	}
	name := recent.NameOf(raw)
	if t, found := v.seen.Get(name); found {
		err := v.again(ctx, t)
		if err == nil {
			return t, Remembered, nil
		}
		if errors.Is(err, ErrUnavailable) {
			return nil, "", err
		}
		v.seen.Drop(name) // and let the whole check say why
	}
	t, err := v.verify(ctx, raw)
	if err != nil {
		return nil, "", err
	}
	v.seen.Put(name, t, len(raw))
	return t, Accepted, nil
}

// again is what has to be asked at every use of a token.
func (v *Verifier) again(ctx context.Context, t *Token) error {
	key, err := v.source.Key(ctx, t.key.ID)
	switch {
	case err != nil:
		return err
	case !key.same(t.key):
		return ErrUnknownKey
	case v.expired(t.claims):
		return ErrExpired
	}
	return v.checkStatus(ctx, t)
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
	key, err := v.signer(ctx, c)
	if err != nil {
		return nil, err
	}
	// From here on claims is what the issuer said: the signature covers the
	// bytes that it was read from.
	if err := v.checkClaims(claims); err != nil {
		return nil, err
	}
	t := &Token{claims: claims, scopes: claims.Scopes(), key: key}
	if uri := claims.Status.List.URI; uri != "" && v.follower != nil {
		if t.list, err = v.follower.lists.of(uri); err != nil {
			return nil, err
		}
	}
	if err := v.checkStatus(ctx, t); err != nil {
		return nil, err
	}
	return t, nil
}

// signer finds the key that signed a token. One that names none is taken where
// the issuer publishes a single key for its algorithm (RFC 7515 section 4.1.4
// and appendix D); a KeySource is asked for kids only.
func (v *Verifier) signer(ctx context.Context, c token.Compact) (Key, error) {
	switch {
	case v.follower != nil:
		return v.follower.signer(ctx, c)
	case c.Header.KID == "":
		return Key{}, ErrHeader
	}
	key, err := v.source.Key(ctx, c.Header.KID)
	if err != nil {
		return Key{}, err
	}
	return key, key.signed(c)
}

// checkStatus asks the list that the token names whether it was revoked. At an
// issuer that says which lists it has, a token that names none is not one of
// its own making, or from before.
func (v *Verifier) checkStatus(ctx context.Context, t *Token) error {
	switch {
	case t.list != nil:
		return t.list.judge(ctx, t.claims.Status.List.Index)
	case v.follower != nil && v.follower.listsURI() != "":
		return errNoStatus
	}
	return nil
}

// checkHeader admits what RFC 9068 section 4 does, and a header that is plain.
func (v *Verifier) checkHeader(h token.Header) error {
	switch {
	case !token.IsTyp(h.Typ, token.TypAccess):
		return ErrTyp
	case !slices.Contains(v.algs, h.Alg):
		return ErrAlgorithm
	case !plain(h):
		return ErrHeader
	}
	return nil
}

// plain says whether a header at most names its key: none brings a key along,
// asks for an extension or codes the payload, since none of it is understood
// here (RFC 7515 section 4.1.11, RFC 8725 section 3.10). An empty kid is no
// name.
func plain(h token.Header) bool {
	return h.Named == (h.KID != "") && !(h.Crit || h.Coded || h.JWK || h.JKU || h.X5U || h.X5C)
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

// checkClaims wants what RFC 9068 section 2.2 requires, names that can be told
// on, and no binding but the one that can be checked.
func (v *Verifier) checkClaims(c token.Claims) error {
	if c.Subject == "" || c.ClientID == "" || c.ID == "" || c.IssuedAt == 0 || !c.Legible() {
		return ErrClaims
	}
	latest := v.now().Add(v.skew)
	if c.IssuedAt.Time().After(latest) || c.NotBefore.Time().After(latest) {
		return ErrNotYet
	}
	if c.Confirmation.Other {
		return ErrBinding
	}
	return nil
}

// expired says whether exp has come; on the very second it has (RFC 7519
// section 4.1.4).
func (v *Verifier) expired(c token.Claims) bool {
	return !v.now().Before(c.Expiry.Time().Add(v.leeway))
}

// Health says how well the issuer's keys and status lists are known.
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
