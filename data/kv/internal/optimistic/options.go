package optimistic

import (
	"context"
	"math/rand/v2"
	"time"

	"signet/data/kv"
)

// Options are what an Engine needs from outside. The zero value is good.
type Options struct {
	// Timeout bounds a transaction, its waiting included, and then once more
	// the answer to its commit; of a View it bounds each read. 3 seconds unless
	// set.
	Timeout time.Duration

	// Cache is how many bytes of pairs are remembered. 32 MB unless set; less
	// than 0 remembers none.
	Cache int

	// Running is how many transactions are under way at once, and Waiting how
	// many more may wait for that. Others are refused. 256 and 1024 unless set.
	Running, Waiting int

	// Limits are those of the backend.
	Limits kv.Limits

	// Attempts is how often a transaction may lose before kv.ErrBusy. 32 unless
	// set.
	Attempts int

	// Pause waits between two attempts, or until ctx ends. Rand returns a
	// number from 0 to below 1, by which pauses differ.
	Pause func(ctx context.Context, d time.Duration)
	Rand  func() float64
}

func (o Options) withDefaults() Options {
	o.Timeout = or(o.Timeout, 3*time.Second)
	o.Cache = or(o.Cache, 32<<20)
	o.Running = or(o.Running, 256)
	o.Waiting = or(o.Waiting, 1024)
	o.Attempts = or(o.Attempts, 32)
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	return o
}

func or[T comparable](set, otherwise T) T {
	var zero T
	if set == zero {
		return otherwise
	}
	return set
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
