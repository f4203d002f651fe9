package history

import (
	"fmt"
	"sync"
	"time"

	"signet/prove/issuer"
)

// Kind is what was asked for.
type Kind int

// The kinds. The first two are of a person, the others of a grant.
const (
	Register Kind = iota + 1
	SignIn
	Start // of a grant: a sign-in that was answered
	Turn  // a refresh token is presented
	End   // one is revoked, or signed out with
)

func (k Kind) String() string {
	return [...]string{Register: "register", SignIn: "sign in", Start: "start", Turn: "turn", End: "end"}[k]
}

// Call is a request and what became of it.
type Call struct {
	Kind      Kind
	Of        string // the person, or the grant
	Presented uint32 // Turn: the generation of the token
	Got       uint32 // Start, Turn: that of the token in the answer, if it is Done
	Result    issuer.Result
	// Begin is when it was sent, End when its answer was there, or was given up.
	Begin, End time.Time
}

func (c Call) String() string {
	s := fmt.Sprintf("%s to %s  %s", c.Begin.Format("15:04:05.000000"), c.End.Format("15:04:05.000000"), c.Kind)
	if c.Kind == Turn {
		s += fmt.Sprint(" ", c.Presented)
	}
	s += ": " + c.Result.String()
	if c.Result == issuer.Done && (c.Kind == Turn || c.Kind == Start) {
		s += fmt.Sprint(" ", c.Got)
	}
	return s
}

// History is all calls, of any number of clients. The zero History is empty.
type History struct {
	mu      sync.Mutex
	persons map[string][]Call
	grants  map[string][]Call
}

// Add records a call, once it has returned or was given up.
func (h *History) Add(c Call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.persons == nil {
		h.persons, h.grants = map[string][]Call{}, map[string][]Call{}
	}
	of := h.grants
	if c.Kind == Register || c.Kind == SignIn {
		of = h.persons
	}
	of[c.Of] = append(of[c.Of], c)
}

// Size is how many calls there are, and of how many grants.
func (h *History) Size() (calls, grants int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range []map[string][]Call{h.persons, h.grants} {
		for _, c := range of {
			calls += len(c)
		}
	}
	return calls, len(h.grants)
}
