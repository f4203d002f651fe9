package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How long an answer is good.
const (
	leastAge   = time.Minute // whatever its headers say
	mostAge    = 24 * time.Hour
	usualAge   = 5 * time.Minute
	cooldown   = 30 * time.Second // between two attempts that a copy would have spared, and after a failure
	maxDoubles = 3                // what fails on and on is asked for every four minutes
)

// The bounds of the cache. What was not used for longest makes room.
const (
	maxEntries = 1024
	maxBytes   = 16 << 20
	maxFlights = 256
)

// cache remembers documents and failures, and lets one ask for all.
type cache struct {
	mu      sync.Mutex
	entries map[string]*entry
	bytes   int
	flights map[string]*flight
}

// entry is the last outcome of a URL: a copy, or a failure.
type entry struct {
	doc      Document
	err      *Error
	until    time.Time
	forced   time.Time // when it was last asked for although there was a good copy
	used     time.Time
	failures int // in a row
}

// flight is an attempt that is on its way. Its outcome may be read once done
// is closed.
type flight struct {
	done chan struct{}
	doc  Document
	err  error
}

// landed is what an attempt brought.
type landed struct {
	doc    Document
	maxAge time.Duration
	err    *Error
	at     time.Time
}

func newCache() *cache {
	return &cache{entries: make(map[string]*entry), flights: make(map[string]*flight)}
}

// failure is e.err as an error that may be nil.
func (e *entry) failure() error {
	if e.err == nil {
		return nil
	}
	return e.err
}

// good says whether e answers by itself. A copy does not where a fresh one is
// wanted, however young it is: a client's new key may be a moment old. Only
// that is not done again soon, since any stranger can name a key that is not
// there.
func (e *entry) good(now time.Time, fresh bool) bool {
	if !now.Before(e.until) {
		return false
	}
	return !fresh || e.err != nil || now.Before(e.forced.Add(cooldown))
}

// look returns what is known, or else the flight to wait for; first is for the
// one who has to make it. With neither, too many are on their way.
func (c *cache) look(key string, now time.Time, fresh bool) (known *entry, call *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e != nil && e.good(now, fresh) {
		e.used = now
		copied := *e
		return &copied, nil, false
	}
	if call := c.flights[key]; call != nil {
		return nil, call, false
	}
	if len(c.flights) >= maxFlights {
		return nil, nil, false
	}
	if e != nil && now.Before(e.until) {
		e.forced = now
	}
	call = &flight{done: make(chan struct{})}
	c.flights[key] = call
	return nil, call, true
}

// land ends a flight: it remembers the outcome and tells those who wait.
func (c *cache) land(key string, call *flight, l landed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.merge(key, l)
	call.doc, call.err = e.doc, e.failure()
	delete(c.flights, key)
	close(call.done)
}

// merge makes the outcome the entry of key. A failure does not take away a
// copy that is good still; that we had no room says nothing about the URL.
func (c *cache) merge(key string, l landed) entry {
	old := c.entries[key]
	var forced time.Time
	if old != nil {
		forced = old.forced
	}
	switch {
	case l.err == nil:
		return c.put(key, entry{doc: l.doc, until: l.at.Add(l.maxAge), forced: forced, used: l.at})
	case old != nil && old.err == nil && l.at.Before(old.until):
		return *old
	case l.err.Reason == Busy:
		return entry{err: l.err}
	}
	failures := 1
	if old != nil {
		failures += old.failures
	}
	wait := cooldown << min(failures-1, maxDoubles)
	return c.put(key, entry{err: l.err, until: l.at.Add(wait), used: l.at, failures: failures})
}

func (c *cache) put(key string, e entry) entry {
	c.drop(key)
	c.entries[key] = &e
	c.bytes += size(key, &e)
	for len(c.entries) > maxEntries || c.bytes > maxBytes {
		c.drop(c.oldest(key))
	}
	return e
}

func (c *cache) drop(key string) {
	if e := c.entries[key]; e != nil {
		c.bytes -= size(key, e)
		delete(c.entries, key)
	}
}

// oldest is the entry that was not used for longest, other than that of spare.
func (c *cache) oldest(spare string) (key string) {
	var used time.Time
	for k, e := range c.entries {
		if k != spare && (key == "" || e.used.Before(used)) {
			key, used = k, e.used
		}
	}
	return key
}

func size(key string, e *entry) int { return len(key) + len(e.doc.Body) + 256 }

// lifetime is how long an answer may be kept (RFC 9111, section 5.2.2), within
// our bounds: not so short that a stranger's request is a fetch each, not so
// long that a replaced key lives on.
func lifetime(h http.Header) time.Duration {
	age := usualAge
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return leastAge
		case "max-age":
			age = seconds(strings.Trim(value, `"`))
		}
	}
	return min(max(age-seconds(h.Get("Age")), leastAge), mostAge)
}

// seconds reads delta-seconds, and 0 for anything else (RFC 9111, section
// 1.2.2). Of a number that is too large, ParseUint makes the largest.
func seconds(text string) time.Duration {
	n, _ := strconv.ParseUint(text, 10, 31)
	return time.Duration(n) * time.Second
}
