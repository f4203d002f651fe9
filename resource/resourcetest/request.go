package resourcetest

import (
	"net/http"
	"strings"
	"time"

	"signet/resource/dpop/dpoptest"
)

// Authorize presents a token by the Bearer scheme, and returns r.
func Authorize(r *http.Request, token string) *http.Request {
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// AuthorizeBound presents a token that is BoundTo key by the DPoP scheme, with a
// proof for this request, and returns r. base is what the URLs of the server
// begin with, as in resource.WithResource("https://api.example"); a proof is
// made at time.Now and works once. edit makes proofs that are bad, or that carry
// a nonce.
func AuthorizeBound(r *http.Request, token string, key dpoptest.Key, base string, edit ...func(*dpoptest.Parts)) *http.Request {
	url := strings.TrimSuffix(base, "/") + r.URL.EscapedPath()
	edit = append([]func(*dpoptest.Parts){dpoptest.ForToken(token)}, edit...)
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", key.Proof(r.Method, url, time.Now(), edit...))
	return r
}
