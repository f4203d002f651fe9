package resource

import "net/http"

const protectedResource = "oauth-protected-resource"

// MetadataPath is where Metadata belongs when the resource has no path of its
// own (RFC 9728 section 3).
const MetadataPath = "/.well-known/" + protectedResource

// Metadata serves the description of the resource server (RFC 9728 section 2),
// which names the issuer that its tokens come from. It needs WithResource, and
// is 404 without.
func (v *Verifier) Metadata() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "method_not_allowed"})
		case v.resource == "":
			writeJSON(w, http.StatusNotFound, map[string]string{"error": "not_found"})
		default:
			w.Header().Set("Cache-Control", "public, max-age=300")
			writeJSON(w, http.StatusOK, struct {
				Resource string   `json:"resource"`
				Servers  []string `json:"authorization_servers"`
				Methods  []string `json:"bearer_methods_supported"`
			}{v.resource, []string{v.issuer}, []string{"header"}})
		}
	})
}
