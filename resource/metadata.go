package resource

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

const protectedResource = "oauth-protected-resource"

// MetadataPath is where Verifier.Metadata belongs when the resource has no path
// of its own (RFC 9728 section 3). Verifier.MetadataPath knows it for every
// resource.
const MetadataPath = "/.well-known/" + protectedResource

// Metadata is what a resource server says of itself beside what its Verifier
// knows (RFC 9728 section 2). Whatever is empty is left out.
type Metadata struct {
	Scopes        []string // scopes_supported
	Name          string   // resource_name, for people
	Documentation string   // resource_documentation, a URL, like the next two
	Policy        string   // resource_policy_uri
	Terms         string   // resource_tos_uri
}

// description is the document (RFC 9728 section 2, in its order). A list
// without elements is left out (section 3.2).
type description struct {
	Resource      string   `json:"resource"`
	Servers       []string `json:"authorization_servers"`
	Scopes        []string `json:"scopes_supported,omitempty"`
	Methods       []string `json:"bearer_methods_supported,omitempty"`
	Name          string   `json:"resource_name,omitzero"`
	Documentation string   `json:"resource_documentation,omitzero"`
	Policy        string   `json:"resource_policy_uri,omitzero"`
	Terms         string   `json:"resource_tos_uri,omitzero"`
	Algs          []string `json:"dpop_signing_alg_values_supported,omitempty"`
	Bound         bool     `json:"dpop_bound_access_tokens_required,omitzero"`
}

// MetadataPath is the path that Metadata is to be served at: the well-known
// name comes before the resource's own path (RFC 9728 section 3.1).
func (v *Verifier) MetadataPath() string {
	u, err := url.Parse(v.metadata)
	if err != nil || v.metadata == "" {
		return MetadataPath
	}
	return u.Path
}

// Metadata serves the description of the resource server (RFC 9728 section 3),
// which names the issuer that its tokens come from, to everybody, also to
// scripts of any origin. It needs WithResource, and is 404 without.
func (v *Verifier) Metadata() http.Handler { return serveMetadata(v.about) }

func serveMetadata(about []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		switch {
		case about == nil:
			writeJSON(w, http.StatusNotFound, map[string]string{"error": "not_found"})
		case r.Method == http.MethodOptions:
			// Clients send headers of their own, and so ask first.
			h.Set("Access-Control-Allow-Methods", "GET, HEAD")
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD, OPTIONS")
			writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "method_not_allowed"})
		default:
			h.Set("Cache-Control", "public, max-age=300")
			writeRaw(w, http.StatusOK, about)
		}
	})
}

// describe checks and writes the document once. servers are the issuers.
func (v *Verifier) describe(servers ...string) ([]byte, error) {
	m := v.options.about
	if v.resource == "" {
		if len(m.Scopes) > 0 || m.Name+m.Documentation+m.Policy+m.Terms != "" {
			return nil, errors.New("resource: metadata needs WithResource")
		}
		return nil, nil
	}
	for _, scope := range m.Scopes {
		if scope == "" || quotable(scope) != scope || strings.Contains(scope, " ") { // RFC 6749 section 3.3
			return nil, fmt.Errorf("resource: the scope %q is none", scope)
		}
	}
	for _, page := range []string{m.Documentation, m.Policy, m.Terms} {
		if u, err := url.Parse(page); page != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			return nil, fmt.Errorf("resource: the metadata's %q is no URL of a page", page)
		}
	}
	d := description{Resource: v.resource, Servers: servers, Scopes: m.Scopes, Methods: []string{"header"},
		Name: m.Name, Documentation: m.Documentation, Policy: m.Policy, Terms: m.Terms, Algs: v.proofAlgs, Bound: v.bound}
	if v.bound {
		d.Methods = nil // they are those of RFC 6750, and none is taken
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("resource: the metadata: %w", err)
	}
	return raw, nil
}
