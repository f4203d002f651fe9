package keys

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"signet/resource/token"
)

func TestATokenOfEveryLineVerifiesAgainstTheJWKS(t *testing.T) {
	clk := newTestClock()
	r := mustOpen(t, testOptions(&memStore{}, clk.now, token.ES256, token.RS256, token.PS256, token.EdDSA))
	body, etag := r.Snapshot().JWKS()
	set, err := jwk.Parse(body)
	if err != nil || set.Len() != 8 || len(etag) < 20 {
		t.Fatalf("JWKS %s, ETag %s: %v", body, etag, err)
	}
	for _, alg := range r.Snapshot().record.Schedule.Lines {
		s, err := r.Snapshot().Signer(alg)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign("at+jwt", []byte(`{"sub":"x"}`), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := jws.Parse([]byte(signed))
		if err != nil {
			t.Fatal(err)
		}
		h := msg.Signatures()[0].ProtectedHeaders()
		if h.Type() != "at+jwt" || h.Algorithm() != jwa.SignatureAlgorithm(alg) || h.KeyID() != s.KID() {
			t.Errorf("header %v", h)
		}
		if _, err := jws.Verify([]byte(signed), jws.WithKeySet(set)); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if _, err := s.Sign("at+jwt", nil, 10*time.Minute+1); !errors.Is(err, ErrLifetime) {
			t.Errorf("%s: a token that outlives its key: %v", alg, err)
		}
	}
}

func TestAnRSAKeyHasTheSizeThatWasAskedFor(t *testing.T) {
	sealer := NewSealer(testMasterKey, "store1")
	for _, bits := range []int{2048, 3072, 4096} {
		f, err := generate(token.RS256, bits, rand.Reader, sealer)
		if err != nil {
			t.Fatal(err)
		}
		p, err := openPair(&keyRecord{KID: f.KID, Alg: token.RS256, Public: f.Public, Sealed: f.Sealed}, sealer)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.public.(*rsa.PublicKey).N.BitLen(); got != bits {
			t.Errorf("asked for %d bits and got %d", bits, got)
		}
		if signature, err := p.sign([]byte("x")); err != nil || len(signature) != bits/8 {
			t.Errorf("a signature of %d bytes under %d bits: %v", len(signature), bits, err)
		}
	}
}

// An ID token may come back as a hint years after its key has gone.
func TestAKeyThatIsGoneIsStillKnownAndNoOtherIs(t *testing.T) {
	clk := newTestClock()
	store := &memStore{}
	r := mustOpen(t, testOptions(store, clk.now, token.ES256))
	first := r.List()[0]
	before, _, _, _ := r.Snapshot().Public(first.KID)
	for _, k := range r.List() {
		if _, _, _, ok := r.Snapshot().Ever(k.KID); ok {
			t.Errorf("a key that is %s is taken for one that has left", k.State)
		}
	}
	if _, err := r.Revoke(t.Context(), first.KID, "a laptop was lost"); err != nil {
		t.Fatal(err)
	}
	for _, node := range []*Ring{r, mustOpen(t, testOptions(store, clk.now, token.ES256))} {
		public, alg, why, ok := node.Snapshot().Ever(first.KID)
		if !ok || alg != first.Alg || !strings.Contains(why, "a laptop was lost") || !before.(*ecdsa.PublicKey).Equal(public) {
			t.Errorf("%v %s %q %t", public, alg, why, ok)
		}
		if _, _, _, ok := node.Snapshot().Public(first.KID); ok {
			t.Error("it is published")
		}
		for _, kid := range []string{"", "unknown", first.KID[:12]} {
			if _, _, _, ok := node.Snapshot().Ever(kid); ok {
				t.Errorf("%q is known", kid)
			}
		}
	}
}
