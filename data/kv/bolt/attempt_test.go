package bolt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// counted counts the runs of fn.
func counted(runs *int, fn func(kv.Tx) error) func(kv.Tx) error {
	return func(tx kv.Tx) error {
		*runs++
		return fn(tx)
	}
}

// putAll puts values under keys.
func putAll(t *testing.T, e *Engine, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := e.Update(t.Context(), write(k)); err != nil {
			t.Fatal(err)
		}
	}
}

func get(key string) func(kv.Tx) error {
	return func(tx kv.Tx) error {
		_, err := tx.Get([]byte(key))
		tx.Put([]byte("mine"), []byte("v"))
		return err
	}
}

// scan passes the keys under prefix from start on, and stops at last.
func scan(prefix, start, last string) func(kv.Tx) error {
	return func(tx kv.Tx) error {
		tx.Put([]byte("mine"), []byte("v"))
		return tx.Scan([]byte(prefix), []byte(start), func(k, _ []byte) bool { return string(k) != last })
	}
}

func TestAFunctionRunsAgainOnlyIfWhatItReadWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		fn    func(kv.Tx) error
		other string // that another writer writes, or deletes
		again bool
	}{
		"another key is written":                   {get("a/2"), "a/3", false},
		"the key is written":                       {get("a/2"), "a/2", true},
		"a key that was not there is written":      {get("new"), "new", true},
		"a key of the scan is written":             {scan("a/", "", ""), "a/3", true},
		"a key appears in the scan":                {scan("a/", "", ""), "a/25", true},
		"a key appears behind the last":            {scan("a/", "", ""), "a/9", true},
		"a key beside the prefix is written":       {scan("a/", "", ""), "b", false},
		"a key before the start is written":        {scan("a/", "a/2", ""), "a/1", false},
		"a key at which the scan stopped":          {scan("a/", "", "a/2"), "a/2", true},
		"a key behind the one where it stopped":    {scan("a/", "", "a/2"), "a/3", false},
		"a key before the one where it stopped":    {scan("a/", "", "a/2"), "a/15", true},
		"nothing that it read, as it read nothing": {write("mine"), "a/1", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, deleted := range []bool{false, true} {
				for _, sameGroup := range []bool{false, true} {
					e := openNew(t)
					putAll(t, e, "a/1", "a/2", "a/3", "a/4")
					other := write(c.other)
					if deleted {
						other = func(tx kv.Tx) error { tx.Delete([]byte(c.other)); return nil }
					}
					runs := 0
					overtake(t, e, other, counted(&runs, c.fn), sameGroup)
					if again := runs > 1; again != c.again {
						t.Errorf("deleted %v, in the same group %v: it ran %d times", deleted, sameGroup, runs)
					}
					if n := e.Stats().Conflicts; n != uint64(runs-1) {
						t.Errorf("%d conflicts are counted, for %d runs", n, runs)
					}
				}
			}
		})
	}
}

