package resource_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"signet/resource"
)

func askMetadata(v *resource.Verifier, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, v.MetadataPath(), nil)
	r.Header.Set("Origin", "https://app.example")
	v.Metadata().ServeHTTP(w, r)
	return w
}

const allAlgs = `["ES256","ES384","ES512","EdDSA","Ed25519","PS256","RS256"]`

func TestTheMetadataDescribesTheResource(t *testing.T) {
	everything := resource.Metadata{Scopes: []string{"posts", "write"}, Name: "Posts <&> \"more\"", Documentation: "https://api.example/docs",
		Policy: "https://api.example/policy", Terms: "https://api.example/terms"}
	for _, c := range []struct {
		name string
		opts []resource.Option
		want string
	}{
		{"as little as there is", nil,
			`{"resource":"https://api.example","authorization_servers":["https://id.example"],"bearer_methods_supported":["header"],` +
				`"dpop_signing_alg_values_supported":` + allAlgs + `}`},
		{"all that there is", []resource.Option{resource.WithMetadata(everything), resource.WithDPoPAlgs("ES256")},
			`{"resource":"https://api.example","authorization_servers":["https://id.example"],"scopes_supported":["posts","write"],` +
				`"bearer_methods_supported":["header"],"resource_name":"Posts <&> \"more\"","resource_documentation":"https://api.example/docs",` +
				`"resource_policy_uri":"https://api.example/policy","resource_tos_uri":"https://api.example/terms","dpop_signing_alg_values_supported":["ES256"]}`},
		{"with bound tokens only", []resource.Option{resource.WithDPoPRequired()},
			`{"resource":"https://api.example","authorization_servers":["https://id.example"],` +
				`"dpop_signing_alg_values_supported":` + allAlgs + `,"dpop_bound_access_tokens_required":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVerifier(t, append(c.opts, static(), resource.WithResource("https://api.example"))...)
			for range 2 {
				w := askMetadata(v, http.MethodGet)
				if w.Code != 200 || w.Body.String() != c.want+"\n" || w.Header().Get("Content-Type") != "application/json" {
					t.Errorf("got  %d %s %v\nwant %s", w.Code, w.Body, w.Header(), c.want)
				}
			}
		})
	}
}

func TestTheMetadataIsForEveryOrigin(t *testing.T) {
	v := newVerifier(t, static(), resource.WithResource("https://api.example"))
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405} {
		w := askMetadata(v, method)
		if w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %d %v", method, w.Code, w.Header())
		}
	}
	// A client of the Model Context Protocol names its version in a header.
	if h := askMetadata(v, "OPTIONS").Header(); h.Get("Access-Control-Allow-Methods") != "GET, HEAD" || h.Get("Access-Control-Allow-Headers") != "*" {
		t.Errorf("preflight got %v", h)
	}
}

func TestTheMetadataLiesWhereItsPathSays(t *testing.T) {
	for id, want := range map[string]struct{ path, url string }{
		"https://api.example":       {"/.well-known/oauth-protected-resource", "https://api.example/.well-known/oauth-protected-resource"},
		"https://api.example/":      {"/.well-known/oauth-protected-resource", "https://api.example/.well-known/oauth-protected-resource"},
		"https://api.example/v1/a/": {"/.well-known/oauth-protected-resource/v1/a", "https://api.example/.well-known/oauth-protected-resource/v1/a"},
		"https://api.example/a%20b": {"/.well-known/oauth-protected-resource/a b", "https://api.example/.well-known/oauth-protected-resource/a%20b"},
	} {
		v := newVerifier(t, static(), resource.WithResource(id))
		if v.MetadataPath() != want.path {
			t.Errorf("%s: at %s", id, v.MetadataPath())
		}
		w := httptest.NewRecorder()
		v.Middleware(whoami).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := w.Header().Get("WWW-Authenticate"); got != `Bearer resource_metadata="`+want.url+`"` {
			t.Errorf("%s: told %s", id, got)
		}
	}
}

func TestWithoutAResourceThereIsNoMetadata(t *testing.T) {
	v := newVerifier(t, static())
	if w := askMetadata(v, http.MethodGet); w.Code != http.StatusNotFound || v.MetadataPath() != resource.MetadataPath {
		t.Errorf("got %d at %s", w.Code, v.MetadataPath())
	}
}

func TestMetadataThatCannotBeRightIsRefused(t *testing.T) {
	for name, m := range map[string]resource.Metadata{
		"two scopes in one":      {Scopes: []string{"a b"}},
		"an empty scope":         {Scopes: []string{""}},
		"a scope with a quote":   {Scopes: []string{`a"`}},
		"a page that is a path":  {Documentation: "/docs"},
		"a page that is script":  {Policy: "javascript:alert(1)"},
		"a page without a host":  {Terms: "https:///terms"},
		"a page that is no text": {Terms: "https://api.example/\x00"},
	} {
		if _, err := resource.New(issuerURL, "api", static(), resource.WithResource("https://api.example"), resource.WithMetadata(m)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := resource.New(issuerURL, "api", static(), resource.WithMetadata(resource.Metadata{Name: "x"})); err == nil {
		t.Error("metadata of no resource is accepted")
	}
}
