package keys

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"signet/resource/token"
)

// FuzzParseRecord: what parses is what check admits, and survives being
// written; what does not is damaged or of another version, and never panics.
func FuzzParseRecord(f *testing.F) {
	store := &memStore{}
	if _, err := Open(f.Context(), testOptions(store, newTestClock().now, token.ES256)); err != nil {
		f.Fatal(err)
	}
	f.Add(store.raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, err := parseRecord(raw)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		out, err := encode(rec)
		if err != nil {
			return // a year past 9999 cannot be written
		}
		if _, err := parseRecord(out); err != nil {
			t.Fatalf("%s does not come back: %v", out, err)
		}
		_ = nextDue(rec)
		_, _ = newContent(raw, nil, NewSealer(testMasterKey, "store1"))
	})
}

func FuzzParseMACs(f *testing.F) {
	store := &memStore{}
	if _, err := OpenMACs(f.Context(), testOptions(store, newTestClock().now, token.ES256)); err != nil {
		f.Fatal(err)
	}
	f.Add(store.raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := parseMACs(raw); err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Fatalf("untyped: %v", err)
		}
	})
}

// FuzzParseMasterKey: there is one text for a key, but for its end of line.
func FuzzParseMasterKey(f *testing.F) {
	f.Add(testMasterKey.Text())
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMasterKey(text)
		if err != nil {
			if !errors.Is(err, ErrMasterKey) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if !bytes.Equal(bytes.TrimRight(text, "\r\n"), bytes.TrimRight(m.Text(), "\n")) {
			t.Fatalf("%q is a second text of the key", text)
		}
	})
}

// FuzzOpenSealed: nothing but what Seal made opens.
func FuzzOpenSealed(f *testing.F) {
	s := NewSealer(testMasterKey, "store1")
	sealed, err := s.Seal("key", "k1", []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Fuzz(func(t *testing.T, text string) {
		plain, err := s.Open("key", "k1", text)
		if err == nil && string(plain) != "plain" && string(plain) != "committed" {
			t.Fatalf("%q opens as %q", text, plain)
		}
		if err != nil && !errors.Is(err, ErrSealBroken) && !errors.Is(err, ErrWrongMasterKey) {
			t.Fatalf("untyped: %v", err)
		}
	})
}

// A fuzz target whose corpus has moved tests nothing.
func TestEveryFuzzTargetHasItsCorpus(t *testing.T) {
	for _, name := range []string{"FuzzParseRecord", "FuzzParseMACs", "FuzzParseMasterKey", "FuzzOpenSealed"} {
		if files, _ := filepath.Glob(filepath.Join("testdata", "fuzz", name, "*")); len(files) < 2 {
			t.Errorf("%s has %d inputs", name, len(files))
		}
	}
	if _, err := os.Stat("testdata/jwks.golden.json"); err != nil {
		t.Error(err)
	}
}
