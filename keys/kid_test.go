package keys

import (
	"crypto/rand"
	"strings"
	"testing"

	"signet/resource/token"
)

// One thumbprint in 64 begins with a dash; among 400 keys there would be one
// in all but two of a thousand runs.
func TestNoKIDLooksLikeAFlag(t *testing.T) {
	s := NewSealer(NewMasterKey(rand.Reader), "store")
	for range 400 {
		f, err := generate(token.EdDSA, 0, rand.Reader, s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.KID, "-") {
			t.Fatalf("made the kid %s", f.KID)
		}
	}
}
