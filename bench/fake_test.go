//go:build crash

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fake is a provider of a few lines that is not Signet: other paths, no ID token
// with a refresh, no revocation.
type fake struct {
	url      string
	metadata string // the path
	stuck    bool   // it gives the same token each time
	key      *ecdsa.PrivateKey

	mu      sync.Mutex
	made    int
	refresh map[string]bool // good ones
	last    string
}

func newFake(t *testing.T) *fake {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &fake{metadata: "/metadata", key: key, refresh: map[string]bool{"refresh-0": true, "refresh-1": true}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case f.metadata:
		say(w, map[string]string{"issuer": f.url, "jwks_uri": f.url + "/k", "token_endpoint": f.url + "/t",
			"introspection_endpoint": f.url + "/i", "userinfo_endpoint": f.url + "/u"})
	case "/k":
		point, err := f.key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		say(w, map[string]any{"keys": []map[string]string{{"kty": "EC", "crv": "P-256", "kid": "1", "x": encode(point[1:33]), "y": encode(point[33:])}}})
	case "/t":
		f.token(w, r)
	case "/i":
		say(w, map[string]any{"active": f.knows(r) && strings.Count(r.FormValue("token"), ".") == 2, "jti": r.FormValue("token")})
	case "/u":
		say(w, map[string]string{"sub": "somebody"})
	default:
		http.NotFound(w, r)
	}
}

// knows tells whether the client said who it is, in either way.
func (f *fake) knows(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	return basic && id == "c" && secret == "s" || r.PostFormValue("client_id") == "c" && r.PostFormValue("client_secret") == "s"
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	switch grant := r.PostFormValue("grant_type"); {
	case !f.knows(r), grant == "refresh_token" && !f.refresh[r.PostFormValue("refresh_token")]:
		w.WriteHeader(http.StatusBadRequest)
		return
	case grant == "refresh_token":
		delete(f.refresh, r.PostFormValue("refresh_token"))
		out["refresh_token"] = rand.Text()
		f.refresh[out["refresh_token"]] = true
	}
	if f.last == "" || !f.stuck {
		f.made++
		input := encode([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + encode(fmt.Appendf(nil, `{"jti":"%d"}`, f.made))
		digest := sha256.Sum256([]byte(input))
		a, b, err := ecdsa.Sign(rand.Reader, f.key, digest[:])
		if err != nil {
			panic(err)
		}
		var signature [64]byte
		a.FillBytes(signature[:32])
		b.FillBytes(signature[32:])
		f.last = input + "." + encode(signature[:])
	}
	out["access_token"] = f.last
	say(w, out)
}

func say(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
