package metadata

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
	"signet/idp/internal/wire"
)

var production = Rules{Algs: []string{"ES256", "RS256"}, Scopes: append([]string{"posts:write"}, OpenIDScopes...)}

var development = Rules{Algs: []string{"ES256"}, Scopes: OpenIDScopes, PlainHTTP: true, FetchHTTP: true}

const key = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// RFC 6749, section 3.1.2, RFC 8252, section 7, and OpenID Connect
// Registration, section 2: what may be a redirect URI.
func TestRFC6749Section312(t *testing.T) {
	for _, tt := range []struct {
		name, uri, kind string
		rules           Rules
		good            bool
	}{
		{"https", "https://app.example.com/cb", Web, production, true},
		{"https with a query", "https://app.example.com/cb?x=1", Web, production, true},
		{"https with a port", "https://app.example.com:8443/cb", Web, production, true},
		{"https without a path", "https://app.example.com", Web, production, true},
		{"https of a native client (RFC 8252, section 7.2)", "https://app.example.com/cb", Native, production, true},
		{"a scheme of one's own (section 7.1)", "com.example.app:/cb", Native, production, true},
		{"a loopback address (section 7.3)", "http://127.0.0.1/cb", Native, production, true},
		{"a loopback address of IPv6", "http://[::1]:8000/cb", Native, production, true},
		{"localhost (section 8.3)", "http://localhost:8000/cb", Native, production, true},
		{"localhost in development", "http://localhost:5555/cb", Web, development, true},

		{"nothing", "", Web, production, false},
		{"a path", "/cb", Web, production, false},
		{"no scheme", "//app.example.com/cb", Web, production, false},
		{"a fragment", "https://app.example.com/cb#a", Web, production, false},
		{"an empty fragment", "https://app.example.com/cb#", Web, production, false},
		{"plain http", "http://app.example.com/cb", Web, production, false},
		{"plain http in development", "http://app.example.com/cb", Web, development, false},
		{"plain http of a native client", "http://app.example.com/cb", Native, production, false},
		{"localhost of a web client", "http://localhost/cb", Web, production, false},
		{"a host that begins like localhost", "http://localhost.example.com/cb", Native, production, false},
		{"a host that begins like an address", "http://127.0.0.1.example.com/cb", Native, production, false},
		{"a scheme of one's own of a web client", "com.example.app:/cb", Web, production, false},
		{"a scheme without a dot", "myapp:/cb", Native, production, false},
		{"javascript", "javascript:alert(1)", Native, development, false},
		{"data", "data:text/html,hello", Native, development, false},
		{"file", "file:///etc/passwd", Native, development, false},
		{"vbscript", "vbscript:x", Native, development, false},
		{"a wildcard for a host", "https://*.example.com/cb", Web, production, false},
		{"a wildcard for a path", "https://app.example.com/*", Web, production, false},
		{"a user", "https://user@app.example.com/cb", Web, production, false},
		{"a user that looks like a host", "https://app.example.com@evil.example/cb", Web, production, false},
		{"a backslash", `https://app.example.com\@evil.example/cb`, Web, production, false},
		{"a space", "https://app.example.com/a b", Web, production, false},
		{"a line break", "https://app.example.com/\r\nLocation:x", Web, production, false},
		{"other letters", "https://exämple.com/cb", Web, production, false},
		{"capitals in the scheme", "HTTPS://app.example.com/cb", Web, production, false},
		{"half a port", "https://app.example.com:/cb", Web, production, false},
		{"no host", "https:///cb", Web, production, false},
		{"an opaque URL", "https:app.example.com", Web, production, false},
		{"a long one", "https://app.example.com/" + strings.Repeat("a", maxURI), Web, production, false},
	} {
		m := data.Metadata{ApplicationType: tt.kind, RedirectURIs: []string{tt.uri}}
		err := tt.rules.Complete(&m)
		var wrong Error
		switch {
		case tt.good && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case !tt.good && (!errors.As(err, &wrong) || wrong.Wire().Code != wire.CodeInvalidRedirectURI):
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// RFC 9700, section 2.1, and RFC 8252, section 7.3: which one is meant.
func TestRFC9700Section21(t *testing.T) {
	for _, tt := range []struct {
		registered, asked string
		native, same      bool
	}{
		{"https://a.example/cb", "https://a.example/cb", false, true},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true, true},
		{"http://127.0.0.1:80/cb", "http://127.0.0.1:51004/cb", true, true},
		{"http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", true, true},
		{"http://[::1]/cb?a=b", "http://[::1]:51004/cb?a=b", true, true},
		{"http://localhost/cb", "http://localhost:51004/cb", true, true},
		{"http://localhost:8000/cb", "http://localhost:8000/cb", true, true},

		{"https://a.example/cb", "https://a.example/cb/", false, false},
		{"https://a.example/cb", "https://a.example/cb?x", false, false},
		{"https://a.example/cb", "https://a.example:443/cb", false, false},
		{"https://a.example/cb", "https://a.example:444/cb", true, false},
		{"https://a.example/cb", "https://A.example/cb", false, false},
		{"https://a.example/a%2fb", "https://a.example/a%2Fb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", false, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/../x", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/CB", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb#", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", true, false},
		{"http://127.0.0.1/cb", "http://127.0.0.2/cb", true, false},
		{"http://127.0.0.1/cb", "http://localhost/cb", true, false},
		{"http://127.0.0.1/cb", "http://[::1]/cb", true, false},
		{"http://127.0.0.1/cb", "https://127.0.0.1/cb", true, false},
		{"http://localhost:8000/cb", "http://localhost:8001/cb", true, false},
		{"com.example.app:/cb", "com.example.app:/cb2", true, false},
	} {
		if got := SameRedirect(tt.registered, tt.asked, tt.native); got != tt.same {
			t.Errorf("%s asked for as %s (native: %v): %v", tt.registered, tt.asked, tt.native, got)
		}
	}
}

// OpenID Connect Registration, section 2, and RFC 7591, section 2: what holds
// where nothing is said.
func TestOpenIDRegistrationSection2Defaults(t *testing.T) {
	const cb = "https://a.example/cb"
	for _, tt := range []struct {
		name     string
		in, want data.Metadata
	}{
		{"a web client", data.Metadata{RedirectURIs: []string{cb}},
			data.Metadata{RedirectURIs: []string{cb}, ApplicationType: Web, AuthMethod: wire.AuthClientSecretBasic, SubjectType: SubjectPublic, IDTokenAlg: "RS256",
				GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken}, ResponseTypes: []string{"code"}}},
		{"a program that comes back to its machine", data.Metadata{RedirectURIs: []string{"http://127.0.0.1/cb"}, AuthMethod: wire.AuthNone},
			data.Metadata{RedirectURIs: []string{"http://127.0.0.1/cb"}, ApplicationType: Native, AuthMethod: wire.AuthNone, SubjectType: SubjectPublic, IDTokenAlg: "RS256",
				GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken}, ResponseTypes: []string{"code"}}},
		{"a device", data.Metadata{GrantTypes: []string{wire.GrantDeviceCode}},
			data.Metadata{ApplicationType: Web, AuthMethod: wire.AuthClientSecretBasic, SubjectType: SubjectPublic, IDTokenAlg: "RS256",
				GrantTypes: []string{wire.GrantDeviceCode}}},
		{"an implicit client", data.Metadata{RedirectURIs: []string{cb}, ResponseTypes: []string{"id_token"}},
			data.Metadata{RedirectURIs: []string{cb}, ApplicationType: Web, AuthMethod: wire.AuthClientSecretBasic, SubjectType: SubjectPublic, IDTokenAlg: "RS256",
				GrantTypes: []string{wire.GrantImplicit}, ResponseTypes: []string{"id_token"}}},
		{"a hybrid client", data.Metadata{RedirectURIs: []string{cb}, ResponseTypes: []string{"code id_token"}},
			data.Metadata{RedirectURIs: []string{cb}, ApplicationType: Web, AuthMethod: wire.AuthClientSecretBasic, SubjectType: SubjectPublic, IDTokenAlg: "RS256",
				GrantTypes: []string{wire.GrantAuthorizationCode, wire.GrantRefreshToken, wire.GrantImplicit}, ResponseTypes: []string{"code id_token"}}},
	} {
		m := tt.in
		if err := production.Complete(&m); err != nil || !reflect.DeepEqual(m, tt.want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", tt.name, err, m, tt.want)
		}
	}
	m := data.Metadata{RedirectURIs: []string{cb}}
	if development.Fill(&m); m.IDTokenAlg != "ES256" {
		t.Errorf("without RS256, ID tokens are signed with %s", m.IDTokenAlg)
	}
}

// RFC 7591, sections 2 and 2.1, and OpenID Connect Registration, section 2:
// what is refused, and how it is called.
func TestRFC7591Section2(t *testing.T) {
	negative := int64(-1)
	for _, tt := range []struct {
		name, member string
		change       func(*data.Metadata)
	}{
		{"an unknown auth method", "token_endpoint_auth_method", func(m *data.Metadata) { m.AuthMethod = "tls_client_auth" }},
		{"an unknown grant type", "grant_types[1]", func(m *data.Metadata) { m.GrantTypes = []string{wire.GrantAuthorizationCode, "password"} }},
		{"a grant type twice", "grant_types[1]", func(m *data.Metadata) {
			m.GrantTypes = []string{wire.GrantAuthorizationCode, wire.GrantAuthorizationCode}
		}},
		{"an unknown response type", "response_types[0]", func(m *data.Metadata) { m.ResponseTypes = []string{"token"} }},
		{"code without its grant type", "response_types", func(m *data.Metadata) {
			m.GrantTypes, m.ResponseTypes = []string{wire.GrantRefreshToken}, []string{"code"}
		}},
		{"the grant type without code", "response_types", func(m *data.Metadata) {
			m.GrantTypes, m.ResponseTypes = []string{wire.GrantAuthorizationCode, wire.GrantImplicit}, []string{"id_token"}
		}},
		{"id_token without implicit", "response_types", func(m *data.Metadata) {
			m.GrantTypes, m.ResponseTypes = []string{wire.GrantAuthorizationCode}, []string{"code id_token"}
		}},
		{"code without redirect URIs", "redirect_uris", func(m *data.Metadata) { m.RedirectURIs = nil }},
		{"a public client that acts for itself", "grant_types", func(m *data.Metadata) {
			m.AuthMethod, m.GrantTypes = wire.AuthNone, []string{wire.GrantClientCredentials}
		}},
		{"an unknown application type", "application_type", func(m *data.Metadata) { m.ApplicationType = "browser" }},
		{"an unknown subject type", "subject_type", func(m *data.Metadata) { m.SubjectType = "secret" }},
		{"keys in two places", "jwks", func(m *data.Metadata) { m.JWKS, m.JWKSURI = jsontext.Value(key), "https://a.example/jwks" }},
		{"no keys for private_key_jwt", "token_endpoint_auth_method", func(m *data.Metadata) { m.AuthMethod = wire.AuthPrivateKeyJWT }},
		{"a private key", "jwks", func(m *data.Metadata) { m.JWKS = jsontext.Value(`{"keys":[{"kty":"oct","k":"AAAA"}]}`) }},
		{"no usable key", "jwks", func(m *data.Metadata) { m.JWKS = jsontext.Value(`{"keys":[]}`) }},
		{"a key set that is none", "jwks", func(m *data.Metadata) { m.JWKS = jsontext.Value(`[]`) }},
		{"alg none for ID tokens", "id_token_signed_response_alg", func(m *data.Metadata) { m.IDTokenAlg = "none" }},
		{"an alg that has no keys", "userinfo_signed_response_alg", func(m *data.Metadata) { m.UserinfoAlg = "PS512" }},
		{"alg none for request objects", "request_object_signing_alg", func(m *data.Metadata) { m.RequestObjectAlg = "none" }},
		{"a symmetric alg for request objects", "request_object_signing_alg", func(m *data.Metadata) { m.RequestObjectAlg = "HS256" }},
		{"a symmetric alg for private_key_jwt", "token_endpoint_auth_signing_alg", func(m *data.Metadata) {
			m.AuthMethod, m.JWKS, m.AuthAlg = wire.AuthPrivateKeyJWT, jsontext.Value(key), "HS256"
		}},
		{"an asymmetric alg for client_secret_jwt", "token_endpoint_auth_signing_alg", func(m *data.Metadata) {
			m.AuthMethod, m.AuthAlg = wire.AuthClientSecretJWT, "RS256"
		}},
		{"a sector in the clear", "sector_identifier_uri", func(m *data.Metadata) { m.SectorURI = "http://a.example/sector" }},
		{"pairwise with two hosts", "sector_identifier_uri", func(m *data.Metadata) {
			m.SubjectType, m.RedirectURIs = SubjectPairwise, []string{"https://a.example/cb", "https://b.example/cb"}
		}},
		{"pairwise with a scheme of one's own", "sector_identifier_uri", func(m *data.Metadata) {
			m.SubjectType, m.ApplicationType, m.RedirectURIs = SubjectPairwise, Native, []string{"com.example:/cb"}
		}},
		{"keys in the clear", "jwks_uri", func(m *data.Metadata) { m.JWKSURI = "http://a.example/jwks" }},
		{"a logo that is a script", "logo_uri", func(m *data.Metadata) { m.LogoURI = "javascript:alert(1)" }},
		{"terms that are data", "tos_uri", func(m *data.Metadata) { m.TOSURI = "data:text/html,x" }},
		{"a sign-in that is started in the clear", "initiate_login_uri", func(m *data.Metadata) { m.InitiateLoginURI = "http://a.example/login" }},
		{"a back-channel in the clear", "backchannel_logout_uri", func(m *data.Metadata) { m.BackLogoutURI = "http://a.example/bye" }},
		{"a back-channel with a fragment", "backchannel_logout_uri", func(m *data.Metadata) { m.BackLogoutURI = "https://a.example/bye#x" }},
		{"a front-channel of another host", "frontchannel_logout_uri", func(m *data.Metadata) { m.FrontLogoutURI = "https://b.example/bye" }},
		{"a request object in the clear", "request_uris[0]", func(m *data.Metadata) { m.RequestURIs = []string{"http://a.example/r"} }},
		{"a place to go after logout with a fragment", "post_logout_redirect_uris[0]", func(m *data.Metadata) { m.PostLogoutURIs = []string{"https://a.example/#x"} }},
		{"a negative age", "default_max_age", func(m *data.Metadata) { m.DefaultMaxAge = &negative }},
		{"a scope that is not there", "scope", func(m *data.Metadata) { m.Scope = "openid admin" }},
		{"a scope of other characters", "scope", func(m *data.Metadata) { m.Scope = `openid "admin"` }},
		{"a name that turns the line around", "client_name", func(m *data.Metadata) { m.Name = "Bank\u202egnp" }},
		{"a name of two lines", "client_name", func(m *data.Metadata) { m.Name = "Bank\nof Example" }},
		{"a name in a language that is none", "client_name", func(m *data.Metadata) { m.Names = map[string]string{"de de": "Bank"} }},
		{"a long name", "client_name", func(m *data.Metadata) { m.Name = strings.Repeat("x", 256) }},
	} {
		m := data.Metadata{RedirectURIs: []string{"https://a.example/cb"}}
		tt.change(&m)
		var wrong Error
		if err := production.Complete(&m); !errors.As(err, &wrong) || wrong[0].Member != tt.member {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.member)
			continue
		}
		want := wire.CodeInvalidClientMetadata
		if tt.member == "redirect_uris" {
			want = wire.CodeInvalidRedirectURI
		}
		if got := wrong.Wire(); got.Code != want || got.Status != 400 || strings.ContainsAny(got.Description, "\"\\") {
			t.Errorf("%s: %d %s %s", tt.name, got.Status, got.Code, got.Description)
		}
	}
}

