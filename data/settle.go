package data

import (
	"context"
	"log/slog"

	"signet/data/kv"
)

// unsettled is what is left to do about the grants of a user who changed; what
// is left of the sessions is the sweeper's.
type unsettled struct {
	more bool
	last GrantID // that was looked at
}

// settleSome does with the user's grants what the user's record says now: those
// that are dead are removed, and access tokens that say what no longer holds
// are revoked. It looks at a step of them.
func (s *Store) settleSome(tx kv.Tx, id UserID, after GrantID) (rest unsettled, err error) {
	w := sweeper{s: s, tx: s.step(tx), now: s.now()}
	var held []GrantID
	most := w.tx.some(endAtOnce)
	err = scanHeld(w.tx, id, after, func(grant GrantID) bool {
		held = append(held, grant)
		return len(held) < most
	})
	rest = unsettled{last: after, more: len(held) == most}
	for i := 0; i < len(held) && err == nil; i++ {
		if w.tx.full() {
			rest.more = true
			break
		}
		_, err = w.sweepGrant(held[i])
		rest.last = held[i]
	}
	return rest, err
}

// settle goes on where a transaction stopped. The user's change is acknowledged
// already, so neither the end of the request nor a failure undoes anything: the
// sweeper comes for what is left, also after a kill.
func (s *Store) settle(ctx context.Context, id UserID, rest unsettled) {
	ctx = context.WithoutCancel(ctx)
	for rest.more {
		from := rest.last
		err := s.engine.Update(ctx, func(tx kv.Tx) (err error) {
			rest, err = s.settleSome(tx, id, from)
			return err
		})
		if err != nil {
			s.o.Logger.Error("some grants of a user who changed are left to the sweeper", slog.Any("error", err))
			return
		}
	}
}
