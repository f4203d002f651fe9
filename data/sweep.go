package data

import (
	"context"
	"log/slog"
	"time"

	"signet/data/kv"
)

const (
	// sweepStep bounds the records that one transaction of a sweep looks at.
	sweepStep = 100
	// sweepAgain is when a record that cannot be read is looked at again.
	sweepAgain = 24 * time.Hour
)

// Sweep removes what has expired, and what is left of grants that ended with
// their user's others, in short transactions. It looks at no more than about
// limit records and returns how many it looked at: as many as limit, and there
// may be more. It never removes what it cannot read.
func (s *Store) Sweep(ctx context.Context, limit int) (swept int, err error) {
	for swept < limit {
		n, err := s.sweepStep(ctx, min(limit-swept, sweepStep))
		swept += n
		if err != nil || n == 0 {
			return swept, err
		}
	}
	return swept, nil
}

func (s *Store) sweepStep(ctx context.Context, budget int) (looked int, err error) {
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		w := sweeper{s: s, tx: tx, now: s.now(), left: budget}
		due, err := w.due()
		for i := 0; i < len(due) && err == nil && w.left > 0; i++ {
			err = w.sweep(due[i])
		}
		looked = budget - max(w.left, 0)
		return err
	})
	if err != nil {
		return 0, err
	}
	return looked, nil
}

// cleanGrants asks the sweeper to remove the grants of the user that are dead,
// the next time that it comes.
func (s *Store) cleanGrants(tx kv.Tx, id UserID) {
	tx.Put(expiryKey(s.now().Truncate(time.Second), expiryUser, []byte(id)), present)
}

// sweeper is one transaction of a sweep.
type sweeper struct {
	s    *Store
	tx   kv.Tx
	now  time.Time
	left int // records that it may still look at
}

type expiryEntry struct {
	key, value, id []byte
	kind           byte
}

// due collects the entries first: what a scan sees while the transaction
// writes is nobody's promise.
func (w *sweeper) due() (due []expiryEntry, err error) {
	err = w.tx.Scan([]byte(expiryPrefix), nil, func(key, value []byte) bool {
		e := expiryEntry{key: append([]byte(nil), key...), value: append([]byte(nil), value...)}
		second, kind, id, ok := parseExpiryKey(e.key)
		if !ok {
			w.s.o.Logger.Error("an entry of the expiry index makes no sense", slog.Int("bytes", len(key)))
			return true
		}
		if second > w.now.Unix() {
			return false
		}
		e.kind, e.id = kind, id
		due = append(due, e)
		return len(due) < w.left
	})
	return due, err
}

func (w *sweeper) sweep(e expiryEntry) (err error) {
	w.left--
	var again time.Time // zero: the record is gone, and the entry with it
	switch e.kind {
	case expiryUser:
		return w.sweepUser(e)
	case expiryGrant:
		again, err = w.sweepGrant(GrantID(e.id))
	case expiryInvitation:
		again, err = w.sweepInvitation(InvitationHash(e.id))
	}
	if err != nil {
		return err
	}
	w.tx.Delete(e.key)
	if !again.IsZero() {
		w.tx.Put(expiryKey(again, e.kind, e.id), present)
	}
	return nil
}

func (w *sweeper) sweepGrant(id GrantID) (again time.Time, err error) {
	g, found, err := getGrant(w.tx, id)
	if unreadable(err) {
		return w.unread(err), nil
	}
	if err != nil || !found {
		return time.Time{}, err
	}
	u, found, err := getUser(w.tx, g.User)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil:
		return time.Time{}, err
	case found && w.s.Alive(g, u, w.now):
		return g.ExpiresAt, nil
	}
	deleteGrant(w.tx, id, g.User)
	return time.Time{}, nil
}

func (w *sweeper) sweepInvitation(hash InvitationHash) (again time.Time, err error) {
	var inv Invitation
	found, err := get(w.tx, invitationKey(hash), &inv)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil || !found:
		return time.Time{}, err
	case w.now.Before(inv.ExpiresAt):
		return inv.ExpiresAt, nil
	}
	w.tx.Delete(invitationKey(hash))
	return time.Time{}, nil
}

// sweepUser removes dead grants of the user, a step of them, and remembers in
// the entry how far it came.
func (w *sweeper) sweepUser(e expiryEntry) error {
	user := UserID(e.id)
	var after GrantID
	if rest := e.value[len(present):]; len(rest) == len(after) {
		after = GrantID(rest)
	}
	var step []GrantID
	more := false
	err := scanHeld(w.tx, user, after, func(id GrantID) bool {
		more = len(step) >= max(w.left, 1)
		if !more {
			step = append(step, id)
		}
		return !more
	})
	for i := 0; i < len(step) && err == nil; i++ {
		w.left--
		_, err = w.sweepGrant(step[i])
	}
	if err != nil {
		return err
	}
	if more {
		last := step[len(step)-1]
		w.tx.Put(e.key, append(append([]byte(nil), present...), last[:]...))
	} else {
		w.tx.Delete(e.key)
	}
	return nil
}

// unread says when to look again at a record that cannot be read.
func (w *sweeper) unread(err error) time.Time {
	w.s.o.Logger.Error("a record that is due cannot be read, and stays", slog.Any("error", err))
	return w.now.Add(sweepAgain)
}
