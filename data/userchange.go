package data

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"signet/data/kv"
)

// ErrPasswordChanged says that the password that was proved is no longer the
// user's.
var ErrPasswordChanged = errors.New("data: the password was changed in the meantime")

// CreateUser makes a user of u's e-mail, roles, password hash, profile and
// flags, with a new id. An invitation that is not zero is spent in the same
// transaction, and its roles are added. It returns ErrEmailTaken,
// ErrNoInvitation, or what is wrong with u: an *EmailError, a *ProfileError,
// ErrRole or ErrHash.
func (s *Store) CreateUser(ctx context.Context, u User, invitation InvitationHash) (User, error) {
	email, err := ParseEmail(u.Email)
	if err != nil {
		return User{}, err
	}
	id, err := newName(s.o.Rand)
	if err != nil {
		return User{}, err
	}
	now := s.now()
	u.ID, u.Email, u.EmailKey, u.Epoch = UserID(id), email.String(), email.Key(), 1
	u.CreatedAt, u.UpdatedAt = now, now
	if u.PasswordHash != "" && u.PasswordAt.IsZero() {
		u.PasswordAt = now
	}

	var made User
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		made = u
		made.Roles = slices.Clone(u.Roles)
		if invitation != (InvitationHash{}) {
			verdict, err = acceptInvitation(tx, invitation, &made)
			if verdict != nil || err != nil {
				return verdict, err
			}
		}
		verdict, err = putUser(tx, User{}, &made)
		if verdict == nil && err == nil && invitation != (InvitationHash{}) {
			tx.Delete(invitationKey(invitation))
		}
		return verdict, err
	})
	if err != nil {
		return User{}, err
	}
	return made, nil
}

// ChangeUser reads the user, lets fn change it and writes it, in one
// transaction. fn may run more than once; an error of fn changes nothing and is
// returned. The id, the epoch and the time of creation stay as they are, a new
// Email is checked and brings its key, and a user who becomes disabled loses
// all grants. It returns ErrNoUser, ErrEmailTaken, an *EmailError, a
// *ProfileError, ErrRole or ErrHash. Where the roles change, the access tokens
// that name the old ones are revoked.
func (s *Store) ChangeUser(ctx context.Context, id UserID, fn func(*User) error) (User, error) {
	return s.changeUser(ctx, id, nil, func(old User, u *User) error {
		if err := fn(u); err != nil {
			return err
		}
		u.ID, u.Epoch, u.TokenEpoch, u.EmailKey, u.CreatedAt = old.ID, old.Epoch, old.TokenEpoch, old.EmailKey, old.CreatedAt
		if u.Email != old.Email {
			email, err := ParseEmail(u.Email)
			if err != nil {
				return err
			}
			u.Email, u.EmailKey = email.String(), email.Key()
		}
		if u.Disabled && !old.Disabled {
			u.Epoch++
		}
		if !slices.Equal(u.Roles, old.Roles) {
			u.TokenEpoch++
		}
		return nil
	})
}

// EndUserGrants ends all grants of the user, whatever their number, except
// keep: one write sees to that none can be used. Their access tokens are
// revoked with it as far as they fit, and else right after it.
func (s *Store) EndUserGrants(ctx context.Context, id UserID, keep *GrantID) error {
	_, err := s.changeUser(ctx, id, keep, func(_ User, u *User) error {
		u.Epoch++
		return nil
	})
	return err
}

// ChangePassword sets the hash ("": no password) and ends all grants of the
// user except keep, in one transaction.
func (s *Store) ChangePassword(ctx context.Context, id UserID, hash string, keep *GrantID) (User, error) {
	return s.changeUser(ctx, id, keep, func(_ User, u *User) error {
		u.PasswordHash, u.PasswordAt = hash, s.now()
		u.Epoch++
		return nil
	})
}

// ReplacePassword is ChangePassword for a user who proved the password of the
// hash proved. It returns ErrPasswordChanged where the user has another hash by
// now: of two who know an old password, the slower one must not win.
func (s *Store) ReplacePassword(ctx context.Context, id UserID, proved, hash string, keep *GrantID) (User, error) {
	return s.changeUser(ctx, id, keep, func(old User, u *User) error {
		if old.PasswordHash != proved {
			return ErrPasswordChanged
		}
		u.PasswordHash, u.PasswordAt = hash, s.now()
		u.Epoch++
		return nil
	})
}

