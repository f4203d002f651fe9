package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a metadata document and a JWK Set, in bytes.
const maxBody = 256 << 10

// fetchTimeout is how long a request may take from its start, or from the end
// of the wait that it asked for, to the last byte of its answer.
const fetchTimeout = 10 * time.Second

// answer is what a GET brought. Only 200 and 304 become answers.
type answer struct {
	asked  time.Time // when the request began
	status int
	body   []byte
	etag   string
	maxAge time.Duration // negative: nothing was said
	age    time.Duration // spent in caches on the way (RFC 9111 section 5.1)
	cached bool          // a cache on the way answered
	date   time.Time     // when the origin made it, or zero
	held   bool          // the wait was honoured (RFC 7240 section 3)
}

// fromMemory says of an answer that it is old and that nobody may keep it: what
// an issuer gives whose store is away.
func (a answer) fromMemory() bool { return a.age > 0 && a.maxAge == 0 }

// statusError is an answer that is neither 200 nor 304.
type statusError int

func (e statusError) Error() string { return "the answer has status " + strconv.Itoa(int(e)) }

// fetcher makes the few GET requests that a verifier needs.
type fetcher struct {
	client  *http.Client
	timeout time.Duration

	accept string
	limit  int // of a body, in bytes

	document Document // for the metrics
	metrics  Metrics
	now      func() time.Time
}

// as is f for documents of another kind.
func (f fetcher) as(d Document, accept string, limit int) fetcher {
	f.document, f.accept, f.limit = d, accept, limit
	return f
}

func newFetcher(o options) fetcher {
	client, timeout := new(http.Client), fetchTimeout
	if given := o.client; given != nil {
		*client = *given
		if given.Timeout > 0 {
			timeout = min(timeout, given.Timeout)
		}
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxResponseHeaderBytes = 64 << 10
		client.Transport = t
	}
	client.Timeout = 0 // get sets its own
	client.Jar = nil
	// Where the keys are is said by the issuer's metadata and by nobody else:
	// a redirect is an answer like any other that is not 200.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return fetcher{client: client, timeout: timeout, accept: "application/json, application/jwk-set+json", limit: maxBody,
		document: DocumentKeys, metrics: o.metrics, now: o.now}
}

// fetch fetches url. With an etag the request is conditional; with wait, it asks
// to be held until the etag changes, at most so long.
func (f fetcher) fetch(ctx context.Context, url, etag string, wait time.Duration) (answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(wait+f.timeout, func() { cancel(errors.New("no answer in time")) })
	defer timer.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, errors.New("not a URL")
	}
	req.Header.Set("Accept", f.accept)
	req.Header.Set("Cache-Control", "no-cache") // what was revoked must not come back from a cache
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
		if wait > 0 {
			req.Header.Set("Prefer", "wait="+strconv.Itoa(int(wait/time.Second)))
		}
	}
	res, err := f.client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return answer{}, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK && (res.StatusCode != http.StatusNotModified || etag == "") {
		return answer{}, statusError(res.StatusCode)
	}
	timer.Reset(f.timeout) // the wait is over, the body has no excuse
	a := readHeader(res)
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, int64(f.limit)+1)); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	}
	if len(a.body) > f.limit {
		return answer{}, errors.New("the answer is too large")
	}
	return a, nil
}

func readHeader(res *http.Response) answer {
	a := answer{status: res.StatusCode, etag: res.Header.Get("ETag"), maxAge: -1}
	for directive := range strings.SplitSeq(strings.Join(res.Header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if strings.EqualFold(name, "max-age") {
			a.maxAge = seconds(strings.Trim(value, `"`))
		}
	}
	if age := res.Header.Get("Age"); age != "" {
		a.cached, a.age = true, max(0, seconds(age))
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		a.date = date
	}
	for preference := range strings.SplitSeq(strings.Join(res.Header.Values("Preference-Applied"), ","), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(preference), "=")
		a.held = a.held || strings.EqualFold(strings.TrimSpace(name), "wait")
	}
	return a
}

// seconds reads delta-seconds, and returns a negative duration for anything
// else (RFC 9111 section 1.2.2). No answer is good for more than a day.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return -1
	}
	return min(time.Duration(n)*time.Second, 24*time.Hour)
}
