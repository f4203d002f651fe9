package resource

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// The pace of a follower.
const (
	pace          = 250 * time.Millisecond // least time between two long polls
	earlyPause    = time.Second            // after a long poll that ended too soon with nothing
	firstRetry    = 250 * time.Millisecond
	lastRetry     = 5 * time.Second
	rediscover    = time.Hour
	defaultMaxAge = 5 * time.Minute // where the issuer says nothing
	longestMaxAge = time.Hour
	maxWaiters    = 256 // requests that wait for one fetch
)

// follower keeps the published keys of an issuer. One goroutine follows them;
// beside it, a token with an unknown key may ask for a fetch, once in a
// cooldown for all of them.
type follower struct {
	options
	issuer string
	id     *url.URL
	fetch  fetcher

	ctx  context.Context // ends with close
	stop context.CancelFunc
	all  sync.WaitGroup

	keys atomic.Pointer[keySet] // nil until the first answer

	mu         sync.Mutex // guards what follows, and writing keys
	requests   uint64     // numbers the requests in the order of their start
	flight     *flight    // the fetch that is under way, or nil
	asked      time.Time  // when a token last caused a fetch
	jwksURI    string     // empty: to be discovered
	discovered time.Time
	problem    error // of the last attempt
}

// keySet is what the issuer published, and is never changed.
type keySet struct {
	byID      map[string]Key
	etag      string
	maxAge    time.Duration
	request   uint64    // the latest request that brought or confirmed it
	date      time.Time // when the issuer made the answer, or zero
	confirmed time.Time // when the issuer last vouched for it
}

// flight is a fetch that several wait for.
type flight struct {
	done    chan struct{}
	err     error // set before done is closed
	waiters int
}

func follow(id *url.URL, issuer string, o options) *follower {
	f := &follower{options: o, issuer: issuer, id: id, fetch: newFetcher(o.client)}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.all.Go(f.run)
	return f
}

func (f *follower) close() {
	f.mu.Lock() // so that nobody launches a fetch that Wait does not see
	f.stop()
	f.mu.Unlock()
	f.all.Wait()
}

// Key finds a key that the issuer publishes.
func (f *follower) Key(ctx context.Context, kid string) (Key, error) {
	if key, err := f.known(kid); err == nil {
		return key, nil
	}
	if f.ask(ctx) != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	key, err := f.known(kid)
	if err == ErrUnknownKey && f.trouble() != nil {
		return Key{}, ErrUnavailable // it may be new, and nobody can tell
	}
	return key, err
}

func (f *follower) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

func (f *follower) known(kid string) (Key, error) {
	set := f.keys.Load()
	if set == nil || !f.failOpen && since(f.now(), set.confirmed) > f.maxStale {
		return Key{}, ErrUnavailable
	}
	if key, ok := set.byID[kid]; ok {
		return key, nil
	}
	return Key{}, ErrUnknownKey
}

