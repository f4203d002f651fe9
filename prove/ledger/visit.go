package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Step is what a person in a browser, and the client that they came from, ask
// for, one after the other.
type Step string

// The steps.
const (
	Home    Step = "look at the account page"
	SignIn  Step = "sign in"      // to the issuer's own page
	Ask     Step = "ask silently" // for a code, with prompt=none
	Allow   Step = "allow"        // a code, on the page where consent is asked for
	Forbid  Step = "take back"    // what the client was allowed, on the account page
	Redeem  Step = "redeem"       // the newest code
	Turn    Step = "refresh"      // with the newest refresh token
	Revoke  Step = "revoke"       // it
	SignOut Step = "sign out"     // of the browser, for the client
	Enrol   Step = "register"     // another client, by its own hand
	Look    Step = "look it up"   // that client, with its registration access token
	Leave   Step = "unregister"   // it
)

// Reply is what the one who asked was told.
type Reply string

// The replies. Silence is no answer, or one that says nothing: the step may
// have happened.
const (
	Silence   Reply = "no answer"
	Yes       Reply = "yes"
	NoPerson  Reply = "nobody is signed in"
	NoConsent Reply = "consent is needed"
	Invalid   Reply = "invalid"
)

// Code is what became of the newest code.
type Code int

// The states of a code.
const (
	NoCode Code = iota
	Fresh
	Spent
)

// Standing is one way in which things may stand for a person, their browser and
// the client.
type Standing struct {
	SignedIn bool
	Allowed  bool // consent is remembered
	Code     Code
	Held     bool // the newest code's grant lives
	Enrolled bool // the client that registered itself is there
}

// Visit keeps every standing that is possible.
type Visit struct {
	Name      string
	standings map[Standing]bool
	past      []string
}

// NewVisit begins with nothing.
func NewVisit(name string) *Visit { return &Visit{Name: name, standings: map[Standing]bool{{}: true}} }

// Surely tells whether it is so in every standing.
func (v *Visit) Surely(so func(Standing) bool) bool {
	for s := range v.standings {
		if !so(s) {
			return false
		}
	}
	return true
}

// Perhaps tells whether it is so in some standing.
func (v *Visit) Perhaps(so func(Standing) bool) bool {
	return !v.Surely(func(s Standing) bool { return !so(s) })
}

// Add strikes out the standings in which the reply could not have been given.
// The error says that none is left.
func (v *Visit) Add(step Step, reply Reply, note string) error {
	v.past = append(v.past, fmt.Sprintf("%s: %s %s", step, reply, note))
	next := map[Standing]bool{}
	for s := range v.standings {
		for _, after := range s.after(step, reply) {
			next[after] = true
		}
	}
	if len(next) == 0 {
		return fmt.Errorf("%s: %s was answered %q, which cannot be:\n\t%+v\n\t%s", v.Name, step, reply,
			slices.Collect(maps.Keys(v.standings)), strings.Join(v.past[max(0, len(v.past)-12):], "\n\t"))
	}
	v.standings = next
	return nil
}

// after returns what s may have become. None: the reply is impossible in s.
func (s Standing) after(step Step, reply Reply) []Standing {
	want, next := s.apply(step)
	switch {
	case reply != Silence && reply != want:
		return nil
	case reply != Silence:
		return []Standing{next}
	}
	switch step {
	case Home, Enrol, Look, Turn, Ask:
		// What was lost with the answer is of no use to anybody: a name, a
		// code, a token that can be asked for again.
		return []Standing{s}
	case Allow:
		next.Code, next.Held = s.Code, s.Held
	case Forbid:
		return []Standing{s, {s.SignedIn, next.Allowed, s.Code, s.Held, s.Enrolled}, next}
	}
	return []Standing{s, next}
}

// apply says what the issuer must reply in s, and what follows.
func (s Standing) apply(step Step) (Reply, Standing) {
	next := s
	switch step {
	case Home:
		if !s.SignedIn {
			return NoPerson, s
		}
	case SignIn:
		next.SignedIn = true
	case Ask:
		switch {
		case !s.SignedIn:
			return NoPerson, s
		case !s.Allowed:
			return NoConsent, s
		}
		next.Code, next.Held = Fresh, false
	case Allow:
		if !s.SignedIn {
			return NoPerson, s
		}
		next.Allowed, next.Code, next.Held = true, Fresh, false
	case Forbid:
		if !s.SignedIn {
			return NoPerson, s
		}
		next.Allowed, next.Held = false, false
	case Redeem:
		if s.Code != Fresh {
			next.Held = false // a second use ends what the first one gave
			return Invalid, next
		}
		next.Code, next.Held = Spent, true
	case Turn:
		if !s.Held {
			return Invalid, s
		}
	case Revoke:
		next.Held = false
	case SignOut:
		next.SignedIn, next.Held = false, false
		if s.Code == Fresh { // it is of a session that has ended
			next.Code = Spent
		}
	case Enrol:
		next.Enrolled = true
	case Look:
		if !s.Enrolled {
			return Invalid, s
		}
	case Leave:
		if !s.Enrolled {
			return Invalid, s
		}
		next.Enrolled = false
	}
	return Yes, next
}
