package wellknown

import (
	"net/netip"
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
	by    map[netip.Prefix]int // by network; only those who wait have an entry
}

func newWaiters(l Limits) *waiters {
	return &waiters{limits: l, by: map[netip.Prefix]int{}}
}

// enter takes a place for address, and says false where there is none. leave
// gives it back.
func (w *waiters) enter(address string) (leave func(), ok bool) {
	from := network(address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inAll >= w.limits.InAll || w.by[from] >= w.limits.PerAddress {
		return nil, false
	}
	w.inAll++
	w.by[from]++
	return func() { w.leave(from) }, true
}

func (w *waiters) leave(from netip.Prefix) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inAll--
	if w.by[from]--; w.by[from] == 0 {
		delete(w.by, from)
	}
}

// network is what one stranger is likely to have alone: an IPv4 address, or a
// /56 of IPv6, in which every address is theirs to use. Addresses that cannot
// be read share one.
func network(address string) netip.Prefix {
	addr, _ := netip.ParseAddr(address)
	addr = addr.Unmap().WithZone("")
	bits := 56
	if addr.Is4() {
		bits = 32
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}
