package signin

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// ErrBusy says that the hashing room is full. The error is a *BusyError.
var ErrBusy = errors.New("signin: too many passwords are being hashed")

// BusyError says when a place in the hashing room is likely to be free.
type BusyError struct {
	RetryAfter time.Duration // at least a second
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%v; try again in %v", ErrBusy, e.RetryAfter)
}

// Unwrap makes a BusyError an ErrBusy.
func (e *BusyError) Unwrap() error { return ErrBusy }

// maxWaiting bounds the queue while nobody knows yet how long a hash takes.
const maxWaiting = 1000

// room is where passwords are hashed: a few at a time, on threads that the
// kernel puts behind all others, so that a storm of logins takes only what the
// rest of the issuer leaves over.
type room struct {
	now   func() time.Time
	wait  time.Duration
	slots chan struct{} // a place each; those who wait are served in turn

	mu      sync.Mutex
	waiting int
	from    map[tag]int   // how many of them are of one network
	takes   time.Duration // how long a job takes, smoothed
}

// newRoom makes a room of so many workers; 0 is half of the processors, so
// that one of two is always free for the rest.
func newRoom(workers int, wait time.Duration, now func() time.Time) *room {
	if workers <= 0 {
		workers = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &room{now: now, wait: wait, slots: make(chan struct{}, workers), from: make(map[tag]int)}
}

// do runs job in the room for someone in the network, and returns when it is
// done, or a *BusyError or the error of ctx when it never began. Once begun a
// job is finished: the guess has been made, and must be counted.
func (r *room) do(ctx context.Context, network tag, job func()) error {
	if err := r.enter(ctx, network); err != nil {
		return err
	}
	defer func() { <-r.slots }()
	began := r.now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread ends with the goroutine, and its low
		// priority with it. The runtime clones no thread from a locked one,
		// so nobody inherits it. A thread costs microseconds, a hash much more.
		runtime.LockOSThread()
		yieldToOthers()
		job()
	}()
	<-done
	r.learn(max(0, r.now().Sub(began)))
	return nil
}

func (r *room) enter(ctx context.Context, network tag) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	if err := r.queue(network); err != nil {
		return err
	}
	defer r.leaveQueue(network)
	timer := time.NewTimer(r.wait)
	defer timer.Stop()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.busy(1)
	}
}

// queue joins those who wait, or refuses at once when the turn would not come
// within the wait. One network has half of the places at most: who knows one
// right password can ask for as many hashes as they like, and must not fill
// the queue with them for everybody else. No worker rests for that.
func (r *room) queue(network tag) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if here := r.from[network]; r.full(r.waiting+1) || here > 0 && r.full(2*(here+1)) {
		return r.busy(r.waiting + 1)
	}
	r.waiting++
	r.from[network]++
	return nil
}

// full says whether n who wait would be too many.
func (r *room) full(n int) bool { return n > maxWaiting || r.backlog(n) > r.wait }

func (r *room) leaveQueue(network tag) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting--
	if r.from[network]--; r.from[network] == 0 {
		delete(r.from, network)
	}
}

// backlog is how long n jobs take; some worker is halfway through another.
func (r *room) backlog(n int) time.Duration {
	return (time.Duration(n)*2 - 1) * r.takes / time.Duration(2*cap(r.slots))
}

func (r *room) busy(n int) error {
	return &BusyError{RetryAfter: max(time.Second, r.backlog(n).Round(time.Second))}
}

func (r *room) learn(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.takes == 0 {
		r.takes = took
	}
	r.takes += (took - r.takes) / 8
}