// DeleteUser removes the user at once, whose e-mail is free then. The user's
// grants and sessions are dead, and are swept later with the consents.
func (s *Store) DeleteUser(ctx context.Context, id UserID) error {
	var rest unsettled
	err := s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		tx = s.step(tx)
		u, found, err := getUser(tx, id)
		if err != nil {
			return nil, err
		}
		if !found {
			return ErrNoUser, nil
		}
		tx.Delete(userKey(id))
		tx.Delete(emailKey(u.EmailKey))
		if cost, err := costOf(u.PasswordHash); err == nil {
			tx.Delete(costKey(cost, id))
		}
		s.cleanGrants(tx, id)
		rest, err = s.settleSome(tx, id, GrantID{})
		return nil, err
	})
	if err != nil {
		return err
	}
	s.settle(ctx, id, rest)
	return nil
}

// changeUser writes what change made of the user. A new epoch ends the user's
// grants but keep, and signs the user out of all browsers.
func (s *Store) changeUser(ctx context.Context, id UserID, keep *GrantID, change func(old User, u *User) error) (User, error) {
	var changed User
	var rest unsettled
	err := s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		rest = unsettled{}
		tx = s.step(tx)
		old, found, err := getUser(tx, id)
		if err != nil {
			return nil, err
		}
		if !found {
			return ErrNoUser, nil
		}
		changed = old
		changed.Roles = slices.Clone(old.Roles)
		if verdict := change(old, &changed); verdict != nil {
			return verdict, nil
		}
		if reflect.DeepEqual(old, changed) {
			return nil, nil
		}
		changed.UpdatedAt = s.now()
		if verdict, err := putUser(tx, old, &changed); verdict != nil || err != nil {
			return verdict, err
		}
		if changed.Epoch == old.Epoch && changed.TokenEpoch == old.TokenEpoch {
			return nil, nil
		}
		if err := keepGrant(tx, keep, old, changed); err != nil {
			return nil, err
		}
		w, signedIn := sweeper{s: s, tx: s.step(tx), now: s.now()}, false
		if changed.Epoch != old.Epoch {
			if _, signedIn, err = w.signOut(changed, nil, endAtOnce); err != nil {
				return nil, err
			}
		}
		if rest, err = s.settleSome(tx, id, GrantID{}); rest.more || signedIn {
			s.cleanGrants(tx, id)
		}
		return nil, err
	})
	if err != nil {
		return User{}, err
	}
	s.settle(ctx, id, rest)
	return changed, nil
}

// putUser writes u and what is kept beside it. old is zero for a new user.
func putUser(tx kv.Tx, old User, u *User) (verdict, err error) {
	if err := CheckRoles(u.Roles); err != nil {
		return err, nil
	}
	if _, err := costOf(u.PasswordHash); u.PasswordHash != "" && err != nil {
		return err, nil
	}
	if u.Profile != old.Profile {
		if err := u.Profile.Check(); err != nil {
			return err, nil
		}
	}
	if old.EmailKey != u.EmailKey {
		taken, err := tx.Get(emailKey(u.EmailKey))
		if err != nil {
			return nil, err
		}
		if taken != nil {
			return ErrEmailTaken, nil
		}
		if old.EmailKey != "" {
			tx.Delete(emailKey(old.EmailKey))
		}
		tx.Put(emailKey(u.EmailKey), []byte(u.ID))
	}
	if old.PasswordHash != u.PasswordHash {
		if cost, err := costOf(old.PasswordHash); err == nil {
			tx.Delete(costKey(cost, u.ID))
		}
		if cost, err := costOf(u.PasswordHash); err == nil {
			tx.Put(costKey(cost, u.ID), present)
		}
	}
	return nil, put(tx, userKey(u.ID), u)
}

// keepGrant takes one grant of the user to the new epoch. A grant that was
// dead stays dead.
func keepGrant(tx kv.Tx, keep *GrantID, old, u User) error {
	if keep == nil {
		return nil
	}
	g, found, err := getGrant(tx, *keep)
	if err != nil || !found || g.User != u.ID || g.Epoch != old.Epoch {
		return err
	}
	g.Epoch = u.Epoch
	return put(tx, grantKey(g.ID), &g)
}
