package client

import (
	"net/url"
	"signet/data"
	"slices"
	"strings"

	"signet/idp/internal/client/metadata"
	"signet/idp/internal/wire"
)

const pairwise = metadata.SubjectPairwise

// Scope leaves of what is asked the scopes that exist and that the client may
// have, in the order asked, without repeats. Unknown ones are left out
// (OpenID Connect Core, section 3.1.2.1), and so is offline_access for a
// client that takes no refresh tokens (section 11).
func (r *Registry) Scope(t Terms, asked string) string {
	var granted []string
	for scope := range strings.FieldsSeq(asked) {
		if r.mayHave(t, scope) && !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return strings.Join(granted, " ")
}

func (r *Registry) mayHave(t Terms, scope string) bool {
	if !slices.Contains(r.rules.Scopes, scope) || scope == wire.ScopeOfflineAccess && !t.HasGrant(wire.GrantRefreshToken) {
		return false
	}
	if scope == wire.ScopeRoles && t.Source != Configured && t.Source != Stored {
		return false // nobody here has looked at who would act with them
	}
	return t.Scope == "" || slices.Contains(strings.Fields(t.Scope), scope)
}

// Audiences checks what tokens are to be for: resource are absolute URIs
// without a fragment (RFC 8707, section 2), audience are names. Nothing asked
// is the client's first audience. An unknown one, or one that the client may
// not have, is invalid_target.
func (r *Registry) Audiences(t Terms, resource, audience []string) ([]string, error) {
	for _, uri := range resource {
		if u, err := url.Parse(uri); err != nil || !u.IsAbs() || strings.Contains(uri, "#") {
			return nil, wire.Refuse(wire.CodeInvalidTarget, "a resource must be an absolute URI without a fragment (RFC 8707, section 2)")
		}
	}
	asked := slices.Concat(resource, audience)
	if len(asked) == 0 {
		asked = r.firstAudience(t)
	}
	var granted []string
	for _, name := range asked {
		if !r.mayReach(t, name) {
			return nil, wire.Refuse(wire.CodeInvalidTarget, "a resource or audience is not known, or not for this client")
		}
		if !slices.Contains(granted, name) {
			granted = append(granted, name)
		}
	}
	if len(granted) == 0 { // those it was made for have left the configuration
		return nil, wire.Refuse(wire.CodeInvalidTarget, "there is no audience that this client may have tokens for")
	}
	return granted, nil
}

// mayReach tells whether the client may have tokens for the audience.
func (r *Registry) mayReach(t Terms, audience string) bool {
	return r.HasAudience(audience) && (len(t.Audiences) == 0 || slices.Contains(t.Audiences, audience))
}

// firstAudience is what the tokens of a client are for that names none.
func (r *Registry) firstAudience(t Terms) []string {
	if all := r.o.Config.Audiences; len(t.Audiences) == 0 && len(all) > 0 {
		return []string{all[0].Name}
	}
	if i := slices.IndexFunc(t.Audiences, r.HasAudience); i >= 0 {
		return t.Audiences[i : i+1]
	}
	return nil
}

// UsualScope is what the client may ask for where it names no scope: all that
// there are for one like it.
func (r *Registry) UsualScope(c *Client) string {
	return r.Scope(c.Terms(), strings.Join(r.rules.Scopes, " "))
}

// Roles is what tokens to the client say of a person who has these roles. A
// role opens to a program all that it opens to the person, whatever the scope:
// so it goes to programs of our own, and to those that were allowed the scope
// roles, which is there only where the operator declared it.
func (c *Client) Roles(roles []string, scope string) []string {
	if c.FirstParty || slices.Contains(strings.Fields(scope), wire.ScopeRoles) {
		return roles
	}
	return nil
}

// HasAudience tells whether there is an audience of that name.
func (r *Registry) HasAudience(name string) bool {
	_, found := r.known[name]
	return found
}

// KeepScopes leaves in m the scopes that exist. A client that asks for others
// only keeps one that does not, so that it is refused rather than given the
// usual ones.
func (r *Registry) KeepScopes(m *data.Metadata) {
	asked := strings.Fields(m.Scope)
	known := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(r.rules.Scopes, s) })
	if len(known) > 0 {
		m.Scope = strings.Join(known, " ")
	}
}
