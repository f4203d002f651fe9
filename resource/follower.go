package resource

import (
	"context"
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

// flight is a fetch that several wait for.
type flight struct {
	done    chan struct{}
	err     error // set before done is closed
	waiters int
}

func follow(id *url.URL, issuer string, o options) *follower {
	f := &follower{options: o, issuer: issuer, id: id, fetch: newFetcher(o.client)}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.mu.Lock() // the first fetch is under way before any token can ask for it
	first := f.launch()
	f.mu.Unlock()
	f.all.Go(func() { f.run(first) })
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
	set := f.keys.Load()
	if key, err := f.find(set, kid); err == nil {
		return key, nil
	}
	if f.ask(ctx, set) != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	key, err := f.find(f.keys.Load(), kid)
	if err == ErrUnknownKey && f.trouble() != nil {
		return Key{}, ErrUnavailable // it may be new, and nobody can tell
	}
	return key, err
}

func (f *follower) find(set *keySet, kid string) (Key, error) {
	if set == nil || !f.failOpen && f.stale(set) {
		return Key{}, ErrUnavailable
	}
	if key, ok := set.byID[kid]; ok {
		return key, nil
	}
	return Key{}, ErrUnknownKey
}

func (f *follower) stale(set *keySet) bool { return since(f.now(), set.confirmed) > f.maxStale }

func (f *follower) trouble() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem
}

// ask is for who needs more than seen. It waits for the fetch that is under
// way, or begins one if the cooldown allows it; else, and when there is more
// already, it returns at once. The cooldown counts from the start of an
// attempt, whatever became of it. The error is that ctx ended.
func (f *follower) ask(ctx context.Context, seen *keySet) error {
	f.mu.Lock()
	fl := f.flight
	if fl == nil {
		now := f.now()
		cooling := !f.asked.IsZero() && since(now, f.asked) < f.cooldown
		if cooling || f.keys.Load() != seen || f.ctx.Err() != nil {
			f.mu.Unlock()
			return nil
		}
		f.asked = now
		fl = f.launch()
	}
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
func (f *follower) launch() *flight {
	fl := &flight{done: make(chan struct{})}
	f.flight = fl
	f.all.Go(func() {
		fl.err = f.refresh()
		f.mu.Lock()
		f.flight = nil
		f.mu.Unlock()
		close(fl.done)
	})
	return fl
}

// run follows the issuer until close. The first fetch is under way.
func (f *follower) run(first *flight) {
	<-first.done
	pause, err := f.rest(0), first.err
	var failures, refusedPolls int
	for {
		if err != nil {
			failures++
			pause = retry(failures, lastRetry)
		} else {
			failures = 0
		}
		select {
		case <-time.After(pause):
		case <-f.ctx.Done():
			return
		}
		// After a failure the request is a plain one: whatever broke the long
		// poll must not hide the keys.
		if set := f.keys.Load(); failures == 0 && f.pollable(set) {
			if pause, err = f.poll(set); err != nil {
				refusedPolls++
			} else {
				refusedPolls = 0
			}
			continue
		}
		err = f.await()
		pause = f.rest(refusedPolls)
	}
}

// pollable says whether the next request may be a long poll. Now and then it
// is not, so that the metadata is read again.
func (f *follower) pollable(set *keySet) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wait > 0 && set != nil && set.etag != "" && since(f.now(), f.discovered) <= rediscover
}

// rest is the pause after a plain fetch: none before a long poll, unless those
// keep failing, and what the cache headers say where there is none.
func (f *follower) rest(refusedPolls int) time.Duration {
	set := f.keys.Load()
	switch {
	case set == nil:
		return 0
	case !f.pollable(set):
		return f.interval(set)
	case refusedPolls > 0:
		return retry(refusedPolls, f.interval(set))
	}
	return 0
}

// await makes a plain fetch, or joins the one under way.
func (f *follower) await() error {
	f.mu.Lock()
	fl := f.flight
	if fl == nil {
		fl = f.launch()
	}
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
	stale := f.stale(set)
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
