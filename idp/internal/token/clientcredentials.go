package token

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/mint"
	"signet/idp/internal/wire"
)

// clientCredentials gives a client a token of its own (RFC 6749, section 4.4).
// Its subject is the client (RFC 9068, section 2.2), there is no refresh token
// (RFC 6749, section 4.4.3), and nothing is written
// but, now and then, the reservation of indices.
func (a *API) clientCredentials(ctx context.Context, r request) (allowed, error) {
	scope, err := a.ownScope(r)
	if err != nil {
		return allowed{}, err
	}
	profile, err := a.Mint.Profiles(r.audience)
	if err != nil {
		return allowed{}, err
	}
	slot, err := a.Store.DrawClientSlot(ctx, r.self.ID, profile.Audiences())
	if errors.Is(err, data.ErrNoClient) {
		return allowed{}, &wire.Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidClient, Description: "There is no such client.", Cause: err}
	}
	if err != nil {
		return allowed{}, err
	}
	return allowed{profile: profile, access: mint.Access{Subject: r.self.ID, Scope: scope, Status: a.Mint.Status(slot)}}, nil
}

// aboutPeople are the scopes that mean nothing where there is no person.
var aboutPeople = []string{wire.ScopeOpenID, wire.ScopeProfile, wire.ScopeEmail, wire.ScopeAddress, wire.ScopePhone, wire.ScopeOfflineAccess}

// ownScope is what of the scope that is asked for the client may have for
// itself. Where it names none, that is what it registered (RFC 6749, section
// 3.3).
func (a *API) ownScope(r request) (string, error) {
	asked := r.form.Get("scope")
	if asked == "" {
		asked = r.self.Scope
	}
	names := slices.DeleteFunc(strings.Fields(a.Clients.Scope(r.self.Terms, asked)), func(name string) bool {
		return slices.Contains(aboutPeople, name)
	})
	if len(names) == 0 && r.form.Has("scope") {
		return "", wire.Refuse(wire.CodeInvalidScope, "The client may have nothing of this scope for itself.")
	}
	return strings.Join(names, " "), nil
}
