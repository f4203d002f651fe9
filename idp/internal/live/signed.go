package live

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"signet/data"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

// signed is a token whose signature was verified. Whether it is still good is
// asked at every use.
type signed struct {
	claims token.Claims
	kid    string
	lookup *data.Lookup
}

// skew is how far another node's clock may be ahead of ours.
const skew = 30 * time.Second

// published finds a key that is in the JWKS.
func (r *Reader) published(kid string) (crypto.PublicKey, token.Alg, bool) {
	public, alg, _, known := r.o.Ring.Snapshot().Public(kid)
	return public, alg, known
}

// ever finds a key of ours, also one that left the JWKS.
func (r *Reader) ever(kid string) (crypto.PublicKey, token.Alg, bool) {
	if public, alg, known := r.published(kid); known {
		return public, alg, true
	}
	public, alg, _, known := r.o.Ring.Snapshot().Ever(kid)
	return public, alg, known
}

// verify checks all that does not change (RFC 9068, section 4; RFC 8725).
func (r *Reader) verify(raw string, find func(kid string) (crypto.PublicKey, token.Alg, bool)) (*signed, error) {
	parsed, err := token.ParseCompact(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDead, err)
	}
	h := parsed.Header
	switch {
	case !token.IsTyp(h.Typ, token.TypAccess):
		return nil, fmt.Errorf("%w: another kind of token", ErrDead)
	case h.Crit || h.Coded || h.JWK || h.JKU || h.X5U || h.X5C:
		return nil, fmt.Errorf("%w: its header asks for what is not ours", ErrDead)
	}
	public, alg, known := find(h.KID)
	switch {
	case !known:
		return nil, fmt.Errorf("%w: its key is none of ours", ErrDead)
	case h.Alg != alg: // the key's algorithm decides (RFC 8725, section 3.1)
		return nil, fmt.Errorf("%w: another algorithm than its key's", ErrDead)
	}
	if err := token.VerifySignature(alg, public, parsed.SigningInput, parsed.Signature); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDead, err)
	}
	c, err := token.ParseClaims(parsed.Payload)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDead, err)
	case c.Issuer != r.o.Issuer, c.Subject == "", c.ClientID == "", c.ID == "", c.IssuedAt == 0, c.Expiry == 0:
		return nil, fmt.Errorf("%w: its claims are not those of an access token", ErrDead)
	case c.Confirmation.Other:
		return nil, fmt.Errorf("%w: it is bound to what is not known here", ErrDead)
	}
	var grant data.GrantID
	if c.SessionID != "" {
		if grant, err = data.ParseGrantID(c.SessionID); err != nil || grant == (data.GrantID{}) {
			return nil, fmt.Errorf("%w: its sid names no grant", ErrDead)
		}
	}
	list, err := r.list(c.Status.List.URI)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDead, err)
	}
	likely, err := data.ParseUserID(c.Subject)
	if err != nil {
		likely = "" // it is the name of a client, or by which one knows somebody
	}
	return &signed{claims: c, kid: h.KID, lookup: r.o.Store.Lookup(list, c.Status.List.Index, grant, likely)}, nil
}

// current checks what the clock and the key ring say now. A kid never names
// two keys (RFC 7638), so the key that is there is the one that verified.
func (r *Reader) current(t *signed) error {
	now := r.o.Now()
	latest := now.Add(skew)
	_, _, state, known := r.o.Ring.Snapshot().Public(t.kid)
	switch {
	case !known || state == keys.Gone:
		return fmt.Errorf("%w: its key is none of ours any more", ErrDead)
	case !now.Before(t.claims.Expiry.Time()):
		return fmt.Errorf("%w: it has expired", ErrDead)
	case t.claims.IssuedAt.Time().After(latest), t.claims.NotBefore.Time().After(latest):
		return fmt.Errorf("%w: it is from the future", ErrDead)
	}
	return nil
}

// list is the status list that the URI names: one of ours.
func (r *Reader) list(uri string) (data.StatusListID, error) {
	name, ours := strings.CutPrefix(uri, r.o.Issuer+mint.StatusListPath)
	if !ours {
		return data.StatusListID{}, errors.New("its status is in no list of ours")
	}
	return data.ParseStatusListID(name)
}
