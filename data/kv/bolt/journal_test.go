package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"signet/data/kv"
)

// ledger is a store with a journal beside a map that holds what it should.
type ledger struct {
	t    *rapid.T
	dir  string
	e    *Engine
	keys int // that may wait
	want map[string]string
	n    int // of files
}

func (l *ledger) open(path string) {
	e, err := Open(path, Options{NoSync: true})
	if err != nil {
		l.t.Fatal(err)
	}
	l.e = journaled(e, l.keys)
}

// kill goes on with what the disk has now, as after a kill -9.
func (l *ledger) kill() {
	data, err := os.ReadFile(l.e.path)
	if err != nil {
		l.t.Fatal(err)
	}
	l.n++
	path := filepath.Join(l.dir, fmt.Sprint(l.n))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		l.t.Fatal(err)
	}
	_ = l.e.Close()
	l.open(path)
}

func (l *ledger) stop() {
	if err := l.e.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.open(l.e.path)
	if n := l.e.versions.Load().stands.number; n != 0 {
		l.t.Fatalf("a store that was closed has a journal, up to run %d", n)
	}
}

var (
	ledgerKeys = rapid.StringMatching(`[ab][a-e]{0,2}\x00?`)
	ledgerLens = rapid.SampledFrom([]int{0, 1, 100, longValue - 1, longValue, longValue + 1, longRun + 1}) // 0 deletes
)

// write changes some keys at once; if fails, the disk is full.
func (l *ledger) write(fails bool) {
	changed := maps.Clone(l.want)
	count := rapid.IntRange(1, 15).Draw(l.t, "keys at once")
	commit := l.e.commit
	if fails {
		l.e.commit = func(tx *bbolt.Tx) error { return errors.Join(tx.Rollback(), writeError(syscall.ENOSPC)) }
	}
	err := l.e.Update(l.t.Context(), func(tx kv.Tx) error {
		for range count {
			key := ledgerKeys.Draw(l.t, "key")
			if n := ledgerLens.Draw(l.t, "length"); n == 0 {
				tx.Delete([]byte(key))
				delete(changed, key)
			} else {
				value := strings.Repeat(string(rune('a'+rapid.IntRange(0, 25).Draw(l.t, "letter"))), n)
				tx.Put([]byte(key), []byte(value))
				changed[key] = value
			}
		}
		return nil
	})
	l.e.commit = commit
	switch {
	case fails && !errors.Is(err, kv.ErrNoSpace):
		l.t.Fatalf("on a full disk: %v", err)
	case fails:
	case err != nil:
		l.t.Fatal(err)
	default:
		l.want = changed
	}
}

func (l *ledger) check(prefix, start string) {
	var got []string
	err := l.e.View(l.t.Context(), func(r kv.Reader) error {
		for _, k := range []string{"a", "b", "ab", prefix, start} {
			v, err := r.Get([]byte(k))
			if want, there := l.want[k]; err != nil || (v != nil) != there || string(v) != want {
				l.t.Fatalf("%q has %d bytes, want %d (%v), error %v", k, len(v), len(want), there, err)
			}
		}
		return r.Scan([]byte(prefix), []byte(start), func(k, v []byte) bool {
			if string(v) != l.want[string(k)] {
				l.t.Fatalf("a scan finds %d bytes at %q, want %d", len(v), k, len(l.want[string(k)]))
			}
			got = append(got, string(k))
			return true
		})
	})
	if err != nil {
		l.t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(l.want)), func(k string) bool {
		return !strings.HasPrefix(k, prefix) || k < start
	})
	if !slices.Equal(got, want) {
		l.t.Fatalf("a scan of %q from %q finds %q, want %q", prefix, start, got, want)
	}
}

func TestAJournalLosesNothingWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		l := &ledger{t: rt, dir: dir, keys: rapid.SampledFrom([]int{1, 4, 20}).Draw(rt, "room"), want: map[string]string{}}
		l.open(filepath.Join(dir, "0"))
		defer func() { _ = l.e.Close() }()
		write := func(*rapid.T) { l.write(false) }
		rt.Repeat(map[string]func(*rapid.T){
			"write": write, "write more": write, "write still more": write,
			"write to a full disk": func(*rapid.T) { l.write(true) },
			"kill":                 func(*rapid.T) { l.kill() },
			"stop":                 func(*rapid.T) { l.stop() },
			"compact": func(*rapid.T) {
				if err := l.e.Compact(rt.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"check the file": func(*rapid.T) {
				if err := l.e.Check(rt.Context()); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(*rapid.T) {
				l.check("", "")
				l.check(rapid.SampledFrom([]string{"a", "b", "ab"}).Draw(rt, "prefix"), ledgerKeys.Draw(rt, "start"))
			},
		})
	})
}

