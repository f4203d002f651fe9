package data

import (
	"bytes"
	"context"
	"sync/atomic"

	"signet/data/kv"
)

// Holding is a grant and its user as they were read. It is shared by all who
// asked, and nobody changes it.
type Holding struct {
	Grant Grant
	User  User

	grant, user []byte // the records, to tell whether they still are the same
	userKey     []byte
	keys        [][]byte // all that is read about the token
}

// Size is about how many bytes a Holding takes; that of nil is 0.
func (h *Holding) Size() int {
	if h == nil {
		return 0
	}
	return 3 * (len(h.grant) + len(h.user)) // as they were stored, and decoded
}

// Lookup asks the same about one access token as often as it is shown. The
// store is read every time; what is kept is what its records meant, so that
// those which have not changed are not decoded again. It is safe for concurrent
// use.
type Lookup struct {
	s                *Store
	list, bit, grant []byte   // keys; no grant: nil
	guess            [][]byte // what is likely to be read, as long as last is nil
	last             atomic.Pointer[Holding]
}

// Lookup makes one for a token that carries the index of the list, and that
// came from the grant. The zero GrantID is none. likely is as for ChangeGrant.
func (s *Store) Lookup(list StatusListID, index uint32, grant GrantID, likely UserID) *Lookup {
	l := &Lookup{s: s, list: statusListKey(list), bit: statusBitKey(list, index)}
	l.guess = append(make([][]byte, 0, 4), l.list, l.bit)
	if grant != (GrantID{}) {
		l.grant = grantKey(grant)
		l.guess = append(l.guess, l.grant)
		if likely != "" {
			l.guess = append(l.guess, userKey(likely))
		}
	}
	return l
}

// ask brings all at once where the store is elsewhere.
func (l *Lookup) ask(tx kv.Reader) {
	if h := l.last.Load(); h != nil {
		kv.Ask(tx, h.keys...)
	} else {
		kv.Ask(tx, l.guess...)
	}
}

// Ask returns, of one moment, whether the token was revoked, and else its
// grant, dead or alive, with its user; nil where it has none. It returns
// ErrNoGrant where one of them is gone. What it sees a power cut may still undo.
func (l *Lookup) Ask(ctx context.Context) (h *Holding, revoked bool, err error) {
	var found struct { // one variable, since it is made anew each time
		revoked bool
		holding *Holding
	}
	err = l.s.engine.View(ctx, func(tx kv.Reader) (err error) {
		l.ask(tx)
		if found.revoked, err = l.revoked(tx); err == nil && !found.revoked && l.grant != nil {
			found.holding, err = l.held(tx)
		}
		return err
	})
	return found.holding, found.revoked, err
}

// revoked tells what whoever reads the list knows, too. A list that is not there
// has ended, or went with a restore: then nobody knows what was revoked.
func (l *Lookup) revoked(tx kv.Reader) (bool, error) {
	list, err := tx.Get(l.list)
	if err != nil || list == nil {
		return true, err
	}
	bit, err := tx.Get(l.bit)
	return bit != nil, err
}

func (l *Lookup) held(tx kv.Reader) (*Holding, error) {
	h := l.last.Load()
	grant, err := tx.Get(l.grant)
	switch {
	case err != nil:
		return nil, err
	case grant == nil:
		return nil, ErrNoGrant
	case h == nil || !bytes.Equal(grant, h.grant):
		h = &Holding{grant: bytes.Clone(grant)}
		if err := decode(grant, &h.Grant); err != nil {
			return nil, err
		}
		h.userKey = userKey(h.Grant.User)
		h.keys = [][]byte{l.list, l.bit, l.grant, h.userKey}
	}
	user, err := tx.Get(h.userKey)
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return nil, ErrNoGrant
	case !bytes.Equal(user, h.user):
		h = &Holding{Grant: h.Grant, grant: h.grant, userKey: h.userKey, keys: h.keys, user: bytes.Clone(user)}
		if err := decode(user, &h.User); err != nil {
			return nil, err
		}
	}
	l.last.Store(h)
	return h, nil
}
