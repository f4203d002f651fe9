package resource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"signet/internal/recent"
	"signet/resource/dpop"
	"signet/resource/token"
)

// Issuers takes the tokens of several issuers, each checked by a Verifier of
// its own. It has the methods of a Verifier and is used like one.
//
// The iss of a token chooses the Verifier, and decides nothing else: nobody
// has vouched for it yet. The Verifier then checks the whole token, iss too,
// with its issuer's keys and for its own audiences. So no issuer can speak for
// another, whatever keys, kids and names it publishes.
//
// A subject, a client, a role and a scope are words of the issuer that used
// them. Where two issuers are not one house, keep what belongs to a person
// under Token.Issuer and Token.Subject, and ask for Token.Issuer where a role
// of one must not open what that of another does.
type Issuers struct {
	all      []*Verifier
	byIssuer map[string]*Verifier
	about    []byte
}

// NewIssuers joins verifiers of different issuers. They are one resource
// server, so what they were told of it must be the same: WithResource,
// WithMetadata, WithPublicURL, and the options of DPoP. Audiences, clocks,
// algorithms and all that is about an issuer may differ. Close closes them.
func NewIssuers(verifiers ...*Verifier) (*Issuers, error) {
	if len(verifiers) == 0 {
		return nil, errors.New("resource: no issuers")
	}
	is := &Issuers{all: slices.Clone(verifiers), byIssuer: make(map[string]*Verifier, len(verifiers))}
	var servers []string
	for _, v := range verifiers {
		if v == nil {
			return nil, errors.New("resource: a verifier is nil")
		}
		if _, twice := is.byIssuer[v.issuer]; twice {
			return nil, fmt.Errorf("resource: two verifiers for the issuer %q; give one of them all audiences", v.issuer)
		}
		if option := v.differs(is.front()); option != "" {
			return nil, fmt.Errorf("resource: the verifiers of %q and %q differ in %s, and stand before one resource server", is.front().issuer, v.issuer, option)
		}
		is.byIssuer[v.issuer] = v
		servers = append(servers, v.issuer)
	}
	var err error
	is.about, err = is.front().describe(servers...)
	return is, err
}

// front speaks for the resource server where no issuer is known.
func (is *Issuers) front() *Verifier { return is.all[0] }

// differs names the option in which two Verifiers describe two resource
// servers, or is empty.
func (v *Verifier) differs(other *Verifier) string {
	switch {
	case v.resource != other.resource:
		return "WithResource"
	case !reflect.DeepEqual(v.options.about, other.options.about):
		return "WithMetadata"
	case v.base != other.base:
		return "WithPublicURL"
	case v.bound != other.bound:
		return "WithDPoPRequired"
	case !reflect.DeepEqual(v.proofAlgs, other.proofAlgs):
		return "WithDPoPAlgs"
	case !bytes.Equal(v.nonceKey, other.nonceKey):
		return "WithDPoPNonces"
	}
	return ""
}

// choose returns the Verifier of the issuer that raw names, unverified. Of a
// token that names none of them, or cannot be read, front says what is wrong,
// as every other would. A Verifier that remembers the token has verified it,
// and spares reading it again.
func (is *Issuers) choose(raw string) *Verifier {
	if len(raw) > token.MaxLength {
		return is.front()
	}
	name := recent.NameOf(raw)
	for _, v := range is.all {
		if _, found := v.seen.Get(name); found {
			return v
		}
	}
	c, err := token.ParseCompact(raw)
	if err != nil {
		return is.front()
	}
	claims, err := token.ParseClaims(c.Payload)
	if err != nil {
		return is.front()
	}
	return is.named(claims.Issuer)
}

// chooseFor is choose for the token that r carries, if it does.
func (is *Issuers) chooseFor(r *http.Request) *Verifier {
	c, err := parseAuthorization(r.Header["Authorization"], true)
	if err != nil {
		return is.front()
	}
	return is.choose(c.token)
}

// named returns the Verifier of an issuer, or front.
func (is *Issuers) named(issuer string) *Verifier {
	if v, ok := is.byIssuer[issuer]; ok {
		return v
	}
	return is.front()
}

