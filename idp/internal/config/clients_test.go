package config

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"signet/data"
)

func TestClientsScopesAndTrustedIssuersAreReadAsWritten(t *testing.T) {
	c, err := Parse("c.yaml", []byte(`
clients:
  - id: webapp
    client_name: Example web app
    client_names: {de: Beispiel, pt-BR: Exemplo}
    secret: change-me-please-32-characters-long
    redirect_uris: [http://localhost:5555/callback]
    backchannel_logout_uri: http://localhost:5555/backchannel-logout
    default_max_age: 3600
    first_party: true
  - id: robot
    token_endpoint_auth_method: private_key_jwt
    grant_types: [client_credentials]
    jwks: {keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
    audiences: [orders]
    introspect: true
scopes:
  - posts:read
  - name: posts:write
    text: Write posts in your name
    texts: {de: In deinem Namen schreiben}
trusted_issuers:
  - issuer: https://ci.example
    jwks_uri: https://ci.example/jwks
    subjects: email
    scopes: [posts:read]
    clients: [robot]
audiences: [api, orders]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	hour := int64(3600)
	want := []Client{{
		Where: "c.yaml:3",
		ID:    "webapp", Secret: "change-me-please-32-characters-long", FirstParty: true,
		Metadata: data.Metadata{
			Name: "Example web app", Names: map[string]string{"de": "Beispiel", "pt-BR": "Exemplo"},
			RedirectURIs: []string{"http://localhost:5555/callback"}, BackLogoutURI: "http://localhost:5555/backchannel-logout", DefaultMaxAge: &hour,
		},
	}, {
		Where: "c.yaml:11", ID: "robot", Audiences: []string{"orders"}, Introspect: true,
		Metadata: data.Metadata{
			AuthMethod: "private_key_jwt", GrantTypes: []string{"client_credentials"},
			JWKS: jsontext.Value(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`),
		},
	}}
	if !reflect.DeepEqual(c.Clients, want) {
		t.Errorf("the clients are\n%+v\nwant\n%+v", c.Clients, want)
	}
	if got, want := c.Scopes, []Scope{{Name: "posts:read"}, {"posts:write", "Write posts in your name", map[string]string{"de": "In deinem Namen schreiben"}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the scopes are %+v", got)
	}
	if got, want := c.TrustedIssuers, []TrustedIssuer{{"https://ci.example", "https://ci.example/jwks", "email", []string{"posts:read"}, []string{"robot"}}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the trusted issuers are %+v", got)
	}
}
