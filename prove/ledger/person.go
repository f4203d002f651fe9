package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"signet/prove/issuer"
)

// Entry is a request and what became of it.
type Entry struct {
	Op
	Begin, End time.Time // when it was sent; when its answer was there, or was given up
	Result     issuer.Result
	Note       string // for people: the status, the error
}

func (e Entry) String() string {
	return fmt.Sprintf("%s %s chain %d: %s %s", e.Begin.Format("15:04:05.000000"), e.Kind, e.Chain, e.Result, e.Note)
}

// Person is what one client did as one person, in its order: a client waits
// for an answer, or gives it up, before it asks again.
type Person struct {
	Email   string
	Entries []Entry
	worlds  []World
}

// NewPerson begins where nothing was asked for yet.
func NewPerson(email string) *Person {
	return &Person{Email: email, worlds: []World{{}}}
}

// ViolationError is a promise that was broken.
type ViolationError struct {
	Email   string
	Entries []Entry // what led to it, the last one impossible
	Worlds  []World // those that the last one struck out
}

func (e *ViolationError) Error() string {
	const shown = 12
	var b strings.Builder
	last := e.Entries[len(e.Entries)-1]
	fmt.Fprintf(&b, "%s: %s was answered %s, which cannot be: ", e.Email, last.Kind, last.Result)
	for i, w := range e.Worlds {
		if i > 0 {
			b.WriteString(", or ")
		}
		fmt.Fprintf(&b, "registered %t, chain %d alive %t", w.Registered, last.Chain, w.Chains[last.Chain].Alive)
	}
	for _, entry := range e.Entries[max(0, len(e.Entries)-shown):] {
		fmt.Fprintf(&b, "\n\t%s", entry)
	}
	return b.String()
}

// Add records an entry. The error is a *ViolationError.
func (p *Person) Add(e Entry) error {
	p.Entries = append(p.Entries, e)
	next, err := step(p.Email, p.worlds, p.Entries)
	if err == nil {
		p.worlds = next
	}
	return err
}

// Worlds are the possible ones now. There is always one.
func (p *Person) Worlds() []World { return p.worlds }

// At returns the worlds that were possible at an instant: what was answered
// before it counts, what was under way may or may not have happened, and what
// was asked for later did not.
func (p *Person) At(t time.Time) ([]World, error) {
	worlds := []World{{}}
	var past []Entry
	for _, e := range p.Entries {
		if !e.Begin.Before(t) {
			break
		}
		if !e.End.Before(t) {
			e.Result = issuer.Unknown
		}
		var err error
		past = append(past, e)
		if worlds, err = step(p.Email, worlds, past); err != nil {
			return nil, err
		}
	}
	return worlds, nil
}

// step applies the last of entries.
func step(email string, worlds []World, entries []Entry) ([]World, error) {
	last := entries[len(entries)-1]
	var next []World
	for _, w := range worlds {
		for _, n := range w.after(last.Op, last.Result) {
			if !slices.ContainsFunc(next, n.same) {
				next = append(next, n)
			}
		}
	}
	if len(next) == 0 {
		return nil, &ViolationError{Email: email, Entries: entries, Worlds: worlds}
	}
	return next, nil
}

// Until is the person as of an instant, for whom the world may have gone on
// otherwise since.
func (p *Person) Until(t time.Time) (*Person, error) {
	worlds, err := p.At(t)
	if err != nil {
		return nil, err
	}
	past := &Person{Email: p.Email, worlds: worlds}
	for _, e := range p.Entries {
		if e.Begin.Before(t) {
			past.Entries = append(past.Entries, e)
		}
	}
	return past, nil
}
