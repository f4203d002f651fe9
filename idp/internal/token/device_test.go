package token

import (
	"context"
	"fmt"
	"testing"
	"time"

	"signet/data"
	"signet/idp/internal/devicecode"
	"signet/idp/internal/wire"
	"signet/resource/dpop/dpoptest"
)

// newDevice begins as a device of the app's does.
func (w *world) newDevice() devicecode.Codes {
	w.t.Helper()
	codes, err := w.devices.Start(context.Background(), devicecode.Request{Client: "app", Scope: "openid posts", Audience: []string{"api", "https://files.example"}})
	w.must(err)
	return codes
}

// decide does what the page does.
func (w *world) decide(codes devicecode.Codes, said data.Decision) {
	w.t.Helper()
	ctx := context.Background()
	u, err := w.store.UserCodes.Get(ctx, data.HashOfUserCode(codes.UserCode))
	w.must(err)
	w.must(w.store.Devices.Change(ctx, u.Device, func(d *data.Device) data.Change {
		if d.Decision = said; said == data.Allowed {
			d.Authorization = data.Authorization{Client: d.Client, User: w.user.ID, Epoch: w.user.Epoch, Scope: d.Scope, Audience: d.Audience,
				AuthTime: moment.Add(-time.Minute), AMR: []string{"pwd"}}
		}
		return data.Save
	}))
}

func polling(codes devicecode.Codes, more ...string) sent {
	return with(sent{"client_id": "app", "grant_type": wire.GrantDeviceCode, "device_code": codes.DeviceCode}, more...)
}

// RFC 8628, sections 3.4 and 3.5.
func TestADeviceWaitsAndGetsItsTokensOnce(t *testing.T) {
	w := newWorld(t)
	codes := w.newDevice()
	w.post(polling(codes)).refused(wire.CodeAuthorizationPending)
	w.clock.pass(5 * time.Second)
	w.post(polling(codes)).refused(wire.CodeAuthorizationPending)
	w.decide(codes, data.Allowed)
	got := w.post(polling(codes)).ok()
	if got.Scope != "openid posts" || got.RefreshToken == "" || payload(t, got.IDToken)["sub"] != string(w.user.ID) || payload(t, got.IDToken)["nonce"] != nil {
		t.Errorf("got %+v", got)
	}
	again := with(refreshing(got.RefreshToken), asBasic, "", "client_id", "app")
	w.post(again).ok()
	w.post(polling(codes)).refused(wire.CodeInvalidGrant)
	w.post(again).refused(wire.CodeInvalidGrant) // the second use ended the grant
}

// RFC 8628, section 3.5: five seconds more each time, and for good.
func TestADeviceThatAsksTooOftenIsSlowedDown(t *testing.T) {
	w := newWorld(t)
	codes := w.newDevice()
	poll := func(after time.Duration, want string) {
		t.Helper()
		w.clock.pass(after)
		w.post(polling(codes)).refused(want)
	}
	poll(0, wire.CodeAuthorizationPending)
	poll(4*time.Second, wire.CodeSlowDown)  // now ten
	poll(9*time.Second, wire.CodeSlowDown)  // now fifteen
	poll(14*time.Second, wire.CodeSlowDown) // now twenty
	poll(20*time.Second, wire.CodeAuthorizationPending)
	poll(20*time.Second, wire.CodeAuthorizationPending)
	for range 8 {
		poll(0, wire.CodeSlowDown)
	}
	before := w.engine.Writes.Load()
	poll(59*time.Second, wire.CodeSlowDown) // a minute is the most
	if w.engine.Writes.Load() != before {
		t.Error("a device that hammers costs writes")
	}
	poll(time.Second, wire.CodeAuthorizationPending)
	w.decide(codes, data.Allowed)
	w.post(polling(codes)).ok()
}

func TestADevicePollsInVain(t *testing.T) {
	cases := []struct {
		name string
		do   func(*world, devicecode.Codes)
		form []string
		want string
	}{
		{"RFC 8628 3.5: after it was denied", func(w *world, c devicecode.Codes) { w.decide(c, data.Denied) }, nil, wire.CodeAccessDenied},
		{"RFC 8628 3.5: after its time", func(w *world, _ devicecode.Codes) { w.clock.pass(10 * time.Minute) }, nil, wire.CodeExpiredToken},
		{"RFC 8628 3.5: after its time, allowed and not fetched", func(w *world, c devicecode.Codes) { w.decide(c, data.Allowed); w.clock.pass(10 * time.Minute) }, nil, wire.CodeExpiredToken},
		{"RFC 8628 3.5: long after its time", func(w *world, _ devicecode.Codes) { w.clock.pass(time.Hour) }, nil, wire.CodeInvalidGrant},
		{"RFC 8628 3.4: with a code of another client", func(w *world, c devicecode.Codes) { w.decide(c, data.Allowed) }, []string{asBasic, webSecret, "client_id", ""}, wire.CodeInvalidGrant},
		{"RFC 8628 3.4: with a code that never was", nil, []string{"device_code", "signet_dc_x"}, wire.CodeInvalidGrant},
		{"RFC 8628 3.4: without a code", nil, []string{"device_code", ""}, wire.CodeInvalidRequest},
		{"RFC 8628 3.4: with the user's code", nil, []string{"device_code", "BCDF-GHJK"}, wire.CodeInvalidGrant},
		{"RFC 8707 2.2: for an audience that was not asked for", func(w *world, c devicecode.Codes) { w.decide(c, data.Allowed) }, []string{"audience", "billing"}, wire.CodeInvalidTarget},
		{"as a client that has not registered the grant type", nil, []string{"client_id", "once"}, wire.CodeUnauthorizedClient},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			codes := w.newDevice()
			if c.do != nil {
				c.do(w, codes)
			}
			w.post(polling(codes, c.form...)).refused(c.want)
			if w.alive() != 0 {
				t.Error("there is a grant")
			}
		})
	}
}

func TestOfAHundredPollsAtOnceOneGetsTheTokens(t *testing.T) {
	w := newWorld(t)
	codes := w.newDevice()
	w.decide(codes, data.Allowed)
	redeemed := 0
	for _, a := range atOnce(100, func() answered { return w.post(polling(codes)) }) {
		if a.err == nil {
			redeemed++
			continue
		}
		a.refused(wire.CodeInvalidGrant)
	}
	if redeemed != 1 || w.alive() != 0 {
		t.Errorf("redeemed %d times, and %d grants are left; want one that the second use ended", redeemed, w.alive())
	}
}

// RFC 8707, section 2.2; RFC 9449, section 5.
func TestADevicesTokensAreNarrowedAndBound(t *testing.T) {
	w := newWorld(t)
	codes := w.newDevice()
	w.decide(codes, data.Allowed)
	key := dpoptest.NewKey(t, "ES256")
	got := w.post(polling(codes, "resource", "https://files.example", asProof, key.Proof("POST", endpoint, moment))).ok()
	if says := payload(t, got.AccessToken); got.TokenType != "DPoP" || fmt.Sprint(says["aud"]) != "[https://files.example]" || fmt.Sprint(says["cnf"]) != "map[jkt:"+key.JKT()+"]" {
		t.Errorf("got %v", says)
	}
	w.post(with(refreshing(got.RefreshToken), asBasic, "", "client_id", "app")).refused(wire.CodeInvalidGrant)
}
