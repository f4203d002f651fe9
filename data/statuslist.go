package data

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"signet/data/kv"
)

// StatusSize is how many tokens, or generations of a grant, one list is for.
const StatusSize = 1 << (2 * halfBits)

// The life of a list. Whoever follows the issuer's lists knows the next one
// for as long as the present one is open.
const (
	statusOpen   = time.Hour        // at least; see statusPeriod
	statusMargin = 10 * time.Minute // for clocks that differ, and for what was drawn in the last moment
)

// StatusListID names a status list. It is random, and tells nothing.
type StatusListID [16]byte

// String is the id as it stands in the list's URI.
func (id StatusListID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseStatusListID undoes String.
func ParseStatusListID(text string) (id StatusListID, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return id, errors.New("data: no id of a status list")
	}
	return StatusListID(raw), nil
}

// StatusList is a Token Status List. Its bits are keys of their own, so that
// who sets one meets nobody.
type StatusList struct {
	V           int          `json:"v"`
	ID          StatusListID `json:"id"`
	Key         [16]byte     `json:"key"`         // of the permutation from serials to indices
	Incarnation string       `json:"incarnation"` // of the store, in which indices are drawn from it
	Reserved    uint32       `json:"reserved"`    // the serials below this are somebody's
	OpensAt     time.Time    `json:"opens_at"`
	ClosesAt    time.Time    `json:"closes_at"` // nothing is drawn from then on
	EndsAt      time.Time    `json:"ends_at"`   // every token in it is dead
}

func (l *StatusList) kind() string  { return "status list" }
func (l *StatusList) version() *int { return &l.V }

// Slot is an index that was drawn: a place in a list. Until is when the last
// token that carries it is dead.
type Slot struct {
	List  StatusListID `json:"list"`
	Index uint32       `json:"index"`
	Until time.Time    `json:"until"`
}

// StatusLists returns the lists whose tokens are not all dead, the next one
// included, in the order of their opening.
func (s *Store) StatusLists(ctx context.Context) (lists []StatusList, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		lists, err = scanStatusLists(tx)
		return err
	})
	now := s.now()
	return slices.DeleteFunc(lists, func(l StatusList) bool { return !now.Before(l.EndsAt) }), err
}

// StatusList returns the list, and false where there is none, or none any more.
func (s *Store) StatusList(ctx context.Context, id StatusListID) (l StatusList, found bool, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		found, err = get(tx, statusListKey(id), &l)
		return err
	})
	return l, found && s.now().Before(l.EndsAt), err
}

func scanStatusLists(tx kv.Reader) (lists []StatusList, err error) {
	var bad error
	err = tx.Scan([]byte(statusListPrefix), nil, func(_, value []byte) bool {
		var l StatusList
		if bad = decode(value, &l); bad == nil {
			lists = append(lists, l)
		}
		return bad == nil
	})
	slices.SortStableFunc(lists, func(a, b StatusList) int { return a.OpensAt.Compare(b.OpensAt) })
	return lists, errors.Join(err, bad)
}

// StatusBits returns the bits of the list, as a Status List Token has them
// (Token Status List, section 4.1), and how many are set. Bits are only ever
// set, so that number names the state: of two, the larger is the later.
func (s *Store) StatusBits(ctx context.Context, id StatusListID) (bits []byte, set int, err error) {
	bits = make([]byte, StatusSize/8)
	prefix := statusBitsOf(id)
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		return tx.Scan(prefix, nil, func(key, _ []byte) bool {
			index, ok := parseStatusIndex(key[len(prefix):])
			if !ok {
				s.o.Logger.Error("a bit of a status list makes no sense", slog.Int("bytes", len(key)))
				return true
			}
			bits[index/8] |= 1 << (index % 8)
			set++
			return true
		})
	})
	return bits, set, err
}

// parseStatusIndex undoes the end of statusBitKey.
func parseStatusIndex(text []byte) (index uint32, ok bool) {
	if len(text) != 4 {
		return 0, false
	}
	index = binary.BigEndian.Uint32(text)
	return index, index < StatusSize
}

// StatusChanged returns a channel that receives after a bit was set, here or on
// another node. stop ends it.
func (s *Store) StatusChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(statusBitPrefix))
}

// StatusListsChanged returns a channel that receives after a list was made or
// opened, here or on another node. stop ends it.
func (s *Store) StatusListsChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(statusListPrefix))
}

// KeepStatusLists sees to it that a list is open and that the next one is
// there, to be announced before a token names it.
func (s *Store) KeepStatusLists(ctx context.Context) error {
	fresh, err := s.freshLists()
	if err != nil {
		return err
	}
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		_, err := s.openList(tx, fresh)
		return err
	})
}

// freshLists are drawn before a transaction, which may run more than once.
func (s *Store) freshLists() (fresh [2]StatusList, err error) {
	for i := range fresh {
		fresh[i].Incarnation = s.meta.Incarnation
		for _, b := range [][]byte{fresh[i].ID[:], fresh[i].Key[:]} {
			if _, err := io.ReadFull(s.o.Rand, b); err != nil {
				return fresh, fmt.Errorf("data: no randomness: %w", err)
			}
		}
	}
	return fresh, nil
}

