package keys

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// instant is one moment twice: now answers "is it time?", at is written
// down. They differ only while the wall clock stands behind where it was.
type instant struct{ now, at time.Time }

func instantOf(t time.Time) instant {
	t = t.UTC().Round(0)
	return instant{now: t, at: t}
}

// fresh is a new key, sealed already.
type fresh struct {
	KID    string
	Public jsontext.Value
	Sealed string
}

// taker hands out fresh keys; each call another one.
type taker func(Alg) fresh

// Change is one key's step from a state (empty: it is new) to another.
type Change struct {
	KID      string
	Alg      Alg
	From, To State
	Why      string
}

// draft is a record on its way to the next.
type draft struct {
	record
	instant
	take    taker
	changes []Change
	touched bool
}

func newDraft(r record, t instant, take taker) *draft {
	return &draft{record: r.clone(), instant: t, take: take}
}

// finish counts the change, if there was one.
func (d *draft) finish() (record, []Change) {
	if d.touched {
		d.Rev++
	}
	return d.record, d.changes
}

func (d *draft) note(k *keyRecord, from State, why string) {
	d.touched = true
	d.changes = append(d.changes, Change{KID: k.KID, Alg: k.Alg, From: from, To: k.State, Why: why})
}

// readyAt is when no unexpired copy of a JWKS without a key can exist, if
// the key is published then. A node that has not heard serves copies for its
// lease, even those with no max-age left; the lease covers a slow commit and the network,
// the skew the clock of the node that will promote it.
func (d *draft) readyAt(maxAge duration, published time.Time) time.Time {
	copies := later(published.Add(time.Duration(maxAge)), later(d.CopiesUntil, d.LeasesUntil))
	return copies.Add(time.Duration(d.Schedule.Lease + d.Schedule.Skew))
}

// deadFrom is when the last token of a key that is demoted now has expired.
// A node that has not heard of it signs for a lease; the commit may itself
// take up to another; the token's exp is read off one clock and judged by a
// second, the demotion off a third and judged by a fourth: twice the skew.
func (d *draft) deadFrom(lifetime duration) time.Time {
	s := d.Schedule
	signs := later(d.at.Add(time.Duration(s.Lease)), d.LeasesUntil)
	return signs.Add(time.Duration(s.Lease + lifetime + 2*s.Skew))
}

// publish adds a pending key to a line.
func (d *draft) publish(alg Alg) *keyRecord {
	f := d.take(alg)
	d.Keys = append(d.Keys, keyRecord{
		KID: f.KID, Alg: alg, State: Pending, Public: f.Public, Sealed: f.Sealed,
		Published: d.at, ReadyAt: d.readyAt(d.MaxAge, d.at), Lifetime: d.Schedule.Lifetime,
	})
	k := &d.Keys[len(d.Keys)-1]
	d.note(k, "", "")
	return k
}

// activate makes the pending key of a line sign and publishes the next one.
// The line has no active key at that moment.
func (d *draft) activate(alg Alg, why string) {
	k := d.find(alg, Pending)
	k.State, k.ActiveSince = Active, d.at
	d.note(k, Pending, why)
	d.publish(alg)
}

// demote ends a key's signing. The private half is destroyed at once: what
// a node that has not heard yet signs with is in its memory.
func (d *draft) demote(k *keyRecord, why string) {
	from := k.State
	k.State, k.DemotedAt, k.Sealed = Retiring, d.at, ""
	k.Until = d.deadFrom(k.Lifetime)
	d.note(k, from, why)
}

// drop takes a key out of the JWKS.
func (d *draft) drop(k *keyRecord, why string) {
	from := k.State
	k.State, k.GoneAt, k.Why, k.Sealed = Gone, d.at, why, ""
	d.note(k, from, why)
}

// step does what is due: it makes a record what its schedule and the moment
// ask for, and returns it unchanged when nothing is due.
func step(r record, t instant, take taker) (record, []Change) {
	d := newDraft(r, t, take)
	d.stepMaxAge()
	for _, alg := range d.Schedule.Lines {
		d.stepLine(alg)
	}
	d.stepLeaving()
	for i := range d.Keys {
		if k := &d.Keys[i]; k.State == Retiring && !d.now.Before(k.Until) {
			d.drop(k, "retired: its last token has expired")
		}
	}
	return d.finish()
}

// stepMaxAge moves the max-age in force towards the schedule's: down at
// once, remembering the copies that are out; up when every pending key is
// ready under the longer one.
func (d *draft) stepMaxAge() {
	want := d.Schedule.MaxAge
	switch {
	case want < d.MaxAge:
		d.CopiesUntil = later(d.CopiesUntil, d.at.Add(time.Duration(d.MaxAge)))
	case want > d.MaxAge && !d.now.Before(d.longerAt()):
	default:
		return
	}
	d.MaxAge, d.touched = want, true
}

// longerAt is when the schedule's longer max-age may come into force.
func (d *draft) longerAt() time.Time {
	var at time.Time
	for i := range d.Keys {
		if k := &d.Keys[i]; k.State == Pending {
			at = later(at, d.readyAt(d.Schedule.MaxAge, k.Published))
		}
	}
	return at
}

