package keys

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rotation is the outcome of a line's rotation.
type Rotation struct {
	Alg     Alg       `json:"alg"`
	Old     string    `json:"old,omitzero"` // kid of the key that signed until now
	New     string    `json:"new"`          // kid of the key that signs from now on
	Pending string    `json:"pending"`      // kid of the key that waits behind it
	At      time.Time `json:"at"`
	// OldUntil is when the old key leaves the JWKS.
	OldUntil time.Time `json:"old_until,omitzero"`
	// UnknownUntil is zero after a planned rotation. After a forced one a
	// verifier that only obeys max-age may refuse the new key until then.
	UnknownUntil time.Time `json:"unknown_until,omitzero"`
	// NextReadyAt is when the next rotation can be planned.
	NextReadyAt time.Time `json:"next_ready_at"`
}

// Revocation is the outcome of a key's revocation.
type Revocation struct {
	KID   string    `json:"kid"`
	Alg   Alg       `json:"alg"`
	State State     `json:"state"` // what the key was
	At    time.Time `json:"at"`
	// SignedUntil is when the last node that has not heard stops signing.
	// It is zero if the key did not sign.
	SignedUntil time.Time `json:"signed_until,omitzero"`
	// AcceptedUntil is until when verifiers that only obey max-age go on.
	AcceptedUntil time.Time `json:"accepted_until"`
	// New is the kid that signs instead; empty if the key did not sign.
	New string `json:"new,omitzero"`
	// UnknownUntil is until when such verifiers may refuse the new key; zero
	// if it was ready.
	UnknownUntil time.Time `json:"unknown_until,omitzero"`
	// Pending is the kid that waits behind it.
	Pending string `json:"pending,omitzero"`
}

// seen is what a rotation saw at its first look: the pending key of each
// line. A later look that finds others was overtaken.
type seen map[Alg]string

func pendingKIDs(r record) seen {
	s := seen{}
	for _, alg := range r.Schedule.Lines {
		if k := r.find(alg, Pending); k != nil {
			s[alg] = k.KID
		}
	}
	return s
}

// rotate gives the turn to the pending key of one line, or of all (alg
// empty), together or not at all.
func rotate(r record, alg Alg, force bool, first seen, t instant, take taker) (record, []Change, []Rotation, error) {
	d := newDraft(r, t, take)
	algs := d.Schedule.Lines
	if alg != "" {
		if !slices.Contains(algs, alg) {
			return r, nil, nil, lineError(alg, algs)
		}
		algs = []Alg{alg}
	}
	var late *NotReadyError
	for _, a := range algs {
		p := d.find(a, Pending)
		if p == nil {
			return r, nil, nil, lineError(a, d.Schedule.Lines)
		}
		if t.now.Before(p.ReadyAt) && (late == nil || p.ReadyAt.After(late.ReadyAt)) && !d.waiting(alg, a) {
			late = &NotReadyError{Alg: a, KID: p.KID, ReadyAt: p.ReadyAt}
		}
	}
	if late != nil && !force {
		return r, nil, nil, late
	}
	var done []Rotation
	for _, a := range algs {
		if d.waiting(alg, a) {
			continue
		}
		if p := d.find(a, Pending); first[a] != p.KID {
			return r, nil, nil, fmt.Errorf("%w: key %s is next in line %s now", ErrOvertaken, p.KID, a)
		}
		done = append(done, d.turn(a))
	}
	next, changes := d.finish()
	return next, changes, done, nil
}

// waiting says that all lines are meant and this one has not begun: it will
// by itself, and has no key to rotate.
func (d *draft) waiting(asked, line Alg) bool {
	return asked == "" && d.find(line, Active) == nil
}

func (d *draft) turn(alg Alg) Rotation {
	done := Rotation{Alg: alg, At: d.at}
	if active := d.find(alg, Active); active != nil {
		d.demote(active, "rotated by hand")
		done.Old, done.OldUntil = active.KID, active.Until
	}
	d.activate(alg, "rotated by hand")
	done.New, done.UnknownUntil = d.unknownUntil(alg)
	next := d.find(alg, Pending)
	done.Pending, done.NextReadyAt = next.KID, next.ReadyAt
	return done
}

// unknownUntil returns the active key of a line, and until when verifiers
// may not know it, if so.
func (d *draft) unknownUntil(alg Alg) (kid string, until time.Time) {
	k := d.find(alg, Active)
	if d.now.Before(k.ReadyAt) {
		until = k.ReadyAt
	}
	return k.KID, until
}

// revoke takes one key out of the JWKS now, whatever it is, and puts the
// line's next in its place.
func revoke(r record, kid, reason string, t instant, take taker) (record, []Change, Revocation, error) {
	if strings.TrimSpace(reason) == "" {
		return r, nil, Revocation{}, ErrReason
	}
	d := newDraft(r, t, take)
	k := d.byKID(kid)
	switch {
	case k == nil:
		return r, nil, Revocation{}, fmt.Errorf("%w: %q", ErrUnknownKey, kid)
	case k.State == Gone:
		return r, nil, Revocation{}, fmt.Errorf("%w: %s left on %s: %s", ErrGone, kid, k.GoneAt.Format(time.RFC3339), k.Why)
	}
	out := d.revocation(k)
	line := slices.Contains(d.Schedule.Lines, k.Alg)
	state, alg := k.State, k.Alg
	d.drop(k, WhyRevoked+reason)
	switch {
	case state == Active && d.find(alg, Pending) != nil:
		d.activate(alg, "its predecessor was revoked")
		out.New, out.UnknownUntil = d.unknownUntil(alg)
	case state == Pending && line:
		d.publish(alg)
	}
	if _, err := (&view{rec: &d.record}).signing(alg); err != nil {
		// It was the last that signed, of a line that is leaving.
		alg = d.Schedule.Lines[0]
		d.activate(alg, "the last key that signed was revoked")
		out.New, out.UnknownUntil = d.unknownUntil(alg)
	}
	if p := d.find(alg, Pending); p != nil {
		out.Pending = p.KID
	}
	next, changes := d.finish()
	return next, changes, out, nil
}

func (d *draft) revocation(k *keyRecord) Revocation {
	s := d.Schedule
	signs := later(d.at.Add(time.Duration(s.Lease)), d.LeasesUntil)
	// A node that has not heard serves copies until its lease is over; each
	// expires a max-age after the node last heard.
	copies := later(later(d.at.Add(time.Duration(d.MaxAge)), d.CopiesUntil), signs)
	out := Revocation{
		KID: k.KID, Alg: k.Alg, State: k.State, At: d.at,
		AcceptedUntil: copies.Add(time.Duration(s.Skew)),
	}
	if k.State == Active {
		out.SignedUntil = signs
	}
	return out
}

// revokeAll replaces every key of the ring, for a host that was taken.
func revokeAll(r record, reason string, t instant, take taker) (record, []Change, []Revocation, error) {
	if strings.TrimSpace(reason) == "" {
		return r, nil, nil, ErrReason
	}
	d := newDraft(r, t, take)
	var out []Revocation
	for i := range d.Keys {
		if k := &d.Keys[i]; k.State != Gone {
			out = append(out, d.revocation(k))
			d.drop(k, WhyRevoked+reason)
		}
	}
	d.renew("every key was revoked")
	for i := range out {
		if slices.Contains(d.Schedule.Lines, out[i].Alg) {
			if out[i].State == Active {
				out[i].New, out[i].UnknownUntil = d.unknownUntil(out[i].Alg)
			}
			out[i].Pending = d.find(out[i].Alg, Pending).KID
		}
	}
	next, changes := d.finish()
	return next, changes, out, nil
}
