package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signet/data"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/jose"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// Bounds of an assertion's times: how far ahead its issuer's clock may be, and
// how long it may be good for, which is how long it is remembered.
const (
	assertionSkew = 30 * time.Second
	assertionLife = time.Hour
)

// errAssertion is wrapped by all that is wrong with an assertion; on the wire
// it is invalid_grant (RFC 7523, section 3.1).
var errAssertion = fmt.Errorf("%w: an assertion", grant.ErrCode)

// asserted is what an assertion says (RFC 7523, section 3).
type asserted struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jose.Audience    `json:"aud"`
	Expiry    jose.NumericDate `json:"exp"`
	NotBefore jose.NumericDate `json:"nbf"`
	IssuedAt  jose.NumericDate `json:"iat"`
	ID        string           `json:"jti"`
}

// assertion takes the word of an issuer that the operator trusts for who a
// person is (RFC 7523, section 2.1). The person was not here, so there is no
// ID token, and the client can bring another assertion, so there is no refresh
// token (RFC 7521, section 4.1).
func (a *API) assertion(ctx context.Context, r request) (allowed, error) {
	raw, err := r.form.Need("assertion")
	if err != nil {
		return allowed{}, err
	}
	issuer, says, err := a.trusted(ctx, r, raw)
	if err != nil {
		return allowed{}, err
	}
	scope, err := a.cap(r, issuer)
	if err != nil {
		return allowed{}, err
	}
	profile, err := a.Mint.Profiles(r.audience)
	if err != nil {
		return allowed{}, err
	}
	user, err := a.named(ctx, issuer, says.Subject)
	if err != nil {
		return allowed{}, err
	}
	if err := a.once(ctx, says); err != nil {
		return allowed{}, err
	}
	issued, err := a.Grants.Start(ctx, grant.StartRequest{
		User: user, Client: r.self.ID, Scope: scope, Audience: profile.Audiences(),
		Authorization: data.Authorization{JKT: r.jkt}, Access: profile.TTL,
	})
	if err != nil {
		return allowed{}, err
	}
	out, err := a.person(r, issued, profile, scope, "")
	out.id = nil
	return out, err
}

// trusted verifies an assertion with the keys of the issuer that it names.
func (a *API) trusted(ctx context.Context, r request, raw string) (config.TrustedIssuer, asserted, error) {
	parsed, err := jose.Parse(raw)
	if err != nil {
		return config.TrustedIssuer{}, asserted{}, fmt.Errorf("%w: %w", errAssertion, err)
	}
	// Tokens of other kinds that the issuer makes are no assertions (RFC 8725,
	// section 3.12).
	if typ := parsed.Header().Typ; typ != "" && !token.IsTyp(typ, "JWT") && !token.IsTyp(typ, "authorization-grant+jwt") {
		return config.TrustedIssuer{}, asserted{}, fmt.Errorf("%w of another kind", errAssertion)
	}
	var says asserted
	if err := parsed.Peek(&says); err != nil {
		return config.TrustedIssuer{}, asserted{}, fmt.Errorf("%w: %w", errAssertion, err)
	}
	i := slices.IndexFunc(a.Trusted, func(t config.TrustedIssuer) bool { return t.Issuer == says.Issuer })
	if i < 0 || !slices.Contains(a.Trusted[i].Clients, r.self.ID) {
		return config.TrustedIssuer{}, asserted{}, fmt.Errorf("%w of somebody whose word this client may not bring", errAssertion)
	}
	verified, err := a.verified(ctx, a.Trusted[i], parsed)
	if err != nil {
		return config.TrustedIssuer{}, asserted{}, err
	}
	says = asserted{}
	if err := verified.Claims(&says); err != nil {
		return config.TrustedIssuer{}, asserted{}, fmt.Errorf("%w: %w", errAssertion, err)
	}
	return a.Trusted[i], says, a.good(says)
}

