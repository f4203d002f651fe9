package claims

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
)

var ada = data.User{
	ID: "u", Email: "ada@example.com", EmailVerified: true, UpdatedAt: time.Unix(1700000000, 0),
	Profile: data.Profile{Name: "Ada Lovelace", PhoneNumber: "+44 1", Address: data.Address{Country: "GB"}},
}

func names(claims map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(claims)), " ")
}

// OpenID Connect Core, sections 5.4 and 5.5.
func TestWhatIsSaidOfAPerson(t *testing.T) {
	for _, tt := range []struct {
		name, scope, claims string
		userinfo, id, alone string
	}{
		{"nothing without a scope", "openid", "", "", "", ""},
		{"the claims of profile that are known", "openid profile", "", "name updated_at", "", "name updated_at"},
		{"the e-mail, and whether it was verified", "openid email", "", "email email_verified", "", "email email_verified"},
		{"the phone and the address", "openid phone address", "", "address phone_number phone_number_verified", "", "address phone_number phone_number_verified"},
		{"one claim that was asked for in userinfo", "openid", `{"userinfo":{"name":null}}`, "name", "", ""},
		{"one claim that was asked for in the ID token", "openid", `{"id_token":{"email":{"essential":true}}}`, "", "email", "email"},
		{"nothing that we do not know", "openid", `{"userinfo":{"shoe_size":null,"password_hash":null}}`, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Parse(tt.claims)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(Userinfo(ada, tt.scope, r)); got != tt.userinfo {
				t.Errorf("userinfo: got %q, want %q", got, tt.userinfo)
			}
			if got := names(IDToken(ada, tt.scope, r, true)); got != tt.id {
				t.Errorf("an ID token beside an access token: got %q, want %q", got, tt.id)
			}
			if got := names(IDToken(ada, tt.scope, r, false)); got != tt.alone {
				t.Errorf("an ID token alone: got %q, want %q", got, tt.alone)
			}
		})
	}
}

func TestWhatIsNotKnownIsNotSaid(t *testing.T) {
	got := Userinfo(data.User{Email: "a@b.example", UpdatedAt: time.Unix(1, 0)}, "openid profile email phone address", Request{})
	if names(got) != "email email_verified updated_at" {
		t.Errorf("got %s", names(got))
	}
}

func TestAClaimsParameterIsRead(t *testing.T) {
	r, err := Parse(`{"id_token":{"acr":{"essential":true,"values":["a","b"]},"sub":{"value":"x"},"auth_time":{"essential":true}},"userinfo":{"name":null},"other":1}`)
	if err != nil {
		t.Fatal(err)
	}
	values, essential := r.ACR()
	if !slices.Equal(values, []string{"a", "b"}) || !essential || r.Subject() != "x" || !r.AuthTime() || !slices.Equal(r.Names(), []string{"name"}) {
		t.Errorf("got %v %v %q %v %v", values, essential, r.Subject(), r.AuthTime(), r.Names())
	}
	if again, err := Parse(r.String()); err != nil || again.Subject() != "x" {
		t.Errorf("what is stored reads otherwise: %v", err)
	}
}

func TestAClaimsParameterIsRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"that is no JSON":               `{`,
		"that is an array":              `[]`,
		"whose section is a string":     `{"id_token":"acr"}`,
		"whose claim is a number":       `{"id_token":{"acr":1}}`,
		"with a member twice":           `{"id_token":{},"id_token":{}}`,
		"with a claim twice":            `{"id_token":{"acr":null,"acr":null}}`,
		"whose essential is a string":   `{"id_token":{"acr":{"essential":"yes"}}}`,
		"that is too long":              `{"x":"` + strings.Repeat("a", maxRequest) + `"}`,
		"that asks for too many claims": `{"userinfo":{` + many(maxMembers+1) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(raw)
			var e *wire.Error
			if !errors.As(err, &e) || e.Code != wire.CodeInvalidRequest {
				t.Errorf("got %v", err)
			}
		})
	}
}

func many(n int) string {
	var list []string
	for i := range n {
		list = append(list, `"c`+strings.Repeat("x", i)+`":null`)
	}
	return strings.Join(list, ",")
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := Parse(raw)
		if err != nil {
			return
		}
		if _, err := Parse(r.String()); err != nil {
			t.Errorf("what was accepted is refused when it is read again: %v", err)
		}
		Userinfo(ada, "openid", r)
		IDToken(ada, "openid", r, false)
	})
}

func TestAClaimIsPartOfItsScope(t *testing.T) {
	for name, want := range map[string]string{"given_name": "profile", "email_verified": "email", "phone_number": "phone", "address": "address", "sub": "", "x": ""} {
		if got := Scope(name); got != want {
			t.Errorf("%s is part of %q", name, got)
		}
	}
}
