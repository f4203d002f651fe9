package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"signet/data/kv"
)

func viewIsConsistent(t *testing.T, e kv.Engine) {
	put(t, e, "a", "1", "b", "1")
	for _, first := range []func(kv.Reader){
		func(r kv.Reader) { same(t, []string{get(t, r, "a")}, []string{"1"}) },
		func(r kv.Reader) { same(t, scan(t, r, "", ""), []string{"a=1", "b=1"}) },
	} {
		viewStaysAsItWas(t, e, first)
		update(t, e, func(tx kv.Tx) { tx.Delete([]byte("c")) })
		put(t, e, "a", "1", "b", "1")
	}
}

func viewStaysAsItWas(t *testing.T, e kv.Engine, first func(kv.Reader)) {
	t.Helper()
	err := e.View(context.Background(), func(r kv.Reader) error {
		first(r)
		written := make(chan struct{})
		go func() { // of another caller: transactions do not nest
			defer close(written)
			put(t, e, "a", "2", "b", "2", "c", "2")
		}()
		<-written
		same(t, scan(t, r, "", ""), []string{"a=1", "b=1"})
		same(t, []string{get(t, r, "a"), get(t, r, "c")}, []string{"1", "-"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, e, "a=2", "b=2", "c=2")
}

func woken(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func watchWakes(t *testing.T, e kv.Engine) {
	under, stop := e.Watch([]byte("p/"))
	defer stop()
	all, stopAll := e.Watch(nil)
	defer stopAll()
	other, stopOther := e.Watch([]byte("q/"))
	defer stopOther()

	put(t, e, "p/1", "1")
	if !woken(under) || !woken(all) {
		t.Fatal("nobody was told when the update returned")
	}
	put(t, e, "p/1", "2")
	put(t, e, "p/2", "2") // not read yet: both arrive as one
	<-under
	<-all
	update(t, e, func(tx kv.Tx) { tx.Delete([]byte("p/1")) })
	<-under
	<-all
	put(t, e, "p", "outside") // the prefix itself is longer
	<-all
	if woken(other) {
		t.Fatal("woken for another prefix")
	}
}

func watchSilent(t *testing.T, e kv.Engine) {
	silent, stop := e.Watch([]byte("p/"))
	_ = e.Update(context.Background(), func(tx kv.Tx) error {
		tx.Put([]byte("p/1"), []byte("1"))
		return errWanted
	})
	_ = e.Update(context.Background(), func(tx kv.Tx) error {
		tx.Put([]byte("p/1"), nil)
		return nil
	})
	last, stopLast := e.Watch([]byte("q/"))
	defer stopLast()
	put(t, e, "q/1", "1")
	<-last // whatever was to come has come
	if woken(silent) {
		t.Fatal("woken although nothing under the prefix was committed")
	}
	stop()
	stop()
	put(t, e, "p/1", "1", "q/1", "2")
	<-last
	if woken(silent) {
		t.Fatal("woken after the watch ended")
	}
}

func countersRace(t *testing.T, e kv.Engine) {
	const writers, each = 16, 8
	for _, err := range together(writers, func(int) error {
		for range each {
			err := e.Update(context.Background(), func(tx kv.Tx) error {
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
	holds(t, e, fmt.Sprintf("n=%d", writers*each))
}

// writeSkew has two doctors on duty who both want to leave while the other
// stays: each reads both keys and writes its own, so a store that only looked
// for writes to the same key would let both go.
func writeSkew(t *testing.T, e kv.Engine) {
	for range 16 {
		put(t, e, "duty/0", "yes", "duty/1", "yes")
		for _, err := range together(2, func(i int) error {
			return e.Update(context.Background(), func(tx kv.Tx) error {
				n := 0
				err := tx.Scan([]byte("duty/"), nil, func(_, _ []byte) bool { n++; return true })
				if n == 2 {
					tx.Delete([]byte("duty/" + strconv.Itoa(i)))
				}
				return err
			})
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		left := 0
		update(t, e, func(tx kv.Tx) { left = len(scan(t, tx, "duty/", "")) })
		if left != 1 {
			t.Fatalf("%d on duty, want 1", left)
		}
	}
}

func oneWinner(t *testing.T, e kv.Engine) {
	taken := errors.New("taken")
	won := 0
	for _, err := range together(32, func(i int) error {
		return e.Update(context.Background(), func(tx kv.Tx) error {
			if v, err := tx.Get([]byte("k")); err != nil || v != nil {
				return errors.Join(err, taken)
			}
			tx.Put([]byte("k"), []byte(strconv.Itoa(i)))
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

// failsAlone mixes functions that succeed, fail and panic.
func failsAlone(t *testing.T, e kv.Engine) {
	const n = 48
	errs := together(n, func(i int) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic %v", p)
			}
		}()
		err = e.Update(context.Background(), func(tx kv.Tx) error {
			tx.Put(fmt.Appendf(nil, "k%02d", i), []byte("v"))
			switch i % 4 {
			case 1:
				return errWanted
			case 2:
				panic(i)
			}
			return nil
		})
		if want := i%4 == 1; want != errors.Is(err, errWanted) {
			return fmt.Errorf("function %d returned %v", i, err)
		}
		return nil
	})
	panics := 0
	for _, err := range errs {
		if err != nil {
			if err.Error()[:5] != "panic" {
				t.Fatal(err)
			}
			panics++
		}
	}
	if panics != n/4 {
		t.Fatalf("%d panics reached their callers, want %d", panics, n/4)
	}
	var want []string
	for i := range n {
		if i%4 == 0 || i%4 == 3 {
			want = append(want, fmt.Sprintf("k%02d=v", i))
		}
	}
	holds(t, e, want...)
}
