package token

import (
	"context"
	"fmt"

	"signet/data"
	"signet/idp/internal/grant"
	"signet/idp/internal/mint"
)

// device answers a device that polls (RFC 8628, section 3.4): not yet, no, or
// its tokens. How it polls is noted in the same transaction.
func (a *API) device(ctx context.Context, r request) (allowed, error) {
	code, err := r.form.Need("device_code")
	if err != nil {
		return allowed{}, err
	}
	var profile mint.Profile
	issued, _, err := a.Grants.RedeemDevice(ctx, code, a.plan(r), func(d *data.Device) (data.Change, error) {
		if d.Client != r.self.ID {
			return data.Keep, fmt.Errorf("%w: it was given to another client", grant.ErrCode)
		}
		change, err := a.Devices.Poll(d)
		if err == nil {
			profile, err = a.profile(r, d.Authorization.Audience)
		}
		return change, err
	})
	if err != nil {
		return allowed{}, err
	}
	return a.person(r, issued, profile, issued.Grant.Scope, "")
}
