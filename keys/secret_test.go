package keys

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"signet/resource/token"
)

func secretOptions(store Store) Options {
	return testOptions(store, newTestClock().now, token.ES256)
}

func mustOpenSecret(t *testing.T, o Options) *Secret {
	t.Helper()
	s, err := OpenSecret(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is derived names people to clients, and is the secret of clients: the
// same for as long as the store lives.
func TestWhatIsDerivedIsPinned(t *testing.T) {
	raw, err := sealSecret(NewSealer(testMasterKey, "store1"), bytes.Repeat([]byte{7}, secretSize))
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpenSecret(t, secretOptions(&memStore{raw: raw}))
	// HMAC-SHA256 under 32 times 07 of 00000008 "pairwise" 0000000b
	// "web.example" 00000003 "ann".
	const want = "6af7d7785954c2e3c75e11f9c3913bfb468ae10cf383103d28eb43d26e7c0ba3"
	if got := s.Derive("pairwise", "web.example", "ann"); hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x", got)
	}
}

func TestEachPurposeAndSubjectHasItsOwn(t *testing.T) {
	s := mustOpenSecret(t, secretOptions(&memStore{}))
	seen := map[[32]byte][]string{}
	for _, parts := range [][]string{
		{"a"}, {"a", ""}, {"a", "", ""}, {"a", "b"}, {"ab"}, {"a", "b", ""}, {"a", "", "b"}, {"", "a", "b"}, {"a\x00b"}, {"a", "bc"}, {"a", "b", "c"},
		{"a\x00\x00\x00\x01b"},
	} {
		got := s.Derive(parts[0], parts[1:]...)
		if other := seen[got]; other != nil {
			t.Errorf("%q and %q have the same", parts, other)
		}
		seen[got] = parts
		if s.Derive(parts[0], parts[1:]...) != got {
			t.Errorf("%q has another the second time", parts)
		}
	}
}

func TestManyNodesOpenTheSecretAtOnceAndAgree(t *testing.T) {
	store := &memStore{}
	derived := make([][32]byte, 16)
	var wg sync.WaitGroup
	barrier := make(chan struct{})
	for i := range derived {
		wg.Go(func() {
			<-barrier
			s, err := OpenSecret(context.Background(), secretOptions(store))
			if err != nil {
				t.Error(err)
				return
			}
			derived[i] = s.Derive("x")
		})
	}
	close(barrier)
	wg.Wait()
	if store.swaps != 1 {
		t.Errorf("%d nodes made a secret", store.swaps)
	}
	for _, d := range derived {
		if d != derived[0] {
			t.Error("two nodes have different secrets")
		}
	}
	if s := mustOpenSecret(t, secretOptions(store)); s.Derive("x") != derived[0] {
		t.Error("after a restart it is another")
	}
}

func TestAnotherStoreHasAnotherSecret(t *testing.T) {
	a, b := mustOpenSecret(t, secretOptions(&memStore{})), mustOpenSecret(t, secretOptions(&memStore{}))
	if a.Derive("x") == b.Derive("x") {
		t.Error("two stores have the same")
	}
}

func TestASecretThatCannotBeOpenedIsNone(t *testing.T) {
	store := &memStore{}
	mustOpenSecret(t, secretOptions(store))
	good := string(store.raw)
	sealedAs := func(kind, id, storeID string, size int) string {
		sealed, err := NewSealer(testMasterKey, storeID).Seal(kind, id, make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"v":1,"sealed":%q}`, sealed)
	}
	for _, c := range []struct {
		name, raw string
		master    MasterKey
		want      error
	}{
		{"under another master key", good, otherMasterKey, ErrWrongMasterKey},
		{"cut", good[:len(good)-9], testMasterKey, ErrDamaged},
		{"of a later version", strings.Replace(good, `"v":1`, `"v":2`, 1), testMasterKey, ErrVersion},
		{"with an unknown member", strings.Replace(good, `"v":1`, `"v":1,"x":1`, 1), testMasterKey, ErrDamaged},
		{"with a changed seal", good[:len(good)-12] + "AAAAAAAAAA" + `"}`, testMasterKey, ErrSealBroken},
		{"that is empty", `{"v":1,"sealed":""}`, testMasterKey, ErrSealBroken},
		{"of another store", sealedAs(sealedSecretKind, secretID, "store2", secretSize), testMasterKey, ErrSealBroken},
		{"that was a MAC key", sealedAs(sealedMACKind, secretID, "store1", secretSize), testMasterKey, ErrSealBroken},
		{"that is too short", sealedAs(sealedSecretKind, secretID, "store1", secretSize-1), testMasterKey, ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &memStore{raw: []byte(c.raw)}
			o := secretOptions(store)
			o.Sealer = NewSealer(c.master, "store1")
			s, err := OpenSecret(t.Context(), o)
			if s != nil || !errors.Is(err, c.want) {
				t.Fatalf("%v, %v", s, err)
			}
			if string(store.raw) != c.raw || store.swaps != 0 {
				t.Error("it was written over")
			}
		})
	}
	store.setFail(errors.New("the disk is gone"))
	if s, err := OpenSecret(t.Context(), secretOptions(store)); s != nil || !errors.Is(err, store.fail) {
		t.Error(s, err)
	}
}

