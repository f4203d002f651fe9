package data

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"signet/data/kv"
)

// ErrSelector says that it is not clear what is to be revoked.
var ErrSelector = errors.New("data: a revocation is of a client, of an audience, or of what was before a time")

// ErrFuture says that what does not exist yet was to be revoked.
var ErrFuture = errors.New("data: the time is in the future")

// Revocation is what somebody wants revoked, until it is done: one of Client,
// Audience and Before says what. It is worked off in steps, each a transaction,
// and goes on after a restart. Of what was made after it began it ends nothing,
// and no clock decides that: each revocation has a number, and a grant and a
// block remember the number of the last one.
type Revocation struct {
	V      int    `json:"v"`
	ID     string `json:"id"`
	Number uint64 `json:"number"`
	Reason string `json:"reason,omitzero"`

	// Client names one whose grants end, and whose own tokens are revoked.
	Client string `json:"client,omitzero"`
	// Audience names one whose access tokens are revoked, while the grants go
	// on. Exchanged says that others may have been exchanged for tokens of it:
	// those carry the index of what they came from, so that all are revoked.
	Audience  string `json:"audience,omitzero"`
	Exchanged bool   `json:"exchanged,omitzero"`
	// AnyAudience are clients whose grants give access tokens for audiences that
	// the grants do not name.
	AnyAudience []string `json:"any_audience,omitempty"`
	// Before ends all grants that were made before then.
	Before time.Time `json:"before,omitzero"`
	// TokensOnly lets the grants go on, and revokes their access tokens.
	TokensOnly bool `json:"tokens_only,omitzero"`

	At     time.Time `json:"at"`
	DoneAt time.Time `json:"done_at,omitzero"`

	// How far it is. First come the blocks, then the grants: Cursor is the key
	// that was looked at last.
	BlocksDone bool   `json:"blocks_done,omitzero"`
	Cursor     []byte `json:"cursor,omitempty"`
	// Marking is what is left of a block that is gone: bits to be set.
	Marking *Block `json:"marking,omitzero"`

	GrantsEnded   int `json:"grants_ended,omitzero"`
	GrantsRevoked int `json:"grants_revoked,omitzero"` // that go on, without the access tokens that they had out
	BlocksRevoked int `json:"blocks_revoked,omitzero"`
	Unread        int `json:"unread,omitzero"` // records that cannot be read, and stay
}

func (r *Revocation) kind() string  { return "revocation" }
func (r *Revocation) version() *int { return &r.V }

// Done tells about how much of it is done, from 0 to 1. Grants have random
// names, so that where it is says how far it is.
func (r Revocation) Done() float64 {
	const front = 4
	switch {
	case !r.DoneAt.IsZero():
		return 1
	case !r.BlocksDone || len(r.Cursor) < len(GrantID{}):
		return 0
	}
	name := r.Cursor[len(r.Cursor)-len(GrantID{}):]
	return float64(binary.BigEndian.Uint32(name[:front])) / (1 << (8 * front))
}

// check says what is wrong with what is asked for.
func (r Revocation) check(now time.Time) error {
	selectors := 0
	for _, set := range []bool{r.Client != "", r.Audience != "", !r.Before.IsZero()} {
		if set {
			selectors++
		}
	}
	switch {
	case selectors != 1:
		return ErrSelector
	case r.Before.After(now):
		return ErrFuture
	}
	return nil
}

// revokedFor is how long it is remembered that a revocation was done.
const revokedFor = 24 * time.Hour

// Revoke does what r says, which begins in one transaction and goes on in
// others; progress, where it is not nil, hears of each. Where ctx ends, or the
// store fails, what has begun is finished by the sweeper. It returns how far it
// came, ErrSelector or ErrFuture.
func (s *Store) Revoke(ctx context.Context, r Revocation, progress func(Revocation)) (Revocation, error) {
	return s.revoke(ctx, r, -1, progress)
}

