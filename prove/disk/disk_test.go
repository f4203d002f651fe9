package disk

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// play plays testdata/trace, the record of a small program (see there), up to
// and without the event of that number, and returns all that a cut may leave.
func play(t *testing.T, events []Event, until int) []map[string][]byte {
	t.Helper()
	p := NewPlayer("/tmp/pf")
	for _, e := range events[:until] {
		if err := p.Play(e); err != nil {
			t.Fatal(err)
		}
	}
	var left []map[string][]byte
	r := rand.New(rand.NewPCG(1, uint64(until)))
	for range 200 {
		left = append(left, p.Cut(r))
	}
	return left
}

func recorded(t *testing.T) []Event {
	t.Helper()
	f, err := os.Open("testdata/trace")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := Read(f, "/tmp/pf")
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func find(t *testing.T, events []Event, name string, nth int) int {
	t.Helper()
	for i, e := range events {
		if e.name == name && e.begin {
			if nth--; nth == 0 {
				return i
			}
		}
	}
	t.Fatalf("no %s in the trace", name)
	return 0
}

func TestWhatAPowerCutMayLeave(t *testing.T) {
	events := recorded(t)
	count := func(left []map[string][]byte, holds func(map[string][]byte) bool) (n int) {
		for _, files := range left {
			if holds(files) {
				n++
			}
		}
		return n
	}
	hello := func(b []byte) bool { return len(b) >= 4104 && bytes.HasPrefix(b[4096:], []byte("hello\x00")) }
	anyFile := func(is func([]byte) bool) func(map[string][]byte) bool {
		return func(files map[string][]byte) bool {
			for _, b := range files {
				if is(b) {
					return true
				}
			}
			return false
		}
	}

	before := play(t, events, find(t, events, "fsync", 1))
	if n := count(before, anyFile(hello)); n == 0 || n == len(before) {
		t.Errorf("an unsynced write is there in %d of %d cuts", n, len(before))
	}
	synced := play(t, events, find(t, events, "unlinkat", 1))
	for _, files := range synced {
		for name, b := range files {
			if !hello(b) {
				t.Fatalf("the synced bytes of %s are gone", name)
			}
		}
	}
	named := func(files map[string][]byte) bool { return files["signet.db"] != nil }
	if n := count(synced, named); n == 0 || n == len(synced) {
		t.Errorf("an unsynced name is there in %d of %d cuts", n, len(synced))
	}
	end := play(t, events, len(events))
	if n := count(end, func(files map[string][]byte) bool { return hello(files["b.db"]) }); n != len(end) {
		t.Errorf("the name that the folder's sync covered is there in %d of %d cuts", n, len(end))
	}
	if n := count(end, func(files map[string][]byte) bool { return files["b.db"][1] == 'x' }); n == 0 || n == len(end) {
		t.Errorf("a write beside a sync is there in %d of %d cuts", n, len(end))
	}
	if n := count(end, func(files map[string][]byte) bool { return string(files["k"]) == "aa" }); n == 0 || n == len(end) {
		t.Errorf("a file that nobody synced is there in %d of %d cuts", n, len(end))
	}
}

func TestATornWriteIsOldOrNewBySector(t *testing.T) {
	d := New()
	f := d.create("f")
	f.add(&change{data: bytes.Repeat([]byte{1}, 3*sector), finished: true})
	if err := d.beginSync(1, "f"); err != nil {
		t.Fatal(err)
	}
	d.endSync(1, true)
	if err := d.beginSync(1, ""); err != nil {
		t.Fatal(err)
	}
	d.endSync(1, true)
	f.add(&change{offset: 100, data: bytes.Repeat([]byte{2}, 2*sector), finished: true})
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 500 {
		b := d.Cut(r)["f"]
		for _, at := range []int{0, 99, 2*sector + 100} {
			if b[at] != 1 {
				t.Fatalf("byte %d was never written, and changed", at)
			}
		}
		var state []byte
		for _, s := range [][]byte{b[100:sector], b[sector : 2*sector], b[2*sector : 2*sector+100]} {
			if len(slices.Compact(slices.Clone(s))) != 1 {
				t.Fatal("a sector is half old and half new")
			}
			state = append(state, s[0])
		}
		seen[string(state)] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d ways of 8", len(seen))
	}
}

func TestASyncThatFailedMakesNothingDurable(t *testing.T) {
	d := New()
	d.create("f").add(&change{data: []byte("x"), finished: true})
	for _, name := range []string{"f", ""} {
		if err := d.beginSync(1, name); err != nil {
			t.Fatal(err)
		}
		d.endSync(1, false)
	}
	if len(d.durable) != 0 || len(d.names["f"].durable) != 0 {
		t.Error("something is durable")
	}
}

func TestAnUnknownCallThatWritesIsRefused(t *testing.T) {
	events := recorded(t)
	e := events[find(t, events, "pwrite64", 1)]
	e.name = "pwritev"
	if err := NewPlayer("/tmp/pf").Play(e); err == nil {
		t.Error("it was accepted")
	}
}
