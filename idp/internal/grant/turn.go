package grant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"signet/data"
)

// Check is asked before anything changes whether this client may use the
// grant. Its error is returned as it is, and leaves the grant as it was. It may
// run more than once, inside a transaction, so it only compares.
type Check func(data.Grant, data.User) error

// Turn gives the next refresh token for this one. What is presented decides:
//
//	the current one              the grant turns
//	its parent, in the grace     the same successor, computed again
//	its parent, later            another successor (or the end: LateRevoke)
//	anything else that is ours   the grant ends: ErrReused
//	what is not ours             nothing happens: ErrUnknown
//
// After a restore that keeps grants, a token of an earlier incarnation of the
// store is accepted the same way, and also when the backup is older than it.
func (s *Service) Turn(ctx context.Context, refreshToken string, check Check) (Issued, error) {
	t, err := parse(refreshToken)
	if err != nil {
		return Issued{}, err
	}
	slot, err := s.o.Store.DrawSlot(ctx)
	if err != nil {
		return Issued{}, fmt.Errorf("grant: no index of a status list: %w", err)
	}
	now := s.now()
	var d decision
	var used bool
	err = s.o.Store.ChangeGrant(ctx, t.grant, s.likely(t), func(g *data.Grant, u data.User) data.Change {
		d = s.decide(t, g, u, check, now)
		if d.issued.Outcome == Repeated && !g.Outlasts(slot) {
			d.change = data.Save // what would revoke the access token of this answer is gone, or goes before it
		}
		used = d.change == data.Save && g.Carry(slot, now)
		d.issued.Grant, d.issued.User = *g, u
		return d.change
	})
	if !used {
		s.o.Store.ReturnSlot(slot)
	}
	switch {
	case errors.Is(err, data.ErrNoGrant):
		return Issued{}, ErrUnknown
	case err != nil:
		return Issued{}, err
	case errors.Is(d.err, ErrReused):
		s.o.Logger.Warn("a spent refresh token came back, and its grant was ended",
			slog.String("event", "refresh_token_reused"), slog.String("grant", t.grant.String()),
			slog.String("user", string(d.issued.User.ID)), slog.String("client", d.issued.Grant.Client))
	}
	if d.err != nil {
		return Issued{}, d.err
	}
	return d.issued, nil
}

// decision is what a presented token leads to.
type decision struct {
	change data.Change
	issued Issued
	err    error
}

func (s *Service) decide(t token, g *data.Grant, u data.User, check Check, now time.Time) (d decision) {
	// To a grant, time does not run backwards: elapsed is never negative, and
	// a turn under a clock that was set back does not shorten its life.
	if now.Before(g.TurnedAt) {
		now = g.TurnedAt
	}
	place, incarnation, err := s.place(t, *g)
	if err == nil && check != nil {
		err = check(*g, u)
	}
	if err != nil {
		return decision{err: err}
	}
	if err := dead(*g, u, now); err != nil {
		return decision{change: data.End, err: err}
	}

	switch inGrace := now.Sub(g.TurnedAt) < s.o.Policy.Grace; {
	case place == placeParent && inGrace:
		return s.again(*g)
	case place == placeParent && s.o.Policy.Late == LateFork:
		return s.next(g, Forked, now)
	case place == placeCurrent || place == placeAhead:
		return s.turn(t, g, incarnation, now)
	}
	return decision{change: data.End, err: ErrReused}
}

// dead says why the grant is over. What is over is removed by whoever notices,
// so a clock that is set back revives nothing.
func dead(g data.Grant, u data.User, now time.Time) error {
	switch {
	case u.Disabled, g.Epoch != u.Epoch:
		return ErrEnded
	case !now.Before(g.ExpiresAt), !now.Before(g.MaxAt):
		return ErrExpired
	}
	return nil
}

// turn makes the presented token the parent.
func (s *Service) turn(t token, g *data.Grant, incarnation string, now time.Time) decision {
	g.Parent, g.ParentInc = t.generation, incarnation
	g.Current = max(g.Current, t.generation)
	return s.next(g, Turned, now)
}

// next gives the grant a new current generation.
func (s *Service) next(g *data.Grant, outcome Outcome, now time.Time) decision {
	if g.Current == math.MaxUint32 {
		return decision{change: data.End, err: fmt.Errorf("%w: it has no further generation", ErrEnded)}
	}
	if g.Inc != s.incarnation() {
		outcome = Reissued
	}
	g.Current++
	g.Inc = s.incarnation()
	g.TurnedAt, g.ExpiresAt = now, s.expiry(*g, now)
	text, err := s.seal(g)
	if err != nil {
		return decision{err: err}
	}
	return decision{change: data.Save, issued: Issued{Outcome: outcome, RefreshToken: text}}
}

// again repeats the last answer. Nothing is written, unless the access token
// needs another slot than the last one had, or the same for longer.
func (s *Service) again(g data.Grant) decision {
	text, err := s.reseal(g)
	if err != nil {
		return decision{err: err}
	}
	return decision{issued: Issued{Outcome: Repeated, RefreshToken: text}}
}

type place int

const (
	placeSpent   place = iota // ours, and neither of the others
	placeCurrent              // the newest
	placeParent               // the one that the newest was given for
	placeAhead                // newer than the record, which comes from a backup
)

// place finds out where in its family the token stands, and in which
// incarnation it was made: the one under which its MAC is right. A position is
// an incarnation and a generation in it. It returns ErrUnknown for a token that
// is not ours.
func (s *Service) place(t token, g data.Grant) (place, string, error) {
	made, err := s.made(t, g)
	if err != nil {
		return placeSpent, "", err
	}
	newest := slices.Index(s.lineage, g.Inc)
	incarnation := s.lineage[made]
	switch {
	case newest < 0:
		// A restore that did not keep grants; the sweeper comes for it.
		return placeSpent, "", ErrEnded
	case made == newest && t.generation == g.Current:
		return placeCurrent, incarnation, nil
	case incarnation == g.ParentInc && t.generation == g.Parent:
		return placeParent, incarnation, nil
	case newest == len(s.lineage)-1:
		return placeSpent, incarnation, nil
	case made > newest, made == newest && t.generation > g.Current:
		return placeAhead, incarnation, nil
	}
	return placeSpent, incarnation, nil
}

// made returns the place in the lineage of the incarnation that made the token.
func (s *Service) made(t token, g data.Grant) (int, error) {
	if g.NoRefresh { // none was given out, so this one is nobody's
		return 0, ErrUnknown
	}
	for i, incarnation := range slices.Backward(s.lineage) {
		err := s.o.MACs.Verify(t.key, message(incarnation, t, g.Salt), t.mac[:])
		if err == nil {
			return i, nil
		}
		if !s.o.Refused(err) {
			return 0, s.refusal(err)
		}
	}
	return 0, ErrUnknown
}
