package mem_test

import (
	"context"
	"errors"
	"testing"

	"signet/data/kv"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

func TestSuite(t *testing.T) {
	kvtest.Limits{Value: 1 << 20}.Run(t, func(t *testing.T) kv.Engine {
		e := mem.New()
		t.Cleanup(func() { _ = e.Close() })
		return e
	})
}

func TestAFunctionRunsTwiceAndItsFirstWritesAreThrownAway(t *testing.T) {
	e := mem.New()
	runs := 0
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		runs++
		if v, _ := tx.Get([]byte("k")); v != nil {
			t.Errorf("run %d sees %q of another run", runs, v)
		}
		tx.Put([]byte("k"), []byte{byte('0' + runs)})
		return nil
	})
	if err != nil || runs != 2 {
		t.Fatalf("%d runs, error %v", runs, err)
	}
	if v := read(t, e, "k"); v != "2" {
		t.Fatalf("the store holds %q, want what the second run wrote", v)
	}
}

func TestASecondWriterComesBetweenTheRuns(t *testing.T) {
	e := mem.New()
	e.Between(func(tx kv.Tx) { tx.Put([]byte("k"), []byte("theirs")) })
	var seen []string
	err := e.Update(context.Background(), func(tx kv.Tx) error {
		v, err := tx.Get([]byte("k"))
		seen = append(seen, string(v))
		return err
	})
	if err != nil || len(seen) != 2 || seen[0] != "" || seen[1] != "theirs" {
		t.Fatalf("the runs saw %q, error %v", seen, err)
	}
}

func TestFailedCommitsLeaveNothing(t *testing.T) {
	e := mem.New()
	e.FailCommits(2, kv.ErrNoSpace)
	write := func(tx kv.Tx) error { tx.Put([]byte("k"), []byte("v")); return nil }
	for range 2 {
		if err := e.Update(context.Background(), func(kv.Tx) error { return nil }); err != nil {
			t.Fatalf("a commit without writes failed: %v", err)
		}
		if err := e.Update(context.Background(), write); !errors.Is(err, kv.ErrNoSpace) {
			t.Fatalf("got %v, want kv.ErrNoSpace", err)
		}
		if v := read(t, e, "k"); v != "" {
			t.Fatalf("a failed commit left %q", v)
		}
	}
	if err := e.Update(context.Background(), write); err != nil || read(t, e, "k") != "v" {
		t.Fatalf("the third commit: %v", err)
	}
}

func read(t *testing.T, e kv.Engine, key string) (value string) {
	t.Helper()
	err := e.View(context.Background(), func(r kv.Reader) error {
		v, err := r.Get([]byte(key))
		value = string(v)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}