// of returns the Verifier that verified t.
func (is *Issuers) of(t *Token) *Verifier { return is.named(t.Issuer()) }

// Verify is Verifier.Verify, by the Verifier of the token's issuer.
func (is *Issuers) Verify(ctx context.Context, raw string) (*Token, error) {
	return is.choose(raw).Verify(ctx, raw)
}

// VerifyBound is Verifier.VerifyBound.
func (is *Issuers) VerifyBound(ctx context.Context, raw string, p dpop.Proof) (*Token, error) {
	return is.choose(raw).VerifyBound(ctx, raw, p)
}

// VerifyRequest is Verifier.VerifyRequest.
func (is *Issuers) VerifyRequest(r *http.Request) (*Token, error) {
	return is.chooseFor(r).VerifyRequest(r)
}

// Authenticate is Verifier.Authenticate.
func (is *Issuers) Authenticate(r *http.Request) (*http.Request, *Token, error) {
	if p, ok := r.Context().Value(passKey{}).(pass); ok && is.byIssuer[p.by.issuer] == p.by {
		return r, p.token, nil
	}
	return is.chooseFor(r).Authenticate(r)
}

// Admit is Verifier.Admit.
func (is *Issuers) Admit(w http.ResponseWriter, r *http.Request, need Requirement) (*http.Request, bool) {
	r, t, err := is.Authenticate(r)
	if err != nil {
		is.WriteError(w, err)
		return r, false
	}
	return is.of(t).Admit(w, r, need) // which finds it authenticated
}

// AdmitBearer is Verifier.AdmitBearer.
func (is *Issuers) AdmitBearer(ctx context.Context, authorization []string, need Requirement) (context.Context, error) {
	raw, err := bearer(authorization)
	if err != nil {
		return is.front().AdmitBearer(ctx, authorization, need)
	}
	return is.choose(raw).admitBearer(ctx, raw, need)
}

// Lifetime is Verifier.Lifetime.
func (is *Issuers) Lifetime(ctx context.Context, t *Token) (context.Context, context.CancelFunc) {
	return is.of(t).Lifetime(ctx, t)
}

// Check is Verifier.Check.
func (is *Issuers) Check(t *Token, need Requirement) error { return is.of(t).Check(t, need) }

// Refuse is Verifier.Refuse.
func (is *Issuers) Refuse(err error) Refusal { return is.front().Refuse(err) }

// WriteError is Verifier.WriteError.
func (is *Issuers) WriteError(w http.ResponseWriter, err error) { is.front().WriteError(w, err) }

// Middleware is Verifier.Middleware.
func (is *Issuers) Middleware(next http.Handler) http.Handler {
	return admit(is, next, Requirement{})
}

// Require is Verifier.Require.
func (is *Issuers) Require(need Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return admit(is, next, need) }
}

// RequireScope is Verifier.RequireScope.
func (is *Issuers) RequireScope(scopes ...string) func(http.Handler) http.Handler {
	return is.Require(Requirement{Scopes: scopes})
}

// RequireRole is Verifier.RequireRole.
func (is *Issuers) RequireRole(role string) func(http.Handler) http.Handler {
	return is.Require(Requirement{Roles: []string{role}})
}

// MetadataPath is Verifier.MetadataPath.
func (is *Issuers) MetadataPath() string { return is.front().MetadataPath() }

// Metadata is Verifier.Metadata, and names every issuer.
func (is *Issuers) Metadata() http.Handler { return serveMetadata(is.about) }

// Close closes the Verifiers.
func (is *Issuers) Close() {
	for _, v := range is.all {
		v.Close()
	}
}

// IssuersHealth is the Health of each issuer, by its name.
type IssuersHealth map[string]Health

// Health says how well the keys of each issuer are known.
func (is *Issuers) Health() IssuersHealth {
	h := make(IssuersHealth, len(is.all))
	for _, v := range is.all {
		h[v.issuer] = v.Health()
	}
	return h
}

// Ready says whether the tokens of any issuer are judged. A server that is
// taken away because one issuer is gone is gone for the people of the others
// too; the tokens of that one get ErrUnavailable until then.
func (h IssuersHealth) Ready() bool {
	for _, of := range h {
		if of.Ready() {
			return true
		}
	}
	return false
}
