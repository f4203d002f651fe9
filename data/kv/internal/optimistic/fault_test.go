package optimistic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/data/kv"
)

var errCut = errors.New("the connection was cut")

func increment(tx kv.Tx) error {
	v, err := tx.Get([]byte("n"))
	tx.Put([]byte("n"), append(slices.Clone(v), '+'))
	return err
}

// unknown says whether an error says that nobody knows.
func unknown(err error) bool {
	return errors.Is(err, kv.ErrUnavailable) && strings.Contains(err.Error(), "not known whether the change was made")
}

func TestACommitWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	s := newStore()
	node := s.node()
	e := open(t, node, Options{})
	lost := 1
	node.lost = func() error {
		if lost--; lost >= 0 {
			return errCut
		}
		return nil
	}
	if err := update(e, increment); !unknown(err) {
		t.Fatalf("got %v", err)
	}
	if err := update(e, increment); err != nil {
		t.Fatal(err)
	}
	if v := string(s.pairs["n"].Value); v != "++" {
		t.Errorf("two transactions left %q", v)
	}
}

func TestACommitThatIsNotAnsweredIsWaitedForAndThenUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newStore().node()
		e := open(t, node, Options{Timeout: time.Second})
		ctx, cancel := context.WithCancel(context.Background())
		node.before = func(ctx context.Context, call string) error {
			if call == "commit" {
				cancel() // the client has gone: that is no reason not to know
				<-ctx.Done()
			}
			return ctx.Err()
		}
		began := time.Now()
		err := e.Update(ctx, increment)
		if took := time.Since(began); !unknown(err) || took != time.Second {
			t.Fatalf("got %v after %v", err, took)
		}
	})
}

func TestWhatWasCertainlyNotMadeIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails int
		err   error
	}{
		{"until it is made", 3, nil},
		{"until the time is up", 1 << 30, kv.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				node := s.node()
				e := open(t, node, Options{Timeout: time.Second})
				fails := c.fails
				node.before = func(_ context.Context, call string) error {
					if fails--; call == "commit" && fails >= 0 {
						return fmt.Errorf("%w: %w", ErrUnchanged, errCut)
					}
					return nil
				}
				err := update(e, increment)
				if !errors.Is(err, c.err) || unknown(err) {
					t.Fatalf("got %v", err)
				}
				if made := len(s.pairs) == 1; made != (c.err == nil) {
					t.Errorf("made: %v", made)
				}
			})
		})
	}
}

func TestReadsAreTriedAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(e *Engine) error
	}{
		{"a key", func(e *Engine) error { return update(e, increment) }},
		{"a range", func(e *Engine) error {
			return update(e, func(tx kv.Tx) error { return tx.Scan(nil, nil, func(_, _ []byte) bool { return true }) })
		}},
		{"a key of a view", func(e *Engine) error {
			return e.View(context.Background(), func(r kv.Reader) error { _, err := r.Get([]byte("n")); return err })
		}},
	} {
		for _, how := range []struct {
			name string
			fail func(ctx context.Context) error
		}{
			{"that fails", func(context.Context) error { return fmt.Errorf("%w: %w", kv.ErrUnavailable, errCut) }},
			{"that is not answered", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		} {
			t.Run(c.name+" "+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					node := newStore().node()
					e := open(t, node, Options{})
					fails := 2
					node.before = func(ctx context.Context, call string) error {
						if fails--; call != "commit" && fails >= 0 {
							return how.fail(ctx)
						}
						return nil
					}
					if err := c.read(e); err != nil {
						t.Fatal(err)
					}
				})
			})
		}
	}
}

func TestAViewThatLostItsMomentIsNotTriedAgainAndSaysThatTheStoreIsAway(t *testing.T) {
	node := newStore().node()
	e := open(t, node, Options{})
	calls := 0
	node.before = func(context.Context, string) error {
		if calls++; calls > 1 {
			return fmt.Errorf("%w: %w: %w", ErrLost, kv.ErrUnavailable, errCut)
		}
		return nil
	}
	err := e.View(context.Background(), func(r kv.Reader) error {
		if _, err := r.Get([]byte("n")); err != nil {
			return err
		}
		_, err := r.Get([]byte("m"))
		return err
	})
	if !errors.Is(err, kv.ErrUnavailable) || calls != 2 {
		t.Fatalf("after %d reads: %v", calls, err)
	}
}

