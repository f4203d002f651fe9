package single

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoWaitsBehindAFailureFailsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Lane
		away, began := errors.New("away"), time.Now()
		var same atomic.Int64
		for range 100 {
			go func() {
				leave, err := l.Enter(t.Context())
				if err == nil {
					time.Sleep(time.Second) // the store does not answer
					leave(away)
				}
				if err == nil || err == away {
					same.Add(1)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := same.Load(); n != 100 || time.Since(began) != time.Second {
			t.Errorf("after %s %d have an answer", time.Since(began), n)
		}
		leave, err := l.Enter(t.Context()) // who comes later tries again
		if err != nil {
			t.Fatal(err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := l.Enter(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		leave(nil)
	})
}
