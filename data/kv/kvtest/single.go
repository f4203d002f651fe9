package kvtest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"

	"signet/data/kv"
)

func readsOwnWrites(t *testing.T, e kv.Engine) {
	put(t, e, "a", "old", "b", "old")
	update(t, e, func(tx kv.Tx) {
		tx.Put([]byte("a"), []byte("new"))
		tx.Delete([]byte("b"))
		tx.Put([]byte("c"), []byte("first"))
		tx.Put([]byte("c"), []byte("second"))
		same(t, []string{get(t, tx, "a"), get(t, tx, "b"), get(t, tx, "c"), get(t, tx, "d")},
			[]string{"new", "-", "second", "-"})
	})
	holds(t, e, "a=new", "c=second")
}

func readsCommits(t *testing.T, e kv.Engine) {
	holds(t, e)
	put(t, e, "k", "1")
	holds(t, e, "k=1")
	update(t, e, func(tx kv.Tx) {
		same(t, scan(t, tx, "", ""), []string{"k=1"})
		tx.Delete([]byte("k"))
	})
	holds(t, e)
}

func scanBounds(t *testing.T, e kv.Engine) {
	put(t, e, "b/2", "2", "a", "0", "b/1", "1", "b/\xff", "f", "b0", "x", "c", "9", "b/10", "10", "b", "p")
	for _, c := range []struct {
		prefix, start string
		want          []string
	}{
		{"", "", []string{"a=0", "b=p", "b/1=1", "b/10=10", "b/2=2", "b/\xff=f", "b0=x", "c=9"}},
		{"b/", "", []string{"b/1=1", "b/10=10", "b/2=2", "b/\xff=f"}},
		{"b/", "b/10", []string{"b/10=10", "b/2=2", "b/\xff=f"}},
		{"b/", "b/11", []string{"b/2=2", "b/\xff=f"}},
		{"b/", "a", []string{"b/1=1", "b/10=10", "b/2=2", "b/\xff=f"}},
		{"b/", "b0", []string{}},
		{"b/1", "b/1\x00", []string{"b/10=10"}},
		{"\xff", "", []string{}},
		{"", "b0", []string{"b0=x", "c=9"}},
		{"", "d", []string{}},
	} {
		read := func(r kv.Reader) error {
			same(t, scan(t, r, c.prefix, c.start), c.want)
			return nil
		}
		if err := e.View(context.Background(), read); err != nil {
			t.Fatal(err)
		}
		update(t, e, func(tx kv.Tx) { _ = read(tx) })
	}
}

func scanOwnWrites(t *testing.T, e kv.Engine) {
	put(t, e, "p/1", "1", "p/3", "3", "p/5", "5", "p/7", "7", "q", "q")
	update(t, e, func(tx kv.Tx) {
		tx.Put([]byte("p/0"), []byte("first"))
		tx.Put([]byte("p/3"), []byte("over"))
		tx.Put([]byte("p/4"), []byte("between"))
		tx.Delete([]byte("p/5"))
		tx.Put([]byte("p/8"), []byte("last"))
		tx.Put([]byte("p/9"), []byte("gone"))
		tx.Delete([]byte("p/9"))
		tx.Delete([]byte("p/1"))
		tx.Put([]byte("p/1"), []byte("back"))
		same(t, scan(t, tx, "p/", ""),
			[]string{"p/0=first", "p/1=back", "p/3=over", "p/4=between", "p/7=7", "p/8=last"})
		same(t, scan(t, tx, "p/", "p/4"), []string{"p/4=between", "p/7=7", "p/8=last"})
		same(t, scan(t, tx, "p/", "p/8"), []string{"p/8=last"})
	})
	holds(t, e, "p/0=first", "p/1=back", "p/3=over", "p/4=between", "p/7=7", "p/8=last", "q=q")
}

func scanWhileWriting(t *testing.T, e kv.Engine) {
	put(t, e, "p/1", "1", "p/2", "2", "p/3", "3")
	update(t, e, func(tx kv.Tx) {
		tx.Put([]byte("p/2"), []byte("over"))
		var seen []string
		err := tx.Scan([]byte("p/"), nil, func(k, v []byte) bool {
			seen = append(seen, string(k)+"="+string(v))
			tx.Delete(k)
			tx.Put(append([]byte("p/9"), k...), v)
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, seen, []string{"p/1=1", "p/2=over", "p/3=3"})
	})
	holds(t, e, "p/9p/1=1", "p/9p/2=over", "p/9p/3=3")
}

func scanStops(t *testing.T, e kv.Engine) {
	put(t, e, "a", "1", "c", "3")
	update(t, e, func(tx kv.Tx) {
		tx.Put([]byte("b"), []byte("2"))
		tx.Put([]byte("d"), []byte("4"))
		for stop := 1; stop <= 4; stop++ {
			calls := 0
			err := tx.Scan(nil, nil, func(_, _ []byte) bool {
				calls++
				return calls < stop
			})
			if err != nil || calls != stop {
				t.Fatalf("stopped after %d, want %d; error %v", calls, stop, err)
			}
		}
	})
}

func errorDiscards(t *testing.T, e kv.Engine) {
	put(t, e, "a", "1")
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		tx.Put([]byte("a"), []byte("2"))
		tx.Put([]byte("b"), []byte("2"))
		return errWanted
	})
	if err != errWanted {
		t.Fatalf("got %v, want the function's own error", err)
	}
	if err = e.View(context.Background(), func(kv.Reader) error { return errWanted }); err != errWanted {
		t.Fatalf("got %v from View, want the function's own error", err)
	}
	holds(t, e, "a=1")
}

