package resource

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"signet/resource/internal/vectors"
)

// loadAll reads the vectors that are access tokens.
func loadAll(t testing.TB) (files []vectors.File) {
	t.Helper()
	for _, name := range []string{"signature.json", "header.json", "keyset.json", "encoding.json", "claims.json"} {
		f, err := vectors.Load("testdata/vectors", name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// FuzzVerify starts from every vector that needs no keys of its own. Whatever becomes of them, only the good
// ones verify, and the others are refused for a reason.
func FuzzVerify(f *testing.F) {
	files := loadAll(f)
	good := make(map[string]bool)
	for _, file := range files {
		for _, v := range file.Vectors {
			if v.JWKS != nil || v.JWKSText != "" {
				continue // judged by other keys
			}
			f.Add(v.Token)
			if v.Want == vectors.OK {
				good[v.Token] = true
			}
		}
	}
	keys, ignored, err := parseJWKS(files[0].JWKS)
	if err != nil || len(ignored) > 0 || len(good) < 10 {
		f.Fatalf("%v, %v, %d good ones", err, ignored, len(good))
	}
	v, err := New(files[0].Issuer, files[0].Audience, WithLogger(slog.New(slog.DiscardHandler)),
		WithNow(func() time.Time { return time.Unix(files[0].Now, 0) }),
		WithKeys(KeyFunc(func(kid string) (Key, bool) { k, ok := keys[kid]; return k, ok })))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for range 2 { // at first sight, and again
			got, err := v.Verify(t.Context(), raw)
			if (err == nil) != good[raw] || (err == nil) != (got != nil) {
				t.Fatalf("%q: %v", raw, err)
			}
			if err != nil && !errors.Is(err, ErrInvalidToken) {
				t.Fatalf("%q is refused without a reason: %v", raw, err)
			}
		}
	})
}