// many writes n pairs to a new store, which has no journal yet.
func many(t *testing.T, n int) *Engine {
	t.Helper()
	e, err := Open(filepath.Join(t.TempDir(), "many.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	for from := 0; from < n; from += 1000 {
		err := e.Update(t.Context(), func(tx kv.Tx) error {
			for i := from; i < min(n, from+1000); i++ {
				tx.Put(manyKey(i), bytes.Repeat([]byte("v"), 600))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// manyKey spreads the numbers over the keys.
func manyKey(i int) []byte {
	return fmt.Appendf(nil, "%016x", uint64(i+1)*0x9E3779B97F4A7C15)
}

// placesWritten is at how many places of the disk a commit of 30 changes writes,
// the mean of many.
func placesWritten(t *testing.T, e *Engine, pairs int) float64 {
	t.Helper()
	var writes int64
	commit := e.commit
	e.commit = func(tx *bbolt.Tx) error {
		err := commit(tx)
		stats := tx.Stats()
		writes += stats.GetWrite()
		return err
	}
	const commits = 100
	r := rand.New(rand.NewPCG(1, 2))
	for range 2 {
		writes = 0 // what comes first fills the journal
		for range commits {
			err := e.Update(t.Context(), func(tx kv.Tx) error {
				for range 30 {
					tx.Put(manyKey(r.IntN(pairs)), bytes.Repeat([]byte("w"), 600))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	e.commit = commit
	return float64(writes) / commits
}

func TestACommitToALargeFileWritesAtFewerPlacesWithAJournal(t *testing.T) {
	const pairs = 20_000
	without := placesWritten(t, many(t, pairs), pairs)
	with := placesWritten(t, journaled(many(t, pairs), 2000), pairs)
	t.Logf("a commit of 30 changes writes at %.1f places, and with a journal at %.1f", without, with)
	if with > 0.7*without {
		t.Fatalf("%.1f places with a journal, and %.1f without", with, without)
	}
}

// runs counts those in the journal.
func runs(t *testing.T, e *Engine) (n int) {
	t.Helper()
	err := e.reading(func(tx *bbolt.Tx, r reader) error {
		for k, v := r.runs.First(); v != nil && k != nil; k, v = r.runs.Next() {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRunsThatNobodyNeedsAreForgotten(t *testing.T) {
	const pairs, room, changes = 2000, 50, 3000
	r := rand.New(rand.NewPCG(3, 4))
	random := func(int) int { return r.IntN(pairs) }
	for name, c := range map[string]struct {
		next   func(i int) int
		length int
	}{
		"keys at random":             {random, 600},
		"long values":                {random, longValue},
		"one key again and again":    {func(int) int { return 7 }, 600},
		"few keys again and again":   {func(i int) int { return i % 10 }, 600},
		"first one key, then others": {func(i int) int { return r.IntN(1 + pairs*(2*i/changes)) }, 600},
	} {
		t.Run(name, func(t *testing.T) {
			e := journaled(many(t, pairs), room)
			most := 0
			for i := range changes {
				err := e.Update(t.Context(), func(tx kv.Tx) error {
					tx.Put(manyKey(c.next(i)), bytes.Repeat([]byte("w"), c.length))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if got := e.versions.Load().stands.keys.Len(); got > room {
					t.Fatalf("%d keys wait", got)
				}
				most = max(most, runs(t, e))
			}
			if most > (mostEntries+1)*room {
				t.Fatalf("there were %d runs at once, where %d keys may wait", most, room)
			}
			t.Logf("at most %d runs", most)
		})
	}
}

func TestWhatTheHandPassedNoLongerWaits(t *testing.T) {
	for name, c := range map[string]struct {
		from, to hand
		left     string
	}{
		"nothing, where it stays":                      {hand{3, "b"}, hand{3, "b"}, "a a0 b b0 c"},
		"the keys from where it was":                   {hand{3, "a0"}, hand{3, "b"}, "a b b0 c"},
		"not the key that comes next":                  {hand{3, "b"}, hand{3, "b0"}, "a a0 b0 c"},
		"to the end and from the beginning":            {hand{3, "b0"}, hand{4, "a0"}, "a0 b"},
		"to the end, when the next lap begins":         {hand{3, "b0"}, hand{4, ""}, "a a0 b"},
		"all, when it is there again":                  {hand{3, "b"}, hand{4, "b"}, ""},
		"all, when it is farther":                      {hand{3, "b"}, hand{4, "c"}, ""},
		"all, when it was everywhere more than once":   {hand{3, "b"}, hand{5, ""}, ""},
		"and it never goes back":                       {hand{3, "b"}, hand{3, "a"}, "refused"},
		"also not to an earlier lap, however far that": {hand{3, "b"}, hand{2, "c"}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWaiting()
			for i, key := range []string{"a", "a0", "b", "b0", "c"} {
				w.keys.Set(key, spot{run: uint64(i)})
			}
			w.hand = c.from
			left := "refused"
			if w.moveTo(c.to) == nil {
				left = strings.Join(w.keys.Keys(), " ")
			}
			if left != c.left {
				t.Errorf("%q are left, want %q", left, c.left)
			}
		})
	}
}

func TestAViewThatIsOlderThanWhatIsKnownBeginsAgain(t *testing.T) {
	e := journaled(openNew(t), 10)
	for _, key := range []string{"a", "b"} {
		putAll(t, e, key)
	}
	old, err := e.begin(false)
	if err != nil {
		t.Fatal(err)
	}
	defer e.rollback(old)
	if r, err := e.read(old); err != nil || r.waiting.keys.Len() != 2 {
		t.Fatalf("what waits now: %v, error %v", r.waiting, err)
	}
	putAll(t, e, "c")
	if _, err := e.read(old); err != errOlder {
		t.Fatalf("a view from before the last commit: %v", err)
	}
	if !has(t, e, "a") || !has(t, e, "b") || !has(t, e, "c") {
		t.Fatal("a new view misses something")
	}
}

func TestAJournalThatWasNotReadIsDamageAndNoEndlessSearch(t *testing.T) {
	e := journaled(openNew(t), 10)
	putAll(t, e, "a")
	e.versions.Store(&versions{stands: &waiting{keys: e.versions.Load().stands.keys, number: 99}})
	err := e.View(t.Context(), func(kv.Reader) error { return nil })
	if !errors.Is(err, kv.ErrDamaged) {
		t.Fatalf("got %v, want kv.ErrDamaged", err)
	}
}

// raw opens the file as any program with bbolt would.
func raw(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// killed is a store of which a kill -9 left the journal; with the pairs a and b,
// which wait.
func killed(t *testing.T) (path string) {
	t.Helper()
	e := journaled(openNew(t), 10)
	putAll(t, e, "a", "b")
	data, err := os.ReadFile(e.path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "killed.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnOlderVersionFindsNoPairsBesideAJournalAndAllAfterAClose(t *testing.T) {
	path := killed(t)
	raw(t, path, func(tx *bbolt.Tx) error {
		if tx.Bucket(bucket) != nil {
			t.Error("a version that knows of no journal would read old pairs")
		}
		return nil
	})
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucket); b == nil || b.Get([]byte("a")) == nil || b.Get([]byte("b")) == nil {
			t.Error("a store that was closed has pairs elsewhere")
		}
		return nil
	})
}

func TestAReadOnlyStoreReadsItsJournalAndLeavesIt(t *testing.T) {
	path := killed(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if !has(t, e, "a") || !has(t, e, "b") {
		t.Fatal("what waits is not read")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Fatal("the file was changed", err)
	}
}

func TestACloseThatCannotPlaceLeavesTheJournal(t *testing.T) {
	e := journaled(openNew(t), 10)
	putAll(t, e, "a", "b")
	e.commit = func(tx *bbolt.Tx) error { return errors.Join(tx.Rollback(), writeError(syscall.ENOSPC)) }
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, e.path)
	if !has(t, again, "a") || !has(t, again, "b") || again.versions.Load().stands.keys.Len() != 2 {
		t.Fatal("what waited is gone")
	}
}

func TestACloseThatTakesTooLongLeavesTheRestForTheNext(t *testing.T) {
	const pairs, waiting = 3000, 1200
	e := journaled(many(t, pairs), waiting)
	err := e.Update(t.Context(), func(tx kv.Tx) error {
		for i := range waiting {
			tx.Put(manyKey(i), []byte("w"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{waiting - placedAtOnce, waiting - 2*placedAtOnce, 0, 0} {
		now := time.Unix(0, 0)
		e.now = func() time.Time { return now }
		commit := e.commit
		e.commit = func(tx *bbolt.Tx) error {
			now = now.Add(closeWithin) // a slow disk
			return commit(tx)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if e, err = Open(e.path, Options{NoSync: true}); err != nil {
			t.Fatal(err)
		}
		if got := e.versions.Load().stands.keys.Len(); got != left {
			t.Fatalf("%d keys wait, want %d", got, left)
		}
		if !has(t, e, string(manyKey(0))) || !has(t, e, string(manyKey(waiting-1))) {
			t.Fatal("what waited is gone")
		}
	}
	if n := e.versions.Load().stands.number; n != 0 {
		t.Fatalf("there still is a journal, up to run %d", n)
	}
}

func TestADamagedJournalIsRefusedAndNeverPanics(t *testing.T) {
	entry := appendEntry(nil, "k", runValue+2, []byte("abc"))
	whole := appendTail(entry, tail{entries: 3})
	for name, change := range map[string]func(*bbolt.Bucket) error{
		"a run that is cut short": func(b *bbolt.Bucket) error { return b.Put(runKey(1), whole[:len(whole)-1]) },
		"an entry that is cut short": func(b *bbolt.Bucket) error {
			return b.Put(runKey(1), appendTail(entry[:len(entry)-1], tail{entries: 3}))
		},
		"a run that misses an entry": func(b *bbolt.Bucket) error {
			return errors.Join(b.SetSequence(2), b.Put(runKey(2), appendTail(entry, tail{entries: 4})))
		},
		"a run behind the last":              func(b *bbolt.Bucket) error { return b.Put(runKey(1000), whole) },
		"a key that is no number":            func(b *bbolt.Bucket) error { return b.Put([]byte("x"), whole) },
		"a bucket that is none of the pairs": func(b *bbolt.Bucket) error { _, err := b.CreateBucket([]byte("y")); return err },
		"no pairs":                           func(b *bbolt.Bucket) error { return b.DeleteBucket(bucket) },
		"a run without a tail":               func(b *bbolt.Bucket) error { return b.Put(runKey(1), []byte{0, 0, 0}) },
		"a hand that goes back": func(b *bbolt.Bucket) error {
			return b.Put(runKey(0), appendTail(nil, tail{hand: hand{lap: 7}}))
		},
		"pairs beside it": func(b *bbolt.Bucket) error { _, err := b.Tx().CreateBucket(bucket); return err },
	} {
		t.Run(name, func(t *testing.T) {
			path := killed(t)
			raw(t, path, func(tx *bbolt.Tx) error { return change(tx.Bucket(journalBucket)) })
			if e, err := Open(path, Options{}); !errors.Is(err, kv.ErrDamaged) {
				t.Fatalf("got %v and %v, want kv.ErrDamaged", e, err)
			}
		})
	}
}

func TestARunThatGoesUnderTheEngineIsAnError(t *testing.T) {
	e := journaled(openNew(t), 10)
	putAll(t, e, "a")
	w := e.versions.Load().stands.copy()
	w.keys.Set("a", spot{run: 99, size: 1})
	w.keys.Set("b", spot{run: w.number, at: 1 << 20, size: 1})
	e.versions.Store(&versions{stands: w})
	for _, key := range []string{"a", "b"} {
		err := e.View(t.Context(), func(r kv.Reader) error {
			_, err := r.Get([]byte(key))
			return err
		})
		if !errors.Is(err, kv.ErrDamaged) {
			t.Fatalf("%s: got %v, want kv.ErrDamaged", key, err)
		}
	}
}

func TestThereIsRoomForMoreInALargerFile(t *testing.T) {
	for size, want := range map[int64]int{0: 0, journalFrom - 1: 0, journalFrom: 1024, 1 << 30: 16384, 1 << 40: mostWaiting} {
		if got := room(size); got != want {
			t.Errorf("in %d bytes %d keys may wait, want %d", size, got, want)
		}
	}
}

// FuzzRun reads runs that nobody wrote.
func FuzzRun(f *testing.F) {
	again := func(run []byte) (out []byte, err error) {
		t, entries, err := readTail(run)
		if err == nil {
			err = eachEntry(entries, func(key string, what uint64, at, size int) {
				out = appendEntry(out, key, what, run[at:at+size])
			})
		}
		return appendTail(out, t), err
	}
	f.Fuzz(func(t *testing.T, run []byte) {
		once, err := again(run)
		if err != nil {
			return
		}
		if twice, err := again(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x was read, written as %x, and that as %x: %v", run, once, twice, err)
		}
	})
}