func panicDiscards(t *testing.T, e kv.Engine) {
	put(t, e, "a", "1")
	for _, run := range []func() error{
		func() error {
			return e.Update(context.Background(), func(tx kv.Tx) error {
				tx.Put([]byte("a"), []byte("2"))
				panic("on purpose")
			})
		},
		func() error {
			return e.View(context.Background(), func(kv.Reader) error { panic("on purpose") })
		},
		func() error {
			return e.Update(context.Background(), func(tx kv.Tx) error {
				return tx.Scan(nil, nil, func(_, _ []byte) bool { panic("on purpose") })
			})
		},
	} {
		func() {
			defer func() {
				if p := recover(); p != "on purpose" {
					t.Fatalf("recovered %v, want the function's own panic", p)
				}
			}()
			t.Fatalf("returned %v instead of the panic", run())
		}()
	}
	put(t, e, "b", "1")
	holds(t, e, "a=1", "b=1")
}

// exitDiscards is what t.Fatal does inside of a function.
func exitDiscards(t *testing.T, e kv.Engine) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Update(context.Background(), func(tx kv.Tx) error {
			tx.Put([]byte("a"), []byte("1"))
			runtime.Goexit()
			return nil
		})
	}()
	<-done
	put(t, e, "b", "1")
	holds(t, e, "b=1")
}

func refusesEmpty(t *testing.T, e kv.Engine) {
	for _, p := range [][2][]byte{{nil, []byte("v")}, {{}, []byte("v")}, {[]byte("k"), nil}, {[]byte("k"), {}}} {
		refuses(t, e, p[0], p[1])
	}
}

func (l Limits) refusesLong(t *testing.T, e kv.Engine) {
	refuses(t, e, make([]byte, kv.MaxKey+1), []byte("v"))
	refuses(t, e, []byte("k"), make([]byte, kv.MaxValue+1))
	key, value := bytes.Repeat([]byte("k"), kv.MaxKey), bytes.Repeat([]byte("v"), l.value())
	put(t, e, string(key), string(value))
	holds(t, e, string(key)+"="+string(value))
}

func refuses(t *testing.T, e kv.Engine, key, value []byte) {
	t.Helper()
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		tx.Put([]byte("other"), []byte("v"))
		tx.Put(key, value)
		return nil
	})
	if !errors.Is(err, kv.ErrPair) {
		t.Fatalf("got %v, want kv.ErrPair", err)
	}
	holds(t, e)
}

func copies(t *testing.T, e kv.Engine) {
	update(t, e, func(tx kv.Tx) {
		key, value := []byte("key"), []byte("value")
		tx.Put(key, value)
		copy(key, "xxx")
		copy(value, "xxxxx")
		same(t, scan(t, tx, "", ""), []string{"key=value"})
		gone := []byte("gone")
		tx.Put(gone, []byte("v"))
		tx.Delete(gone)
		copy(gone, "key\x00")
	})
	holds(t, e, "key=value")
}

func deletesNothing(t *testing.T, e kv.Engine) {
	update(t, e, func(tx kv.Tx) {
		tx.Delete([]byte("nothing"))
		tx.Delete(nil)
	})
	holds(t, e)
}

func endedContext(t *testing.T, e kv.Engine) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errWanted)
	ran := false
	for _, err := range []error{
		e.Update(ctx, func(kv.Tx) error { ran = true; return nil }),
		e.View(ctx, func(kv.Reader) error { ran = true; return nil }),
	} {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, errWanted) {
			t.Fatalf("got %v, want the context's error", err)
		}
	}
	if ran {
		t.Fatal("a function ran under a context that had ended")
	}
}

func closedRefuses(t *testing.T, e kv.Engine) {
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	ran := false
	for _, err := range []error{
		e.Update(context.Background(), func(kv.Tx) error { ran = true; return nil }),
		e.View(context.Background(), func(kv.Reader) error { ran = true; return nil }),
	} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Fatalf("got %v, want kv.ErrClosed", err)
		}
	}
	if ran {
		t.Fatal("a function ran on a closed engine")
	}
}

func closesTwice(t *testing.T, e kv.Engine) {
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
