package devicecode

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/idp/internal/wire"
)

var moment = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

type world struct {
	*Service
	store *data.Store
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: moment}
	store, err := data.Open(t.Context(), mem.New(), data.Options{Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	w.Service = New(Options{Store: store, TTL: 10 * time.Minute, Now: func() time.Time { return w.now }})
	return w
}

func (w *world) start(t *testing.T) Codes {
	t.Helper()
	codes, err := w.Start(context.Background(), Request{Client: "tv", Scope: "openid", Audience: []string{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// RFC 8628, sections 3.2 and 6.1.
func TestCodesAreMadeAndLeadToTheDevice(t *testing.T) {
	w := newWorld(t)
	codes := w.start(t)
	if codes.ExpiresIn != 10*time.Minute || codes.Interval != 5*time.Second || !strings.HasPrefix(codes.DeviceCode, prefix) || len(codes.DeviceCode) != len(prefix)+43 {
		t.Errorf("got %+v", codes)
	}
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(codes.UserCode) {
		t.Errorf("the user code is %q", codes.UserCode)
	}
	u, err := w.store.UserCodes.Get(t.Context(), data.HashOfUserCode(strings.ToLower(codes.UserCode)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.store.Devices.Get(t.Context(), u.Device)
	if err != nil || d.Hash != data.HashOf(codes.DeviceCode) || d.Client != "tv" || d.Scope != "openid" || d.Decision != data.Undecided {
		t.Errorf("got %+v, %v", d, err)
	}
	// A person has as long as was said, and the device is told of the end.
	w.now = moment.Add(10 * time.Minute)
	if _, err := w.store.UserCodes.Get(t.Context(), u.Hash); !errors.Is(err, data.ErrNone) {
		t.Errorf("the user code is there still: %v", err)
	}
	if _, err := w.store.Devices.Get(t.Context(), u.Device); err != nil {
		t.Errorf("the device is gone already: %v", err)
	}
}

// Two devices never share a user code, not even for a moment: a person who
// types it would allow the one and mean the other.
func TestAUserCodeThatIsInUseIsDrawnAgain(t *testing.T) {
	w := newWorld(t)
	drawn := append(bytes.Repeat([]byte{0}, 8), bytes.Repeat([]byte{1}, 8)...)
	w.o.Rand = bytes.NewReader(append(bytes.Repeat([]byte{0}, 8), drawn...))
	first, second := w.start(t), w.start(t)
	if first.UserCode != "BBBB-BBBB" || second.UserCode != "CCCC-CCCC" {
		t.Errorf("got %s and %s", first.UserCode, second.UserCode)
	}
	w.o.Rand = bytes.NewReader(make([]byte, 8*draws))
	if _, err := w.Start(context.Background(), Request{Client: "tv"}); !errors.Is(err, data.ErrTaken) {
		t.Errorf("got %v", err)
	}
}

// Every letter comes, and as often as any other: a byte from 240 on would
// prefer the first sixteen.
func TestEachLetterIsAsLikely(t *testing.T) {
	var random []byte
	for v := range 256 {
		random = append(random, byte(v))
	}
	counts := map[rune]int{}
	source := bytes.NewReader(random)
	for range 240 / 8 {
		code, err := newUserCode(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.ReplaceAll(code, "-", "") {
			counts[r]++
		}
	}
	if len(counts) != 20 {
		t.Errorf("%d letters came", len(counts))
	}
	for r, n := range counts {
		if n != 12 {
			t.Errorf("%c came %d times", r, n)
		}
	}
	if code, err := newUserCode(source); err == nil { // only bytes that are drawn again are left
		t.Errorf("got %q out of bytes that prefer some letters", code)
	}
}

func TestNoRandomnessIsNoCode(t *testing.T) {
	w := newWorld(t)
	w.o.Rand = bytes.NewReader(nil)
	if codes, err := w.Start(t.Context(), Request{Client: "tv"}); err == nil || codes != (Codes{}) {
		t.Errorf("got %+v, %v", codes, err)
	}
}

// RFC 8628, section 3.5.
func TestWhatADeviceHears(t *testing.T) {
	w := newWorld(t)
	at := func(d data.Device) data.Device {
		d.Interval, d.ExpiresAt = max(d.Interval, 5), moment.Add(10*time.Minute+linger)
		return d
	}
	cases := []struct {
		name     string
		device   data.Device
		after    time.Duration
		code     string
		change   data.Change
		interval int
	}{
		{"at its first poll", at(data.Device{}), 0, wire.CodeAuthorizationPending, data.Save, 5},
		{"in time", at(data.Device{PolledAt: moment}), 5 * time.Second, wire.CodeAuthorizationPending, data.Save, 5},
		{"too early", at(data.Device{PolledAt: moment}), 5*time.Second - 1, wire.CodeSlowDown, data.Save, 10},
		{"too early again", at(data.Device{PolledAt: moment, Interval: 10}), 9 * time.Second, wire.CodeSlowDown, data.Save, 15},
		{"too early at the slowest", at(data.Device{PolledAt: moment, Interval: 60}), time.Second, wire.CodeSlowDown, data.Keep, 60},
		{"when it was denied, however early", at(data.Device{PolledAt: moment, Decision: data.Denied}), 0, wire.CodeAccessDenied, data.Keep, 5},
		{"when it was denied, however late", at(data.Device{Decision: data.Denied}), time.Hour, wire.CodeAccessDenied, data.Keep, 5},
		{"when it was allowed, however early", at(data.Device{PolledAt: moment, Decision: data.Allowed}), 0, "", data.Save, 5},
		{"in its last moment", at(data.Device{Decision: data.Allowed}), 10*time.Minute - 1, "", data.Save, 5},
		{"when it was allowed and is over", at(data.Device{Decision: data.Allowed}), 10 * time.Minute, wire.CodeExpiredToken, data.Keep, 5},
		{"when it is over", at(data.Device{}), 10 * time.Minute, wire.CodeExpiredToken, data.Keep, 5},
		{"when its clock was set back", at(data.Device{PolledAt: moment.Add(time.Hour)}), 0, wire.CodeSlowDown, data.Save, 10},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.now = moment.Add(c.after)
			change, err := w.Poll(&c.device)
			var e *wire.Error
			if errors.As(err, &e) != (c.code != "") || e != nil && (e.Code != c.code || e.Status != 400) || e == nil && err != nil {
				t.Errorf("it hears %v, want %s", err, c.code)
			}
			if change != c.change || c.device.Interval != c.interval {
				t.Errorf("change %d, interval %d; want %d, %d", change, c.device.Interval, c.change, c.interval)
			}
		})
	}
}
