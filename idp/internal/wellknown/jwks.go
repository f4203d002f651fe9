package wellknown

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signet/keys"
)

// Ring is where the published keys come from; *keys.Ring is one.
type Ring interface {
	Snapshot() *keys.Snapshot
	// Ready says why this node may not act on its snapshot, or nil.
	Ready(now time.Time) error
}

// JWKS answers /.well-known/jwks.json.
type JWKS struct {
	ring    Ring
	waiters *waiters
	maxWait time.Duration
	now     func() time.Time
	stopped chan struct{}
}

// NewJWKS publishes the keys of ring. A long poll waits no longer than
// maxWait.
func NewJWKS(ring Ring, maxWait time.Duration, limits Limits, now func() time.Time) *JWKS {
	return &JWKS{ring: ring, waiters: newWaiters(limits), maxWait: maxWait, now: now, stopped: make(chan struct{})}
}

// Stop answers all who wait, now and later, at once: the issuer is about to
// stop, and nothing may keep it.
func (j *JWKS) Stop() { close(j.stopped) }

// Get answers with the keys; with 304 when the client has them already; and,
// when the client has them and prefers to wait (RFC 7240, section 4.3), as
// soon as they change, or with 304 when they did not.
func (j *JWKS) Get(c echo.Context) error {
	// A node that was cut off knows neither the newest key nor which was
	// revoked: no answer is better than an old one.
	if err := j.ring.Ready(j.now()); err != nil {
		return err
	}
	snapshot := j.ring.Snapshot()
	body, etag := snapshot.JWKS()

	header := c.Response().Header()
	header.Add(echo.HeaderVary, "Prefer")
	wait, waiting := preferredWait(c.Request().Header)
	if !waiting {
		// A copy may live as long as no key can sign that it lacks; see keys.
		header.Set(echo.HeaderCacheControl, "public, max-age="+seconds(snapshot.MaxAge(j.now())))
		return writeIfChanged(c, body, etag)
	}

	header.Set(echo.HeaderCacheControl, "no-store")
	if !sameETag(c.Request().Header.Get("If-None-Match"), etag) {
		return writeIfChanged(c, body, etag)
	}
	wait = min(wait, j.maxWait)
	leave, ok := j.waiters.enter(c.RealIP())
	if !ok {
		header.Set(echo.HeaderRetryAfter, seconds(crowdedRetryAfter))
		return writeIfChanged(c, body, etag)
	}
	defer leave()
	header.Set("Preference-Applied", "wait="+seconds(wait))
	if err := j.hold(c, snapshot.Changed(), wait); err != nil {
		return err
	}
	if err := j.ring.Ready(j.now()); err != nil {
		return err
	}
	body, etag = j.ring.Snapshot().JWKS()
	return writeIfChanged(c, body, etag)
}

// hold keeps the request until changed is closed or wait is over. The write
// deadline of the server is for ordinary answers; a held one has its own, on
// the clock of the network.
func (j *JWKS) hold(c echo.Context, changed <-chan struct{}, wait time.Duration) error {
	deadlines := http.NewResponseController(c.Response())
	err := deadlines.SetWriteDeadline(time.Now().Add(wait + writeGrace))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-j.stopped:
	case <-c.Request().Context().Done():
		return c.Request().Context().Err()
	}
	return nil
}

// writeGrace is how long a client may take to read an answer that was held.
const writeGrace = 10 * time.Second

// writeIfChanged answers 200 with body, or 304 where the client has the bytes
// of etag (RFC 9110, section 13.1.2).
func writeIfChanged(c echo.Context, body []byte, etag string) error {
	c.Response().Header().Set("ETag", etag)
	if sameETag(c.Request().Header.Get("If-None-Match"), etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

// sameETag holds If-None-Match against etag: a list, compared weakly (RFC
// 9110, section 13.1.2). Our entity tags hold no comma.
func sameETag(ifNoneMatch, etag string) bool {
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
	for _, line := range h.Values("Prefer") {
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

func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Second), 10)
}
