package ledger

import (
	"errors"
	"testing"
	"time"

	"signet/prove/issuer"
)

var (
	register = Op{Kind: Register, Password: "a"}
	login    = Op{Kind: Login, Password: "a", Chain: 1, Got: "t1"}
	other    = Op{Kind: Login, Password: "a", Chain: 2, Got: "u1"}
	refresh  = Op{Kind: Refresh, Chain: 1, Token: "t1", Got: "t2"}
	again    = Op{Kind: Refresh, Chain: 1, Token: "t2", Got: "t3"}
	logout   = Op{Kind: Logout, Chain: 1, Token: "t1"}
	change   = Op{Kind: ChangePassword, Password: "a", New: "b", Chain: 1}
	ofOther  = Op{Kind: Refresh, Chain: 2, Token: "u1", Got: "u2"}
	newLogin = Op{Kind: Login, Password: "b", Chain: 3, Got: "v1"}
)

type told struct {
	op     Op
	result issuer.Result
}

func TestWhatAnIssuerMayAnswer(t *testing.T) {
	const done, refused, unknown = issuer.Done, issuer.Refused, issuer.Unknown
	begun := []told{{register, done}, {login, done}}
	for name, c := range map[string]struct {
		past   []told
		last   told
		broken bool
	}{
		"an acknowledged registration can log in":                   {[]told{{register, done}}, told{login, done}, false},
		"an acknowledged registration is not lost":                  {[]told{{register, done}}, told{login, refused}, true},
		"a registration without an answer may be there":             {[]told{{register, unknown}}, told{login, done}, false},
		"a registration without an answer may be missing":           {[]told{{register, unknown}}, told{login, refused}, false},
		"but it cannot come and go":                                 {[]told{{register, unknown}, {login, done}}, told{login, refused}, true},
		"a client that retried is not logged out":                   {append(begun, told{refresh, unknown}), told{refresh, refused}, true},
		"a client that retried gets its token":                      {append(begun, told{refresh, unknown}), told{refresh, done}, false},
		"an acknowledged refresh works":                             {append(begun, told{refresh, done}), told{again, refused}, true},
		"what was logged out never works again":                     {append(begun, told{logout, done}), told{refresh, done}, true},
		"what was perhaps logged out may work":                      {append(begun, told{logout, unknown}), told{refresh, done}, false},
		"what was perhaps logged out may not":                       {append(begun, told{logout, unknown}), told{refresh, refused}, false},
		"a new password ends the other grants":                      {append(begun, told{other, done}, told{change, done}), told{ofOther, done}, true},
		"a new password keeps the grant that asked":                 {append(begun, told{change, done}), told{refresh, refused}, true},
		"a perhaps new password and the grants are one":             {append(begun, told{other, done}, told{change, unknown}, told{newLogin, done}), told{ofOther, done}, true},
		"a password that did not change ended nothing":              {append(begun, told{other, done}, told{change, unknown}, told{ofOther, done}), told{newLogin, done}, true},
		"an old password is dead once the new one was acknowledged": {append(begun, told{change, done}), told{login, done}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPerson("x")
			for _, s := range c.past {
				if err := p.Add(Entry{Op: s.op, Result: s.result}); err != nil {
					t.Fatal(err)
				}
			}
			err := p.Add(Entry{Op: c.last.op, Result: c.last.result})
			var violation *ViolationError
			if errors.As(err, &violation) != c.broken {
				t.Errorf("broken %t: %v", !c.broken, err)
			}
		})
	}
}

func TestAMomentInThePastKnowsNothingOfTheFuture(t *testing.T) {
	p := NewPerson("x")
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for i, op := range []Op{register, login, logout} {
		if err := p.Add(Entry{Op: op, Begin: at(10 * i), End: at(10*i + 5), Result: issuer.Done}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		at                        int
		worlds, registered, alive int
	}{{0, 1, 0, 0}, {3, 2, 1, 0}, {5, 2, 1, 0}, {6, 1, 1, 0}, {12, 1, 1, 0}, {16, 1, 1, 1}, {23, 2, 2, 1}, {26, 1, 1, 0}} {
		worlds, err := p.At(at(c.at))
		if err != nil {
			t.Fatal(err)
		}
		registered, alive := 0, 0
		for _, w := range worlds {
			if w.Registered {
				registered++
			}
			if w.Chains[1].Alive {
				alive++
			}
		}
		if len(worlds) != c.worlds || registered != c.registered || alive != c.alive {
			t.Errorf("at %d: %d worlds, %d registered, %d alive; want %+v", c.at, len(worlds), registered, alive, c)
		}
	}
}
