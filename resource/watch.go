package resource

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rediscover = time.Hour // how long a place is believed without looking it up again
	maxWaiters = 256       // requests that wait for one fetch
)

// watch keeps the latest edition of one document that the issuer publishes: its
// keys, a status list, or where its lists are. One goroutine follows it; beside
// it, whoever needs more may ask for a fetch, once in a cooldown for all of
// them.
type watch[V any] struct {
	options
	document[V]
	issuer string
	fetch  fetcher
	crew   *crew

	ctx  context.Context // ends with the crew's, or with end
	stop context.CancelFunc

	last atomic.Pointer[edition[V]] // nil until the first answer

	mu       sync.Mutex // guards what follows, and writing last
	requests uint64     // numbers the requests in the order of their start
	flight   *flight    // the fetch that is under way, or nil
	asked    time.Time  // when somebody last caused a fetch
	uri      string     // empty: to be located
	located  time.Time
	problem  error // of the last attempt
}

// document is what one kind of document has of its own. The name, locate and
// read are always there.
type document[V any] struct {
	name   string                                      // for people
	pace   time.Duration                               // see poll; 0 where there are no long polls
	locate func() (uri string, err error)              // where it is
	read   func(body []byte) (V, time.Duration, error) // what it says, and how long that is good if no header says so
	// join makes one of what was known, or nil, and what came; it is called
	// under the lock. With errOldCopy, what it returns is known from now on,
	// and nobody vouched for it.
	join  func(old *V, came V) (V, error)
	lasts func(V) time.Duration // how long it is good at most, whatever a header says, or nil: no bound
	holds func(V) bool          // whether "not changed" can confirm it, or nil: always
	heard func(V)               // told of every answer that was taken
	over  func(error) bool      // whether a failure is the end, or nil: never
}

// flight is a fetch that several wait for.
type flight struct {
	done    chan struct{}
	err     error // set before done is closed
	waiters int
}

func newWatch[V any](c *crew, issuer string, o options, f fetcher, d document[V]) *watch[V] {
	w := &watch[V]{options: o, document: d, issuer: issuer, fetch: f, crew: c}
	w.ctx, w.stop = context.WithCancel(c.ctx)
	return w
}

// begin starts to follow. The first fetch is under way before anybody can ask
// for it.
func (w *watch[V]) begin() {
	w.mu.Lock()
	first := w.launch()
	w.mu.Unlock()
	w.crew.start(func() { w.run(first) })
}

// end forgets the document for good, and keeps why.
func (w *watch[V]) end(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	w.last.Store(nil)
	w.problem = why
}

func (w *watch[V]) trouble() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.problem
}

// ask is for who needs more than seen. It waits for the fetch that is under
// way, or begins one if the cooldown allows it; else, and when there is more
// already, it returns at once. The cooldown counts from the start of an
// attempt, whatever became of it. The error is that ctx ended.
func (w *watch[V]) ask(ctx context.Context, seen *edition[V]) error {
	w.mu.Lock()
	fl := w.flight
	if fl == nil {
		now := w.now()
		cooling := !w.asked.IsZero() && since(now, w.asked) < w.cooldown
		if cooling || w.last.Load() != seen || w.ctx.Err() != nil {
			w.mu.Unlock()
			return nil
		}
		w.asked = now
		fl = w.launch()
	}
	fl.waiters++
	crowded := fl.waiters > maxWaiters
	w.mu.Unlock()
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

// launch begins a fetch; w.mu is held. It runs for all who wait, so it does
// not end with the request of the one who came first.
func (w *watch[V]) launch() *flight {
	fl := &flight{done: make(chan struct{})}
	w.flight = fl
	if !w.crew.start(func() {
		fl.err = w.refresh()
		w.mu.Lock()
		w.flight = nil
		w.mu.Unlock()
		close(fl.done)
	}) {
		w.flight, fl.err = nil, context.Canceled
		close(fl.done)
	}
	return fl
}

// await makes a plain fetch, or joins the one under way.
func (w *watch[V]) await() error {
	w.mu.Lock()
	fl := w.flight
	if fl == nil {
		fl = w.launch()
	}
	w.mu.Unlock()
	<-fl.done
	return fl.err
}

// refresh is a plain fetch, of a place that is looked up where that is due.
// Only its failure is an outage: a long poll may fail for reasons of its own.
func (w *watch[V]) refresh() error {
	uri, err := w.place()
	if err == nil {
		_, err = w.request(uri, w.etag(w.last.Load()), 0)
	}
	if err != nil {
		w.failed(err)
	}
	return err
}

// place returns where the document is. That is looked up again now and then,
// and after a failure, since it may have moved.
func (w *watch[V]) place() (string, error) {
	w.mu.Lock()
	uri := w.uri
	due := uri == "" || w.problem != nil || since(w.now(), w.located) > rediscover
	w.mu.Unlock()
	if !due {
		return uri, nil
	}
	uri, err := w.locate()
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uri, w.located = uri, w.now()
	return uri, nil
}

// request asks for the document and takes in what comes.
func (w *watch[V]) request(uri, etag string, wait time.Duration) (answer, error) {
	w.mu.Lock()
	w.requests++
	number, asked := w.requests, w.now()
	w.mu.Unlock()
	a, err := w.fetch.get(w.ctx, uri, etag, wait)
	if err == nil {
		a.asked = asked
		err = w.take(number, etag, a)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", w.name, err)
	}
	if e := w.last.Load(); w.heard != nil && e != nil {
		w.heard(e.value)
	}
	return a, nil
}

func (w *watch[V]) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return // it says nothing about the issuer
	}
	if w.problem == nil {
		w.logger.Warn("the issuer does not answer as it should", "issuer", w.issuer, "problem", err)
	}
	w.problem = err
}

// crew is every goroutine of one Verifier that outlives a request.
type crew struct {
	ctx  context.Context // ends with close
	stop context.CancelFunc
	mu   sync.Mutex // so that nobody starts what close does not see
	all  sync.WaitGroup
}

func newCrew() *crew {
	c := new(crew)
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// start runs f, unless close was called.
func (c *crew) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.all.Go(f)
	return true
}

// close returns when nothing runs any more.
func (c *crew) close() {
	c.mu.Lock()
	c.stop()
	c.mu.Unlock()
	c.all.Wait()
}
