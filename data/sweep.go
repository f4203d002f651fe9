package data

import (
	"context"
	"log/slog"
	"slices"
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
		w := sweeper{s: s, tx: s.step(tx), now: s.now(), left: budget}
		due, err := w.due()
		for i := 0; i < len(due) && err == nil && w.left > 0 && !w.tx.full(); i++ {
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
	tx   *step
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
	most := w.tx.some(w.left)
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
		return len(due) < most
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
	case expiryClient:
		again, err = w.sweepClient(Hash(e.id))
	case expiryStatusList:
		return w.sweepStatusList(e)
	case expiryRevocation:
		return w.sweepRevocation(e)
	case expiryPassing:
		again, err = w.sweepPassing(e.id[0], Hash(e.id[1:]))
	default:
		again = w.unknown(e.kind)
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
		if w.s.dropStale(w.tx, &g, u) {
			err = put(w.tx, grantKey(id), &g)
		}
		return g.ExpiresAt, err
	case found && g.NoRefresh && w.s.Alive(g, u, g.CreatedAt):
		// Time alone ended it, with its access token: there is nothing to revoke,
		// and nobody who waits for a list has to hear of it.
		if slot, ok := g.Slot(); ok && w.now.Before(slot.Until) {
			return slot.Until, nil
		}
	}
	w.s.endGrant(w.tx, g)
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

func (w *sweeper) sweepPassing(kind byte, h Hash) (again time.Time, err error) {
	switch kind {
	case codeKind:
		return w.s.Codes.sweep(w, h)
	case requestKind:
		return w.s.Requests.sweep(w, h)
	case deviceKind:
		return w.s.Devices.sweep(w, h)
	case userCodeKind:
		return w.s.UserCodes.sweep(w, h)
	case initialTokenKind:
		return w.s.InitialTokens.sweep(w, h)
	case sessionKind:
		return w.s.Sessions.sweep(w, h)
	case markKind:
		return w.sweepMark(h)
	case countersKind:
		return w.sweepCounters(h)
	}
	return w.unknown(kind), nil
}

// sweepUser removes dead grants of the user, a step of them, and remembers in
// the entry how far it came. What else is left of one who was signed out, or
// deleted, follows. By its length, what is remembered is a grant, or an account
// and its session.
func (w *sweeper) sweepUser(e expiryEntry) error {
	user, session, more := UserID(e.id), e.value[len(present):], false
	if len(session) <= len(Hash{}) { // an account's name is before it: it is not through with the grants
		session = nil
		if more, err := w.sweepHeld(e, user); err != nil || more {
			return err
		}
	}
	u, found, err := getUser(w.tx, user)
	switch {
	case unreadable(err):
		err = nil
	case err == nil && found:
		if session, more, err = w.signOut(u, session, max(w.left, 1)); more {
			w.reach(e, session)
		}
	case err == nil:
		more, err = w.forget(user)
	}
	if err == nil && !more {
		w.tx.Delete(e.key)
	}
	return err
}

// reach keeps the entry of a user, and in it how far the sweeper came.
func (w *sweeper) reach(e expiryEntry, reached []byte) {
	w.tx.Put(e.key, slices.Concat(present, reached))
}

func (w *sweeper) sweepHeld(e expiryEntry, user UserID) (more bool, err error) {
	var after GrantID
	if rest := e.value[len(present):]; len(rest) == len(after) {
		after = GrantID(rest)
	}
	var step []GrantID
	most := w.tx.some(w.left)
	err = scanHeld(w.tx, user, after, func(id GrantID) bool {
		more = len(step) >= most
		if !more {
			step = append(step, id)
		}
		return !more
	})
	for i := 0; i < len(step) && err == nil; i++ {
		if i > 0 && w.tx.full() {
			more = true
			break
		}
		w.left--
		_, err = w.sweepGrant(step[i])
		after = step[i]
	}
	if err == nil && more {
		w.reach(e, after[:])
	}
	return more, err
}

// forget removes the consents of a user who is gone, and takes the user out of
// the sessions of browsers that others may still use: a step of them.
func (w *sweeper) forget(user UserID) (more bool, err error) {
	consents, more, err := w.some(consentPrefix, user, nil, max(w.left, 1))
	if err != nil {
		return false, err
	}
	for _, key := range consents {
		w.tx.Delete(key)
	}
	if more {
		return true, nil
	}
	sessions, more, err := w.some(signedInPrefix, user, nil, max(w.left, 1))
	for i := 0; i < len(sessions) && err == nil; i++ {
		if i > 0 && w.tx.full() {
			return true, nil
		}
		err = w.leave(sessionOf(sessions[i]), func(a Account) bool { return a.User == user })
		w.tx.Delete(sessions[i])
	}
	return more, err
}

// signOut takes the user out of the sessions of an earlier epoch, so that the
// clients are told (Ending): a step of those after the given one (nil: from the
// first). It goes on after last: those that stay would fill every step.
func (w *sweeper) signOut(u User, after []byte, step int) (last []byte, more bool, err error) {
	sessions, more, err := w.some(signedInPrefix, u.ID, after, step)
	for i := 0; i < len(sessions) && err == nil; i++ {
		if i > 0 && w.tx.full() {
			return last, true, nil
		}
		last = sessions[i][len(signedInPrefix)+len(u.ID):]
		err = w.leave(sessionOf(sessions[i]), func(a Account) bool { return a.User == u.ID && a.Epoch != u.Epoch })
	}
	return last, more, err
}

// sessionOf reads the name of a session out of a key of signedInPrefix.
func sessionOf(key []byte) Hash { return Hash(key[len(key)-len(Hash{}):]) }

// some returns keys of the user, as many as there is room for, from the one
// after the given rest of a key on (nil: from the first).
func (w *sweeper) some(prefix string, user UserID, after []byte, room int) (keys [][]byte, more bool, err error) {
	var start []byte
	if after != nil {
		start = slices.Concat(ofUser(prefix, user), after, []byte{0})
	}
	room = w.tx.some(room)
	err = w.tx.Scan(ofUser(prefix, user), start, func(key, _ []byte) bool {
		if more = len(keys) >= room; !more {
			keys = append(keys, append([]byte(nil), key...))
		}
		return !more
	})
	w.left -= len(keys)
	return keys, more, err
}

// leave takes out of the session those accounts that leaves says.
func (w *sweeper) leave(session Hash, leaves func(Account) bool) error {
	t := w.s.Sessions
	v, err := t.read(w.tx, session)
	if err != nil || v == nil {
		if unreadable(err) {
			w.unread(err)
			err = nil
		}
		return err
	}
	before := len(v.Accounts)
	v.Accounts = slices.DeleteFunc(v.Accounts, leaves)
	switch len(v.Accounts) {
	case before:
		return nil
	case 0:
		return t.apply(w.tx, session, End, v)
	}
	return t.apply(w.tx, session, Save, v)
}

// unknown says when to look again at what only a later release knows: one that
// stands beside this one will have taken it out by then, or this one is of that
// release itself.
func (w *sweeper) unknown(kind byte) time.Time {
	w.s.o.Logger.Debug("an entry of the expiry index is of a kind that this release does not know", slog.String("kind", string(kind)))
	return w.now.Add(sweepAgain)
}

// unread says when to look again at a record that cannot be read.
func (w *sweeper) unread(err error) time.Time {
	w.s.o.Logger.Error("a record that is due cannot be read, and stays", slog.Any("error", err))
	return w.now.Add(sweepAgain)
}
