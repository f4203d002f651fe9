package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// put writes n pairs at once, with values of that length.
func put(t *testing.T, e *Engine, n, length int, key func(i int) []byte) {
	t.Helper()
	err := e.Update(t.Context(), func(tx kv.Tx) error {
		for i := range n {
			tx.Put(key(i), bytes.Repeat([]byte("v"), length))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// revived is the store as a kill -9 would leave it, open again.
func revived(t *testing.T, e *Engine, room int) *Engine {
	t.Helper()
	data, err := os.ReadFile(e.path)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "revived.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	return journaled(again, room)
}

// The bank is accounts that move money among them: whoever looks finds the same
// sum. An account with nothing in it is no pair, and some values are long.
const bankAccounts, bankSum = 40, 4000

func account(i int) []byte { return fmt.Appendf(nil, "account/%03d", i) }

func balance(v []byte) int {
	digits, _, _ := strings.Cut(string(v), " ")
	n, _ := strconv.Atoi(digits)
	return n
}

func setBalance(tx kv.Tx, i, n, pad int) {
	if n == 0 {
		tx.Delete(account(i))
		return
	}
	tx.Put(account(i), []byte(strconv.Itoa(n)+" "+strings.Repeat("x", pad)))
}

// audit scans all accounts.
func audit(r kv.Reader) error {
	sum, last := 0, ""
	err := r.Scan([]byte("account/"), nil, func(k, v []byte) bool {
		if string(k) <= last {
			sum = -1 << 30
		}
		sum, last = sum+balance(v), string(k)
		return true
	})
	if err == nil && sum != bankSum {
		err = fmt.Errorf("a sum of %d, want %d", sum, bankSum)
	}
	return err
}

// move moves money from one account to another and counts that for its writer.
func move(r *rand.Rand, writer int) func(kv.Tx) error {
	from, to, pad := r.IntN(bankAccounts), r.IntN(bankAccounts), r.IntN(2)*r.IntN(longValue+200)
	return func(tx kv.Tx) error {
		a, errA := tx.Get(account(from))
		amount := min(balance(a), 30)
		setBalance(tx, from, balance(a)-amount, pad)
		b, errB := tx.Get(account(to))
		setBalance(tx, to, balance(b)+amount, pad)
		count := fmt.Appendf(nil, "count/%d", writer)
		n, errN := tx.Get(count)
		tx.Put(count, strconv.AppendInt(nil, int64(balance(n)+1), 10))
		if writer%2 == 0 { // then whatever another writes overtakes this one
			return errors.Join(errA, errB, errN, audit(tx))
		}
		return errors.Join(errA, errB, errN)
	}
}

func panics(e *Engine, fn func(kv.Tx) error) {
	defer func() { _ = recover() }()
	_ = e.Update(context.Background(), func(tx kv.Tx) error {
		_ = fn(tx)
		panic("of the caller")
	})
}

func TestWritersViewsAndACompactionBesideEachOtherLoseNothingOfAJournal(t *testing.T) {
	const writers, each = 4, 60
	e := journaled(many(t, 0), 5)
	put := func(tx kv.Tx) error {
		for i := range bankAccounts {
			setBalance(tx, i, bankSum/bankAccounts, 0)
		}
		return nil
	}
	if err := e.Update(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	var commits atomic.Int64
	e.commit = func(tx *bbolt.Tx) error {
		if commits.Add(1)%7 == 0 {
			return errors.Join(tx.Rollback(), writeError(syscall.ENOSPC))
		}
		return tx.Commit()
	}
	over, stop := context.WithCancel(t.Context())
	var beside, writing sync.WaitGroup
	again := func(fn func() error) {
		beside.Go(func() {
			for over.Err() == nil {
				if err := fn(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	again(func() error { return e.View(context.Background(), audit) })
	again(func() error { return e.View(context.Background(), audit) })
	again(func() error {
		return errors.Join(e.Compact(context.Background()), e.Check(context.Background()))
	})
	var told [writers]int
	for w := range writers {
		r := rand.New(rand.NewPCG(uint64(w), 7))
		writing.Go(func() {
			for i := range each {
				if i%10 == 9 {
					panics(e, move(r, w))
					continue
				}
				switch err := e.Update(context.Background(), move(r, w)); {
				case err == nil:
					told[w]++
				case !errors.Is(err, kv.ErrNoSpace):
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	stop()
	beside.Wait()
	if s := e.Stats(); s.Conflicts == 0 || s.Commits == 0 {
		t.Errorf("nobody was overtaken: %+v", s)
	}
	for _, e := range []*Engine{e, revived(t, e, 5)} {
		err := e.View(t.Context(), func(r kv.Reader) error {
			for w, n := range told {
				if v, err := r.Get(fmt.Appendf(nil, "count/%d", w)); err != nil || balance(v) != n {
					t.Errorf("writer %d was told of %d writes, and there are %q, error %v", w, n, v, err)
				}
			}
			return audit(r)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestALongGroupIsSeveralRuns(t *testing.T) {
	const pairs, length = 100, 4000
	e := journaled(openNew(t), 1000)
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, length) }
	whole := func(r kv.Reader) error {
		for i := range pairs {
			if v, err := r.Get(manyKey(i)); err != nil || !bytes.Equal(v, value(i)) {
				return fmt.Errorf("pair %d is another: %.4x, error %w", i, v, err)
			}
		}
		return nil
	}
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	writer := background(e, t.Context(), func(tx kv.Tx) error {
		for i := range pairs {
			tx.Put(manyKey(i), value(i))
		}
		return nil
	})
	waitQueued(e, 1)
	tries := 0
	overtaken := background(e, t.Context(), func(tx kv.Tx) error {
		if tries++; tries == 1 {
			_, err := tx.Get(manyKey(0))
			tx.Put([]byte("last"), []byte("v"))
			return err
		}
		tx.Put([]byte("last"), []byte("v"))
		return whole(tx)
	})
	waitQueued(e, 2)
	close(g.open)
	<-g.arrived
	if err := errors.Join(<-first, <-writer, <-overtaken); err != nil || tries != 2 {
		t.Fatalf("after %d tries: %v", tries, err)
	}
	e.commit = (*bbolt.Tx).Commit // no gate before those of Close
	if n := runs(t, e); n < 1+pairs*length/(longRun+longValue) || n > 3+pairs*length/longRun {
		t.Errorf("%d bytes are in %d runs", pairs*length, n)
	}
	for _, e := range []*Engine{e, revived(t, e, 1000)} {
		if err := e.View(t.Context(), whole); err != nil {
			t.Error(err)
		}
	}
}

func TestALongValueGoesToItsPlaceAtOnce(t *testing.T) {
	for length, waits := range map[int]int{longValue - 1: 1, longValue: 0, longValue + 1: 0} {
		e := journaled(openNew(t), 10)
		put(t, e, 1, length, manyKey)
		if got := e.versions.Load().stands.keys.Len(); got != waits {
			t.Errorf("of a value of %d bytes %d keys wait, want %d", length, got, waits)
		}
	}
}

// A view may begin when a commit is on the disk and the engine does not know yet.
func TestAViewOfACommitThatHasJustReachedTheDiskFindsWhatWaits(t *testing.T) {
	e := journaled(openNew(t), 10)
	put(t, e, 1, 10, func(int) []byte { return []byte("a") })
	met := false
	e.commit = func(tx *bbolt.Tx) error {
		if err := tx.Commit(); err != nil {
			return err
		}
		view, err := e.begin(false)
		if err != nil {
			return err
		}
		defer e.rollback(view)
		r, err := e.read(view)
		if err != nil {
			return err
		}
		v, err := r.Get([]byte("b"))
		met = v != nil
		return err
	}
	put(t, e, 1, 10, func(int) []byte { return []byte("b") })
	if !met {
		t.Fatal("a view of the newest commit does not find what it wrote")
	}
}

// Were old runs not forgotten behind the hand, it would have to hurry, and fewer
// keys would come to their places together.
func TestTheHandNeedNotHurryWhereKeysAreRandom(t *testing.T) {
	const pairs, room, changes = 2000, 80, 1500
	for _, atOnce := range []int{1, 7} {
		e := journaled(many(t, pairs), room)
		r := rand.New(rand.NewPCG(8, 9))
		most := 0
		for i := range changes / atOnce {
			put(t, e, atOnce, 300, func(int) []byte { return manyKey(r.IntN(pairs)) })
			w := e.versions.Load().stands
			if i*atOnce > 2*room && w.keys.Len() < room {
				t.Fatalf("%d at once: after %d commits %d keys wait, where %d may", atOnce, i, w.keys.Len(), room)
			}
			most = max(most, int(w.needed()))
		}
		if most > 7*room/2 {
			t.Errorf("%d at once: the journal had %d entries, where %d keys may wait", atOnce, most, room)
		}
		t.Logf("%d at once: at most %d entries", atOnce, most)
	}
}

// neverGrows fails the test if bbolt makes the file longer within a commit.
func neverGrows(t *testing.T, e *Engine) *Engine {
	size := func() int64 {
		info, err := os.Stat(e.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	e.commit = func(tx *bbolt.Tx) error {
		before := size()
		err := tx.Commit()
		if after := size(); after != before {
			t.Errorf("a commit made the file longer, from %d to %d bytes", before, after)
		}
		return err
	}
	return e
}

func TestBboltNeverGrowsTheFileItself(t *testing.T) {
	for name, length := range map[string]int{"short values": 100, "some that wait": 4000, "long ones": 9000} {
		t.Run(name, func(t *testing.T) {
			e := neverGrows(t, journaled(many(t, 0), 50))
			r := rand.New(rand.NewPCG(1, 1))
			for range 100 {
				put(t, e, 1+r.IntN(1<<r.IntN(7)), 1+r.IntN(length), func(int) []byte {
					return append(manyKey(r.IntN(500)), bytes.Repeat([]byte("k"), r.IntN(1<<r.IntN(10)))...)
				})
			}
		})
	}
}

func TestAHurriedHandPlacesTwoKeysForEachThatIsWritten(t *testing.T) {
	const room = 50
	e := journaled(many(t, 0), room)
	put(t, e, room, 10, manyKey)
	before := room
	least := room
	for i := range 2 * mostEntries * room {
		put(t, e, 1, 10, func(int) []byte { return manyKey(0) })
		now := e.versions.Load().stands.keys.Len()
		if now < before-2 {
			t.Fatalf("commit %d of one key placed %d", i, before-now)
		}
		before, least = now, min(least, now)
	}
	if least == room {
		t.Fatal("the hand never hurried")
	}
}

func TestACloseLeavesNothingOfAJournal(t *testing.T) {
	e := journaled(openNew(t), 10)
	put(t, e, 100, 10, manyKey)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, e.path, func(tx *bbolt.Tx) error {
		if tx.Bucket(journalBucket) != nil {
			t.Error("the next journal could not begin")
		}
		return nil
	})
}
