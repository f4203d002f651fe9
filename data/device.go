package data

import (
	"context"

	"signet/data/kv"
)

// CreateDevice stores a device and the user code that leads to it: both or
// neither. It returns ErrTaken where the user code leads to another device;
// draw another one then.
func (s *Store) CreateDevice(ctx context.Context, d Device, u UserCode) error {
	d.UserCode, u.Device = u.Hash, d.Hash
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		if err := s.Devices.create(tx, d); err != nil {
			return err
		}
		return s.UserCodes.create(tx, u)
	})
}
