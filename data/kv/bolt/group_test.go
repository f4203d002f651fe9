package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"signet/data/kv"
)

// gate holds commits: each announces itself and waits to be let on.
type gate struct{ arrived, open chan struct{} }

// hold puts a gate before each further commit. It must be set before a writer
// comes.
func hold(e *Engine) gate {
	g := gate{make(chan struct{}), make(chan struct{})}
	commit := e.commit
	e.commit = func(tx *bbolt.Tx) error {
		g.arrived <- struct{}{}
		<-g.open
		return commit(tx)
	}
	return g
}

// waitQueued yields until n writers wait for the next group.
func waitQueued(e *Engine, n int) {
	for {
		e.queue.mu.Lock()
		waiting := len(e.queue.waiting)
		e.queue.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

func write(key string) func(kv.Tx) error {
	return func(tx kv.Tx) error {
		tx.Put([]byte(key), []byte("v"))
		return nil
	}
}

// background starts an Update and returns where its error comes.
func background(e *Engine, ctx context.Context, fn func(kv.Tx) error) <-chan error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		done <- e.Update(ctx, fn)
	}()
	return done
}

func has(t *testing.T, e *Engine, key string) bool {
	t.Helper()
	var v []byte
	err := e.View(context.Background(), func(r kv.Reader) (err error) {
		v, err = r.Get([]byte(key))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v != nil
}

func TestWritersThatWaitForACommitShareTheNextOne(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	var rest []<-chan error
	for i := range 64 {
		rest = append(rest, background(e, t.Context(), write(fmt.Sprint("k", i))))
	}
	waitQueued(e, 64)
	g.open <- struct{}{}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	<-g.arrived
	for _, done := range rest {
		select {
		case err := <-done:
			t.Fatalf("a writer returned (%v) before its commit", err)
		default:
		}
	}
	g.open <- struct{}{}
	for _, done := range rest {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if s := e.Stats(); s.Commits != 2 || s.Updates != 65 {
		t.Fatalf("%d commits for %d updates, want 2 for 65", s.Commits, s.Updates)
	}
}

func TestALoneWriterHasACommitForEachUpdate(t *testing.T) {
	e := openNew(t)
	for i := range 5 {
		if err := e.Update(t.Context(), write(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if s := e.Stats(); s.Commits != 5 || s.Updates != 5 {
		t.Fatalf("%+v, want 5 commits for 5 updates", s)
	}
}

func TestAnUpdateThatWritesNothingCommitsNothing(t *testing.T) {
	e := openNew(t)
	refused := errors.New("refused")
	_ = e.Update(t.Context(), func(kv.Tx) error { return nil })
	_ = e.Update(t.Context(), func(tx kv.Tx) error { tx.Put([]byte("k"), []byte("v")); return refused })
	if s := e.Stats(); s.Commits != 0 || s.Updates != 2 {
		t.Fatalf("%+v, want no commit for 2 updates", s)
	}
}

func TestAnUpdateThatOnlyReadsWaitsForTheCommitOnItsWay(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	writer := background(e, t.Context(), write("k"))
	<-g.arrived
	saw := false
	reader := background(e, t.Context(), func(tx kv.Tx) error {
		v, err := tx.Get([]byte("k"))
		saw = v != nil
		return err
	})
	waitQueued(e, 1)
	select {
	case err := <-reader:
		t.Fatalf("the reader returned (%v) beside a commit that is not durable", err)
	default:
	}
	g.open <- struct{}{}
	if err := errors.Join(<-writer, <-reader); err != nil || !saw {
		t.Fatalf("saw is %v, error %v", saw, err)
	}
}

// overtaken is fn for one whose attempt is overtaken by a writer of "a": the
// attempt itself goes well.
func overtaken(fn func(kv.Tx) error) func(kv.Tx) error {
	again := false
	return func(tx kv.Tx) error {
		if again {
			return fn(tx)
		}
		again = true
		_, err := tx.Get([]byte("a"))
		tx.Put([]byte("attempt"), []byte("v"))
		return err
	}
}

func TestAFailingOrPanickingFunctionOfAGroupTakesNobodyDown(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	refused := errors.New("refused")
	var saw []bool
	queued := 0
	start := func(fn func(kv.Tx) error) <-chan error {
		done := background(e, t.Context(), fn)
		queued++
		waitQueued(e, queued) // keeps the order
		return done
	}
	look := func(tx kv.Tx) error {
		saw = nil
		for _, k := range []string{"a", "b", "c", "d"} {
			v, err := tx.Get([]byte(k))
			if err != nil {
				return err
			}
			saw = append(saw, v != nil)
		}
		return nil
	}
	a := start(write("a"))
	b := start(overtaken(func(tx kv.Tx) error { _ = write("b")(tx); return refused }))
	c := start(overtaken(func(tx kv.Tx) error { _ = write("c")(tx); panic("on purpose") }))
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = e.Update(context.Background(), overtaken(func(tx kv.Tx) error { _ = write("x")(tx); runtime.Goexit(); return nil }))
	}()
	queued++
	waitQueued(e, queued)
	d := start(write("d"))
	last := start(look)

	g.open <- struct{}{}
	<-g.arrived
	g.open <- struct{}{}
	<-exited
	if err := errors.Join(<-first, <-a, <-d, <-last); err != nil {
		t.Fatal(err)
	}
	if err := <-b; err != refused {
		t.Fatalf("the failing function returned %v", err)
	}
	if err := <-c; err == nil || err.Error() != "panic: on purpose" {
		t.Fatalf("the panicking function returned %v", err)
	}
	if want := []bool{true, false, false, true}; fmt.Sprint(saw) != fmt.Sprint(want) {
		t.Fatalf("the last of the group saw %v, want %v", saw, want)
	}
	if !has(t, e, "a") || has(t, e, "b") || has(t, e, "c") || has(t, e, "x") || !has(t, e, "d") || has(t, e, "attempt") {
		t.Fatal("the store does not hold just what succeeded")
	}
	if s := e.Stats(); s.Commits != 2 {
		t.Fatalf("%d commits, want 2", s.Commits)
	}
}

func TestACancelledWriterLeavesTheQueue(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	ctx, cancel := context.WithCancel(t.Context())
	gone := background(e, ctx, write("gone"))
	waitQueued(e, 1)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	g.open <- struct{}{}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if has(t, e, "gone") || e.Stats().Updates != 1 {
		t.Fatal("what a function wrote was taken after its caller had left")
	}
}

func TestAWriterCancelledAfterItRanWaitsForItsOutcome(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	ctx, cancel := context.WithCancel(t.Context())
	done := background(e, ctx, write("k"))
	<-g.arrived
	cancel()
	g.open <- struct{}{}
	if err := <-done; err != nil || !has(t, e, "k") {
		t.Fatalf("got %v, want the outcome of the commit", err)
	}
}

func TestAFailedCommitReachesAllWhoRanOnIt(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	commit := e.commit
	e.commit = func(tx *bbolt.Tx) error {
		if err := tx.Rollback(); err != nil {
			return err
		}
		return writeError(syscall.ENOSPC)
	}
	changed, stop := e.Watch(nil)
	defer stop()
	a := background(e, t.Context(), write("a"))
	waitQueued(e, 1)
	found := errors.New("a is there already")
	b := background(e, t.Context(), func(tx kv.Tx) error {
		if v, _ := tx.Get([]byte("a")); v != nil {
			return found
		}
		return nil
	})
	waitQueued(e, 2)
	g.open <- struct{}{}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	<-changed
	if err := <-a; !errors.Is(err, kv.ErrNoSpace) {
		t.Fatalf("the writer got %v, want kv.ErrNoSpace", err)
	}
	if err := <-b; !errors.Is(err, kv.ErrNoSpace) || errors.Is(err, found) {
		t.Fatalf("who read a lost write got %v, want kv.ErrNoSpace alone", err)
	}
	select {
	case <-changed:
		t.Fatal("a failed commit woke a watch")
	default:
	}
	e.commit = commit
	again := background(e, t.Context(), write("again"))
	<-g.arrived
	g.open <- struct{}{}
	if err := <-again; err != nil || has(t, e, "a") {
		t.Fatalf("after a full disk: %v", err)
	}
}

func TestAFailedSyncStopsTheEngine(t *testing.T) {
	e := openNew(t)
	if err := e.Update(t.Context(), write("before")); err != nil {
		t.Fatal(err)
	}
	commit := e.commit
	e.commit = func(tx *bbolt.Tx) error {
		// What bbolt leaves when the sync of its meta page fails: the commit
		// is in the file, and the error is fdatasync's own.
		if err := commit(tx); err != nil {
			return err
		}
		return syscall.EIO
	}
	for _, err := range []error{
		e.Update(t.Context(), write("k")),
		e.Update(t.Context(), func(kv.Tx) error { return nil }),
		e.View(t.Context(), func(kv.Reader) error { return nil }),
		e.Compact(t.Context()),
		e.Check(t.Context()),
	} {
		if !errors.Is(err, kv.ErrFailed) {
			t.Fatalf("got %v, want kv.ErrFailed", err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAPanicOfBboltInACommitStopsTheEngine(t *testing.T) {
	e := openNew(t)
	var calls atomic.Int32
	e.commit = func(*bbolt.Tx) error {
		calls.Add(1)
		panic("page 7 already freed")
	}
	for range 2 {
		if err := e.Update(t.Context(), write("k")); !errors.Is(err, kv.ErrDamaged) {
			t.Fatalf("got %v, want kv.ErrDamaged", err)
		}
	}
	if calls.Load() != 1 {
		t.Fatal("the engine went on after the panic")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, e.path) // the lock is free again
}

func TestCloseLetsThoseWhoWaitFinish(t *testing.T) {
	e := openNew(t)
	g := hold(e)
	first := background(e, t.Context(), write("first"))
	<-g.arrived
	second := background(e, t.Context(), write("second"))
	waitQueued(e, 1)
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	g.open <- struct{}{}
	<-g.arrived
	g.open <- struct{}{}
	if err := errors.Join(<-first, <-second, <-closed); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, e.path)
	if !has(t, again, "first") || !has(t, again, "second") {
		t.Fatal("an acknowledged write is gone")
	}
}
