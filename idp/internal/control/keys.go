package control

import (
	"context"
	"slices"
	"strings"
	"time"

	"signet/keys"
)

// KeyList is the ring and what seals it.
type KeyList struct {
	Keys      []keys.Info `json:"keys"`       // in the order of their publication
	MasterKey string      `json:"master_key"` // its public id
	From      string      `json:"master_key_from"`
}

// Resealed is the outcome of a change of the master key.
type Resealed struct {
	Old     string    `json:"old"` // public ids of the master keys
	New     string    `json:"new"`
	OldFrom string    `json:"old_from"` // where the old one was found
	File    string    `json:"file"`     // where the new one is
	Made    bool      `json:"made"`     // the file was made just now
	At      time.Time `json:"at"`
}

type rotateInput struct {
	Alg keys.Alg `json:"alg,omitzero"` // empty: all
	Now bool     `json:"now,omitzero"` // ready or not
}

type revokeInput struct {
	KID    string `json:"kid,omitzero"` // or the beginning of one
	Reason string `json:"reason"`
}

type resealInput struct {
	File string `json:"file"` // an absolute path
}

// Keys lists every key that the ring ever had.
func (c *Client) Keys(ctx context.Context) (KeyList, error) {
	return call[none, KeyList](ctx, c, opKeys, none{})
}

// Rotate gives the turn to the next key of a line, or of all (alg empty). With
// now it does not ask whether they are ready. It fails with NotReady, and with
// Usage for a line that is not there.
func (c *Client) Rotate(ctx context.Context, alg keys.Alg, now bool) ([]keys.Rotation, error) {
	return call[rotateInput, []keys.Rotation](ctx, c, opRotate, rotateInput{alg, now})
}

// Revoke takes a key out of the JWKS. The first characters of its kid, at least
// four, are enough if no other begins so. It fails with NoSuch, Refused and Usage.
func (c *Client) Revoke(ctx context.Context, kid, reason string) (keys.Revocation, error) {
	return call[revokeInput, keys.Revocation](ctx, c, opRevoke, revokeInput{kid, reason})
}

// RevokeAll replaces every signing key and every MAC key: all access tokens
// and all refresh tokens die.
func (c *Client) RevokeAll(ctx context.Context, reason string) ([]keys.Revocation, error) {
	return call[revokeInput, []keys.Revocation](ctx, c, opRevokeAll, revokeInput{Reason: reason})
}

// Reseal seals everything under the master key in the file of that absolute
// path, which is made if there is none.
func (c *Client) Reseal(ctx context.Context, file string) (Resealed, error) {
	return call[resealInput, Resealed](ctx, c, opReseal, resealInput{file})
}

func (s *Services) keys(context.Context, none) (KeyList, error) {
	list := KeyList{Keys: s.Ring.List()}
	list.MasterKey, list.From = s.MasterKey()
	return list, nil
}

func (s *Services) rotate(ctx context.Context, in rotateInput) ([]keys.Rotation, error) {
	done, err := s.Ring.Rotate(ctx, in.Alg, in.Now)
	if err != nil {
		return nil, err
	}
	for _, r := range done {
		s.did(ctx, opRotate, "alg", r.Alg, "old", r.Old, "new", r.New)
	}
	return done, nil
}

func (s *Services) revoke(ctx context.Context, in revokeInput) (keys.Revocation, error) {
	kid, err := findKID(s.Ring.List(), in.KID)
	if err != nil {
		return keys.Revocation{}, err
	}
	done, err := s.Ring.Revoke(ctx, kid, in.Reason)
	if err != nil {
		return keys.Revocation{}, err
	}
	s.did(ctx, opRevoke, "kid", kid, "reason", in.Reason)
	return done, nil
}

// minPrefix is how much of a kid names a key: less can be a slip of the hand,
// and what is revoked does not come back.
const minPrefix = 4

// findKID returns the one key whose kid begins so. A key that is gone counts
// only where no other does.
func findKID(list []keys.Info, prefix string) (string, error) {
	if len(prefix) < minPrefix {
		return "", errorf(Usage, "which key? give its kid, or the first %d characters of it or more", minPrefix)
	}
	var alive, gone []string
	for _, k := range list {
		switch {
		case k.KID == prefix:
			return k.KID, nil
		case !strings.HasPrefix(k.KID, prefix):
		case k.State == keys.Gone:
			gone = append(gone, k.KID)
		default:
			alive = append(alive, k.KID)
		}
	}
	found := alive
	if len(found) == 0 {
		found = gone
	}
	switch len(found) {
	case 0:
		return "", errorf(NoSuch, "no key begins with %q: idp keys list shows them", prefix)
	case 1:
		return found[0], nil
	}
	slices.Sort(found)
	return "", errorf(Usage, "%d keys begin with %q; give more of it:\n  %s", len(found), prefix, strings.Join(found, "\n  "))
}

func (s *Services) revokeAll(ctx context.Context, in revokeInput) ([]keys.Revocation, error) {
	// The MAC keys go first: whoever broke in holds on with refresh tokens.
	if err := s.MACs.RevokeAll(ctx, in.Reason); err != nil {
		return nil, err
	}
	done, err := s.Ring.RevokeAll(ctx, in.Reason)
	if err != nil {
		e := AsError(err)
		return nil, errorf(e.Code, "the MAC keys are revoked, but not the signing keys; ask again: %s", e.Message)
	}
	s.did(ctx, opRevokeAll, "keys", len(done), "reason", in.Reason)
	return done, nil
}

func (s *Services) reseal(ctx context.Context, in resealInput) (Resealed, error) {
	out, err := s.Reseal(ctx, in.File)
	if err == nil {
		s.did(ctx, opReseal, "old", out.Old, "new", out.New, "file", out.File)
	}
	return out, err
}