func TestAStoreThatIsAwayEndsInTimeAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newStore().node()
		e := open(t, node, Options{Timeout: time.Second})
		away := true
		node.before = func(ctx context.Context, _ string) error {
			if away {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		began := time.Now()
		err := update(e, increment)
		if took := time.Since(began); !errors.Is(err, kv.ErrUnavailable) || unknown(err) || took > time.Second {
			t.Fatalf("got %v after %v", err, took)
		}
		err = e.View(context.Background(), func(r kv.Reader) error { _, err := r.Get([]byte("n")); return err })
		if !errors.Is(err, kv.ErrUnavailable) {
			t.Fatalf("got %v from a view", err)
		}
		away = false
		if err := update(e, increment); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhoFindsNoRoomIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newStore().node()
		e := open(t, node, Options{Running: 2, Waiting: 3})
		answer := make(chan struct{})
		node.before = func(ctx context.Context, _ string) error { <-answer; return nil }
		done := make(chan error, 5)
		for range 5 {
			go func() { done <- update(e, increment) }()
		}
		synctest.Wait()
		began := time.Now()
		for _, err := range []error{
			update(e, increment),
			e.View(context.Background(), func(kv.Reader) error { return nil }),
		} {
			if !errors.Is(err, kv.ErrUnavailable) || time.Since(began) != 0 {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		}
		close(answer)
		for range 5 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := update(e, increment); err != nil {
			t.Errorf("there is room again, and it answers %v", err)
		}
	})
}

func TestWhoWaitsLeavesWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := newStore().node()
		e := open(t, node, Options{Running: 1})
		answer, done := make(chan struct{}), make(chan error, 1)
		node.before = func(context.Context, string) error { <-answer; return nil }
		go func() { done <- update(e, increment) }()
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(context.Background())
		gone := errors.New("gone")
		go cancel(gone)
		if err := e.Update(ctx, increment); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
		close(answer)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseRefusesThoseWhoWaitAndWaitsForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		node := s.node()
		e := open(t, node, Options{Running: 1})
		answer, ran, waited := make(chan struct{}), make(chan error, 1), make(chan error, 1)
		node.before = func(context.Context, string) error { <-answer; return nil }
		go func() { ran <- update(e, increment) }()
		synctest.Wait()
		go func() { waited <- update(e, increment) }()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- e.Close() }()
		if err := <-waited; !errors.Is(err, kv.ErrClosed) {
			t.Errorf("who waited got %v", err)
		}
		synctest.Wait()
		if len(closed) > 0 {
			t.Error("closed while a transaction is under way")
		}
		close(answer)
		if err := errors.Join(<-ran, <-closed); err != nil {
			t.Error(err)
		}
	})
}

func TestATransactionThatAlwaysLosesIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		node := s.node()
		other := open(t, s.node(), Options{})
		var pauses []time.Duration
		e := open(t, node, Options{
			Attempts: 10,
			Pause:    func(_ context.Context, d time.Duration) { pauses = append(pauses, d) },
			Rand:     func() float64 { return 0 },
		})
		node.before = func(_ context.Context, call string) error {
			if call == "commit" {
				return update(other, increment)
			}
			return nil
		}
		runs := 0
		err := update(e, func(tx kv.Tx) error { runs++; return increment(tx) })
		if !errors.Is(err, kv.ErrBusy) || runs != 10 || e.Stats().Conflicts != 10 {
			t.Fatalf("got %v after %d runs, %+v", err, runs, e.Stats())
		}
		want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 64, 64} // halves of 2 to 128 ms
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(pauses, want) {
			t.Errorf("paused %v, want %v", pauses, want)
		}
	})
}

func TestRefusalsAreReturnedAsTheyAre(t *testing.T) {
	for _, refusal := range []error{kv.ErrTooLarge, ErrRefused} {
		node := newStore().node()
		e := open(t, node, Options{})
		commits := 0
		node.before = func(_ context.Context, call string) error {
			if call == "commit" {
				commits++
				return refusal
			}
			return nil
		}
		if err := update(e, increment); !errors.Is(err, refusal) || errors.Is(err, kv.ErrUnavailable) || commits != 1 {
			t.Errorf("got %v after %d commits", err, commits)
		}
	}
}

// A read that failed is no read, whatever the function makes of it.
func TestAFailedReadIsNotWrittenUpon(t *testing.T) {
	for _, c := range []struct {
		name string
		fn   func(kv.Tx) error
	}{
		{"that is passed over", func(tx kv.Tx) error {
			_, _ = tx.Get([]byte("n"))
			tx.Put([]byte("n"), []byte("new"))
			return nil
		}},
		{"that becomes another error", func(tx kv.Tx) error { _, _ = tx.Get([]byte("n")); return errors.New("not there") }},
		{"that becomes a panic", func(tx kv.Tx) error { v, _ := tx.Get([]byte("n")); _ = v[0]; return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore()
			node := s.node()
			e := open(t, node, Options{})
			node.before = func(_ context.Context, call string) error {
				if call == "fetch" {
					return errCut
				}
				return nil
			}
			if err := update(e, c.fn); !errors.Is(err, errCut) || len(s.pairs) != 0 {
				t.Errorf("got %v, and the store holds %d pairs", err, len(s.pairs))
			}
		})
	}
}

func TestAGapInWhatIsToldWakesEverybody(t *testing.T) {
	node := newStore().node()
	e := open(t, node, Options{})
	one, stop := e.Watch([]byte("a/"))
	defer stop()
	other, stopOther := e.Watch([]byte("b/"))
	defer stopOther()
	node.told <- nil
	<-one
	<-other
}
