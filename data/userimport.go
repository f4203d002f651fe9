package data

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"signet/data/kv"
)

// ErrIDTaken says that another user has this id.
var ErrIDTaken = errors.New("data: another user has this id")

// Imported tells what ImportUser found.
type Imported int

const (
	_             Imported = iota
	ImportAdded            // nobody had this e-mail; now the user is there
	ImportThere            // the user is there, with this password
	ImportDiffers          // the user is there, with another password, and stays so
)

// ImportUser makes a user who comes from elsewhere, with the given id if there
// is one, and never changes one who is there: to import the same user again
// does nothing. A user who was found by e-mail and has another id than the
// given one is ErrEmailTaken. Other errors are those of CreateUser, and ErrID.
func (s *Store) ImportUser(ctx context.Context, u User) (Imported, error) {
	email, err := ParseEmail(u.Email)
	if err != nil {
		return 0, err
	}
	given := u.ID
	if given == "" {
		id, err := newName(s.o.Rand)
		if err != nil {
			return 0, err
		}
		u.ID = UserID(id)
	} else if _, err := ParseUserID(string(given)); err != nil {
		return 0, err
	}
	now := s.now()
	u.Email, u.EmailKey = email.String(), email.Key()
	if u.Epoch, err = s.firstEpoch(given); err != nil {
		return 0, err
	}
	u.CreatedAt, u.UpdatedAt, u.PasswordAt = now, now, now

	var outcome Imported
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		outcome, verdict, err = findImported(tx, u, given)
		if outcome != 0 || verdict != nil || err != nil {
			return verdict, err
		}
		made := u
		made.Roles = slices.Clone(u.Roles)
		outcome = ImportAdded
		return putUser(tx, User{}, &made)
	})
	if err != nil {
		return 0, err
	}
	return outcome, nil
}

// firstEpoch is another each time for an id that may have been somebody's: what
// is left of a user who was deleted must not live again with this one.
func (s *Store) firstEpoch(given UserID) (uint64, error) {
	if given == "" {
		return 1, nil
	}
	var b [4]byte
	if _, err := io.ReadFull(s.o.Rand, b[:]); err != nil {
		return 0, fmt.Errorf("data: no randomness: %w", err)
	}
	return 1 + uint64(binary.BigEndian.Uint32(b[:])), nil
}

// findImported looks for the user by id and by e-mail; no outcome and no
// verdict mean that there is none.
func findImported(tx kv.Tx, u User, given UserID) (outcome Imported, verdict, err error) {
	holder, err := tx.Get(emailKey(u.EmailKey))
	if err != nil {
		return 0, nil, err
	}
	if holder == nil {
		_, found, err := getUser(tx, u.ID)
		if err != nil || !found {
			return 0, nil, err
		}
		return 0, ErrIDTaken, nil
	}
	there, found, err := getUser(tx, UserID(holder))
	switch {
	case err != nil:
		return 0, nil, err
	case !found:
		return 0, nil, fmt.Errorf("%w: an e-mail names a user who is not there", kv.ErrDamaged)
	case given != "" && given != there.ID:
		return 0, ErrEmailTaken, nil
	case there.PasswordHash != u.PasswordHash:
		return ImportDiffers, nil, nil
	}
	return ImportThere, nil, nil
}