// stepLine gives a line its pending key, and its turn to the pending key
// when that is ready and the active one has served its time, or is missing.
func (d *draft) stepLine(alg Alg) {
	pending := d.find(alg, Pending)
	if pending == nil {
		pending = d.publish(alg)
	}
	if d.now.Before(pending.ReadyAt) {
		return
	}
	active := d.find(alg, Active)
	switch {
	case active == nil:
		d.activate(alg, "the line's first key is ready")
	case !d.now.Before(active.ActiveSince.Add(time.Duration(d.Schedule.RotateEvery))):
		d.demote(active, "rotated on schedule")
		d.activate(alg, "rotated on schedule")
	}
}

// stepLeaving retires the lines that the schedule no longer names, once the
// default line can sign for them.
func (d *draft) stepLeaving() {
	if d.find(d.Schedule.Lines[0], Active) == nil {
		return
	}
	for i := range d.Keys {
		k := &d.Keys[i]
		if slices.Contains(d.Schedule.Lines, k.Alg) {
			continue
		}
		switch k.State {
		case Active:
			d.demote(k, "its line was removed")
		case Pending: // it never signed
			d.drop(k, "its line was removed")
		}
	}
}

// nextDue is when step will have something to do; zero if never.
func nextDue(r record) time.Time {
	d := draft{record: r}
	var due time.Time
	soonest := func(t time.Time) {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	if d.Schedule.MaxAge > d.MaxAge {
		soonest(d.longerAt())
	}
	for _, alg := range d.Schedule.Lines {
		pending, active := d.find(alg, Pending), d.find(alg, Active)
		switch {
		case pending == nil:
		case active == nil:
			soonest(pending.ReadyAt)
		default:
			soonest(later(pending.ReadyAt, active.ActiveSince.Add(time.Duration(d.Schedule.RotateEvery))))
		}
	}
	for i := range d.Keys {
		if d.Keys[i].State == Retiring {
			soonest(d.Keys[i].Until)
		}
	}
	return due
}

// adopt makes the configuration's schedule the record's, and then does what
// is due. Without a record it is the very first start: no JWKS was ever
// served, so the pending keys are ready at once.
func adopt(r record, c Config, t instant, take taker) (record, []Change) {
	if r.V == 0 {
		return found(c, t, take)
	}
	d := newDraft(r, t, take)
	want := newSchedule(c)
	if !d.Schedule.equal(want) {
		d.reschedule(want)
	}
	next, changes := step(d.record, t, take)
	if d.touched && next.Rev == r.Rev {
		next.Rev++
	}
	return next, changes
}

func (d *draft) reschedule(want schedule) {
	old := d.Schedule
	d.Schedule, d.touched = want, true
	if want.Lease < old.Lease {
		d.LeasesUntil = later(d.LeasesUntil, d.at.Add(time.Duration(old.Lease)))
	}
	// Slack that was found too small was too small for what is under way.
	slack := 2 * time.Duration(max(0, want.Lease-old.Lease)+max(0, want.Skew-old.Skew))
	for i := range d.Keys {
		switch k := &d.Keys[i]; k.State {
		case Pending:
			k.ReadyAt = k.ReadyAt.Add(slack)
			k.Lifetime = max(k.Lifetime, want.Lifetime)
		case Active:
			// Written before any snapshot allows a token to live so long.
			k.Lifetime = max(k.Lifetime, want.Lifetime)
		case Retiring:
			k.Until = k.Until.Add(slack)
		}
	}
}

// firstRev is where a ring begins to count: above whatever was published before
// under the same name, by a store that was lost or that is newer than its backup.
func firstRev(t instant) uint64 { return uint64(max(0, t.at.UnixMicro())) }

func found(c Config, t instant, take taker) (record, []Change) {
	d := newDraft(record{V: recordVersion, Rev: firstRev(t), Schedule: newSchedule(c)}, t, take)
	d.MaxAge = d.Schedule.MaxAge
	for _, alg := range d.Schedule.Lines {
		d.publish(alg)
		d.activate(alg, "the first start")
	}
	for i := range d.Keys {
		d.Keys[i].ReadyAt = d.at
	}
	return d.finish()
}

// restore is the first change after a backup was restored: someone else may
// hold what the backup held, so no key of it signs again. Their public
// halves stay until their tokens are dead.
func restore(r record, c Config, t instant, take taker) (record, []Change) {
	d := newDraft(r, t, take)
	if want := newSchedule(c); !d.Schedule.equal(want) {
		d.reschedule(want)
	}
	d.Rev = max(d.Rev, firstRev(t))
	d.stepMaxAge()
	// Copies of the JWKS from before the restore are out.
	d.CopiesUntil = later(d.CopiesUntil, d.at.Add(time.Duration(d.MaxAge)))
	for i := range d.Keys {
		if k := &d.Keys[i]; k.State == Active || k.State == Pending {
			d.demote(k, "restored from a backup")
		}
	}
	d.renew("restored from a backup")
	return d.finish()
}

// renew gives each line of the schedule an active and a pending key, when
// all that it had were taken from it.
func (d *draft) renew(why string) {
	for _, alg := range d.Schedule.Lines {
		d.publish(alg)
		d.activate(alg, why)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func lineError(alg Alg, lines []Alg) error {
	return fmt.Errorf("%w: %s (there are %v)", ErrNoLine, alg, lines)
}
