package keys

import (
	"fmt"
	"strings"
	"time"
)

// macRecord is the MAC keys as the store keeps them, oldest first.
type macRecord struct {
	V           int       `json:"v"`
	Rev         uint64    `json:"rev"`
	Lease       duration  `json:"lease"`
	Skew        duration  `json:"skew"`
	LeasesUntil time.Time `json:"leases_until,omitzero"`
	Keys        []macKey  `json:"keys"`
}

// macKey makes MACs from From on, until a later key does, and verifies until
// Until. It is in the record before From, so that every node knows it when
// the first MAC is made.
type macKey struct {
	ID      uint32    `json:"id"`
	Created time.Time `json:"created"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero"`
	GoneAt  time.Time `json:"gone_at,omitzero"`
	Why     string    `json:"why,omitzero"`
	Sealed  string    `json:"sealed,omitzero"` // until it is gone
}

func parseMACs(raw []byte) (macRecord, error) {
	r, err := decode[macRecord]("the MAC keys", raw, recordVersion)
	if err != nil {
		return macRecord{}, err
	}
	if err := r.check(); err != nil {
		return macRecord{}, fmt.Errorf("%w: the MAC keys: %w: restore the store from a backup", ErrDamaged, err)
	}
	return r, nil
}

func (r *macRecord) check() error {
	if r.Lease <= 0 || r.Skew < 0 {
		return fmt.Errorf("no lease")
	}
	if len(r.Keys) == 0 {
		return fmt.Errorf("no key")
	}
	ids := map[uint32]bool{}
	for _, k := range r.Keys {
		switch {
		case k.ID == 0 || ids[k.ID]:
			return fmt.Errorf("key %d is there twice, or has no id", k.ID)
		case (k.Sealed == "") != !k.GoneAt.IsZero():
			return fmt.Errorf("key %d is gone and not gone", k.ID)
		case k.From.IsZero():
			return fmt.Errorf("key %d has no beginning", k.ID)
		}
		ids[k.ID] = true
	}
	return nil
}

// newMAC hands out a sealed key with an id that is not among taken.
type newMAC func(taken func(uint32) bool) (id uint32, sealed string, err error)

func (r macRecord) clone() macRecord {
	r.Keys = append([]macKey(nil), r.Keys...)
	return r
}

func (r *macRecord) find(id uint32) *macKey {
	for i := range r.Keys {
		if r.Keys[i].ID == id {
			return &r.Keys[i]
		}
	}
	return nil
}

func (r *macRecord) add(t, from time.Time, newKey newMAC) error {
	id, sealed, err := newKey(func(id uint32) bool { return r.find(id) != nil })
	if err != nil {
		return err
	}
	r.Keys = append(r.Keys, macKey{ID: id, Created: t, From: from, Sealed: sealed})
	return nil
}

// making returns the key that makes MACs now: the last that has begun.
func (r *macRecord) making(now time.Time) *macKey {
	var k *macKey
	for i := range r.Keys {
		if c := &r.Keys[i]; c.Sealed != "" && (k == nil || !now.Before(c.From)) {
			k = c
		}
	}
	return k
}

// stepMACs adopts a configuration's lease and skew, makes the first key, and
// destroys those that are over.
func stepMACs(r macRecord, lease, skew time.Duration, t instant, newKey newMAC) (macRecord, error) {
	next := r.clone()
	changed := false
	if r.V == 0 {
		next.V, changed = recordVersion, true
		if err := next.add(t.at, t.at, newKey); err != nil {
			return r, err
		}
	}
	if next.Lease != duration(lease) || next.Skew != duration(skew) {
		if duration(lease) < next.Lease {
			next.LeasesUntil = later(next.LeasesUntil, t.at.Add(time.Duration(next.Lease)))
		}
		next.Lease, next.Skew, changed = duration(lease), duration(skew), true
	}
	for i := range next.Keys {
		if k := &next.Keys[i]; k.Sealed != "" && !k.Until.IsZero() && !t.now.Before(k.Until) {
			k.Sealed, k.GoneAt, k.Why, changed = "", t.at, "replaced, and its time is over", true
		}
	}
	if changed {
		next.Rev++
	}
	return next, nil
}

// due says whether the newest key has made MACs for its time. Where replaced
// keys are not kept, none is replaced: every refresh token would die.
func (r *macRecord) due(every, keep time.Duration, now time.Time) bool {
	newest := r.Keys[len(r.Keys)-1]
	return keep > 0 && !now.Before(newest.From.Add(every))
}

// rotateMACs adds a key that begins when every node knows it. The others
// verify for keepFor from then on.
func rotateMACs(r macRecord, keepFor time.Duration, t instant, newKey newMAC) (macRecord, error) {
	if keepFor < 0 {
		return r, fmt.Errorf("keys: a replaced MAC key cannot be kept for %s", keepFor)
	}
	next := r.clone()
	slack := time.Duration(r.Lease + r.Skew)
	from := later(t.at.Add(time.Duration(r.Lease)), r.LeasesUntil).Add(slack)
	until := from.Add(keepFor + slack)
	for i := range next.Keys {
		if k := &next.Keys[i]; k.Sealed != "" && (k.Until.IsZero() || k.Until.After(until)) {
			k.Until = until
		}
	}
	if err := next.add(t.at, from, newKey); err != nil {
		return r, err
	}
	next.Rev++
	return next, nil
}

func revokeMACs(r macRecord, reason string, t instant, newKey newMAC) (macRecord, error) {
	if strings.TrimSpace(reason) == "" {
		return r, ErrReason
	}
	next := r.clone()
	for i := range next.Keys {
		if k := &next.Keys[i]; k.Sealed != "" {
			k.Sealed, k.GoneAt, k.Why = "", t.at, WhyRevoked+reason
		}
	}
	if err := next.add(t.at, t.at, newKey); err != nil {
		return r, err
	}
	next.Rev++
	return next, nil
}

func nextMACsDue(r macRecord) time.Time {
	var due time.Time
	for _, k := range r.Keys {
		if k.Sealed != "" && !k.Until.IsZero() && (due.IsZero() || k.Until.Before(due)) {
			due = k.Until
		}
	}
	return due
}