// verified checks the signature. For a key that is not in our copy of the
// issuer's set, the set is asked for again, once.
func (a *API) verified(ctx context.Context, issuer config.TrustedIssuer, parsed *jose.Unverified) (*jose.Verified, error) {
	for _, fresh := range []bool{false, true} {
		doc, err := a.Fetcher.Get(ctx, issuer.JWKSURI, "application/json", fresh)
		if err != nil {
			return nil, wire.Unavailable("The keys of the assertion's issuer cannot be had.", 10*time.Second, err)
		}
		set, err := jose.ParseKeySet(doc.Body)
		if err != nil {
			return nil, wire.Unavailable("The keys of the assertion's issuer cannot be read.", time.Minute, err)
		}
		verified, err := parsed.Verify(set, jose.Asymmetric...)
		switch {
		case err == nil:
			return verified, nil
		case !errors.Is(err, jose.ErrNoKey):
			return nil, fmt.Errorf("%w: %w", errAssertion, err)
		}
	}
	return nil, fmt.Errorf("%w: %w", errAssertion, jose.ErrNoKey)
}

// good checks the claims (RFC 7523, section 3). It is for us and for nobody
// else: who else it were for could present it here, too.
func (a *API) good(says asserted) error {
	now := a.Now()
	latest, exp := now.Add(assertionSkew), says.Expiry.Time()
	ours := func(aud string) bool { return aud == a.Issuer || aud == a.URL }
	switch {
	case says.Subject == "", says.ID == "" || len(says.ID) > 256, says.Expiry == 0:
		return fmt.Errorf("%w without sub, jti or exp", errAssertion)
	case len(says.Audience) == 0, slices.ContainsFunc(says.Audience, func(aud string) bool { return !ours(aud) }):
		return fmt.Errorf("%w for somebody else", errAssertion)
	case !now.Before(exp):
		return fmt.Errorf("%w that has expired", errAssertion)
	case exp.After(latest.Add(assertionLife)):
		return fmt.Errorf("%w that would be good for too long", errAssertion)
	case says.NotBefore.Time().After(latest), says.IssuedAt.Time().After(latest):
		return fmt.Errorf("%w from the future", errAssertion)
	}
	return nil
}

// once lets an assertion work for one request (RFC 7523, section 3, item 7).
func (a *API) once(ctx context.Context, says asserted) error {
	id := sha256.Sum256([]byte(says.Issuer + "\x00" + says.ID))
	fresh, err := a.Store.Remember(ctx, "bearer-assertion", id, says.Expiry.Time().Add(assertionSkew))
	if err == nil && !fresh {
		return fmt.Errorf("%w that was used before", errAssertion)
	}
	return err
}

// named finds the person. An e-mail names only the account whose owner has
// shown that it is theirs: else one who registers with another's address would
// be taken for them.
func (a *API) named(ctx context.Context, issuer config.TrustedIssuer, subject string) (u data.User, err error) {
	if issuer.Subjects == "email" {
		email, bad := data.ParseEmail(subject)
		if bad != nil {
			return u, fmt.Errorf("%w about no e-mail", errAssertion)
		}
		u, err = a.Store.UserByEmail(ctx, email)
	} else {
		id, bad := data.ParseUserID(subject)
		if bad != nil {
			return u, fmt.Errorf("%w about no user's id", errAssertion)
		}
		u, err = a.Store.User(ctx, id)
	}
	switch {
	case errors.Is(err, data.ErrNoUser):
		return u, fmt.Errorf("%w about nobody", errAssertion)
	case err == nil && issuer.Subjects == "email" && !u.EmailVerified:
		return u, fmt.Errorf("%w about an e-mail that nobody has shown to be theirs", errAssertion)
	}
	return u, err
}

// cap is what of the scope that is asked for, or of all, the issuer can give
// and the client can have.
func (a *API) cap(r request, issuer config.TrustedIssuer) (string, error) {
	asked := r.form.Get("scope")
	if asked == "" {
		asked = strings.Join(issuer.Scopes, " ")
	}
	scope := strings.Join(both(strings.Fields(a.Clients.Scope(r.self.Terms, asked)), issuer.Scopes), " ")
	if scope == "" && r.form.Has("scope") {
		return "", wire.Refuse(wire.CodeInvalidScope, "Nothing of this scope can be given for this assertion.")
	}
	return scope, nil
}
