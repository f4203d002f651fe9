package ledger

import (
	"maps"

	"signet/prove/issuer"
)

// Kind is what was asked for.
type Kind int

const (
	Register Kind = iota + 1
	Login
	Refresh
	Logout
	ChangePassword
)

func (k Kind) String() string {
	return [...]string{Register: "register", Login: "login", Refresh: "refresh", Logout: "logout",
		ChangePassword: "change password"}[k]
}

// Op is a request as its client sees it.
type Op struct {
	Kind     Kind
	Password string // Register, Login: with which; ChangePassword: the old one
	New      string // ChangePassword: the new one
	Chain    int    // which family of refresh tokens; for Login, the one that it begins
	Token    string // Refresh, Logout: what was presented; always the newest that the client has
	Got      string // Login, Refresh: what the client got, if it was done
}

// Chain is a family of refresh tokens in one world.
type Chain struct {
	Newest string // the newest token that the client has
	Alive  bool
	// Extra is how many turns may have happened that the client does not
	// know of; it must get the next token for Newest all the same.
	Extra int
}

// World is one way in which things may stand for a person.
type World struct {
	Registered bool
	Password   string
	Chains     map[int]Chain
}

func (w World) clone() World {
	w.Chains = maps.Clone(w.Chains)
	return w
}

func (w World) with(id int, c Chain) World {
	w = w.clone()
	if w.Chains == nil {
		w.Chains = map[int]Chain{}
	}
	w.Chains[id] = c
	return w
}

func (w World) same(o World) bool {
	return w.Registered == o.Registered && w.Password == o.Password && maps.Equal(w.Chains, o.Chains)
}

// after returns the worlds that w may have become when op had the result.
// None: the result is impossible in w.
func (w World) after(op Op, result issuer.Result) []World {
	happens, next := w.apply(op)
	switch {
	case result == issuer.Unknown && happens && op.Kind == Login:
		return []World{w} // a grant whose token nobody has
	case result == issuer.Unknown && happens && op.Kind == Refresh:
		c := w.Chains[op.Chain]
		c.Extra++
		return []World{w.with(op.Chain, c)}
	case result == issuer.Unknown && happens:
		return []World{w, next}
	case result == issuer.Unknown:
		return []World{w}
	case result == issuer.Done && happens:
		return []World{next}
	case result == issuer.Refused && !happens:
		return []World{w}
	}
	return nil
}

// apply says whether the issuer does in w what op asks for, and what follows.
func (w World) apply(op Op) (happens bool, next World) {
	c := w.Chains[op.Chain]
	switch op.Kind {
	case Register:
		next = w.clone()
		next.Registered, next.Password = true, op.Password
		return !w.Registered, next
	case Login:
		return w.Registered && w.Password == op.Password, w.with(op.Chain, Chain{Newest: op.Got, Alive: true})
	case Refresh:
		return c.Alive && c.Newest == op.Token, w.with(op.Chain, Chain{Newest: op.Got, Alive: true})
	case Logout:
		// Ending what has ended is acknowledged, too.
		c.Alive, c.Extra = false, 0
		return true, w.with(op.Chain, c)
	case ChangePassword:
		next = w.clone()
		next.Password = op.New
		for id, other := range next.Chains {
			if id != op.Chain {
				other.Alive, other.Extra = false, 0
			}
			next.Chains[id] = other
		}
		return w.Registered && w.Password == op.Password && c.Alive, next
	}
	return false, w
}
