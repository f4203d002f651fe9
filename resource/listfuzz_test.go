package resource

import (
	"encoding/base64"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"

	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// FuzzListContent signs what it is given with a good key, so that everything
// behind the signature is reached.
func FuzzListContent(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	const uri = "https://id.example/list"
	follower := resting(&now)
	key := issuertest.NewKey(f, token.ES256, "k1")
	if err := follower.keys.take(1, "", answer{status: 200, body: jwks(f, key), maxAge: -1}); err != nil {
		f.Fatal(err)
	}
	follower.close() // so that an unknown key is not looked for
	signer, err := jws.NewSigner(jwa.ES256)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, payload []byte) {
		b64 := base64.RawURLEncoding.EncodeToString
		input := b64(header) + "." + b64(payload)
		sig, err := signer.Sign([]byte(input), key.Private)
		if err != nil {
			t.Fatal(err)
		}
		l, good, err := follower.lists.read(uri, []byte(input+"."+b64(sig)))
		if err != nil {
			return
		}
		if l.Issuer != "" && l.Issuer != "https://id.example" || l.Subject != uri || l.IssuedAt.Time().After(now.Add(30*time.Second)) || l.IssuedAt == 0 ||
			l.Expiry != 0 && !l.Expiry.Time().After(now) || len(l.Bits) == 0 || len(l.Bits) > token.MaxStatusBytes || l.key.ID != "k1" || good <= 0 {
			t.Fatalf("%q %q gave %+v, good for %s", header, payload, l, good)
		}
	})
}

// FuzzOwnURL holds what is accepted against the standard library's reading.
func FuzzOwnURL(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		for _, issuer := range []string{"https://id.example", "https://id.example/", "https://id.example/tenant"} {
			if !ownURL(issuer, raw) {
				continue
			}
			u, err := url.Parse(raw)
			if err != nil || u.Scheme != "https" || u.Host != "id.example" || u.User != nil || u.Opaque != "" || u.RawPath != "" ||
				u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || path.Clean(u.Path) != u.Path || u.String() != raw ||
				!strings.HasPrefix(raw, strings.TrimSuffix(issuer, "/")+"/") {
				t.Fatalf("%q is taken for one of %s: %+v, %v", raw, issuer, u, err)
			}
		}
	})
}
