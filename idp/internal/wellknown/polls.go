package wellknown

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// publication is what one URL answers at a moment.
type publication struct {
	body        []byte
	contentType []string        // as it stands in the header, which shares it
	etag        string          // quotes included
	maxAge      time.Duration   // of a copy
	changed     <-chan struct{} // closed when there is another one

	// A node that its store does not answer knows neither the newest key nor
	// what was revoked since. lapsed is why, or nil; age is since when, and left
	// how long the node may go on without a word from its store.
	lapsed    error
	age, left time.Duration
}

// Polls are the requests that are held until what they ask for changes, all
// within the same limits.
type Polls struct {
	waiters *waiters
	maxWait time.Duration
	stopped chan struct{}
}

// NewPolls holds requests no longer than maxWait.
func NewPolls(maxWait time.Duration, limits Limits) *Polls {
	return &Polls{waiters: newWaiters(limits), maxWait: maxWait, stopped: make(chan struct{})}
}

// Stop answers all who wait, now and later, at once: the issuer is about to
// stop, and nothing may keep it.
func (p *Polls) Stop() { close(p.stopped) }

// answer answers with what is published; with 304 when the client has it
// already; and, when the client has it and prefers to wait (RFC 7240, section
// 4.3), as soon as it changes, or with 304 when it did not.
//
// A node whose lease is over still answers, since tokens are verified with what
// it knows, but nobody may keep the answer, and Age (RFC 9111, section 5.1) says
// how old it is: who counts it vouches for nothing that was revoked elsewhere.
// Who waits wants to hear of changes, and this node hears of none: 503.
func (p *Polls) answer(c echo.Context, published func() (publication, error)) error {
	now, err := published()
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header[echo.HeaderVary] = append(header[echo.HeaderVary], "Prefer")
	wait, waiting := preferredWait(c.Request().Header)
	switch {
	case waiting && now.lapsed != nil:
		return now.lapsed
	case now.lapsed != nil:
		header.Set(echo.HeaderCacheControl, "no-store, max-age=0")
		header.Set("Age", seconds(now.age+time.Second-1)) // rounded up
		return now.write(c)
	case !waiting:
		cached := append(make([]byte, 0, 48), "public, max-age="...)
		header[echo.HeaderCacheControl] = []string{string(appendSeconds(cached, now.maxAge))}
		return now.write(c)
	}

	header.Set(echo.HeaderCacheControl, "no-store")
	wait = min(wait, p.maxWait)
	if !sameETag(c.Request().Header.Get("If-None-Match"), now.etag) {
		// It changed before the client came back. Without this the client
		// would think that nobody waits here, and ask no sooner than for any
		// cached copy: what was revoked meanwhile would live on.
		header.Set("Preference-Applied", "wait="+seconds(wait))
		return now.write(c)
	}
	leave, ok := p.waiters.enter(c.RealIP())
	if !ok {
		header.Set(echo.HeaderRetryAfter, seconds(crowdedRetryAfter))
		return now.write(c)
	}
	defer leave()
	if now, err = p.hold(c, now, wait, published); err != nil {
		return err
	}
	header.Set("Preference-Applied", "wait="+seconds(wait))
	return now.write(c)
}

// hold keeps the request until what is published changes, or wait is over, or
// the node's lease. The write deadline of the server is for ordinary answers; a
// held one has its own, on the clock of the network.
func (p *Polls) hold(c echo.Context, now publication, wait time.Duration, published func() (publication, error)) (publication, error) {
	deadlines := http.NewResponseController(c.Response())
	err := deadlines.SetWriteDeadline(time.Now().Add(wait + writeGrace))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return now, err
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	for held := now.etag; ; {
		lapse := time.NewTimer(max(now.left, time.Millisecond))
		again := false
		select {
		case <-now.changed:
		case <-lapse.C:
			again = true // the lease was renewed meanwhile, most likely
		case <-over.C:
		case <-p.stopped:
		case <-c.Request().Context().Done():
			lapse.Stop()
			return now, c.Request().Context().Err()
		}
		lapse.Stop()
		if now, err = published(); err != nil {
			return now, err
		}
		if now.lapsed != nil {
			return now, now.lapsed
		}
		if !again || now.etag != held {
			return now, nil
		}
	}
}

// writeGrace is how long a client may take to read an answer that was held.
const writeGrace = 10 * time.Second

// unchunked is how much net/http keeps of an answer before it sends it; a longer
// one goes out in chunks unless its length is said.
const unchunked = 2048

// write answers 200 with the bytes, or 304 where the client has those of the
// entity tag (RFC 9110, section 13.1.2).
func (p publication) write(c echo.Context) error {
	header := c.Response().Header()
	header["Etag"] = []string{p.etag}
	if sameETag(c.Request().Header.Get("If-None-Match"), p.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	header[echo.HeaderContentType] = p.contentType
	if len(p.body) > unchunked {
		header[echo.HeaderContentLength] = []string{strconv.Itoa(len(p.body))}
	}
	c.Response().WriteHeader(http.StatusOK)
	_, err := c.Response().Write(p.body)
	return err
}

// sameETag holds If-None-Match against etag: a list, compared weakly (RFC
// 9110, section 13.1.2). Our entity tags hold no comma.
func sameETag(ifNoneMatch, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for ifNoneMatch != "" {
		var one string
		one, ifNoneMatch, _ = strings.Cut(ifNoneMatch, ",")
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == etag {
			return true
		}
	}
	return false
}

// preferredWait reads the wait preference (RFC 7240, section 4.3): whole
// seconds, the first one counts, what makes no sense is ignored.
func preferredWait(h http.Header) (time.Duration, bool) {
	for _, line := range h["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 16)
			return time.Duration(n) * time.Second, err == nil && n > 0
		}
	}
	return 0, false
}

func seconds(d time.Duration) string { return string(appendSeconds(nil, d)) }

func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendInt(b, int64(d/time.Second), 10)
}
