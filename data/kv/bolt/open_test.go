package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// filled returns the bytes of a sound store of a few hundred pages.
func filled(t *testing.T) []byte {
	t.Helper()
	e := openNew(t)
	for round := range 3 { // leaves free pages
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			for i := range 500 {
				tx.Put(fmt.Appendf(nil, "key %04d", i), bytes.Repeat([]byte{byte('a' + round)}, 200))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(e.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newest returns the newer meta page of a file and its content.
func newest(b []byte) (at int, m meta) {
	r := bytes.NewReader(b)
	first, _ := readMeta(r, 0)
	second, _ := readMeta(r, first.pageSize)
	if second.txid > first.txid {
		return int(first.pageSize), second
	}
	return 0, first
}

// setMeta changes a field of a meta page and makes its checksum fit again.
func setMeta(b []byte, at, field int, value uint64) {
	p := b[at+pageHeader:]
	binary.NativeEndian.PutUint64(p[field:], value)
	sum := fnv.New64a()
	sum.Write(p[:metaBytes-8])
	binary.NativeEndian.PutUint64(p[metaBytes-8:], sum.Sum64())
}

func TestADamagedFileIsRefusedAndNeverPanics(t *testing.T) {
	sound := filled(t)
	at, m := newest(sound)
	page := int(m.pageSize)
	free := int(m.freelist) * page
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"empty", func(b []byte) []byte { return nil }},
		{"one byte", func(b []byte) []byte { return b[:1] }},
		{"cut in the first meta page", func(b []byte) []byte { return b[:50] }},
		{"cut after the first meta page", func(b []byte) []byte { return b[:page] }},
		{"cut after both meta pages", func(b []byte) []byte { return b[:2*page] }},
		{"cut in the middle", func(b []byte) []byte { return b[:int(m.pages)*page/2] }},
		{"cut by one page", func(b []byte) []byte { return b[:int(m.pages-1)*page] }},
		{"cut by one byte", func(b []byte) []byte { return b[:int(m.pages)*page-1] }},
		{"text", func([]byte) []byte { return bytes.Repeat([]byte("not a store\n"), 4000) }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"wrong magic on both", func(b []byte) []byte { b[16] ^= 1; b[page+16] ^= 1; return b }},
		{"wrong version on both", func(b []byte) []byte { b[20] ^= 1; b[page+20] ^= 1; return b }},
		{"wrong checksum on both", func(b []byte) []byte { b[56] ^= 1; b[page+56] ^= 1; return b }},
		{"no page size", func(b []byte) []byte {
			setMeta(b, 0, 8, 0)
			setMeta(b, page, 8, 0)
			return b
		}},
		{"root beyond the end", func(b []byte) []byte { setMeta(b, at, 16, m.pages); return b }},
		{"root on a meta page", func(b []byte) []byte { setMeta(b, at, 16, 1); return b }},
		{"free pages beyond the end", func(b []byte) []byte { setMeta(b, at, 32, 1<<40); return b }},
		{"more pages than the file", func(b []byte) []byte { setMeta(b, at, 40, 1<<50); return b }},
		{"list of free pages zeroed", func(b []byte) []byte { clear(b[free : free+page]); return b }},
		{"list of free pages too long", func(b []byte) []byte {
			binary.NativeEndian.PutUint16(b[free+10:], 0xFFFF)
			binary.NativeEndian.PutUint64(b[free+16:], 1<<37)
			return b
		}},
		{"root zeroed", func(b []byte) []byte { clear(b[int(m.root)*page:][:page]); return b }},
		{"root full of ones", func(b []byte) []byte {
			for i := range page - 8 {
				b[int(m.root)*page+8+i] = 0xFF
			}
			return b
		}},
		{"all but the meta pages zeroed", func(b []byte) []byte { clear(b[2*page:]); return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "signet.db")
			damaged := c.damage(bytes.Clone(sound))
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, o := range []Options{{}, {ReadOnly: true}} {
				e, err := Open(path, o)
				if err == nil {
					_ = e.Close()
				}
				if !errors.Is(err, kv.ErrDamaged) {
					t.Errorf("%+v: got %v, want kv.ErrDamaged", o, err)
				}
			}
			if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, damaged) {
				t.Errorf("the damaged file was changed (%v)", err)
			}
		})
	}
}

