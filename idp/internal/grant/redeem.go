package grant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"signet/data"
)

// ErrCode is wrapped by every error that is a code's fault: it never was, it
// has ended, or it was redeemed before. On the wire they are all invalid_grant.
var ErrCode = errors.New("grant: the code is not valid")

// ErrCodeReused says that a code was redeemed a second time by one who knew
// all that belongs to it: the grant of the first time has ended.
var ErrCodeReused = fmt.Errorf("%w: it was redeemed before, and its grant ended with this", ErrCode)

// Plan says what a redeemed code gives.
type Plan struct {
	// Access is set where no refresh token is to be given out: how long the
	// access token lives.
	Access time.Duration
	// Narrow, where set, may take scope and audience away, and adds the key
	// that the client proved. It may run more than once.
	Narrow func(*data.Authorization)
}

// Redeem makes the grant of an authorization code. check is asked whether
// client, redirect URI, verifier and key are right before anything changes; its
// error is returned as it is.
func (s *Service) Redeem(ctx context.Context, code string, plan Plan, check func(data.Code) error) (Issued, data.Code, error) {
	f, err := s.fresh(ctx, plan.Access)
	if err != nil {
		return Issued{}, data.Code{}, err
	}
	defer f.done()
	var text RefreshToken
	r, c, g, u, err := s.o.Store.RedeemCode(ctx, data.HashOf(code), check, func(c data.Code, g *data.Grant) (err error) {
		text, err = f.of(plan.narrow(c.Authorization), c.Nonce, g)
		return err
	})
	if err := s.refused(r, err, "authorization_code_reused", c.Grant, c.Authorization); err != nil {
		return Issued{}, data.Code{}, err
	}
	return Issued{Outcome: Started, Grant: g, User: u, RefreshToken: text}, c, nil
}

// RedeemDevice makes the grant of a device code. check is asked first; where it
// fails, its Change says what becomes of the device, and its error is returned
// as it is.
func (s *Service) RedeemDevice(ctx context.Context, code string, plan Plan, check func(*data.Device) (data.Change, error)) (Issued, data.Device, error) {
	f, err := s.fresh(ctx, plan.Access)
	if err != nil {
		return Issued{}, data.Device{}, err
	}
	defer f.done()
	var text RefreshToken
	r, d, g, u, err := s.o.Store.RedeemDevice(ctx, data.HashOf(code), check, func(d data.Device, g *data.Grant) (err error) {
		text, err = f.of(plan.narrow(d.Authorization), "", g)
		return err
	})
	if err := s.refused(r, err, "device_code_reused", d.Grant, d.Authorization); err != nil {
		return Issued{}, data.Device{}, err
	}
	return Issued{Outcome: Started, Grant: g, User: u, RefreshToken: text}, d, nil
}

func (p Plan) narrow(a data.Authorization) data.Authorization {
	if p.Narrow != nil {
		p.Narrow(&a)
	}
	return a
}

// refused says what came of a redemption that gave nothing, or nil. first is
// the grant that a code which came back has given, for a.
func (s *Service) refused(r data.Redemption, err error, event string, first data.GrantID, a data.Authorization) error {
	switch {
	case errors.Is(err, data.ErrNone):
		return ErrCode
	case err != nil:
		if gone := ended(err); errors.Is(gone, ErrEnded) {
			return fmt.Errorf("%w: %w", ErrCode, err)
		}
		return err
	case r == data.Reused:
		s.o.Logger.Warn("a code came back, and the grant that it gave was ended", slog.String("event", event),
			slog.String("grant", first.String()), slog.String("user", string(a.User)), slog.String("client", a.Client))
		return ErrCodeReused
	}
	return nil
}
