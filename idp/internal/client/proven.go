package client

import "fmt"

// How many clients are remembered with what proved them, and how many terms that
// differ. Of a client there are 16 bytes, and no pointer: what it has alone is not
// kept. Strangers may register terms of any length.
const (
	provenRoom = 1 << 17
	termsRoom  = 1 << 10
	mostTerms  = 1 << 10 // bytes
)

// proven are the terms of clients by what proved them. It is not safe for
// concurrent use.
type proven struct {
	numbers map[proof]uint16 // in terms
	terms   []Terms
	known   map[string]uint16 // the number of the terms, by all that they say
}

func newProven() proven {
	return proven{numbers: map[proof]uint16{}, known: map[string]uint16{}}
}

func (p *proven) recall(by proof) (Terms, bool) {
	n, found := p.numbers[by]
	if !found {
		return Terms{}, false
	}
	return p.terms[n], true
}

// remember does nothing, and says so, where there is no room for other terms.
// Where there is none for another client it forgets all: those who are still there
// come back.
func (p *proven) remember(by proof, t Terms) (done bool) {
	if len(p.numbers) >= provenRoom {
		*p = newProven()
	}
	said := fmt.Sprintf("%#v", t)
	n, found := p.known[said]
	if !found {
		if len(p.terms) >= termsRoom || len(said) > mostTerms {
			return false
		}
		n = uint16(len(p.terms))
		p.terms = append(p.terms, t)
		p.known[said] = n
	}
	p.numbers[by] = n
	return true
}
