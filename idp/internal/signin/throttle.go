package signin

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// ErrThrottled says that too many guesses were made. The error is a
// *ThrottledError.
var ErrThrottled = errors.New("signin: too many attempts")

// ThrottledError says when the next attempt will be heard.
type ThrottledError struct {
	RetryAfter time.Duration // more than 0
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("%v; try again in %v", ErrThrottled, e.RetryAfter)
}

// Unwrap makes a ThrottledError an ErrThrottled.
func (e *ThrottledError) Unwrap() error { return ErrThrottled }

// Throttle is how guessing is slowed down. Its fields are those of the
// configuration; a zero field has its default, but for KnownFor.
type Throttle struct {
	Free            int           // wrong passwords without a delay
	Delay           time.Duration // the first delay; each doubles
	DelayMax        time.Duration // for one account from one network
	AccountDelayMax time.Duration // for one account from everywhere
	NetworkBurst    int           // wrong passwords of one network, for all accounts
	NetworkEvery    time.Duration // how often a network earns one more
	RegisterBurst   int           // registrations of one network
	RegisterEvery   time.Duration // how often a network earns one more
	RequestBurst    int           // requests of one network that are kept until somebody acts
	RequestEvery    time.Duration // how often a network earns one more
	KnownFor        time.Duration // how long a browser that signed in is known; 0: not at all
	Counters        int           // how many counters of each kind are kept
}

func (t Throttle) withDefaults() Throttle {
	orInt := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	or := func(p *time.Duration, def time.Duration) {
		if *p <= 0 {
			*p = def
		}
	}
	orInt(&t.Free, 5)
	or(&t.Delay, time.Second)
	or(&t.DelayMax, 15*time.Minute)
	or(&t.AccountDelayMax, 30*time.Second)
	orInt(&t.NetworkBurst, 100)
	or(&t.NetworkEvery, 2*time.Second)
	orInt(&t.RegisterBurst, 50)
	or(&t.RegisterEvery, 30*time.Second)
	orInt(&t.RequestBurst, 1000)
	or(&t.RequestEvery, 100*time.Millisecond)
	orInt(&t.Counters, 100_000)
	return t
}

// forget is when a counter that nothing was added to is dropped.
func (t Throttle) forget() time.Duration { return max(24*time.Hour, 2*t.DelayMax) }

// network is the part of an address that one stranger is likely to have alone:
// /24 or /56. Addresses that are not known share one.
func network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 56
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// throttle is all the counters, in the memory of this process.
type throttle struct {
	o Throttle

	mu            sync.Mutex
	places        table[strikes]
	accounts      table[strikes]
	networks      table[bucket]
	registrations table[bucket]
	requests      table[bucket] // of this process only: what they count is soon over

	changed chan struct{} // of capacity one: there is something to write
}

func newThrottle(o Throttle) *throttle {
	o = o.withDefaults()
	return &throttle{
		o:             o,
		places:        newTable[strikes](o.Counters),
		accounts:      newTable[strikes](o.Counters),
		networks:      newTable[bucket](o.Counters),
		registrations: newTable[bucket](o.Counters),
		requests:      newTable[bucket](o.Counters),
		changed:       make(chan struct{}, 1),
	}
}

// reserve counts a guess as wrong before it is looked at, so that of many at
// once no more are looked at than one after another; or refuses it with a
// *ThrottledError, and counts nothing.
func (t *throttle) reserve(g guess, now time.Time) error {
	return t.change(g, now, func(c *counters) error { return t.o.reserve(c, g.known, now) })
}

// giveBack undoes reserve for a guess that was never looked at.
func (t *throttle) giveBack(g guess, now time.Time) {
	_ = t.change(g, now, func(c *counters) error { return t.o.take(c, g.known, 1) })
}

// succeed takes back all that was counted at this place, whose owner made the
// guesses. What others added to the account stays.
func (t *throttle) succeed(g guess, now time.Time) {
	_ = t.change(g, now, func(c *counters) error { return t.o.take(c, g.known, max(1, c.place.n)) })
}

// change applies a rule to the counters of a guess as they are at now, and
// keeps what became of them; also what a clock that jumped back made of them.
func (t *throttle) change(g guess, now time.Time, rule func(*counters) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := counters{place: t.places.m[g.place].settled(now, t.o.forget())}
	if !g.known {
		c.account = t.accounts.m[g.account].settled(now, t.o.forget())
		c.network = t.bucketAt(&t.networks, g.network, now)
	}
	err := rule(&c)
	setStrikes(&t.places, g.place, c.place)
	if !g.known {
		setStrikes(&t.accounts, g.account, c.account)
		setBucket(&t.networks, g.network, c.network.full, now)
	}
	if err == nil {
		t.dirty()
	}
	return err
}

func (t *throttle) bucketAt(from *table[bucket], key tag, now time.Time) bucket {
	burst, every := t.o.NetworkBurst, t.o.NetworkEvery
	switch from {
	case &t.registrations:
		burst, every = t.o.RegisterBurst, t.o.RegisterEvery
	case &t.requests:
		burst, every = t.o.RequestBurst, t.o.RequestEvery
	}
	b := from.m[key].settled(now, burst, every)
	setBucket(from, key, b.full, now)
	return b
}

// setStrikes and setBucket keep no counter that says nothing.
func setStrikes(in *table[strikes], key tag, s strikes) {
	if s.n > 0 {
		in.put(key, s)
	} else {
		delete(in.m, key)
	}
}

func setBucket(in *table[bucket], key tag, full, now time.Time) {
	if full.After(now) {
		in.put(key, bucket{full})
	} else {
		delete(in.m, key)
	}
}

// register counts a registration of a network, or refuses it.
func (t *throttle) register(network tag, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucketAt(&t.registrations, network, now)
	if err := t.o.register(&b, now); err != nil {
		return err
	}
	setBucket(&t.registrations, network, b.full, now)
	t.dirty()
	return nil
}

// unregister undoes register for one that was never looked at.
func (t *throttle) unregister(network tag, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucketAt(&t.registrations, network, now)
	setBucket(&t.registrations, network, b.full.Add(-t.o.RegisterEvery), now)
	t.dirty()
}

// request counts n requests of a network, or refuses them.
func (t *throttle) request(network tag, n int, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bucketAt(&t.requests, network, now)
	if wait := b.wait(now, t.o.RequestBurst, t.o.RequestEvery); wait > 0 {
		return &ThrottledError{RetryAfter: wait}
	}
	setBucket(&t.requests, network, b.full.Add(time.Duration(n)*t.o.RequestEvery), now)
	return nil
}

func (t *throttle) dirty() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}
