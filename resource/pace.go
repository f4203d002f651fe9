package resource

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// The pace of a watch.
const (
	keysPace      = 250 * time.Millisecond // least time from one long poll that brought keys to the next
	listPace      = 50 * time.Millisecond  // the same for a status list, which changes with every revocation
	earlyPause    = time.Second            // after a long poll that ended too soon with nothing
	firstRetry    = 250 * time.Millisecond
	lastRetry     = 5 * time.Second
	longestMaxAge = time.Hour
)

// run follows the issuer until close. The first fetch is under way.
func (w *watch[V]) run(first *flight) {
	<-first.done
	pause, err := w.rest(0), first.err
	var failures, refusedPolls int
	for {
		if err != nil {
			if w.over != nil && w.over(err) {
				return
			}
			failures++
			pause = retry(failures, lastRetry)
		} else {
			failures = 0
		}
		if !w.pauseFor(pause) {
			return
		}
		// After a failure the request is a plain one: whatever broke the long
		// poll must not hide the document.
		if e := w.last.Load(); failures == 0 && w.pollable(e) {
			if pause, err = w.poll(e); err != nil {
				refusedPolls++
			} else {
				refusedPolls = 0
			}
			continue
		}
		err = w.await()
		pause = w.rest(refusedPolls)
	}
}

// pauseFor returns false when the document is no longer followed.
func (w *watch[V]) pauseFor(d time.Duration) bool {
	if d <= 0 {
		return w.ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-w.ctx.Done():
		return false
	}
}

// pollable says whether the next request may be a long poll. Now and then it
// is not, so that the document's place is looked up again.
func (w *watch[V]) pollable(e *edition[V]) bool {
	if w.wait <= 0 || w.etag(e) == "" {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return since(w.now(), w.located) <= rediscover
}

// rest is the pause after a plain fetch: none before a long poll, unless those
// keep failing, and what the cache headers say where there is none.
func (w *watch[V]) rest(refusedPolls int) time.Duration {
	e := w.last.Load()
	switch {
	case e == nil:
		return 0
	case !w.pollable(e):
		return w.interval(e)
	case refusedPolls > 0:
		return retry(refusedPolls, w.interval(e))
	}
	return 0
}

// poll asks the issuer to answer when the document is no longer e. An issuer
// that does not know such requests answers at once, and is asked again when its
// cache headers say so.
func (w *watch[V]) poll(e *edition[V]) (pause time.Duration, err error) {
	w.mu.Lock()
	uri := w.uri
	w.mu.Unlock()
	began := w.now()
	a, err := w.request(uri, e.etag, w.wait)
	if err != nil {
		return 0, err
	}
	switch {
	case !a.held:
		return w.interval(w.last.Load()), nil
	case a.status == http.StatusNotModified && since(w.now(), began) < w.wait/2:
		return earlyPause, nil
	case a.status == http.StatusNotModified:
		return 0, nil
	}
	return max(0, w.pace-since(w.now(), began)), nil
}

// interval is how long the cache headers let us go without asking, within
// bounds that keep us from hammering the issuer and from going stale.
func (w *watch[V]) interval(e *edition[V]) time.Duration {
	return min(max(e.maxAge, time.Second), longestMaxAge, max(w.maxStale/2, time.Second))
}

// retry is the pause after so many failures in a row, with some chance in it,
// so that those who lost the issuer together do not come back together.
func retry(failures int, longest time.Duration) time.Duration {
	d := min(firstRetry<<min(failures-1, 16), longest)
	return d - rand.N(d/4)
}
