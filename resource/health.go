package resource

import "time"

// State is how well a Verifier knows its issuer's keys and status lists.
type State string

// The states of a Verifier. Where keys and lists are in several, it is the one
// that comes first in this order: Starting, Closed, Open, Outage, Following.
const (
	// Starting: no keys yet; every token gets ErrUnavailable.
	Starting State = "starting"
	// Following: the issuer answers.
	Following State = "following"
	// Outage: the issuer does not answer; its last keys and lists are used.
	Outage State = "outage"
	// Closed: it has not answered for longer than WithMaxStale, and every token
	// gets ErrUnavailable; or for a list for longer than WithStatusMaxStale, and
	// those do that name it.
	Closed State = "closed"
	// Open: the same, but WithFailOpen goes on with what was known last.
	Open State = "open"
)

// Health is what Verifier.Health tells.
type Health struct {
	State     State     `json:"state"`
	Keys      int       `json:"keys"`
	Confirmed time.Time `json:"confirmed,omitzero"` // when the issuer last vouched for the keys
	Lists     int       `json:"lists"`              // status lists that are followed
	// StatusConfirmed is when the issuer last vouched for all the lists: the
	// oldest of their confirmations.
	StatusConfirmed time.Time `json:"status_confirmed,omitzero"`
	Problem         string    `json:"problem,omitempty"` // what the last attempt failed with
}

// Ready says whether tokens are judged at all. A list that is too old is enough
// for no: its tokens are refused, though they may be good.
func (h Health) Ready() bool { return h.State != Starting && h.State != Closed }

func (f *follower) health() Health {
	set := f.keys.last.Load()
	h := Health{State: f.keys.state()}
	h.note(f.keys.trouble())
	if set == nil {
		h.State = Starting
		return h
	}
	h.Keys, h.Confirmed = len(set.value.keys), set.confirmed
	f.lists.each(func(l *statusList) {
		h.Lists++
		h.State = worse(h.State, l.state())
		h.note(l.trouble())
		if e := l.last.Load(); e != nil && (h.StatusConfirmed.IsZero() || e.confirmed.Before(h.StatusConfirmed)) {
			h.StatusConfirmed = e.confirmed
		}
	})
	h.note(f.lists.trouble())
	return h
}

// note keeps the first problem that it is told.
func (h *Health) note(problem error) {
	if problem != nil && h.Problem == "" {
		h.Problem = problem.Error()
	}
}

// state is how well one document is known. One that was never there is in an
// outage when it was tried.
func (w *watch[V]) state() State {
	e := w.last.Load()
	switch stale := e != nil && w.stale(e); {
	case stale && w.failOpen:
		return Open
	case stale:
		return Closed
	case w.trouble() != nil:
		return Outage
	}
	return Following
}

// worse is the one of two states of which an operator has to hear.
func worse(a, b State) State {
	for _, s := range []State{Closed, Open, Outage} {
		if a == s || b == s {
			return s
		}
	}
	return a
}
