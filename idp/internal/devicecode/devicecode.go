package devicecode

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"signet/data"
	"signet/idp/internal/wire"
)

const (
	prefix = "signet_dc_"

	// interval is how long a device waits between polls. One that does not
	// wait has to wait longer (RFC 8628, section 3.5), up to a minute.
	interval    = 5 * time.Second
	slower      = 5 * time.Second
	maxInterval = time.Minute

	// linger is how long a device is kept past its end, to be told of it.
	linger = 10 * time.Minute
)

// Options are what a Service is made of. Rand has a default.
type Options struct {
	Store *data.Store
	TTL   time.Duration // how long a person has to type the code
	Now   func() time.Time
	Rand  io.Reader
}

// Service makes codes, and knows what a device is told. It is safe for
// concurrent use.
type Service struct {
	o Options
}

// New makes a Service.
func New(o Options) *Service {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return &Service{o: o}
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Round(0) }

// Request is what a device asks for; all of it was checked.
type Request struct {
	Client   string
	Scope    string
	Audience []string
}

// Codes are the answer to a Request.
type Codes struct {
	DeviceCode string // for the device alone
	UserCode   string // for a person to type: XXXX-XXXX
	ExpiresIn  time.Duration
	Interval   time.Duration
}

// Start makes a device wait.
func (s *Service) Start(ctx context.Context, r Request) (Codes, error) {
	deviceCode, hash, err := s.o.Store.NewSecret(prefix)
	if err != nil {
		return Codes{}, err
	}
	now := s.now()
	d := data.Device{
		Hash: hash, Client: r.Client, Scope: r.Scope, Audience: r.Audience,
		Interval: int(interval / time.Second), CreatedAt: now, ExpiresAt: now.Add(s.o.TTL + linger),
	}
	userCode, err := s.create(ctx, d, now.Add(s.o.TTL))
	if err != nil {
		return Codes{}, err
	}
	return Codes{DeviceCode: deviceCode, UserCode: userCode, ExpiresIn: s.o.TTL, Interval: interval}, nil
}

// draws bounds how often a user code is drawn that is not another device's. One
// is enough unless a good part of all codes is in use.
const draws = 5

func (s *Service) create(ctx context.Context, d data.Device, until time.Time) (userCode string, err error) {
	for range draws {
		if userCode, err = newUserCode(s.o.Rand); err != nil {
			return "", err
		}
		err = s.o.Store.CreateDevice(ctx, d, data.UserCode{Hash: data.HashOfUserCode(userCode), ExpiresAt: until})
		if !errors.Is(err, data.ErrTaken) {
			break
		}
	}
	return userCode, err
}

// Poll tells a device that asks what became of it: nil where it was allowed,
// else a *wire.Error (RFC 8628, section 3.5). It runs in the transaction that
// would redeem the code, and changes only when the device has asked and how
// long it has to wait; the Change says whether that is to be kept.
func (s *Service) Poll(d *data.Device) (data.Change, error) {
	now := s.now()
	switch {
	case d.Decision == data.Denied:
		return data.Keep, wire.Refuse(wire.CodeAccessDenied, "The person turned the device away.")
	case !now.Before(d.ExpiresAt.Add(-linger)):
		return data.Keep, wire.Refuse(wire.CodeExpiredToken, "The device code has expired; begin again.")
	case d.Decision == data.Allowed:
		return data.Save, nil
	}
	wait := time.Duration(d.Interval) * time.Second
	if !now.Before(d.PolledAt.Add(wait)) {
		d.PolledAt = now
		return data.Save, wire.Refuse(wire.CodeAuthorizationPending, "The person has not decided yet.")
	}
	e := wire.Refuse(wire.CodeSlowDown, "The device asks too often; wait five seconds longer from now on.")
	if wait >= maxInterval { // nothing to note: one that hammers costs no writes
		return data.Keep, e
	}
	d.PolledAt, d.Interval = now, int(min(wait+slower, maxInterval)/time.Second)
	return data.Save, e
}
