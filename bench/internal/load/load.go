package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// BusyError says that the server put the request off, and until when.
type BusyError struct {
	RetryAfter time.Duration
	Said       string
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("load: put off for %s: %s", e.RetryAfter, e.Said)
}

// Patient makes a caller who comes back when the server said, and not before.
func Patient(call Call) Call {
	return func(ctx context.Context) error {
		err := call(ctx)
		var busy *BusyError
		if errors.As(err, &busy) {
			wait := time.NewTimer(busy.RetryAfter)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-ctx.Done():
			}
		}
		return err
	}
}

// Call asks for one thing and checks the answer. It is used by one goroutine
// at a time.
type Call func(ctx context.Context) error

// ErrSpent is what a call returns when all that it had to ask with is used up:
// it is not called again.
var ErrSpent = errors.New("load: all that there was to ask with is used up")

// Closed runs each call again and again for d, all at once. Requests that were
// begun within d are waited for and count, and so does the time that takes.
func Closed(ctx context.Context, calls []Call, d time.Duration) Sample {
	begin := time.Now()
	end := begin.Add(d)
	return together(calls, func(call Call, s *Sample) {
		for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
			err := call(ctx)
			if errors.Is(err, ErrSpent) {
				return
			}
			done := time.Now()
			s.note(err, done.Sub(now))
			now = done
		}
	})
}

// Open has rate requests a second begin for d, on whichever call is free, and
// counts latencies from the moment at which a request was due.
func Open(ctx context.Context, calls []Call, rate float64, d time.Duration) Sample {
	every := time.Duration(float64(time.Second) / rate)
	total := int(d / every)
	due := make(chan time.Time, total) // as long as it gets: who is due never waits to be noted
	begin := time.Now()
	go func() {
		defer close(due)
		timer := time.NewTimer(0)
		defer timer.Stop()
		<-timer.C
		for i := range total {
			at := begin.Add(time.Duration(i) * every)
			if wait := time.Until(at); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-ctx.Done():
					return
				}
			}
			due <- at
		}
	}()
	return together(calls, func(call Call, s *Sample) {
		for at := range due {
			err := call(ctx)
			s.note(err, time.Since(at))
		}
	})
}

// together runs work for each call at once and joins what they measured.
func together(calls []Call, work func(Call, *Sample)) Sample {
	begin := time.Now()
	samples := make([]Sample, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { work(call, &samples[i]) })
	}
	all.Wait()
	joined := Join(samples...)
	joined.Elapsed = time.Since(begin)
	return joined
}

func (s *Sample) note(err error, latency time.Duration) {
	var busy *BusyError
	switch {
	case errors.As(err, &busy):
		s.Busy++
	case err != nil:
		s.Errors++
	default:
		s.Latencies = append(s.Latencies, latency)
	}
	if s.First == nil {
		s.First = err
	}
}
