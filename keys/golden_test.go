package keys

import (
	"bytes"
	"crypto/ecdsa"
	"flag"
	"os"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"signet/resource/token"
)

var update = flag.Bool("update", false, "write the golden files")

// The example key of RFC 7517, appendix A.2, and a fixed RSA one.
var fixedKeys = map[Alg]string{
	token.ES256: `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
		"y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`,
	// RFC 8037, appendix A.1.
	token.EdDSA: `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
		"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
}

func TestTheJWKSOnTheWireIsPinned(t *testing.T) {
	o := testOptions(&memStore{}, newTestClock().now, token.ES256, token.EdDSA)
	served := map[Alg]bool{}
	o.generate = func(alg Alg, s *Sealer) (fresh, error) {
		if served[alg] { // the pending key is of no interest here
			return generate(alg, 0, o.Rand, s)
		}
		served[alg] = true
		var raw any
		if err := jwk.ParseRawKey([]byte(fixedKeys[alg]), &raw); err != nil {
			return fresh{}, err
		}
		return sealPair(alg, raw, s)
	}
	r := mustOpen(t, o)
	var docs [][]byte
	for _, k := range r.List() {
		if k.State == Active {
			docs = append(docs, k.Public)
		}
	}
	got := jwks(docs, 7)
	const file = "testdata/jwks.golden.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %s, want %s, %v", got, want, err)
	}
	// RFC 8037, appendix A.3, gives the thumbprint of its key.
	if _, alg, state, ok := r.Snapshot().Public("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"); !ok || alg != token.EdDSA || state != Active {
		t.Error("the kid is not the thumbprint")
	}
}

func TestTheKIDIsTheThumbprintOfRFC7638(t *testing.T) {
	// RFC 7638, section 3.1.
	const doc = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	key, err := jwk.ParseKey([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if kid, _, err := describe(token.RS256, key); err != nil || kid != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("%s, %v", kid, err)
	}
}

func TestTheJWKSHasNoPrivateMember(t *testing.T) {
	r := mustOpen(t, testOptions(&memStore{}, newTestClock().now, token.ES256, token.RS256, token.EdDSA))
	body, _ := r.Snapshot().JWKS()
	for _, member := range []string{`"d":`, `"p":`, `"q":`, `"dp":`, `"dq":`, `"qi":`, `"k":`} {
		if bytes.Contains(body, []byte(member)) {
			t.Errorf("the JWKS has %s", member)
		}
	}
	public, _, _, _ := r.Snapshot().Public(r.List()[0].KID)
	if _, ok := public.(*ecdsa.PublicKey); !ok {
		t.Errorf("a public key of type %T", public)
	}
}
