package request

import (
	"testing"

	"signet/data"
	"signet/idp/internal/client"
	"signet/idp/internal/wire"
)

// What a client may be answered takes both: the response type, and the grants
// behind it.
func TestAResponseTypeNeedsItsGrants(t *testing.T) {
	const code, implicit = wire.GrantAuthorizationCode, wire.GrantImplicit
	cases := []struct {
		name   string
		types  []string
		grants []string
		asked  string
		want   bool
	}{
		{"a code", []string{"code"}, []string{code}, "code", true},
		{"a code without its grant", []string{"code"}, []string{implicit}, "code", false},
		{"an ID token", []string{"id_token"}, []string{implicit}, "id_token", true},
		{"an ID token without its grant", []string{"id_token"}, []string{code}, "id_token", false},
		{"both", []string{"code id_token"}, []string{code, implicit}, "id_token code", true},
		{"both with one grant", []string{"code id_token"}, []string{code}, "code id_token", false},
		{"both with the other grant", []string{"code id_token"}, []string{implicit}, "code id_token", false},
		{"in another order", []string{"token id_token"}, []string{implicit}, "id_token token", true},
		{"more than was registered", []string{"code"}, []string{code, implicit}, "code id_token", false},
		{"less than was registered", []string{"code id_token"}, []string{code, implicit}, "code", false},
		{"nothing registered", nil, []string{code, implicit}, "code", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, ok := parseResponse(c.asked)
			m := data.Metadata{ResponseTypes: c.types, GrantTypes: c.grants}
			if got := ok && registered(&client.Client{Client: data.Client{Metadata: m}}, r); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
