package wellknown

import (
	"sync"
	"time"
)

// Limits bound the requests that are held at once. A held request costs a
// goroutine and its buffers, so strangers may not have as many as they like.
type Limits struct {
	InAll      int
	PerAddress int
}

// crowdedRetryAfter is when a client that found no place may ask again.
const crowdedRetryAfter = 5 * time.Second

type waiters struct {
	limits Limits

	mu    sync.Mutex
	inAll int
	by    map[string]int // by address; only those who wait have an entry
}

func newWaiters(l Limits) *waiters {
	return &waiters{limits: l, by: map[string]int{}}
}

// enter takes a place for address, and says false where there is none. leave
// gives it back.
func (w *waiters) enter(address string) (leave func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inAll >= w.limits.InAll || w.by[address] >= w.limits.PerAddress {
		return nil, false
	}
	w.inAll++
	w.by[address]++
	return func() { w.leave(address) }, true
}

func (w *waiters) leave(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inAll--
	if w.by[address]--; w.by[address] == 0 {
		delete(w.by, address)
	}
}