func TestASecretUnderAnotherMasterKeyIsSaidLikeEverythingElse(t *testing.T) {
	secret, macs := &memStore{}, &memStore{}
	mustOpenSecret(t, secretOptions(secret))
	mustOpenMACs(t, secretOptions(macs))
	open := func(store Store, fn func(Options) error) *WrongMasterKeyError {
		o := secretOptions(store)
		o.Sealer = NewSealer(otherMasterKey, "store1")
		var wrong *WrongMasterKeyError
		if err := fn(o); !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		return wrong
	}
	a := open(secret, func(o Options) error { _, err := OpenSecret(t.Context(), o); return err })
	b := open(macs, func(o Options) error { _, err := OpenMACs(t.Context(), o); return err })
	if a.Sealed != b.Sealed || a.Have != b.Have || a.Sealed != testMasterKey.ID() || a.Have != otherMasterKey.ID() {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestASecretStaysTheSameUnderANewMasterKey(t *testing.T) {
	store := &memStore{}
	o := secretOptions(store)
	s, elsewhere := mustOpenSecret(t, o), mustOpenSecret(t, o)
	want := s.Derive("x")
	to := NewSealer(otherMasterKey, "store1")

	// Cut off: nothing was written, and the old key opens it.
	store.setFail(errors.New("the disk is gone"))
	if err := s.Reseal(t.Context(), to); !errors.Is(err, store.fail) {
		t.Fatal(err)
	}
	store.setFail(nil)
	if again := mustOpenSecret(t, o); again.Derive("x") != want {
		t.Fatal("it changed")
	}
	// Done, and done again by whoever cannot know that it was done; on another
	// node, too.
	for i, node := range []*Secret{s, s, elsewhere} {
		if err := node.Reseal(t.Context(), to); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := OpenSecret(t.Context(), o); !errors.Is(err, ErrWrongMasterKey) {
		t.Errorf("the old key still opens it: %v", err)
	}
	for name, sealer := range map[string]*Sealer{"the new key": to, "the new key, beside the old one": to.Accepting(testMasterKey)} {
		o.Sealer = sealer
		if mustOpenSecret(t, o).Derive("x") != want {
			t.Errorf("under %s it is another", name)
		}
	}
	if s.Derive("x") != want {
		t.Error("it changed")
	}
	store.raw = nil
	if err := s.Reseal(t.Context(), to); !errors.Is(err, ErrDamaged) || store.raw != nil {
		t.Errorf("a secret that vanished came back: %v", err)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	raw, err := sealSecret(NewSealer(testMasterKey, "store1"), bytes.Repeat([]byte{0xab}, secretSize))
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpenSecret(t, secretOptions(&memStore{raw: raw}))
	secrets := []string{strings.Repeat("ab", 4), strings.Repeat("AB", 4), strings.Repeat("171 ", 4), strings.Repeat("171, ", 4), strings.Repeat("0xab, ", 4),
		strings.Repeat("\xab", 4), strings.Repeat(`\xab`, 4)}
	type holder struct{ Secret *Secret }
	for _, v := range []any{s, []any{s}, holder{s}, &holder{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
			check(t, secrets, fmt.Sprintf(verb, v))
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		check(t, secrets, log.String())
		doc, _ := json.Marshal(v)
		check(t, secrets, string(doc))
	}
}
