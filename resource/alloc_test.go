package resource_test

import (
	"testing"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// What a verification may allocate. A token seen before allocates nothing
// today; two is what is promised. At first sight, 25 belong to the check of
// the signature.
const (
	mostSeen  = 2
	mostFirst = 120
)

func TestAVerificationAllocatesNoMoreThanItMay(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	full := i.Token(func(c *token.Claims) { c.SessionID, c.ACR, c.AMR = "s1", "urn:x", []string{"pwd"} })
	for _, c := range []struct {
		name string
		most float64
		opts []resource.Option
	}{
		{"seen before, with keys at hand", mostSeen, []resource.Option{static(i.Key())}},
		{"seen before, with keys that are followed", mostSeen, []resource.Option{resource.WithHTTPClient(i.Client())}},
		{"at first sight", mostFirst, []resource.Option{static(i.Key()), resource.WithCacheBytes(0)}},
	} {
		v, ctx := newVerifier(t, c.opts...), t.Context()
		if _, err := v.Verify(ctx, full); err != nil { // the keys come, and the token is remembered
			t.Fatal(err)
		}
		// Many runs: what follows the keys beside allocates too.
		n := testing.AllocsPerRun(2000, func() {
			if _, err := v.Verify(ctx, full); err != nil {
				t.Fatal(err)
			}
		})
		if n > c.most {
			t.Errorf("%s: %v allocations, at most %v are allowed", c.name, n, c.most)
		}
		t.Logf("%s: %v allocations", c.name, n)
	}
}
