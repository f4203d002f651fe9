package resource

import (
	"errors"
	"net/http"
	"time"
)

// keySet is what the issuer published, and is never changed.
type keySet struct {
	byID      map[string]Key
	etag      string
	maxAge    time.Duration
	request   uint64    // the latest request that brought or confirmed it
	date      time.Time // when the issuer made the answer, or zero
	confirmed time.Time // when the issuer last vouched for it
}

var errOldCopy = errors.New("a cache on the way answered with an older copy")

// take makes an answer the current one, unless something newer is known. A key
// that has left must not come back with an answer that was only late: answers
// count in the order in which their requests began, and an answer out of a
// cache must not have been made before the one that we hold.
func (f *follower) take(number uint64, etag string, a answer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.keys.Load()
	if old != nil && number < old.request {
		return nil
	}
	if old != nil && a.cached && a.date.Before(old.date) {
		return errOldCopy
	}
	next := new(keySet)
	if a.status == http.StatusNotModified {
		if old == nil || old.etag != etag {
			return nil // it confirms what we no longer hold
		}
		*next = *old
	} else {
		var before map[string]Key
		if old != nil {
			before = old.byID
		}
		byID, ignored, err := parseJWKS(a.body, f.algs, before)
		if err != nil {
			return err
		}
		next.byID, next.etag, next.maxAge = byID, a.etag, defaultMaxAge
		f.tell(before, byID, ignored)
	}
	if a.maxAge >= 0 {
		next.maxAge = max(0, a.maxAge-a.age)
	}
	next.request = number
	if a.date.After(next.date) {
		next.date = a.date
	}
	if at := f.now().Add(-a.age); a.age == 0 || at.After(next.confirmed) {
		next.confirmed = at
	}
	f.keys.Store(next)
	if f.problem != nil {
		f.logger.Info("the issuer answers again", "issuer", f.issuer)
		f.problem = nil
	}
	return nil
}

// tell logs what an answer changed.
func (f *follower) tell(before, now map[string]Key, ignored []error) {
	if len(ignored) > 0 { // one line, however many entries an issuer thinks of
		f.logger.Warn("some published keys are not usable", "issuer", f.issuer, "how_many", len(ignored), "first", ignored[0])
	}
	for kid := range before {
		if _, ok := now[kid]; !ok {
			f.logger.Info("a key is no longer published", "issuer", f.issuer, "kid", kid)
		}
	}
	if len(now) == 0 {
		f.logger.Warn("the issuer publishes no usable key", "issuer", f.issuer)
	}
}
