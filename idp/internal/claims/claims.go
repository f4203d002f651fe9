package claims

import (
	"slices"
	"strings"

	"signet/data"
	"signet/idp/internal/wire"
)

// claim is one row of the table of claims about a person.
type claim struct {
	name  string
	scope string // the scope that asks for it (OpenID Connect Core, section 5.4)
	value func(u *data.User) any
}

// table lists what can be said of a person. A value that is empty is not said.
var table = []claim{
	{"name", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Name }},
	{"given_name", wire.ScopeProfile, func(u *data.User) any { return u.Profile.GivenName }},
	{"family_name", wire.ScopeProfile, func(u *data.User) any { return u.Profile.FamilyName }},
	{"middle_name", wire.ScopeProfile, func(u *data.User) any { return u.Profile.MiddleName }},
	{"nickname", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Nickname }},
	{"preferred_username", wire.ScopeProfile, func(u *data.User) any { return u.Profile.PreferredUsername }},
	{"profile", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Profile }},
	{"picture", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Picture }},
	{"website", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Website }},
	{"gender", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Gender }},
	{"birthdate", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Birthdate }},
	{"zoneinfo", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Zoneinfo }},
	{"locale", wire.ScopeProfile, func(u *data.User) any { return u.Profile.Locale }},
	{"updated_at", wire.ScopeProfile, func(u *data.User) any { return u.UpdatedAt.Unix() }},
	{"email", wire.ScopeEmail, func(u *data.User) any { return u.Email }},
	{"email_verified", wire.ScopeEmail, func(u *data.User) any { return u.EmailVerified }},
	{"address", wire.ScopeAddress, func(u *data.User) any { return u.Profile.Address }},
	{"phone_number", wire.ScopePhone, func(u *data.User) any { return u.Profile.PhoneNumber }},
	{"phone_number_verified", wire.ScopePhone, phoneVerified},
}

// phoneVerified says nothing where there is no number.
func phoneVerified(u *data.User) any {
	if u.Profile.PhoneNumber == "" {
		return nil
	}
	return u.Profile.PhoneVerified
}

func known(name string) bool {
	return slices.ContainsFunc(table, func(c claim) bool { return c.name == name })
}

// Scope is the scope that asks for the claim too, or "" for one that is not
// known: what people are told that a claim is part of.
func Scope(name string) string {
	for _, c := range table {
		if c.name == name {
			return c.scope
		}
	}
	return ""
}

// IDToken returns the claims about the person for an ID token. Those of the
// scopes are in it only where no access token goes along, with which they
// could be had from userinfo (OpenID Connect Core, section 5.4).
func IDToken(u data.User, scope string, r Request, withAccessToken bool) map[string]any {
	if withAccessToken {
		scope = ""
	}
	return of(u, scope, r.idToken)
}

// Userinfo returns the claims about the person for userinfo, without sub.
func Userinfo(u data.User, scope string, r Request) map[string]any {
	return of(u, scope, r.userinfo)
}

func of(u data.User, scope string, asked map[string]member) map[string]any {
	scopes := strings.Fields(scope)
	out := map[string]any{}
	for _, c := range table {
		if _, named := asked[c.name]; !named && !slices.Contains(scopes, c.scope) {
			continue
		}
		switch v := c.value(&u).(type) {
		case nil:
		case string:
			if v != "" {
				out[c.name] = v
			}
		case data.Address:
			if v != (data.Address{}) {
				out[c.name] = v
			}
		default:
			out[c.name] = v
		}
	}
	return out
}

// Supported lists the claims that can be asked for, and those that every ID
// token has (OpenID Connect Discovery, section 3).
func Supported() []string {
	list := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"}
	for _, c := range table {
		list = append(list, c.name)
	}
	return list
}
