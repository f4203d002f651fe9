package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"signet/data/kv"
)

func readElsewhere(t *testing.T, nodes []kv.Engine) {
	for i, writer := range nodes {
		want := "k=" + strconv.Itoa(i)
		put(t, writer, "k", strconv.Itoa(i))
		for _, reader := range nodes {
			holds(t, reader, want)
			var seen string // the last run counts
			update(t, reader, func(tx kv.Tx) { seen = get(t, tx, "k") })
			same(t, []string{"k=" + seen}, []string{want})
		}
	}
}

func countersRaceAcross(t *testing.T, nodes []kv.Engine) {
	const writers, each = 12, 8
	for _, err := range together(writers, func(i int) error {
		for range each {
			err := nodes[i%len(nodes)].Update(context.Background(), func(tx kv.Tx) error {
				v, err := tx.Get([]byte("n"))
				tx.Put([]byte("n"), []byte(strconv.Itoa(number(v)+1)))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	holds(t, nodes[0], fmt.Sprintf("n=%d", writers*each))
}

func oneWinnerAcross(t *testing.T, nodes []kv.Engine) {
	taken := errors.New("taken")
	for round := range 8 {
		key := []byte("k" + strconv.Itoa(round))
		won := 0
		for _, err := range together(12, func(i int) error {
			return nodes[i%len(nodes)].Update(context.Background(), func(tx kv.Tx) error {
				if v, err := tx.Get(key); err != nil || v != nil {
					return errors.Join(err, taken)
				}
				tx.Put(key, []byte(strconv.Itoa(i)))
				return nil
			})
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, taken):
				t.Fatal(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d won, want 1", won)
		}
	}
}

// race lets two nodes do at once what only one of them may do, many times, and
// counts what they leave under "p/".
func race(t *testing.T, nodes []kv.Engine, before []string, step func(i int, tx kv.Tx, seen int), want int) {
	t.Helper()
	for range 24 {
		update(t, nodes[2], func(tx kv.Tx) {
			tx.Delete([]byte("p/0"))
			tx.Delete([]byte("p/1"))
		})
		put(t, nodes[2], before...)
		for _, err := range together(2, func(i int) error {
			return nodes[i].Update(context.Background(), func(tx kv.Tx) error {
				seen := 0
				err := tx.Scan([]byte("p/"), nil, func(_, v []byte) bool { seen += number(v); return true })
				step(i, tx, seen)
				return err
			})
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		left := 0
		update(t, nodes[2], func(tx kv.Tx) {
			left = 0
			_ = tx.Scan([]byte("p/"), nil, func(_, v []byte) bool { left += number(v); return true })
		})
		if left != want {
			t.Fatalf("%d is left, want %d", left, want)
		}
	}
}

func deletesAcross(t *testing.T, nodes []kv.Engine) {
	race(t, nodes, []string{"p/0", "1", "p/1", "1"}, func(i int, tx kv.Tx, seen int) {
		if seen == 2 {
			tx.Delete([]byte("p/" + strconv.Itoa(i)))
		}
	}, 1)
}

func insertsAcross(t *testing.T, nodes []kv.Engine) {
	race(t, nodes, []string{"q", "1"}, func(i int, tx kv.Tx, seen int) {
		if seen == 0 {
			tx.Put([]byte("p/"+strconv.Itoa(i)), []byte("1"))
		}
	}, 1)
}

// updatesAcross takes the larger half of two accounts only if both are full.
func updatesAcross(t *testing.T, nodes []kv.Engine) {
	race(t, nodes, []string{"p/0", "5", "p/1", "5"}, func(i int, tx kv.Tx, seen int) {
		if seen == 10 {
			tx.Put([]byte("p/"+strconv.Itoa(i)), []byte("1"))
		}
	}, 6)
}

// behindAScan lets another node write while a transaction is under way.
func behindAScan(t *testing.T, nodes []kv.Engine) {
	for _, c := range []struct {
		behind func(tx kv.Tx)
		want   string
	}{
		{func(tx kv.Tx) { tx.Put([]byte("p/2"), []byte("new")) }, "[p/1=old p/2=new p/3=old]"},
		{func(tx kv.Tx) { tx.Put([]byte("p/3"), []byte("new")) }, "[p/1=old p/3=new]"},
		{func(tx kv.Tx) { tx.Put([]byte("p/4"), []byte("new")) }, "[p/1=old p/3=old p/4=new]"},
		{func(tx kv.Tx) { tx.Delete([]byte("p/3")) }, "[p/1=old]"},
		{func(tx kv.Tx) { tx.Delete([]byte("p/1")); tx.Delete([]byte("p/3")) }, "[]"},
	} {
		update(t, nodes[0], func(tx kv.Tx) {
			tx.Delete([]byte("p/2"))
			tx.Delete([]byte("p/4"))
		})
		put(t, nodes[0], "p/1", "old", "p/3", "old")
		runs := 0
		update(t, nodes[0], func(tx kv.Tx) {
			runs++
			seen := scan(t, tx, "p/", "")
			if runs == 1 {
				update(t, nodes[1], c.behind)
			}
			tx.Put([]byte("seen"), fmt.Append(nil, seen))
		})
		wrote := ""
		update(t, nodes[2], func(tx kv.Tx) { wrote = get(t, tx, "seen") })
		same(t, []string{wrote}, []string{c.want})
	}
}

// twiceTheSame has a node remember a pair that another one changes, and then
// meet it in a scan, which knows better.
func twiceTheSame(t *testing.T, nodes []kv.Engine) {
	put(t, nodes[1], "p/1", "old")
	put(t, nodes[0], "p/1", "new")
	update(t, nodes[1], func(tx kv.Tx) {
		tx.Put([]byte("seen"), []byte(get(t, tx, "p/1")+", "+scan(t, tx, "p/", "")[0]))
	})
	holds(t, nodes[2], "p/1=new", "seen=new, p/1=new")
}

func absentNoMore(t *testing.T, nodes []kv.Engine) {
	update(t, nodes[1], func(tx kv.Tx) { _ = get(t, tx, "k") }) // and remembers that it is not there
	put(t, nodes[0], "k", "first")
	update(t, nodes[1], func(tx kv.Tx) {
		if get(t, tx, "k") == "-" {
			tx.Put([]byte("k"), []byte("second"))
		}
	})
	holds(t, nodes[2], "k=first")
}

func presentNoMore(t *testing.T, nodes []kv.Engine) {
	put(t, nodes[1], "k", "1")
	update(t, nodes[0], func(tx kv.Tx) { tx.Delete([]byte("k")) })
	update(t, nodes[1], func(tx kv.Tx) { tx.Put([]byte("seen"), []byte(get(t, tx, "k"))) })
	holds(t, nodes[2], "seen=-")

	// Another pair under the key is another pair.
	put(t, nodes[0], "k", "1")
	update(t, nodes[1], func(tx kv.Tx) { tx.Put([]byte("seen"), []byte(get(t, tx, "k"))) })
	holds(t, nodes[2], "k=1", "seen=1")
}

// nothingStale has a node remember a pair that another node changes.
func nothingStale(t *testing.T, nodes []kv.Engine) {
	stale := func(want string) {
		put(t, nodes[1], "k", "old")
		put(t, nodes[0], "k", want)
	}
	stale("answered")
	seen := ""
	update(t, nodes[1], func(tx kv.Tx) { seen = get(t, tx, "k") })
	same(t, []string{seen}, []string{"answered"})

	stale("failed")
	err := nodes[1].Update(context.Background(), func(tx kv.Tx) error { return errors.New(get(t, tx, "k")) })
	same(t, []string{err.Error()}, []string{"failed"})

	stale("panicked")
	func() {
		defer func() {
			if p := recover(); p != "panicked" {
				t.Fatalf("recovered %v", p)
			}
		}()
		_ = nodes[1].Update(context.Background(), func(tx kv.Tx) error { panic(get(t, tx, "k")) })
	}()

	stale("refused")
	err = nodes[1].Update(context.Background(), func(tx kv.Tx) error {
		if get(t, tx, "k") == "old" {
			tx.Put([]byte("k"), nil)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("what was read was not so: %v", err)
	}
	holds(t, nodes[2], "k=refused")
}

func neverTorn(t *testing.T, nodes []kv.Engine) {
	put(t, nodes[0], "a", "0", "b", "0")
	for _, err := range together(3, func(i int) error {
		for n := range 32 {
			err := nodes[i].Update(context.Background(), func(tx kv.Tx) error {
				a, errA := tx.Get([]byte("a"))
				b, errB := tx.Get([]byte("b"))
				if err := errors.Join(errA, errB); err != nil {
					return err
				}
				if string(a) != string(b) {
					return fmt.Errorf("a is %s and b is %s", a, b)
				}
				if i == 0 {
					tx.Put([]byte("a"), []byte(strconv.Itoa(n)))
					tx.Put([]byte("b"), []byte(strconv.Itoa(n)))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// watchAcross has prefixes of its own for each node: a node may hear late of
// what was committed before.
func watchAcross(t *testing.T, nodes []kv.Engine) {
	for i, e := range nodes {
		p, q := fmt.Sprintf("p%d/", i), fmt.Sprintf("q%d/", i)
		under, stop := e.Watch([]byte(p))
		other, stopOther := e.Watch([]byte(q))
		writer := nodes[(i+1)%len(nodes)]
		put(t, writer, p+"1", "1")
		<-under
		update(t, writer, func(tx kv.Tx) { tx.Delete([]byte(p + "1")) })
		<-under
		if woken(other) {
			t.Fatal("woken for another prefix")
		}
		put(t, writer, q+"1", "1")
		<-other
		stop()
		stopOther()
	}
}
