package history

import (
	"errors"
	"slices"
	"testing"
	"time"

	"signet/prove/issuer"
)

const (
	done, refused, unknown = issuer.Done, issuer.Refused, issuer.Unknown
	within                 = 10 * time.Second
)

// at is a call that lasts from one second to another.
func at(begin, end int, c Call) Call {
	c.Of, c.Begin, c.End = "g", time.Unix(int64(begin), 0), time.Unix(int64(end), 0)
	return c
}

func start() Call              { return Call{Kind: Start, Result: done} }
func turn(n, got uint32) Call  { return Call{Kind: Turn, Presented: n, Got: got, Result: done} }
func no(n uint32) Call         { return Call{Kind: Turn, Presented: n, Result: refused} }
func silence(n uint32) Call    { return Call{Kind: Turn, Presented: n} }
func end(r issuer.Result) Call { return Call{Kind: End, Result: r} }
func one(calls ...Call) []Call { return seconds(calls) }
func seconds(cs []Call) []Call { // one after the other
	for i, c := range cs {
		cs[i] = at(2*i, 2*i+1, c)
	}
	return cs
}

func TestWhatConcurrentClientsMayBeTold(t *testing.T) {
	for name, c := range map[string]struct {
		repeats bool
		calls   []Call
		broken  bool
	}{
		"a grant turns":                                  {true, one(start(), turn(0, 1), turn(1, 2)), false},
		"the parent gets the same successor":             {true, one(start(), turn(0, 1), turn(0, 1), turn(1, 2)), false},
		"two living successors of one token":             {true, one(start(), turn(0, 1), turn(0, 2), turn(1, 3)), true},
		"two living successors, asked for at once":       {true, []Call{at(0, 1, start()), at(2, 5, turn(0, 1)), at(3, 4, turn(0, 2))}, true},
		"at once they get the same":                      {true, []Call{at(0, 1, start()), at(2, 5, turn(0, 1)), at(3, 4, turn(0, 1))}, false},
		"without a grace the parent forks":               {false, one(start(), turn(0, 1), turn(0, 2), turn(2, 3)), false},
		"and the branch that was never used is dead":     {false, one(start(), turn(0, 1), turn(0, 2), no(1)), false},
		"both branches of a fork live":                   {false, one(start(), turn(0, 1), turn(0, 2), turn(1, 3)), true},
		"without a grace nothing is repeated":            {false, one(start(), turn(0, 1), turn(0, 1)), true},
		"a spent token ends the grant":                   {true, one(start(), turn(0, 1), turn(1, 2), no(0), no(2)), false},
		"a spent token is taken":                         {true, one(start(), turn(0, 1), turn(1, 2), turn(0, 2)), true},
		"a grant that a spent token ended is revived":    {true, one(start(), turn(0, 1), turn(1, 2), no(0), turn(2, 3)), true},
		"a grant that was ended is revived":              {true, one(start(), turn(0, 1), end(done), turn(1, 2)), true},
		"a grant that was ended is refused":              {true, one(start(), turn(0, 1), end(done), no(1)), false},
		"an end without an answer may not have happened": {true, one(start(), end(unknown), turn(0, 1)), false},
		"or later":                     {true, one(start(), end(unknown), turn(0, 1), no(1)), false},
		"but not be undone":            {true, one(start(), end(unknown), no(0), turn(0, 1)), true},
		"an acknowledged turn is lost": {true, one(start(), turn(0, 1), turn(1, 2), no(2)), true},
		"an acknowledged turn is lost, and given again":  {true, one(start(), turn(0, 1), turn(1, 2), turn(1, 2), turn(0, 1)), true},
		"an acknowledged turn is lost with a silent one": {true, one(start(), turn(0, 1), silence(1), turn(1, 2), turn(0, 1)), true},
		"a turn without an answer may have happened":     {false, one(start(), silence(0), turn(0, 2)), false},
		"or not":   {false, one(start(), silence(0), turn(0, 1)), false},
		"but once": {false, one(start(), silence(0), turn(0, 3)), true},
		"one that comes late ends the grant as a spent one":  {true, one(start(), silence(0), turn(0, 1), turn(1, 2), no(2)), false},
		"a living grant is refused":                          {true, one(start(), no(0)), true},
		"a token that nobody was given":                      {true, one(start(), turn(1, 2)), true},
		"what began when the end was acknowledged must fail": {true, []Call{at(0, 1, start()), at(2, 3, end(done)), at(4, 5, turn(0, 1))}, true},
		"what began before it may not":                       {true, []Call{at(0, 1, start()), at(2, 4, end(done)), at(3, 5, turn(0, 1))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var h History
			for _, call := range c.calls {
				h.Add(call)
			}
			err := h.Check(Rules{Repeats: c.repeats}, within)
			var violation *ViolationError
			if errors.As(err, &violation) != c.broken || err != nil && !c.broken {
				t.Errorf("broken %t: %v", !c.broken, err)
			}
		})
	}
}

