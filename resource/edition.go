package resource

import (
	"errors"
	"net/http"
	"time"
)

// edition is what the issuer published at one time, and is never changed.
type edition[V any] struct {
	value     V
	etag      string
	maxAge    time.Duration
	request   uint64    // the latest request that brought or confirmed it
	date      time.Time // when the issuer made the answer, or zero
	confirmed time.Time // when the issuer last vouched for it
}

// defaultMaxAge is how long a document is good whose issuer says nothing.
const defaultMaxAge = 5 * time.Minute

var (
	errOldCopy = errors.New("a cache on the way, or a node that was cut off, answered with an older copy")
	errLapsed  = errors.New("what did not change is no longer good by itself")
	errMemory  = errors.New("the issuer answers from memory: it does not reach its store")
	errEnded   = errors.New("nobody follows it any more")
)

// take makes an answer the current edition, unless something newer is known. A
// key that has left must not come back with an answer that was only late:
// answers count in the order in which their requests began, and an answer out
// of a cache must not have been made before the one that we hold.
func (w *watch[V]) take(number uint64, etag string, a answer) error {
	next := new(edition[V])
	if a.status != http.StatusNotModified {
		var err error
		if next.value, next.maxAge, err = w.read(a.body); err != nil { // it may take a fetch, so it holds no lock
			return err
		}
		next.etag = a.etag
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old := w.last.Load()
	switch {
	case w.ctx.Err() != nil:
		return errEnded
	case old != nil && number < old.request:
		return nil
	case old != nil && a.cached && a.date.Before(old.date):
		return errOldCopy
	}
	if a.status == http.StatusNotModified {
		if old == nil || old.etag != etag {
			return nil // it confirms what we no longer hold
		}
		if w.holds != nil && !w.holds(old.value) {
			return errLapsed
		}
		*next = *old
	} else if err := w.merge(old, next); err != nil {
		return err
	}
	w.confirm(next, number, a)
	return nil
}

// merge lets next hold what old held, as far as documents of this kind do;
// w.mu is held.
func (w *watch[V]) merge(old, next *edition[V]) (err error) {
	var before *V
	if old != nil {
		before = &old.value
	}
	next.value, err = w.join(before, next.value)
	if errors.Is(err, errOldCopy) {
		known := *old
		known.value = next.value
		w.last.Store(&known)
	}
	return err
}

// confirm notes when the issuer vouched for next: no later than it was asked,
// however slowly the answer came, or when the cache that answered heard it; w.mu
// is held.
func (w *watch[V]) confirm(next *edition[V], number uint64, a answer) {
	if a.maxAge >= 0 {
		next.maxAge = max(0, a.maxAge-a.age)
		if w.lasts != nil {
			next.maxAge = min(next.maxAge, w.lasts(next.value))
		}
	}
	next.request = number
	if a.date.After(next.date) {
		next.date = a.date
	}
	if at := a.asked.Add(-a.age); a.age == 0 || at.After(next.confirmed) {
		next.confirmed = at
	}
	w.last.Store(next)
	switch {
	case a.fromMemory() && w.problem == nil:
		w.logger.Warn("the issuer does not answer as it should", "issuer", w.issuer, "problem", errMemory)
		fallthrough
	case a.fromMemory(): // what it does not have may be new
		w.problem = errMemory
	case w.problem != nil:
		w.logger.Info("the issuer answers again", "issuer", w.issuer, "document", w.name)
		w.problem = nil
	}
}

// etag is what a request may be conditional on: that of an edition that "not
// changed" would confirm.
func (w *watch[V]) etag(e *edition[V]) string {
	if e == nil || w.holds != nil && !w.holds(e.value) {
		return ""
	}
	return e.etag
}

func (w *watch[V]) stale(e *edition[V]) bool { return since(w.now(), e.confirmed) > w.maxStale }
