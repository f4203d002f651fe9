package wellknown

import (
	"errors"
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
	ring  Ring
	polls *Polls
	now   func() time.Time
}

// NewJWKS publishes the keys of ring.
func NewJWKS(ring Ring, polls *Polls, now func() time.Time) *JWKS {
	return &JWKS{ring: ring, polls: polls, now: now}
}

// typeJSON is the value of a header that all answers share; nobody changes it.
var typeJSON = []string{echo.MIMEApplicationJSON}

// Get answers with the keys, and holds the request of a client that has them
// and prefers to wait.
func (j *JWKS) Get(c echo.Context) error { return j.polls.answer(c, j.published) }

func (j *JWKS) published() (publication, error) {
	now := j.now()
	lapsed := j.ring.Ready(now)
	if lapsed != nil && !errors.Is(lapsed, keys.ErrLease) {
		return publication{}, lapsed
	}
	snapshot := j.ring.Snapshot()
	body, etag := snapshot.JWKS()
	return publication{
		body: body, contentType: typeJSON, etag: etag, changed: snapshot.Changed(),
		// A copy may live as long as no key can sign that it lacks; see keys.
		maxAge: snapshot.MaxAge(now),
		lapsed: lapsed, age: snapshot.Age(now), left: snapshot.Left(now),
	}, nil
}
