package data

import (
	"context"
	"errors"

	"signet/data/kv"
)

// Redemption tells what became of a code.
type Redemption int

const (
	Refused  Redemption = iota // nothing was changed, but what check asked for
	Redeemed                   // the grant was made
	Reused                     // it was redeemed before: the grant that it gave has ended
)

// redeemable is a record that gives a grant, once.
type redeemable interface {
	passing
	given() *GrantID // what it was redeemed for
}

func (c *Code) given() *GrantID { return &c.Grant }

func (d *Device) given() *GrantID { return &d.Grant }

// RedeemCode makes the grant g of a code, once. check is asked first whether
// the client, its redirect URI and its verifier are right; where it fails,
// nothing changes, and its error is returned. Only a use in which all is right
// spends a code, and only such a second use ends the grant that the first one
// made (RFC 6749, section 4.1.2). complete fills g from the code; its error
// leaves everything as it was. Both may run more than once.
//
// It returns ErrNone, and, with Refused, the verdicts of CreateGrant.
func (s *Store) RedeemCode(ctx context.Context, h Hash, check func(Code) error, complete func(Code, *Grant) error) (r Redemption, c Code, g Grant, u User, err error) {
	return redeem(ctx, s.Codes, h, func(c *Code) (Change, error) { return Keep, check(*c) }, complete)
}

// errUndecided is a mistake of the caller's.
var errUndecided = errors.New("data: a device that nobody allowed was to be redeemed")

// RedeemDevice makes the grant of a device code as RedeemCode does of a code.
// It is for a device that was allowed; check sees to that. When check fails, it
// also says what becomes of the device: that it polled is noted although it
// gets nothing.
func (s *Store) RedeemDevice(ctx context.Context, h Hash, check func(*Device) (Change, error), complete func(Device, *Grant) error) (r Redemption, d Device, g Grant, u User, err error) {
	return redeem(ctx, s.Devices, h, func(d *Device) (Change, error) {
		change, verdict := check(d)
		if verdict == nil && d.Decision != Allowed {
			return Keep, errUndecided
		}
		return change, verdict
	}, complete)
}

func redeem[T any, P interface {
	*T
	redeemable
}](ctx context.Context, t Table[T, P], h Hash, check func(*T) (Change, error), complete func(T, *Grant) error) (r Redemption, c T, g Grant, u User, err error) {
	err = t.s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		r, g = Refused, Grant{}
		if c, err = t.get(tx, h); errors.Is(err, ErrNone) {
			return ErrNone, nil
		} else if err != nil {
			return nil, err
		}
		if change, verdict := check(&c); verdict != nil {
			return verdict, t.apply(tx, h, change, &c)
		}
		given := P(&c).given()
		if *given != (GrantID{}) {
			r = Reused
			return nil, t.s.endGiven(tx, *given)
		}
		if err := complete(c, &g); err != nil {
			return nil, err
		}
		if u, verdict, err = t.s.createGrant(tx, &g); verdict != nil || err != nil {
			return verdict, err
		}
		r, *given = Redeemed, g.ID
		return nil, t.apply(tx, h, Save, &c)
	})
	if err != nil {
		return Refused, c, Grant{}, User{}, err
	}
	return r, c, g, u, nil
}

// endGiven ends the grant that was given for what comes back a second time.
func (s *Store) endGiven(tx kv.Tx, id GrantID) error {
	g, found, err := getGrant(tx, id)
	if err != nil || !found {
		return err
	}
	s.endGrant(tx, g)
	return nil
}
