package data

import (
	"context"
	"errors"
	"slices"
	"time"

	"signet/data/kv"
)

// ErrNoInvitation says that there is no such invitation: it never was, it is
// spent, it has expired, or it is for another e-mail. Which of them is nobody's
// business.
var ErrNoInvitation = errors.New("data: no such invitation")

// Invitation lets one person register, once.
type Invitation struct {
	V         int            `json:"v"`
	Hash      InvitationHash `json:"hash"`
	EmailKey  string         `json:"email_key,omitzero"` // "": whoever has the code
	Roles     []string       `json:"roles,omitzero"`     // what the new user gets
	CreatedAt time.Time      `json:"created_at"`
	ExpiresAt time.Time      `json:"expires_at"`
}

func (i *Invitation) kind() string  { return "invitation" }
func (i *Invitation) version() *int { return &i.V }

// CreateInvitation makes an invitation for the e-mail (zero: for anyone) with
// the roles, that ends after lifetime. The code is told here and never again.
func (s *Store) CreateInvitation(ctx context.Context, email Email, roles []string, lifetime time.Duration) (InvitationCode, Invitation, error) {
	if err := CheckRoles(roles); err != nil {
		return "", Invitation{}, err
	}
	if lifetime <= 0 {
		return "", Invitation{}, errors.New("data: an invitation needs a lifetime")
	}
	code, err := newInvitationCode(s.o.Rand)
	if err != nil {
		return "", Invitation{}, err
	}
	now := s.now()
	inv := Invitation{
		Hash: code.Hash(), EmailKey: email.Key(), Roles: slices.Clone(roles),
		CreatedAt: now, ExpiresAt: now.Add(lifetime),
	}
	err = s.engine.Update(ctx, func(tx kv.Tx) error {
		tx.Put(expiryKey(inv.ExpiresAt, expiryInvitation, inv.Hash[:]), present)
		return put(tx, invitationKey(inv.Hash), &inv)
	})
	if err != nil {
		return "", Invitation{}, err
	}
	return code, inv, nil
}

// Invitations lists those that can still be spent, at most 1000.
func (s *Store) Invitations(ctx context.Context) (list []Invitation, err error) {
	now := s.now()
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		var bad error
		err := tx.Scan([]byte(invitationPrefix), nil, func(_, value []byte) bool {
			var inv Invitation
			if bad = decode(value, &inv); bad != nil {
				return false
			}
			if now.Before(inv.ExpiresAt) {
				list = append(list, inv)
			}
			return len(list) < maxPage
		})
		return errors.Join(err, bad)
	})
	return list, err
}

// DeleteInvitation takes an invitation back, or returns ErrNoInvitation.
func (s *Store) DeleteInvitation(ctx context.Context, hash InvitationHash) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		value, err := tx.Get(invitationKey(hash))
		if err != nil {
			return nil, err
		}
		if value == nil {
			return ErrNoInvitation, nil
		}
		tx.Delete(invitationKey(hash))
		return nil, nil
	})
}

// acceptInvitation gives u, who is being made, what the invitation says.
func acceptInvitation(tx kv.Tx, hash InvitationHash, u *User) (verdict, err error) {
	var inv Invitation
	found, err := get(tx, invitationKey(hash), &inv)
	if err != nil {
		return nil, err
	}
	if !found || !u.CreatedAt.Before(inv.ExpiresAt) || inv.EmailKey != "" && inv.EmailKey != u.EmailKey {
		return ErrNoInvitation, nil
	}
	for _, role := range inv.Roles {
		if !slices.Contains(u.Roles, role) {
			u.Roles = append(u.Roles, role)
		}
	}
	return nil, nil
}
