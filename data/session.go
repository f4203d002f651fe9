package data

import (
	"context"
	"errors"
	"slices"
	"time"

	"signet/data/kv"
)

// Session is a browser's signed-in state: one or several accounts. The cookie
// holds a name, which is hashed to find the record, and a secret that changes.
type Session struct {
	V    int  `json:"v"`
	Hash Hash `json:"hash"` // of the name

	Secret    Hash      `json:"secret"`             // of the present secret
	Previous  Hash      `json:"previous,omitzero"`  // the one before, for requests that were under way
	RotatedAt time.Time `json:"rotated_at"`         // when Secret was made
	Accounts  []Account `json:"accounts,omitempty"` // the one used last comes first

	Agent     string    `json:"agent,omitzero"` // the User-Agent of the last sign-in, cut short
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"` // slides with use
	MaxAt     time.Time `json:"max_at"`     // and never goes past this
}

func (s *Session) kind() string   { return "session" }
func (s *Session) version() *int  { return &s.V }
func (s *Session) place() Hash    { return s.Hash }
func (s *Session) end() time.Time { return s.ExpiresAt }

// Account is a user who is signed in to a session.
type Account struct {
	// ID names the account within its session. It stays when the same user
	// proves the password again, so that clients know the session by one sid.
	ID       string    `json:"id"`
	User     UserID    `json:"user"`
	Epoch    uint64    `json:"epoch"` // the user's, at the sign-in: another one has ended it
	AuthTime time.Time `json:"auth_time"`
	AMR      []string  `json:"amr,omitzero"`
	// Clients are those that were told of this account, to be told of its end.
	Clients []string `json:"clients,omitzero"`
}

// ReplaceSession puts a new session, under a new name, in the place of the one
// that the browser had. fn gets what is there under old, the zero Session where
// there is nothing any more, and says what the new one is; it may run more than
// once. Where old is there, it is gone after this. Whoever was in it and is not
// in the new one has an Ending.
func (s *Store) ReplaceSession(ctx context.Context, old Hash, fn func(old Session) Session) (made Session, err error) {
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		was, err := s.Sessions.get(tx, old)
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		if made = fn(was); err == nil {
			if err := s.moveSession(tx, old, made); err != nil {
				return err
			}
		}
		return s.Sessions.create(tx, made)
	})
	if err != nil {
		return Session{}, err
	}
	return made, nil
}

// moveSession removes the session under old, since the browser goes on in next.
func (s *Store) moveSession(tx kv.Tx, old Hash, next Session) error {
	was, err := s.Sessions.read(tx, old)
	if err != nil {
		return err
	}
	tx.Delete(s.Sessions.key(old))
	return s.besideSession(tx, was, &next)
}

// besideSession keeps the index of who is signed in where, and notes who left.
func (s *Store) besideSession(tx kv.Tx, old, next *Session) error {
	var stay []Account
	if next != nil {
		stay = next.Accounts
	}
	if old != nil {
		for _, a := range old.Accounts {
			tx.Delete(signedInKey(a.User, a.ID, old.Hash))
		}
		if err := s.noteEndings(tx, *old, stay); err != nil {
			return err
		}
	}
	for _, a := range stay {
		tx.Put(signedInKey(a.User, a.ID, next.Hash), present)
	}
	return nil
}

// UserSessions lists the sessions that the user is signed in to, at most 1000.
func (s *Store) UserSessions(ctx context.Context, id UserID) (list []Session, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		return s.scanSignedIn(tx, ofUser(signedInPrefix, id), func(v Session) bool {
			list = append(list, v)
			return len(list) < maxPage
		})
	})
	return list, err
}

// signedIn tells whether the account that the grant comes from still is.
func (s *Store) signedIn(tx kv.Reader, g Grant) (there bool, err error) {
	err = s.scanSignedIn(tx, signedInAs(g.User, g.Account), func(v Session) bool {
		there = slices.ContainsFunc(v.Accounts, func(a Account) bool {
			return a.ID == g.Account && a.User == g.User && a.Epoch == g.Epoch
		})
		return !there
	})
	return there, err
}

// scanSignedIn calls fn for the living sessions whose keys begin so.
func (s *Store) scanSignedIn(tx kv.Reader, prefix []byte, fn func(Session) bool) error {
	var bad error
	err := tx.Scan(prefix, nil, func(key, _ []byte) bool {
		v, err := s.Sessions.get(tx, sessionOf(key))
		switch {
		case errors.Is(err, ErrNone):
			return true
		case err != nil:
			bad = err
			return false
		}
		return fn(v)
	})
	return errors.Join(err, bad)
}