func TestWhoIsRegisteredCanSignIn(t *testing.T) {
	register := func(r issuer.Result) Call { return Call{Kind: Register, Result: r} }
	signIn := func(r issuer.Result) Call { return Call{Kind: SignIn, Result: r} }
	var many []Call
	for range 30 {
		many = append(many, register(unknown), signIn(unknown), signIn(refused))
	}
	many = slices.Clip(many)
	for name, c := range map[string]struct {
		calls  []Call
		broken bool
	}{
		"who is registered can":                              {one(register(done), signIn(done)), false},
		"an acknowledged registration is lost":               {one(register(done), signIn(refused)), true},
		"who is registered is registered again":              {one(register(done), register(done)), true},
		"who is not cannot":                                  {one(signIn(done)), true},
		"a registration without an answer may have happened": {one(register(unknown), register(refused), signIn(done)), false},
		"or later":                {one(register(unknown), signIn(refused), signIn(done)), false},
		"but it does not go away": {one(register(unknown), signIn(done), signIn(refused)), true},
		"the last of many may have happened, and late": {one(append(many, signIn(done))...), false},
		"and nor does it go away":                      {one(append(many, signIn(done), signIn(refused))...), true},
	} {
		t.Run(name, func(t *testing.T) {
			var h History
			for _, call := range c.calls {
				h.Add(call)
			}
			if err := h.Check(Rules{}, within); (err != nil) != c.broken {
				t.Errorf("broken %t: %v", !c.broken, err)
			}
		})
	}
}

// Calls without an answer may have happened in any order or not at all, and are
// what makes the search long. Many of them are judged at once where all is well,
// and as many as a grant of these tests ever has where it is not.
func TestCallsWithoutAnAnswerAreJudged(t *testing.T) {
	for _, c := range []struct {
		turns  uint32
		broken bool
	}{{100, false}, {12, true}} {
		var h History
		h.Add(at(0, 1, start()))
		for n := range c.turns {
			h.Add(at(int(2*n)+2, int(2*n)+3, silence(n)))
			h.Add(at(int(2*n)+2, int(2*n)+3, turn(n, n+1)))
		}
		if c.broken {
			h.Add(at(1000, 1001, turn(c.turns-1, c.turns+1)))
		}
		err := h.Check(Rules{Repeats: true}, within)
		var violation *ViolationError
		if errors.As(err, &violation) != c.broken || err != nil && !c.broken {
			t.Errorf("%d turns, broken %t: %v", c.turns, !c.broken, err)
		}
	}
}

// While an engine is away a client asks for the same again and again.
func TestTheSameCallManyTimesWithoutAnAnswerIsJudged(t *testing.T) {
	for _, broken := range []bool{false, true} {
		var h History
		h.Add(at(0, 1, start()))
		for n := range uint32(3) {
			for i := range 20 {
				h.Add(at(int(100*n)+i+2, int(100*n)+i+3, silence(n)))
			}
			h.Add(at(int(100*n)+50, int(100*n)+51, turn(n, n+1)))
		}
		if broken {
			h.Add(at(1000, 1001, turn(2, 90))) // so often nobody asked
		}
		err := h.Check(Rules{}, within)
		var violation *ViolationError
		if errors.As(err, &violation) != broken || err != nil && !broken {
			t.Errorf("broken %t: %v", !broken, err)
		}
	}
}
