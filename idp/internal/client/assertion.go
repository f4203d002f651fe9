package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// The bounds of a client assertion.
const (
	maxAssertionLife = time.Hour // from now to exp: so long its jti is remembered
	maxJTI           = 512       // bytes
)

// typAssertion is the typ of a client assertion that says what it is
// (draft-ietf-oauth-rfc7523bis).
const typAssertion = "client-authentication+jwt"

// assertion is the claims of a client assertion (RFC 7523, section 3).
type assertion struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jose.Audience    `json:"aud"`
	ExpiresAt jose.NumericDate `json:"exp"`
	NotBefore jose.NumericDate `json:"nbf"`
	IssuedAt  jose.NumericDate `json:"iat"`
	JTI       string           `json:"jti"`
}

// assert authenticates the client that a JWT names (RFC 7523, section 3).
func (r *Registry) assert(ctx context.Context, claim claim, form wire.Form) (*Client, error) {
	if form.Get(paramAssertionType) != wire.AssertionJWTBearer {
		return nil, wire.Field(paramAssertionType, "it must be "+wire.AssertionJWTBearer)
	}
	unverified, err := jose.Parse(form.Get(paramAssertion))
	if err != nil {
		return nil, claim.refused(err)
	}
	var says assertion
	if err := unverified.Peek(&says); err != nil {
		return nil, claim.refused(err)
	}
	if claim.id != "" && claim.id != says.Subject { // RFC 7521, section 4.2
		return nil, wire.Field(paramClientID, "it is another one than in the assertion")
	}
	c, err := r.Find(ctx, says.Subject)
	if errors.Is(err, ErrUnknown) {
		return nil, claim.refused(err)
	} else if err != nil {
		return nil, err
	}
	verified, err := r.verify(ctx, c, unverified)
	if err == nil {
		err = r.accept(ctx, c, verified)
	}
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, jose.ErrInvalid), errors.Is(err, errAssertion), errors.Is(err, errMethod), errors.Is(err, ErrNoKeys):
		return nil, claim.refused(err)
	}
	return nil, err
}

// verify checks the signature by the client's own method, and by nothing that
// the token says.
func (r *Registry) verify(ctx context.Context, c *Client, u *jose.Unverified) (*jose.Verified, error) {
	switch c.AuthMethod {
	case wire.AuthPrivateKeyJWT:
		return r.VerifySigned(ctx, c, u, algsOf(c.AuthAlg, jose.Asymmetric)...)
	case wire.AuthClientSecretJWT:
		err := error(errMethod)
		for _, secret := range r.hmacSecrets(c) {
			var v *jose.Verified
			if v, err = u.VerifyHMAC(secret, algsOf(c.AuthAlg, jose.Symmetric)...); err == nil {
				return v, nil
			}
		}
		return nil, err
	}
	return nil, errMethod
}

func algsOf(registered string, all []string) []string {
	if registered != "" {
		return []string{registered}
	}
	return all
}

// accept checks the claims, and sees to it that they are accepted once.
func (r *Registry) accept(ctx context.Context, c *Client, v *jose.Verified) error {
	var says assertion
	if err := v.Claims(&says); err != nil {
		return err
	}
	now, skew := r.o.Now(), r.o.Config.Keys.Skew
	expires := says.ExpiresAt.Time()
	problem := ""
	switch typ := v.Header().Typ; {
	case typ != "" && !token.IsTyp(typ, "JWT") && !token.IsTyp(typ, typAssertion):
		problem = "its typ is of another kind of token" // RFC 8725, section 3.11
	case says.Issuer != c.ID || says.Subject != c.ID:
		problem = "iss and sub must be the client"
	case !r.aimed(c, v.Header().Typ, says.Audience):
		problem = "aud must be the issuer, and nothing else (see oauth.endpoint_audiences)"
	case expires.IsZero() || !now.Before(expires.Add(skew)):
		problem = "it has expired, or has no exp"
	case expires.After(now.Add(maxAssertionLife + skew)):
		problem = "its exp is too far away"
	case says.NotBefore.Time().After(now.Add(skew)) || says.IssuedAt.Time().After(now.Add(skew)):
		problem = "it is not valid yet"
	case says.IssuedAt != 0 && says.IssuedAt.Time().After(expires):
		problem = "it ends before it was made"
	case says.JTI == "" || len(says.JTI) > maxJTI:
		problem = "it needs a jti of reasonable length"
	}
	if problem != "" {
		return fmt.Errorf("%w: %s", errAssertion, problem)
	}
	fresh, err := r.o.Store.Remember(ctx, "assertion", assertionID(c.ID, says.JTI), expires.Add(skew))
	if err == nil && !fresh {
		err = fmt.Errorf("%w: it was used before", errAssertion)
	}
	return err
}

// aimed tells whether the assertion is for us alone: aud has one value, the
// issuer. With an endpoint for a value, a server that says that ours is its own
// could collect assertions and present them here (draft-ietf-oauth-rfc7523bis,
// section 4). OpenID Connect Core, section 9, wants the token endpoint all the
// same, so clients that registered themselves may name one of ours, and with
// endpoint_audiences all may; not those whose typ says that they know better.
func (r *Registry) aimed(c *Client, typ string, aud jose.Audience) bool {
	switch {
	case len(aud) != 1:
		return false
	case aud[0] == r.o.Config.Issuer:
		return true
	}
	older := c.Source == Registered || r.o.Config.OAuth.EndpointAudiences
	return older && !token.IsTyp(typ, typAssertion) && slices.Contains(r.endpoints, aud[0])
}