// overtake lets fn read before other is committed, and be taken after it.
func overtake(t *testing.T, e *Engine, other, fn func(kv.Tx) error, sameGroup bool) {
	t.Helper()
	g := hold(e)
	var before []<-chan error
	if sameGroup { // as which both wait for this one
		before = append(before, background(e, t.Context(), write("unread")))
		<-g.arrived
		before = append(before, background(e, t.Context(), other))
		waitQueued(e, 1)
		before = append(before, background(e, t.Context(), fn))
		waitQueued(e, 2)
	} else {
		before = append(before, background(e, t.Context(), other))
		<-g.arrived
		before = append(before, background(e, t.Context(), fn))
		waitQueued(e, 1)
	}
	g.open <- struct{}{}
	<-g.arrived
	g.open <- struct{}{}
	for _, done := range before {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAttemptOlderThanTheHistoryRunsAgain(t *testing.T) {
	for name, forget := range map[string]func(*testing.T, *Engine){
		"many groups": func(t *testing.T, e *Engine) {
			for i := range historyGroups + 1 {
				putAll(t, e, fmt.Sprint("other/", i))
			}
		},
		"groups of many keys": func(t *testing.T, e *Engine) {
			for range 3 {
				err := e.Update(t.Context(), func(tx kv.Tx) error {
					for i := range historyKeys + 1 {
						tx.Put(fmt.Append(nil, "other/", i), []byte("v"))
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := openNew(t)
			runs := 0
			err := e.Update(t.Context(), counted(&runs, func(tx kv.Tx) error {
				if runs == 1 {
					forget(t, e)
				}
				return get("k")(tx)
			}))
			if err != nil || runs != 2 {
				t.Fatalf("it ran %d times, error %v", runs, err)
			}
			if n, keys := len(e.history.groups), e.history.size; n > historyGroups || keys > 2*historyKeys+2 {
				t.Fatalf("%d groups with %d keys are remembered", n, keys)
			}
		})
	}
}

func TestWhoeverPanicsOrExitsInAnAttemptLeavesNothing(t *testing.T) {
	e := openNew(t)
	err := <-background(e, t.Context(), func(tx kv.Tx) error { _ = write("c")(tx); panic("on purpose") })
	if err == nil || err.Error() != "panic: on purpose" {
		t.Fatalf("the panicking function returned %v", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = e.Update(context.Background(), func(tx kv.Tx) error { _ = write("x")(tx); runtime.Goexit(); return nil })
	}()
	<-exited
	putAll(t, e, "after")
	if has(t, e, "c") || has(t, e, "x") || e.Stats().Updates != 1 {
		t.Fatal("something of them is there")
	}
}

func TestAnErrorThatWasReadFromAWriteOnItsWayIsDecidedAgain(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	commit := e.commit
	e.commit = func(tx *bbolt.Tx) error { // the view of the attempt holds it, and the disk not yet
		err := commit(tx)
		g.arrived <- struct{}{}
		<-g.open
		return err
	}
	taken := errors.New("taken")
	writer := background(e, t.Context(), write("k"))
	<-g.arrived
	g.open <- struct{}{}
	<-g.arrived // committed, and not yet said
	runs := 0
	reader := background(e, t.Context(), counted(&runs, func(tx kv.Tx) error {
		if v, err := tx.Get([]byte("k")); err != nil || v != nil {
			return errors.Join(err, taken)
		}
		return nil
	}))
	waitQueued(e, 1)
	select {
	case err := <-reader:
		t.Fatalf("it returned %v before the commit that it had read", err)
	default:
	}
	g.open <- struct{}{}
	if err := <-writer; err != nil {
		t.Fatal(err)
	}
	if err := <-reader; !errors.Is(err, taken) || runs != 2 {
		t.Fatalf("got %v after %d runs", err, runs)
	}
}

// Each transfer reads two accounts and moves one coin; whoever read an old
// balance would make or lose money. The sum is also what each audit sees.
func TestNoMoneyIsMadeByThoseWhoReadBesideOthers(t *testing.T) {
	const accounts, coins = 5, 50
	e := openNew(t)
	key := func(i int) []byte { return fmt.Append(nil, "account/", i) }
	err := e.Update(t.Context(), func(tx kv.Tx) error {
		for i := range accounts {
			tx.Put(key(i), []byte{coins})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	audit := func(tx kv.Tx) error {
		sum := 0
		err := tx.Scan([]byte("account/"), nil, func(_, v []byte) bool { sum += int(v[0]); return true })
		if err == nil && sum != accounts*coins {
			err = fmt.Errorf("an audit found %d coins", sum)
		}
		tx.Put([]byte("audited"), []byte("v"))
		return err
	}
	transfer := func(r *rand.Rand) func(kv.Tx) error {
		from, to := key(r.IntN(accounts)), key(r.IntN(accounts))
		return func(tx kv.Tx) error {
			for _, step := range []struct {
				key []byte
				by  int
			}{{from, -1}, {to, 1}} {
				v, err := tx.Get(step.key)
				if err != nil {
					return err
				}
				if v[0] == 0 && step.by < 0 {
					return nil // the account is empty
				}
				tx.Put(step.key, []byte{v[0] + byte(step.by)})
			}
			return nil
		}
	}
	var wg sync.WaitGroup
	ready := make(chan struct{})
	for i := range 16 {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		wg.Go(func() {
			<-ready
			for range 40 {
				fn := transfer(r)
				if r.IntN(5) == 0 {
					fn = audit
				}
				if err := e.Update(context.Background(), fn); err != nil {
					t.Error(err)
				}
			}
		})
	}
	close(ready)
	wg.Wait()
	if err := e.Update(t.Context(), audit); err != nil {
		t.Fatal(err)
	}
	if e.Stats().Conflicts == 0 {
		t.Fatal("nobody was overtaken, so nothing was shown")
	}
}
