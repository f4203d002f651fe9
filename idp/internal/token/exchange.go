package token

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"signet/idp/internal/live"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
	"signet/resource/token"
)

// exchange gives the caller a token about the subject of another one, for an
// audience further down (RFC 8693). Without an actor it says what the subject
// token says, with one also who acts. It never says more, never lives longer,
// and is never refreshed.
func (a *API) exchange(ctx context.Context, r request) (allowed, error) {
	issued, err := requestedType(r.form)
	if err != nil {
		return allowed{}, err
	}
	profile, err := a.target(r)
	if err != nil {
		return allowed{}, err
	}
	subject, err := a.party(ctx, r, subjectToken)
	if err != nil {
		return allowed{}, err
	}
	if subject.ClientID != r.self.ID && !slices.Contains(subject.Audience, r.self.ID) {
		return allowed{}, wire.Field(subjectToken, "it was issued neither to nor for this client")
	}
	scope, err := narrow(a.Clients.Scope(r.self.Terms, subject.Scope), r.form.Get("scope"))
	if err != nil {
		return allowed{}, err
	}
	out := allowed{profile: profile, issued: issued, access: mint.Access{
		Subject: subject.Subject, Scope: scope, SID: subject.SessionID,
		AuthTime: subject.AuthTime.Time(), AMR: subject.AMR, ACR: subject.ACR, Actor: subject.Actor, NotAfter: subject.Expiry.Time(),
		Status: subject.Status.List,
	}}
	if subject.Person {
		out.access.Subject = a.Clients.Subject(r.client, subject.User.ID)
		out.access.Roles = rolesOf(subject, scope)
	}
	return out, a.delegate(ctx, r, &out.access)
}

// rolesOf are those that the subject token says: with one that the person has
// lost since, it would be dead. Where they came with the scope roles, they go
// with it.
func rolesOf(subject live.Access, scope string) []string {
	if slices.Contains(subject.Scopes(), wire.ScopeRoles) && !slices.Contains(strings.Fields(scope), wire.ScopeRoles) {
		return nil
	}
	return subject.Roles
}

// The parameters of RFC 8693, section 2.1; each has a type beside it.
const (
	subjectToken = "subject_token"
	actorToken   = "actor_token"
)

// delegate puts the actor into the token: it acts now, and those of the
// subject token did before (RFC 8693, section 4.1).
func (a *API) delegate(ctx context.Context, r request, access *mint.Access) error {
	if !r.form.Has(actorToken) {
		if r.form.Has(actorToken + "_type") {
			return wire.Field(actorToken+"_type", "there is no actor token")
		}
		return nil
	}
	actor, err := a.party(ctx, r, actorToken)
	if err != nil {
		return err
	}
	switch {
	case actor.ClientID != r.self.ID:
		return wire.Field(actorToken, "it was not issued to this client")
	case actor.Actor != nil: // one token has room for one chain
		return wire.Field(actorToken, "somebody acts for the actor already")
	case access.Actor.Depth() >= token.MaxActors:
		return wire.Field(actorToken, "too many act for the subject already")
	}
	access.Actor = &token.Actor{Subject: actor.Subject, ClientID: actor.ClientID, Actor: access.Actor}
	access.NotAfter = earlier(access.NotAfter, actor.Expiry.Time())
	return nil
}

// party reads a token that the request presents: one of our own access tokens,
// which is good still, and which the caller has the key of if it is bound to
// one. All that is wrong with it is invalid_request (RFC 8693, section 2.2.2).
func (a *API) party(ctx context.Context, r request, name string) (live.Access, error) {
	raw, err := r.form.Need(name)
	if err != nil {
		return live.Access{}, err
	}
	kind, err := r.form.Need(name + "_type")
	if err != nil {
		return live.Access{}, err
	}
	if kind != wire.TokenTypeAccess && kind != wire.TokenTypeJWT {
		return live.Access{}, wire.Field(name+"_type", "only access tokens of this issuer are taken")
	}
	access, err := a.Live.Access(ctx, raw)
	switch {
	case errors.Is(err, live.ErrDead):
		return live.Access{}, wire.Field(name, "it is not a valid access token of this issuer").Because(err)
	case err != nil:
		return live.Access{}, err
	}
	if bound := access.Confirmation.JKT; bound != "" && bound != r.jkt {
		return live.Access{}, wire.Field(name, "it is bound to a key, and there is no DPoP proof of it")
	}
	return access, nil
}

// target is the profile of a token for the audiences that were asked for, each
// of which the operator has to have opened to the client. Where none was named,
// it is the first of those.
func (a *API) target(r request) (mint.Profile, error) {
	names := r.audience
	if !r.asked {
		names = r.client.ExchangeAudiences[:min(1, len(r.client.ExchangeAudiences))]
	}
	if len(names) == 0 || !subset(names, r.client.ExchangeAudiences) {
		return mint.Profile{}, wire.Refuse(wire.CodeInvalidTarget, "The client may not exchange tokens for this audience.")
	}
	return a.Mint.Profiles(names)
}

// requestedType is the type of what is issued: an access token, which is a JWT
// (RFC 8693, section 3).
func requestedType(form wire.Form) (string, error) {
	switch kind := form.Get("requested_token_type"); kind {
	case "":
		return wire.TokenTypeAccess, nil
	case wire.TokenTypeAccess, wire.TokenTypeJWT:
		return kind, nil
	}
	return "", wire.Field("requested_token_type", "only access tokens are issued here")
}

// both are the names that are in both lists.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
