package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

// TestOpenIDConfigProfile is the certification profile Config OP, and RFC
// 8414: the documents, and whether they are true.
func TestOpenIDConfigProfile(t *testing.T) {
	t.Parallel()
	p := newProvider(t, "client_registration: open\nscopes: [{name: \"posts:write\", text: Write posts}]\n")

	t.Run("OpenID Discovery 4.2: the document (oidcc-discovery-endpoint-verification)", func(t *testing.T) {
		got := p.request(t, http.MethodGet, p.url+"/.well-known/openid-configuration", "", "").ok()
		if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") || got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("got %d %v", got.status, got.header)
		}
		if got.text("issuer") != p.url {
			t.Errorf("4.3: issuer is %q", got.text("issuer"))
		}
		other := p.request(t, http.MethodGet, p.url+"/.well-known/oauth-authorization-server", "", "").ok()
		if other.body != got.body {
			t.Error("RFC 8414 3: the two documents differ")
		}
	})
	t.Run("RFC 8414 3.2: claims with zero elements must be omitted", func(t *testing.T) {
		for name, v := range p.document {
			list, isList := v.([]any)
			if v == nil || v == "" || isList && len(list) == 0 {
				t.Errorf("%s is %v", name, v)
			}
		}
	})
	t.Run("OpenID Discovery 3: what must be in it", func(t *testing.T) {
		for name, values := range map[string][]string{
			"response_types_supported":                         {"code", "id_token", "id_token token"},
			"subject_types_supported":                          {"public", "pairwise"},
			"id_token_signing_alg_values_supported":            {"RS256", "ES256"},
			"userinfo_signing_alg_values_supported":            {"RS256"},
			"request_object_signing_alg_values_supported":      {"RS256"},
			"scopes_supported":                                 {"openid", "profile", "email", "address", "phone", "offline_access", "posts:write"},
			"grant_types_supported":                            {"authorization_code", "implicit", "refresh_token"},
			"response_modes_supported":                         {"query", "fragment", "form_post"},
			"token_endpoint_auth_methods_supported":            {authBasic, authPost, authHMAC, authKey, authNone},
			"token_endpoint_auth_signing_alg_values_supported": {"RS256", "ES256", "HS256"},
			"code_challenge_methods_supported":                 {"S256"},
			"claims_supported":                                 {"sub", "name", "email"},
			"claim_types_supported":                            {"normal"},
			"display_values_supported":                         {"page"},
			"prompt_values_supported":                          {"none", "login", "consent", "select_account"},
			"acr_values_supported":                             {"1"},
			"ui_locales_supported":                             {"en", "de"},
		} {
			for _, value := range values {
				if !slices.Contains(p.lists(name), value) {
					t.Errorf("%s has no %s: %v", name, value, p.lists(name))
				}
			}
		}
		for _, name := range []string{"id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported",
			"request_object_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported"} {
			if slices.Contains(p.lists(name), "none") {
				t.Errorf("%s has none", name)
			}
		}
		for name, want := range map[string]bool{"claims_parameter_supported": true, "request_parameter_supported": true, "request_uri_parameter_supported": true,
			"authorization_response_iss_parameter_supported": true, "frontchannel_logout_supported": true, "frontchannel_logout_session_supported": true,
			"backchannel_logout_supported": true, "backchannel_logout_session_supported": true} {
			if p.document[name] != want {
				t.Errorf("%s is %v", name, p.document[name])
			}
		}
	})
	t.Run("RFC 8414 2: locales are language tags", func(t *testing.T) {
		for _, tag := range p.lists("ui_locales_supported") {
			if parsed, err := language.Parse(tag); err != nil || parsed.String() != tag {
				t.Errorf("%s is none: %v", tag, err)
			}
		}
	})
	t.Run("OpenID Discovery 3: every endpoint is an absolute URL of the issuer, and is there", func(t *testing.T) {
		for name, v := range p.document {
			text, isText := v.(string)
			if !isText || !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" {
				continue
			}
			u, err := url.Parse(text)
			if err != nil || !strings.HasPrefix(text, p.url+"/") || u.RawQuery != "" || u.Fragment != "" {
				t.Errorf("%s is %q", name, text)
			}
			for _, method := range methodsOf(name) {
				if got := p.request(t, method, text, formType, ""); got.status == http.StatusNotFound || got.status == http.StatusMethodNotAllowed || got.status >= 500 {
					t.Errorf("%s %s answers %d", method, name, got.status)
				}
			}
		}
	})
	t.Run("OpenID Discovery 3: jwks_uri has the keys, and their public halves only", func(t *testing.T) { checkJWKS(t, p) })
	t.Run("RFC 9110 15.5.6: another method is 405, and which are allowed is said", func(t *testing.T) {
		for _, name := range []string{"token_endpoint", "revocation_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint", "device_authorization_endpoint"} {
			got := p.request(t, http.MethodGet, p.at(name), "", "")
			if got.status != http.StatusMethodNotAllowed || !strings.Contains(got.header.Get("Allow"), http.MethodPost) {
				t.Errorf("GET %s: %d, Allow %q", name, got.status, got.header.Get("Allow"))
			}
		}
	})
	t.Run("Without the setting, there is no registration_endpoint", func(t *testing.T) {
		p := newProvider(t, "", "SIGNET_KEYS_ALGS=ES256")
		if p.document["registration_endpoint"] != nil {
			t.Error("it is in the metadata")
		}
		if got := p.request(t, http.MethodPost, p.url+"/oauth2/register", "application/json", `{"redirect_uris":["https://a.example.com/cb"]}`); got.status != http.StatusForbidden {
			t.Errorf("it answers %d", got.status)
		}
	})
}

// methodsOf are the methods that an endpoint must take.
func methodsOf(name string) []string {
	switch name {
	case "jwks_uri", "status_list_aggregation_endpoint":
		return []string{http.MethodGet}
	case "authorization_endpoint", "userinfo_endpoint", "end_session_endpoint": // Core, 3.1.2.1 and 5.3; RP-Initiated Logout, 2
		return []string{http.MethodGet, http.MethodPost}
	}
	return []string{http.MethodPost}
}

func checkJWKS(t *testing.T, p *provider) {
	t.Helper()
	got := p.request(t, http.MethodGet, p.at("jwks_uri"), "", "").ok()
	seen := map[any]bool{}
	var algs []string
	keys, _ := got.values["keys"].([]any)
	for _, k := range keys {
		key := k.(map[string]any)
		kid, alg := key["kid"], key["alg"].(string)
		algs = append(algs, alg)
		if kid == nil || kid == "" || seen[kid] || key["use"] != "sig" || key["kty"] == nil {
			t.Errorf("the key %v", key)
		}
		seen[kid] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"} {
			if key[private] != nil {
				t.Errorf("there is a private %s", private)
			}
		}
	}
	for _, alg := range p.lists("id_token_signing_alg_values_supported") {
		if !slices.Contains(algs, alg) {
			t.Errorf("there is no key for %s", alg)
		}
	}
}
