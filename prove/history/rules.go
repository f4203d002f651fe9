package history

import "signet/prove/issuer"

// Rules are what the issuer was told to do with a spent token.
type Rules struct {
	// Repeats says that the parent gets the same successor again, for longer
	// than the history lasts (tokens.refresh_grace). Without it there is no
	// grace, and the parent forks. So no clock decides here.
	Repeats bool
}

// grant is the state of one.
type grant struct {
	started, ended  bool
	current, parent uint32
	turned          bool // there is a parent
}

// after says what the issuer must answer to a call on the grant, and what
// becomes of it (docs/design.md, section 5). possible is false for a call that
// nobody can make of such a grant.
func (r Rules) after(g grant, c Call) (result issuer.Result, got uint32, next grant, possible bool) {
	next = g
	switch {
	case c.Kind == Start:
		next = grant{started: true, current: c.Got}
		return issuer.Done, c.Got, next, !g.started
	case !g.started:
		return 0, 0, g, false
	case c.Kind == End: // also of a spent token, and of a grant that has ended
		next.ended = true
		return issuer.Done, 0, next, true
	case g.ended:
		return issuer.Refused, 0, g, true
	case c.Presented == g.current:
		next.current, next.parent, next.turned = g.current+1, g.current, true
		return issuer.Done, next.current, next, true
	case g.turned && c.Presented == g.parent && r.Repeats:
		return issuer.Done, g.current, g, true
	case g.turned && c.Presented == g.parent:
		next.current = g.current + 1
		return issuer.Done, next.current, next, true
	}
	next.ended = true // reuse
	return issuer.Refused, 0, next, true
}

// person is whether somebody is registered.
type person struct{ registered bool }

func (p person) after(c Call) (result issuer.Result, next person) {
	switch {
	case c.Kind == Register && p.registered:
		return issuer.Refused, p
	case c.Kind == Register:
		return issuer.Done, person{registered: true}
	case p.registered:
		return issuer.Done, p
	}
	return issuer.Refused, p
}
