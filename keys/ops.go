package keys

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Info is what the owner of the issuer may know of a key.
type Info struct {
	KID   string `json:"kid"`
	Alg   Alg    `json:"alg"`
	State State  `json:"state"`
	// Since is when it came into its state.
	Since     time.Time `json:"since"`
	Published time.Time `json:"published"`
	// ReadyAt is when every verifier that obeys the cache headers has it.
	ReadyAt time.Time `json:"ready_at"`
	// Until is when its state ends: for an active key when its turn is over
	// on schedule, for a retiring one when it leaves the JWKS. Zero: not
	// known yet, or never.
	Until time.Time `json:"until,omitzero"`
	// LastUse is when the last token that it can have signed has expired.
	// Zero for a key that has not signed.
	LastUse     time.Time     `json:"last_use,omitzero"`
	MaxLifetime time.Duration `json:"-"`
	Why         string        `json:"why,omitzero"` // of a key that is gone
	// Public is its JWK, also when it is gone.
	Public jsontext.Value `json:"public"`
}

// List returns every key that the ring ever had, in the order of their
// publication, as this node knows them.
func (r *Ring) List() []Info {
	rec := r.Snapshot().record
	d := draft{record: rec}
	infos := make([]Info, 0, len(rec.Keys))
	for i := range rec.Keys {
		infos = append(infos, d.info(&rec.Keys[i]))
	}
	return infos
}

func (d *draft) info(k *keyRecord) Info {
	in := Info{
		KID: k.KID, Alg: k.Alg, State: k.State, Since: k.Published, Published: k.Published, ReadyAt: k.ReadyAt,
		MaxLifetime: time.Duration(k.Lifetime), Why: k.Why, Public: k.Public.Clone(),
	}
	switch k.State {
	case Active:
		in.Since = k.ActiveSince
		in.Until = k.ActiveSince.Add(time.Duration(d.Schedule.RotateEvery))
		if p := d.find(k.Alg, Pending); p != nil {
			in.Until = later(in.Until, p.ReadyAt)
		}
		planned := *d
		planned.instant = instantOf(in.Until)
		in.LastUse = planned.deadFrom(k.Lifetime)
	case Retiring:
		in.Since, in.Until, in.LastUse = k.DemotedAt, k.Until, k.Until
	case Gone:
		in.Since, in.LastUse = k.GoneAt, k.Until
	}
	return in
}

// Rotate gives the turn to the next key of a line, or of every line that
// signs (alg empty), together or not at all. It fails with a *NotReadyError
// unless the next keys are ready; with force it does not ask, and
// Rotation.UnknownUntil says what that costs. It fails with ErrOvertaken
// rather than rotate twice because two asked at once.
func (r *Ring) Rotate(ctx context.Context, alg Alg, force bool) (done []Rotation, err error) {
	var first seen
	err = r.change(ctx, func(rec record, t instant, take taker) (next record, changes []Change, err error) {
		if first == nil {
			first = pendingKIDs(rec)
		}
		next, changes, done, err = rotate(rec, alg, force, first, t, take)
		return next, changes, err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// Revoke takes a key out of the JWKS now and never waits: if it signed, the
// next key signs, ready or not. The outcome says until when verifiers that
// only obey max-age go on. It fails with ErrReason, ErrUnknownKey, ErrGone.
func (r *Ring) Revoke(ctx context.Context, kid, reason string) (out Revocation, err error) {
	err = r.change(ctx, func(rec record, t instant, take taker) (next record, changes []Change, err error) {
		next, changes, out, err = revoke(rec, kid, reason, t, take)
		return next, changes, err
	})
	if err != nil {
		return Revocation{}, err
	}
	return out, nil
}

// RevokeAll replaces every key that is not gone, for a host that was taken.
// The MAC keys are a record of their own: call MACs.RevokeAll, too.
func (r *Ring) RevokeAll(ctx context.Context, reason string) (out []Revocation, err error) {
	err = r.change(ctx, func(rec record, t instant, take taker) (next record, changes []Change, err error) {
		next, changes, out, err = revokeAll(rec, reason, t, take)
		return next, changes, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Reseal seals every private half anew under to, in one change, and uses to
// from then on. To finish a change of the master key that was cut short,
// open the ring with to.Accepting(the old key) and reseal to it again.
func (r *Ring) Reseal(ctx context.Context, to *Sealer) error {
	from := r.currentSealer()
	return r.keeper.change(ctx, func(c *content, _ instant) ([]byte, error) {
		next := c.record.clone()
		for i := range next.Keys {
			k := &next.Keys[i]
			if err := from.reseal(to, sealedKeyKind, k.KID, &k.Sealed); err != nil {
				return nil, err
			}
		}
		next.Rev++
		return encode(next)
	}, func() {
		r.sealing.Lock()
		r.sealer = to
		r.sealing.Unlock()
		r.spares.empty()
	})
}
