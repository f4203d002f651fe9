package signin

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sleeper is a job that takes so long.
func sleeper(d time.Duration) func() { return func() { time.Sleep(d) } }

func TestTheRoomHoldsNoMoreThanItsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(3, time.Hour, time.Now)
		inside, most := make(chan int, 1), 0
		inside <- 0
		for range 20 {
			go func() {
				err := r.do(t.Context(), tag{}, func() {
					n := <-inside + 1
					most = max(most, n)
					inside <- n
					time.Sleep(time.Second)
					inside <- <-inside - 1
				})
				if err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if most != 3 || r.waiting != 0 || len(r.slots) != 0 {
			t.Errorf("%d at once, %d waiting and %d inside at the end", most, r.waiting, len(r.slots))
		}
	})
}

func TestWhoWaitsTooLongIsToldToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1, 2*time.Second, time.Now)
		go r.do(t.Context(), tag{}, sleeper(time.Minute))
		synctest.Wait()
		began := time.Now()
		err := r.do(t.Context(), tag{}, func() { t.Error("the job was run") })
		var busy *BusyError
		if !errors.As(err, &busy) || !errors.Is(err, ErrBusy) || busy.RetryAfter < time.Second {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(time.Minute)
		if err := r.do(t.Context(), tag{}, func() {}); err != nil {
			t.Errorf("the room stays shut: %v", err)
		}
	})
}

func TestWhoseTurnWouldComeTooLateIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1, 2*time.Second, time.Now)
		if err := r.do(t.Context(), tag{}, sleeper(time.Second)); err != nil { // what the room learns from
			t.Fatal(err)
		}
		var served atomic.Int32
		for i := range 3 { // one inside, two whose turn is near enough
			go func() {
				if r.do(t.Context(), tag{byte(i)}, sleeper(time.Second)) == nil {
					served.Add(1)
				}
			}()
			synctest.Wait()
		}
		began := time.Now()
		var busy *BusyError
		if err := r.do(t.Context(), tag{}, func() {}); !errors.As(err, &busy) || busy.RetryAfter != 3*time.Second {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if served.Load() < 2 { // the third one's turn and the end of its patience are one moment
			t.Errorf("%d were served", served.Load())
		}
	})
}

func TestARequestThatIsGoneLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1, time.Hour, time.Now)
		go r.do(t.Context(), tag{}, sleeper(time.Second))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.do(ctx, tag{}, func() { t.Error("the job was run") }) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if r.waiting != 0 {
			t.Errorf("%d still wait", r.waiting)
		}
		if err := r.do(ctx, tag{}, func() { t.Error("the job was run") }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestThoseWhoWaitAreServedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(1, time.Hour, time.Now)
		var order []int
		for i := range 10 {
			go r.do(t.Context(), tag{}, func() {
				order = append(order, i)
				time.Sleep(time.Second)
			})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("the order was %v", order)
			}
		}
	})
}

func TestAClockThatJumpsBackTeachesNothing(t *testing.T) {
	now := noon
	r := newRoom(1, time.Second, func() time.Time { now = now.Add(-time.Hour); return now })
	if err := r.do(t.Context(), tag{}, func() {}); err != nil || r.takes != 0 {
		t.Errorf("a job takes %v, %v", r.takes, err)
	}
}

// Somebody with an account of their own, and nothing but right passwords, asks
// for as many hashes as the room takes, and asks again at once when refused.
func TestOneNetworkDoesNotKeepTheOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const takes = 250 * time.Millisecond
		r := newRoom(1, 2*time.Second, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		for range 50 {
			go func() {
				for ctx.Err() == nil {
					if r.do(ctx, tag{1}, sleeper(takes)) != nil {
						time.Sleep(time.Millisecond)
					}
				}
			}()
		}
		time.Sleep(10 * time.Second)
		for range 20 {
			if err := r.do(ctx, tag{2}, sleeper(takes)); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
		stop()
		time.Sleep(time.Minute)
		if synctest.Wait(); r.waiting != 0 || len(r.from) != 0 {
			t.Errorf("%d wait, of %d networks", r.waiting, len(r.from))
		}
	})
}