// revoke begins, and takes up to that many steps, as goOn does.
func (s *Store) revoke(ctx context.Context, r Revocation, steps int, progress func(Revocation)) (Revocation, error) {
	if err := r.check(s.now()); err != nil {
		return r, err
	}
	id, err := newName(s.o.Rand)
	if err != nil {
		return r, err
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error { return s.beginRevocation(tx, id, &r) })
	if err != nil {
		return r, err
	}
	return s.goOn(ctx, r, steps, progress)
}

// beginRevocation stores r under the id. The sweeper sees to it that it is
// finished.
func (s *Store) beginRevocation(tx kv.Tx, id string, r *Revocation) error {
	number, err := revocations(tx)
	if err != nil {
		return err
	}
	r.ID, r.Number, r.At = id, number+1, s.now()
	tx.Put([]byte(revokedKey), binary.BigEndian.AppendUint64(nil, r.Number))
	tx.Put(expiryKey(r.At.Truncate(time.Second), expiryRevocation, []byte(id)), present)
	return put(tx, revocationKey(id), r)
}

// revocations is how many there were.
func revocations(tx kv.Reader) (uint64, error) {
	value, err := tx.Get([]byte(revokedKey))
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, ErrRecord
	}
	return binary.BigEndian.Uint64(value), nil
}

// goOn takes up to that many steps (below 0: any number) towards the end of a
// revocation that has begun.
func (s *Store) goOn(ctx context.Context, r Revocation, steps int, progress func(Revocation)) (Revocation, error) {
	for ; r.DoneAt.IsZero() && steps != 0; steps-- {
		var next Revocation
		err := s.engine.Update(ctx, func(tx kv.Tx) error {
			next = Revocation{}
			found, err := get(tx, revocationKey(r.ID), &next)
			switch {
			case err != nil:
				return err
			case !found: // done, and forgotten
				next = r
				next.DoneAt = s.now()
				return nil
			case !next.DoneAt.IsZero(): // the sweeper was faster
				return nil
			}
			w := revoker{s: s, tx: s.step(tx), r: &next, left: revokeStep}
			return w.step()
		})
		if err != nil {
			return r, err
		}
		r = next
		if progress != nil {
			progress(r)
		}
	}
	return r, nil
}

// FinishRevocations goes on with what has begun until nothing is left to do.
func (s *Store) FinishRevocations(ctx context.Context) error {
	var open []Revocation
	err := s.engine.View(ctx, func(tx kv.Reader) error {
		open = nil
		var bad error
		err := tx.Scan([]byte(revocationPrefix), nil, func(_, value []byte) bool {
			var r Revocation
			if err := decode(value, &r); err != nil {
				bad = errors.Join(bad, err)
			} else if r.DoneAt.IsZero() {
				open = append(open, r)
			}
			return true
		})
		return errors.Join(err, bad)
	})
	for _, r := range open {
		_, failed := s.goOn(ctx, r, -1, nil)
		err = errors.Join(err, failed)
	}
	return err
}

// sweepRevocation takes a step of a revocation that was left, and forgets one
// that was done long ago.
func (w *sweeper) sweepRevocation(e expiryEntry) error {
	var r Revocation
	found, err := get(w.tx, revocationKey(string(e.id)), &r)
	again := time.Time{}
	switch {
	case unreadable(err):
		again = w.unread(err)
	case err != nil:
		return err
	case found && r.DoneAt.IsZero():
		step := revoker{s: w.s, tx: w.tx, r: &r, left: revokeStep}
		err = step.step()
		w.left -= (revokeStep - step.left) * sweepStep / revokeStep // a whole step of it is one of the sweep
		if !unreadable(err) {
			return err // and comes again at once
		}
		again = w.unread(err)
	case found && w.now.Before(r.DoneAt.Add(revokedFor)):
		again = r.DoneAt.Add(revokedFor)
	case found:
		w.tx.Delete(revocationKey(r.ID))
	}
	w.tx.Delete(e.key)
	if !again.IsZero() {
		w.tx.Put(expiryKey(again, expiryRevocation, e.id), present)
	}
	return nil
}
