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
		check(h.persons, needed, personModel, within),
		check(h.grants, all, r.grantModel(), within))
}

func check(parts map[string][]Call, judged func([]Call) []Call, m porcupine.Model, within time.Duration) error {
	var errs []error
	for _, of := range slices.Sorted(maps.Keys(parts)) {
		calls := parts[of]
		switch porcupine.CheckOperationsTimeout(m, operations(judged(calls)), within) {
		case porcupine.Illegal:
			errs = append(errs, &ViolationError{Of: of, Calls: calls})
		case porcupine.Unknown:
			errs = append(errs, fmt.Errorf("%s: %d calls could not be judged within %s", of, len(calls), within))
		}
	}
	return errors.Join(errs...)
}

func all(calls []Call) []Call { return calls }

// needed leaves out what no order of a person's calls needs, since each call
// without an answer doubles the orders there are: a sign-in changes nothing, and
// of registrations the first that was sent may happen whenever a later one may.
func needed(calls []Call) (some []Call) {
	first := -1
	for i, c := range calls {
		if c.Result == issuer.Unknown && c.Kind == Register && (first < 0 || c.Begin.Before(calls[first].Begin)) {
			first = i
		}
	}
	for i, c := range calls {
		if c.Result != issuer.Unknown || i == first {
			some = append(some, c)
		}
	}
	return some
}

// ViolationError is a history that no issuer may give.
type ViolationError struct {
	Of    string
	Calls []Call
}

func (e *ViolationError) Error() string {
	calls := slices.Clone(e.Calls)
	slices.SortFunc(calls, func(a, b Call) int { return a.Begin.Compare(b.Begin) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s: no order of these calls explains their answers", e.Of)
	for _, c := range calls {
		fmt.Fprintf(&b, "\n\t%s", c)
	}
	return b.String()
}

// operations are the calls as porcupine reads them. One without an answer may
// happen at any time after it was sent; never is after all others.
func operations(calls []Call) (ops []porcupine.Operation) {
	if len(calls) == 0 {
		return nil
	}
	begin := calls[0].Begin
	for _, c := range calls {
		if c.Begin.Before(begin) {
			begin = c.Begin
		}
	}
	for _, c := range calls {
		o := porcupine.Operation{Input: c, Call: int64(c.Begin.Sub(begin)), Return: int64(c.End.Sub(begin))}
		if c.Result == issuer.Unknown {
			o.Return = math.MaxInt64
		}
		ops = append(ops, o)
	}
	return ops
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
