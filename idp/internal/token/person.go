package token

import (
	"fmt"
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/claims"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
)

// person is what a client gets out of a grant of a person, with that scope. An
// ID token goes along where the scope has openid; nonce is for the first one
// only (OpenID Connect Core, section 12.2).
func (a *API) person(r request, issued grant.Issued, profile mint.Profile, scope, nonce string) (allowed, error) {
	g, u := issued.Grant, issued.User
	scope = a.Clients.Scope(r.self.Terms, scope) // what the client has lost since is not given
	subject := a.Clients.Subject(r.client, u.ID)
	out := allowed{profile: profile, refresh: issued.RefreshToken, access: mint.Access{
		Subject: subject, Scope: scope, Roles: r.client.Roles(u.Roles, scope), SID: g.ID.String(), AuthTime: g.AuthTime, AMR: g.AMR, ACR: g.ACR,
		Status: a.Mint.Status(issued.Slot()),
	}}
	if !slices.Contains(strings.Fields(scope), wire.ScopeOpenID) {
		return out, nil
	}
	asked, err := claims.Parse(g.Claims)
	if err != nil { // it was checked before it was stored, so it is no fault of the client's
		return allowed{}, fmt.Errorf("token: the claims parameter in a grant: %v", err)
	}
	out.id = &mint.ID{
		Subject: subject, Nonce: nonce, SID: g.SID, ACR: g.ACR, AMR: g.AMR, AuthTime: g.AuthTime,
		Claims: claims.IDToken(u, scope, asked, true),
	}
	return out, nil
}

// profile is the profile of a token for what was asked for of the audiences
// that were granted, or for all of them (RFC 8707, section 2.2). It only
// compares, so it may be asked in a transaction.
func (a *API) profile(r request, granted []string) (mint.Profile, error) {
	names := r.audience
	switch {
	case r.asked && !subset(r.audience, granted):
		return mint.Profile{}, wire.Refuse(wire.CodeInvalidTarget, "The grant is not for this audience.")
	case !r.asked && len(granted) > 0:
		var err error
		if names, err = a.Clients.Audiences(r.self.Terms, nil, granted); err != nil {
			return mint.Profile{}, err
		}
	}
	return a.Mint.Profiles(names)
}

// plan says what becomes of a redeemed code. A refresh token is for clients
// that registered its grant type; that of a public client, which proves
// nothing else, is bound to its key for good (RFC 9449, section 5).
func (a *API) plan(r request) grant.Plan {
	p := grant.Plan{Narrow: func(z *data.Authorization) {
		z.JKT = ""
		if r.self.Public() {
			z.JKT = r.jkt
		}
	}}
	if !r.self.HasGrant(wire.GrantRefreshToken) {
		p.Access = a.AccessTTL
	}
	return p
}

// narrow is what of the granted scope was asked for, or all of it. More than
// was granted is refused (RFC 6749, section 6).
func narrow(granted, asked string) (string, error) {
	if asked == "" {
		return granted, nil
	}
	// First the bound, then the repeats: it runs in a transaction, and a client
	// may send thousands of names.
	names := strings.Fields(asked)
	if !subset(names, strings.Fields(granted)) {
		return "", wire.Refuse(wire.CodeInvalidScope, "The scope exceeds what was granted.")
	}
	return strings.Join(unique(names), " "), nil
}

func subset(small, big []string) bool {
	return !slices.ContainsFunc(small, func(s string) bool { return !slices.Contains(big, s) })
}

func unique(names []string) []string {
	var out []string
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
