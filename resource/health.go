package resource

import "time"

// State is how well a Verifier knows its issuer's keys.
type State string

// The states of a Verifier.
const (
	// Starting: no keys yet; every token gets ErrUnavailable.
	Starting State = "starting"
	// Following: the issuer answers.
	Following State = "following"
	// Outage: the issuer does not answer; its last keys are used.
	Outage State = "outage"
	// Closed: it has not answered for longer than WithMaxStale; every token
	// gets ErrUnavailable.
	Closed State = "closed"
	// Open: the same, but WithFailOpen goes on with the last keys.
	Open State = "open"
)

// Health is what Verifier.Health tells.
type Health struct {
	State     State     `json:"state"`
	Keys      int       `json:"keys"`
	Confirmed time.Time `json:"confirmed,omitzero"` // when the issuer last vouched for the keys
	Problem   string    `json:"problem,omitempty"`  // what the last attempt failed with
}

// Ready says whether tokens are judged at all.
func (h Health) Ready() bool { return h.State != Starting && h.State != Closed }
