package resource_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// BenchmarkVerify measures a token at first sight, beside the check of its
// signature alone, and a token that is remembered.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []token.Alg{token.ES256, token.RS256, token.EdDSA} {
		i := issuertest.New(b, issuerURL)
		key := issuertest.NewKey(b, alg, "k")
		payload, _ := i.Claims().Marshal()
		raw := issuertest.Sign(b, key, map[string]any{"alg": alg, "kid": "k", "typ": "at+jwt"}, payload)
		public := key.Private.Public()
		// As the issuer's key ring hands it out: the same key every time.
		source := resource.WithKeys(resource.KeyFunc(func(kid string) (resource.Key, bool) {
			return resource.Key{ID: kid, Alg: alg, Public: public}, true
		}))

		b.Run(string(alg)+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			c, _ := token.ParseCompact(raw)
			for b.Loop() {
				if err := token.VerifySignature(alg, public, c.SigningInput, c.Signature); err != nil {
					b.Fatal(err)
				}
			}
		})
		verify := func(name string, cache int) {
			v := newVerifier(b, source, resource.WithCacheBytes(cache))
			b.Run(string(alg)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := v.Verify(b.Context(), raw); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		verify("first sight", 0)
		verify("seen before", 1<<20)
	}
}

// BenchmarkES256Bare is what the standard library takes for one signature.
func BenchmarkES256Bare(b *testing.B) {
	i := issuertest.New(b, issuerURL)
	c, _ := token.ParseCompact(i.Token())
	pub := i.Key().Private.Public().(*ecdsa.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256([]byte(c.SigningInput))
		r, s := new(big.Int).SetBytes(c.Signature[:32]), new(big.Int).SetBytes(c.Signature[32:])
		if !ecdsa.Verify(pub, sum[:], r, s) {
			b.Fatal("wrong")
		}
	}
}

// BenchmarkFollowed is the way of a remembered token through keys that came
// over the network.
func BenchmarkFollowed(b *testing.B) {
	i := issuertest.New(b, issuerURL)
	v := newVerifier(b, resource.WithHTTPClient(i.Client()))
	raw := i.Token()
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("middleware", func(b *testing.B) {
		h := v.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		w := httptest.NewRecorder()
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
}

// BenchmarkFollowedList is BenchmarkFollowed for a token that names a place in
// a list of a million.
func BenchmarkFollowedList(b *testing.B) {
	i := issuertest.New(b, issuerURL)
	uri := i.OpenList("a", 1<<20, false)
	v := newVerifier(b, resource.WithHTTPClient(i.Client()))
	raw := i.Token(issuertest.At(uri, 1<<19))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