func TestTheIDOfAClientIsTakenForNothingElse(t *testing.T) {
	for id, good := range map[string]bool{
		"webapp": true, "c-abcdefghijklmnopqrstuvwxya": true, "urn:example:client": true,
		"": false, "a b": false, "é": false, "abcdefghijklmnopqrstuvwxya": false, "signet": false,
		"https://app.example.com/client": false, strings.Repeat("a", 256): false,
	} {
		if err := CheckID(id); (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// RFC 7591, section 2 and 2.2: what is not understood is ignored.
func TestMetadataIsReadLiberally(t *testing.T) {
	m, others, err := Parse([]byte(`{"client_name": "A", "client_name#de": "B", "client_names": {"x": "y"}, "jwks_uri": null,
		"tos_uri#fr": "x", "unknown": [1], "client_id": "c", "default_max_age": 60}`))
	if err != nil || m.Name != "A" || !reflect.DeepEqual(m.Names, map[string]string{"de": "B"}) || *m.DefaultMaxAge != 60 {
		t.Fatalf("got %+v, %v", m, err)
	}
	var names []string
	for name := range others {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"client_id", "tos_uri#fr", "unknown"}) {
		t.Errorf("the others are %v", names)
	}
	for _, bad := range []string{"", "null", "[]", `"x"`, `{"client_name": 1}`, `{"redirect_uris": "https://a.example"}`, `{"client_name#de": []}`,
		`{"client_name": "a", "client_name": "b"}`, `{"default_max_age": "60"}`, `{"redirect_uris": [1]}`, `{}x`, `{"jwks": {"keys": [], "keys": []}}`} {
		if _, _, err := Parse([]byte(bad)); !errors.As(err, new(Error)) {
			t.Errorf("%s gave %v", bad, err)
		}
	}
}

func TestOfThousandsOfProblemsSomeAreTold(t *testing.T) {
	m := data.Metadata{RedirectURIs: make([]string, 20_000)}
	err := Rules{}.Complete(&m)
	if err == nil || len(err.Error()) > 4000 || !strings.Contains(err.Error(), "more") {
		t.Errorf("%d bytes", len(err.Error()))
	}
}