// TestDamagedPagesAreErrorsAndNeverPanics damages each page that bbolt trusts
// only when it reads it.
func TestDamagedPagesAreErrorsAndNeverPanics(t *testing.T) {
	sound := filled(t)
	_, m := newest(sound)
	page := int(m.pageSize)
	path := filepath.Join(t.TempDir(), "signet.db")
	found := 0
	for id := 2; id < int(m.pages); id++ {
		b := bytes.Clone(sound)
		for i := 16; i < 64; i++ {
			b[id*page+i] = 0xA5
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := Open(path, Options{Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			err = errors.Join(
				e.Check(t.Context()),
				e.Update(t.Context(), write(fmt.Sprintf("key %04d", id))),
				e.View(t.Context(), func(r kv.Reader) error {
					return r.Scan(nil, nil, func(_, _ []byte) bool { return true })
				}),
			)
			_ = e.Close()
		}
		if err != nil && !errors.Is(err, kv.ErrDamaged) {
			t.Fatalf("page %d: got %v, want kv.ErrDamaged", id, err)
		}
		if err != nil {
			found++
		}
	}
	if found < int(m.pages)/4 {
		t.Fatalf("%d of %d damaged pages were noticed", found, m.pages)
	}
}

func TestAFileCutShortUnderTheEngineIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signet.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	e := openAt(t, path)
	if err := os.Truncate(path, 4*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"scan": e.View(context.Background(), func(r kv.Reader) error {
			return r.Scan(nil, nil, func(_, _ []byte) bool { return true })
		}),
		"update": e.Update(context.Background(), func(tx kv.Tx) error {
			_, err := tx.Get([]byte("key 0001"))
			return err
		}),
		"check": e.Check(context.Background()),
	} {
		if !errors.Is(err, kv.ErrDamaged) {
			t.Errorf("%s: got %v, want kv.ErrDamaged", name, err)
		}
	}
}

func TestOneValidMetaPageIsEnough(t *testing.T) {
	sound := filled(t)
	at, _ := newest(sound)
	sound[at+56] ^= 1 // as after a power cut in the middle of its write
	path := filepath.Join(t.TempDir(), "signet.db")
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	e, err := Open(path, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Check(t.Context()); err != nil || !bytes.Contains(log.Bytes(), []byte("meta pages")) {
		t.Fatalf("check: %v; log: %s", err, &log)
	}
}

func TestAForeignBboltFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(path, Options{}); !errors.Is(err, kv.ErrDamaged) {
		t.Fatalf("got %v, want kv.ErrDamaged", err)
	}
}

func TestTheFileIsTheOwnersAlone(t *testing.T) {
	e := openNew(t)
	check := func() {
		t.Helper()
		info, err := os.Stat(e.path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, error %v", info.Mode(), err)
		}
	}
	check()
	if err := errors.Join(e.Close(), os.Chmod(e.path, 0o644)); err != nil {
		t.Fatal(err)
	}
	openAt(t, e.path)
	check()
	left, err := os.ReadDir(filepath.Dir(e.path))
	if err != nil || len(left) != 1 {
		t.Fatalf("%d files in the folder of a new store, error %v", len(left), err)
	}
}

func TestAReadOnlyStoreIsReadAndNotWritten(t *testing.T) {
	e := openNew(t)
	if err := errors.Join(e.Update(t.Context(), write("k")), e.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // readers do not lock each other out
		r, err := Open(e.path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, err := range []error{r.Update(t.Context(), write("k")), r.Compact(t.Context())} {
			if !errors.Is(err, kv.ErrReadOnly) {
				t.Fatalf("got %v, want kv.ErrReadOnly", err)
			}
		}
		if err := r.Check(t.Context()); err != nil || !has(t, r, "k") {
			t.Fatal(err)
		}
	}
}

func TestAStoreThatIsNotThereIsNotMadeForReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signet.db")
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(filepath.Join(path, "below"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v, want fs.ErrNotExist", err)
	}
}

func TestOfManyWhoMakeTheStoreAtOnceOneHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signet.db")
	barrier, got := make(chan struct{}), make(chan error, 8)
	for range cap(got) {
		go func() {
			<-barrier
			e, err := Open(path, Options{})
			if err == nil {
				t.Cleanup(func() { _ = e.Close() })
			}
			got <- err
		}()
	}
	close(barrier)
	won := 0
	for range cap(got) {
		switch err := <-got; {
		case err == nil:
			won++
		case !errors.Is(err, kv.ErrInUse):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d hold the store", won)
	}
}
