package grant

import (
	"context"
	"errors"

	"signet/data"
)

// Ending tells what End did. Neither is an error: who logs out twice is logged
// out.
type Ending int

const (
	NothingEnded Ending = iota // the token is nobody's, or its grant was gone
	GrantEnded
)

// End ends the grant of the token, which may be a spent one. A token that is
// not ours ends nothing. The error is that of check, ErrMalformed, or a failure
// of the store.
func (s *Service) End(ctx context.Context, refreshToken string, check Check) (Ending, error) {
	t, err := parse(refreshToken)
	if err != nil {
		return NothingEnded, err
	}
	var refused error
	err = s.o.Store.ChangeGrant(ctx, t.grant, s.likely(t), func(g *data.Grant, u data.User) data.Change {
		_, _, refused = s.place(t, *g)
		if refused == nil && check != nil {
			refused = check(*g, u)
		}
		if refused != nil {
			return data.Keep
		}
		return data.End
	})
	switch {
	case errors.Is(err, data.ErrNoGrant), err == nil && errors.Is(refused, ErrInvalid):
		return NothingEnded, nil
	case err != nil:
		return NothingEnded, err
	case refused != nil:
		return NothingEnded, refused
	}
	return GrantEnded, nil
}

// EndByID ends a grant of the user. It is no error if it is gone, or another
// user's; that one stays.
func (s *Service) EndByID(ctx context.Context, id data.GrantID, user data.UserID) (Ending, error) {
	ending := NothingEnded
	err := s.o.Store.ChangeGrant(ctx, id, user, func(g *data.Grant, u data.User) data.Change {
		ending = NothingEnded
		if u.ID != user {
			return data.Keep
		}
		ending = GrantEnded
		return data.End
	})
	if errors.Is(err, data.ErrNoGrant) {
		return NothingEnded, nil
	}
	if err != nil {
		return NothingEnded, err
	}
	return ending, nil
}

// EndAccount ends the grants that came from that account of a browser session,
// for the person has signed out of it, but those that are Offline. Call it
// after the account left the session: from then on no new one can come.
func (s *Service) EndAccount(ctx context.Context, user data.UserID, account string) error {
	_, err := s.o.Store.EndGrants(ctx, user, func(g data.Grant) bool {
		return g.Account == account && account != "" && !g.Offline
	})
	return err
}

// EndClient ends all that the client holds for the user.
func (s *Service) EndClient(ctx context.Context, user data.UserID, client string) error {
	_, err := s.o.Store.EndGrants(ctx, user, func(g data.Grant) bool { return g.Client == client })
	return err
}

// Read tells what a refresh token is of, and changes nothing. A spent one is not
// valid here (ErrSpent), though Turn may answer it: whoever was answered has its
// successor.
func (s *Service) Read(ctx context.Context, refreshToken string) (data.Grant, data.User, error) {
	t, err := parse(refreshToken)
	if err != nil {
		return data.Grant{}, data.User{}, err
	}
	g, u, err := s.o.Store.Grant(ctx, t.grant, s.likely(t))
	if errors.Is(err, data.ErrNoGrant) {
		err = ErrUnknown
	}
	if err == nil {
		err = s.newest(t, g, u)
	}
	if err != nil {
		return data.Grant{}, data.User{}, err
	}
	return g, u, nil
}

// newest tells why the token is not the one that the grant turns with.
func (s *Service) newest(t token, g data.Grant, u data.User) error {
	place, _, err := s.place(t, g)
	switch {
	case err != nil:
		return err
	case place == placeParent, place == placeSpent:
		return ErrSpent
	}
	return dead(g, u, s.now())
}