// ask waits for the fetch that is under way, or begins one if the cooldown
// allows it; else it returns at once. The cooldown counts from the start of an
// attempt, whatever became of it. The error is that ctx ended.
func (f *follower) ask(ctx context.Context) error {
	f.mu.Lock()
	if f.flight == nil {
		now := f.now()
		if !f.asked.IsZero() && since(now, f.asked) < f.cooldown || f.ctx.Err() != nil {
			f.mu.Unlock()
			return nil
		}
		f.asked = now
		f.launch()
	}
	fl := f.flight
	fl.waiters++
	crowded := fl.waiters > maxWaiters
	f.mu.Unlock()
	if crowded {
		return nil
	}
	select {
	case <-fl.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// launch begins a fetch; f.mu is held. It runs for all who wait, so it does
// not end with the request of the one who came first.
func (f *follower) launch() {
	fl := &flight{done: make(chan struct{})}
	f.flight = fl
	f.all.Go(func() {
		fl.err = f.refresh()
		f.mu.Lock()
		f.flight = nil
		f.mu.Unlock()
		close(fl.done)
	})
}

// run follows the issuer until close.
func (f *follower) run() {
	var failures, refusedPolls int
	for {
		polled, pause, err := f.step(failures > 0, refusedPolls)
		switch {
		case err != nil:
			failures++
			if polled {
				refusedPolls++
			}
			pause = retry(failures, lastRetry)
		case polled:
			failures, refusedPolls = 0, 0
		default:
			failures = 0
		}
		select {
		case <-time.After(pause):
		case <-f.ctx.Done():
			return
		}
	}
}

// step makes one request and says how long to pause before the next. After a
// failure it is a plain one: whatever broke the long poll must not hide the
// keys.
func (f *follower) step(plain bool, refusedPolls int) (polled bool, pause time.Duration, err error) {
	set := f.keys.Load()
	f.mu.Lock()
	plain = plain || set == nil || set.etag == "" || f.wait == 0 || since(f.now(), f.discovered) > rediscover
	f.mu.Unlock()
	if !plain {
		pause, err = f.poll(set)
		return true, pause, err
	}
	if err := f.await(); err != nil {
		return false, 0, err
	}
	set = f.keys.Load()
	switch {
	case f.wait == 0 || set.etag == "":
		return false, f.interval(set), nil
	case refusedPolls > 0:
		return false, retry(refusedPolls, f.interval(set)), nil
	}
	return false, 0, nil
}

// await makes a plain fetch, or joins the one under way.
func (f *follower) await() error {
	f.mu.Lock()
	if f.flight == nil {
		f.launch()
	}
	fl := f.flight
	f.mu.Unlock()
	<-fl.done
	return fl.err
}

// poll asks the issuer to answer when the keys are no longer those of set. An
// issuer that does not know such requests answers at once, and is asked again
// when its cache headers say so.
func (f *follower) poll(set *keySet) (pause time.Duration, err error) {
	f.mu.Lock()
	uri := f.jwksURI
	f.mu.Unlock()
	began := f.now()
	a, err := f.request(uri, set.etag, f.wait)
	if err != nil {
		return 0, err
	}
	switch {
	case !a.held:
		return f.interval(f.keys.Load()), nil
	case a.status == http.StatusNotModified && since(f.now(), began) < f.wait/2:
		return earlyPause, nil
	case a.status == http.StatusNotModified:
		return 0, nil
	}
	return pace, nil
}

// refresh is a plain fetch, with discovery where it is due. Only its failure
// is an outage: a long poll may fail for reasons of its own.
func (f *follower) refresh() error {
	uri, err := f.locate()
	if err == nil {
		var etag string
		if set := f.keys.Load(); set != nil {
			etag = set.etag
		}
		_, err = f.request(uri, etag, 0)
	}
	if err != nil {
		f.failed(err)
	}
	return err
}

// locate returns where the keys are. The metadata is read again now and then,
// and after a failure, since they may have moved.
func (f *follower) locate() (string, error) {
	f.mu.Lock()
	uri := f.jwksURI
	due := uri == "" || f.problem != nil || since(f.now(), f.discovered) > rediscover
	f.mu.Unlock()
	if !due {
		return uri, nil
	}
	uri, err := discover(f.ctx, f.fetch, f.issuer, f.id, f.insecure)
	if err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jwksURI, f.discovered = uri, f.now()
	return uri, nil
}

// request asks for the keys and takes in what comes.
func (f *follower) request(uri, etag string, wait time.Duration) (answer, error) {
	f.mu.Lock()
	f.requests++
	number := f.requests
	f.mu.Unlock()
	a, err := f.fetch.get(f.ctx, uri, etag, wait)
	if err == nil {
		err = f.take(number, etag, a)
	}
	if err != nil {
		return answer{}, fmt.Errorf("keys: %w", err)
	}
	return a, nil
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
		next.byID, next.etag, next.maxAge, next.date = byID, a.etag, defaultMaxAge, a.date
		f.tell(before, byID, ignored)
	}
	if a.maxAge >= 0 {
		next.maxAge = max(0, a.maxAge-a.age)
	}
	next.request = number
	if at := f.now().Add(-a.age); at.After(next.confirmed) {
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
	for _, err := range ignored {
		f.logger.Warn("a published key is not usable", "issuer", f.issuer, "problem", err)
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

func (f *follower) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem == nil && f.ctx.Err() == nil {
		f.logger.Warn("the issuer's keys cannot be fetched", "issuer", f.issuer, "problem", err)
	}
	f.problem = err
}

// interval is how long the cache headers let us go without asking, within
// bounds that keep us from hammering the issuer and from going stale.
func (f *follower) interval(set *keySet) time.Duration {
	return min(max(set.maxAge, time.Second), longestMaxAge, max(f.maxStale/2, time.Second))
}

// retry is the pause after so many failures in a row, with some chance in it,
// so that those who lost the issuer together do not come back together.
func retry(failures int, longest time.Duration) time.Duration {
	d := min(firstRetry<<min(failures-1, 16), longest)
	return d - rand.N(d/4)
}

func (f *follower) health() Health {
	problem := f.trouble()
	set := f.keys.Load()
	h := Health{State: Starting}
	if problem != nil {
		h.Problem = problem.Error()
	}
	if set == nil {
		return h
	}
	h.Keys, h.Confirmed = len(set.byID), set.confirmed
	stale := since(f.now(), set.confirmed) > f.maxStale
	switch {
	case stale && f.failOpen:
		h.State = Open
	case stale:
		h.State = Closed
	case problem != nil:
		h.State = Outage
	default:
		h.State = Following
	}
	return h
}
