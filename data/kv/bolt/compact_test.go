package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"signet/data/kv"
)

func TestCompactLeavesNothingOfWhatWasReplaced(t *testing.T) {
	e := openNew(t)
	secret := []byte("sealed under the old master key")
	fill := func(value []byte) {
		t.Helper()
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			for i := range 3000 {
				tx.Put(fmt.Appendf(nil, "k%05d", i), bytes.Repeat(value, 60))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fill(secret)
	fill([]byte("new"))
	before := e.Stats()
	if b, _ := os.ReadFile(e.path); !bytes.Contains(b, secret) {
		t.Fatal("the test shows nothing: the old pages are gone already")
	}
	if err := e.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(e.path); bytes.Contains(b, secret) {
		t.Fatal("an old value is still in the file")
	}
	if after := e.Stats(); after.Bytes >= before.Bytes/2 {
		t.Fatalf("%d bytes before, %d after", before.Bytes, after.Bytes)
	}
	if info, err := os.Stat(e.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(e.path)); err != nil || len(left) != 1 {
		t.Fatalf("%d files left, error %v", len(left), err)
	}

	// The engine goes on in the new file, and still holds the lock.
	if err := e.Update(t.Context(), write("after")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(e.path, Options{}); !errors.Is(err, kv.ErrInUse) {
		t.Fatalf("got %v, want kv.ErrInUse", err)
	}
	if err := errors.Join(e.Check(t.Context()), e.Close()); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, e.path)
	n := 0
	err := again.View(t.Context(), func(r kv.Reader) error {
		return r.Scan([]byte("k"), nil, func(_, v []byte) bool {
			if bytes.HasPrefix(v, []byte("newnew")) {
				n++
			}
			return true
		})
	})
	if err != nil || n != 3000 || !has(t, again, "after") {
		t.Fatalf("%d pairs, error %v", n, err)
	}
}

func TestCompactBesideWritersAndReadersLosesNothing(t *testing.T) {
	e := openNew(t)
	const writers, each = 8, 20
	barrier, errs := make(chan struct{}), make(chan error, writers+1)
	for i := range writers {
		go func() {
			<-barrier
			var all error
			for j := range each {
				key := fmt.Sprintf("%d/%d", i, j)
				all = errors.Join(all, e.Update(context.Background(), write(key)),
					e.View(context.Background(), func(r kv.Reader) error {
						if v, err := r.Get([]byte(key)); err != nil || v == nil {
							return fmt.Errorf("%s is gone: %w", key, err)
						}
						return nil
					}))
			}
			errs <- all
		}()
	}
	go func() {
		<-barrier
		var all error
		for range 5 {
			all = errors.Join(all, e.Compact(context.Background()))
		}
		errs <- all
	}()
	close(barrier)
	for range writers + 1 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestACompactThatIsStoppedLeavesTheOldFile(t *testing.T) {
	e := openNew(t)
	if err := e.Update(t.Context(), write("k")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if left, err := os.ReadDir(filepath.Dir(e.path)); err != nil || len(left) != 1 || !has(t, e, "k") {
		t.Fatalf("%d files left, error %v", len(left), err)
	}
}
