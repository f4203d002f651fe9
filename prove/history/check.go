package history

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"signet/prove/issuer"
)

// Check tells whether the history can be. Each person and each grant is a
// history of its own, since no rule speaks of two. within bounds the search in
// one of them: one that is not decided is an error too.
func (h *History) Check(r Rules, within time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(
		check(h.persons, personModel, within),
		check(h.grants, r.grantModel(), within))
}

func check(parts map[string][]Call, m porcupine.Model, within time.Duration) error {
	var errs []error
	for _, of := range slices.Sorted(maps.Keys(parts)) {
		calls := parts[of]
		switch porcupine.CheckOperationsTimeout(inOrder(m), operations(calls), within) {
		case porcupine.Illegal:
			errs = append(errs, &ViolationError{Of: of, Calls: calls})
		case porcupine.Unknown:
			errs = append(errs, fmt.Errorf("%s: these calls could not be judged within %s%s", of, within, lines(calls)))
		}
	}
	return errors.Join(errs...)
}

// ViolationError is a history that no issuer may give.
type ViolationError struct {
	Of    string
	Calls []Call
}

func (e *ViolationError) Error() string {
	return fmt.Sprintf("%s: no order of these calls explains their answers%s", e.Of, lines(e.Calls))
}

// lines are the calls in the order in which they were sent.
func lines(calls []Call) string {
	var b strings.Builder
	for _, c := range sorted(calls) {
		fmt.Fprintf(&b, "\n\t%s", c)
	}
	return b.String()
}

func sorted(calls []Call) []Call {
	return slices.SortedStableFunc(slices.Values(calls), func(a, b Call) int { return a.Begin.Compare(b.Begin) })
}

// asked is a call as the models see it.
type asked struct {
	Call
	// Of one without an answer: which of those that ask for the same it is, in
	// the order in which they were sent, and what number they have together.
	nth, same int
}

// operations are the calls as porcupine reads them. One without an answer may
// happen at any time after it was sent; never is after all others.
func operations(calls []Call) (ops []porcupine.Operation) {
	type what struct {
		kind      Kind
		presented uint32
	}
	silent, seen := map[what]int{}, map[what]int{}
	calls = sorted(calls)
	for _, c := range calls {
		begin := calls[0].Begin
		o := porcupine.Operation{Call: int64(c.Begin.Sub(begin)), Return: int64(c.End.Sub(begin))}
		a := asked{Call: c}
		if c.Result == issuer.Unknown {
			w := what{c.Kind, c.Presented}
			if _, known := silent[w]; !known {
				silent[w] = len(silent)
			}
			a.same, a.nth = silent[w], seen[w]
			seen[w]++
			o.Return = math.MaxInt64
		}
		o.Input = a
		ops = append(ops, o)
	}
	return ops
}

// ordered is a state, and how many of the calls without an answer have happened,
// one character for each thing that was asked for.
type ordered struct {
	state any
	past  string
}

// inOrder lets calls without an answer that ask for the same happen only in the
// order in which they were sent. What can be explained with another order can be
// with this one: they do the same, and the one that was sent first may take any
// place that a later one may. Else each of them would double the orders there are.
func inOrder(m porcupine.Model) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return ordered{state: m.Init()} },
		Step: func(state, input, output any) (bool, any) {
			s, a := state.(ordered), input.(asked)
			if a.Result == issuer.Unknown {
				past := []rune(s.past)
				for len(past) <= a.same {
					past = append(past, 0)
				}
				if int(past[a.same]) != a.nth {
					return false, state
				}
				past[a.same]++
				s.past = string(past)
			}
			var ok bool
			ok, s.state = m.Step(s.state, a.Call, output)
			return ok, s
		},
	}
}

// grantModel is the state machine of a grant for porcupine.
func (r Rules) grantModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return grant{} },
		Step: func(state, input, _ any) (bool, any) {
			c := input.(Call)
			result, got, next, possible := r.after(state.(grant), c)
			switch {
			case !possible:
				return false, state
			case c.Result == issuer.Unknown:
				return true, next
			}
			return c.Result == result && c.Got == got, next
		},
	}
}

var personModel = porcupine.Model{
	Init: func() any { return person{} },
	Step: func(state, input, _ any) (bool, any) {
		c := input.(Call)
		result, next := state.(person).after(c)
		return c.Result == issuer.Unknown || c.Result == result, next
	},
}