// openList returns the list that indices are drawn from now, and makes those
// that are missing: that one, and the next.
func (s *Store) openList(tx kv.Tx, fresh [2]StatusList) (current StatusList, err error) {
	lists, err := scanStatusLists(tx)
	if err != nil {
		return current, err
	}
	now := s.now()
	lists = slices.DeleteFunc(lists, func(l StatusList) bool {
		return l.Incarnation != s.meta.Incarnation || !now.Before(l.ClosesAt) || l.Reserved >= StatusSize
	})
	open := slices.IndexFunc(lists, func(l StatusList) bool { return s.opened(l, now) })
	switch {
	case open >= 0:
		current = lists[open]
		lists = lists[open+1:]
	case len(lists) > 0: // announced, and its turn comes early
		current = lists[0]
		lists = lists[1:]
		err = s.putList(tx, &current, now)
	default:
		current = fresh[0]
		err = s.putList(tx, &current, now)
	}
	if err == nil && len(lists) == 0 {
		next := fresh[1]
		err = s.putList(tx, &next, current.ClosesAt)
	}
	return current, err
}

// opened tells whether indices are drawn from the list at now, as far as the
// time goes.
func (s *Store) opened(l StatusList, now time.Time) bool {
	return !now.Before(l.OpensAt) && now.Before(l.ClosesAt) && !l.EndsAt.Before(s.statusEnd(now))
}

// putList stores a list that opens at the given time. One that was open before
// (the clock was set back, or access tokens live longer since a restart) does
// not end earlier than it would have.
func (s *Store) putList(tx kv.Tx, l *StatusList, opens time.Time) error {
	l.OpensAt, l.ClosesAt = opens, opens.Add(s.statusPeriod())
	l.EndsAt = later(l.EndsAt, s.statusEnd(l.ClosesAt))
	tx.Put(expiryKey(l.EndsAt, expiryStatusList, l.ID[:]), present)
	return put(tx, statusListKey(l.ID), l)
}

func (s *Store) statusPeriod() time.Duration { return max(statusOpen, s.o.AccessTTL) }

// statusEnd is when every token is dead that carries what is drawn at drawn.
func (s *Store) statusEnd(drawn time.Time) time.Time { return drawn.Add(s.o.AccessTTL + statusMargin) }

// markSlots sets the bits of the slots that a living token may carry.
func (s *Store) markSlots(tx kv.Tx, slots []Slot) {
	now := s.now()
	for _, slot := range slots {
		if now.Before(slot.Until) {
			tx.Put(statusBitKey(slot.List, slot.Index), present)
		}
	}
}

// dropStale revokes the grant's access tokens where they say of the user what
// no longer holds. It tells whether that changed the grant, which the caller
// then stores: a turn would have to draw a slot anyway.
func (s *Store) dropStale(tx kv.Tx, g *Grant, u User) bool {
	if g.TokenEpoch == u.TokenEpoch {
		return false
	}
	s.markSlots(tx, g.Status)
	g.Status, g.TokenEpoch = nil, u.TokenEpoch
	return true
}

// RevokeSlot revokes the access tokens that carry the index. The grant that it
// belongs to, if any, goes on, and draws another with its next turn. What
// carries an index of a list that is not there is refused already.
func (s *Store) RevokeSlot(ctx context.Context, list StatusListID, index uint32, grant GrantID) error {
	if index >= StatusSize {
		return errors.New("data: no index of a status list")
	}
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		known, err := tx.Get(statusListKey(list))
		if err != nil || known == nil {
			return err
		}
		tx.Put(statusBitKey(list, index), present)
		g, found, err := getGrant(tx, grant)
		if err != nil || !found {
			return err
		}
		kept := slices.DeleteFunc(slices.Clone(g.Status), func(slot Slot) bool { return slot.List == list && slot.Index == index })
		if len(kept) == len(g.Status) {
			return nil
		}
		g.Status = kept
		return put(tx, grantKey(grant), &g)
	})
}

// sweepStatusList removes a list whose tokens are all dead: its blocks and
// bits first, a step of them at a time.
func (w *sweeper) sweepStatusList(e expiryEntry) error {
	id := StatusListID(e.id)
	var l StatusList
	found, err := get(w.tx, statusListKey(id), &l)
	again := time.Time{}
	switch {
	case unreadable(err):
		again = w.unread(err)
	case err != nil:
		return err
	case found && w.now.Before(l.EndsAt):
		again = l.EndsAt
	default:
		for _, prefix := range [][]byte{blocksOf(id), statusBitsOf(id)} {
			if more, err := w.dropSome(prefix); err != nil || more {
				return err
			}
		}
		w.tx.Delete(statusListKey(id))
	}
	w.tx.Delete(e.key)
	if !again.IsZero() {
		w.tx.Put(expiryKey(again, expiryStatusList, e.id), present)
	}
	return nil
}

func (w *sweeper) dropSome(prefix []byte) (more bool, err error) {
	var step [][]byte
	most := w.tx.most(w.left)
	err = w.tx.Scan(prefix, nil, func(key, _ []byte) bool {
		more = len(step) >= most
		if !more {
			step = append(step, slices.Clone(key))
		}
		return !more
	})
	for _, key := range step {
		w.tx.Delete(key)
	}
	w.left -= len(step)
	return more, err
}
