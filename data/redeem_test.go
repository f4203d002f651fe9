package data

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/mem"
)

// redeeming is a store with one kind of code in it.
type redeeming struct {
	*Store
	t      testing.TB
	engine kv.Engine
	clock  *clock
	user   User
	hash   Hash
	// redeem presents the code; check may be nil.
	redeem func(check error) (Redemption, Grant, error)
	end    func() // ends the code
}

var errWrong = errors.New("test: the verifier is wrong")

// drawn gives each grant another id.
var drawn atomic.Uint32

func (r *redeeming) complete(a Authorization, g *Grant) error {
	*g = Grant{User: a.User, Epoch: a.Epoch, Client: a.Client, Inc: r.Meta().Incarnation, Current: 1, ExpiresAt: r.now().Add(time.Hour)}
	n := drawn.Add(1)
	g.ID = GrantID{byte(n >> 8), byte(n)}
	return nil
}

// bothCodes runs the test with a code and with a device code that was allowed,
// on each engine.
func bothCodes(t *testing.T, fn func(t *testing.T, r *redeeming)) {
	make := func(t *testing.T, engine kv.Engine) *redeeming {
		c := newClock()
		r := &redeeming{Store: open(t, engine, c), t: t, engine: engine, clock: c, hash: HashOf("code")}
		r.user = newUser(t, r.Store, "ann@example.com")
		return r
	}
	what := func(r *redeeming) Authorization {
		return Authorization{Client: "web", User: r.user.ID, Epoch: r.user.Epoch, Scope: "openid"}
	}
	t.Run("code", func(t *testing.T) {
		engines(t, func(t *testing.T, engine kv.Engine) {
			r := make(t, engine)
			if err := r.Codes.Create(t.Context(), Code{Hash: r.hash, Authorization: what(r), ExpiresAt: r.now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			r.redeem = func(check error) (Redemption, Grant, error) {
				outcome, _, g, _, err := r.RedeemCode(context.Background(), r.hash, func(Code) error { return check },
					func(c Code, g *Grant) error { return r.complete(c.Authorization, g) })
				return outcome, g, err
			}
			r.end = func() { _ = r.Codes.Change(context.Background(), r.hash, func(*Code) Change { return End }) }
			fn(t, r)
		})
	})
	t.Run("device code", func(t *testing.T) {
		engines(t, func(t *testing.T, engine kv.Engine) {
			r := make(t, engine)
			d := Device{Hash: r.hash, Decision: Allowed, Authorization: what(r), ExpiresAt: r.now().Add(time.Minute)}
			if err := r.Devices.Create(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			r.redeem = func(check error) (Redemption, Grant, error) {
				outcome, _, g, _, err := r.RedeemDevice(context.Background(), r.hash, func(*Device) (Change, error) { return Keep, check },
					func(d Device, g *Grant) error { return r.complete(d.Authorization, g) })
				return outcome, g, err
			}
			r.end = func() { _ = r.Devices.Change(context.Background(), r.hash, func(*Device) Change { return End }) }
			fn(t, r)
		})
	})
}

func TestOfAHundredRedemptionsAtOnceOneGivesAGrantAndTheRestEndIt(t *testing.T) {
	bothCodes(t, func(t *testing.T, r *redeeming) {
		var mu sync.Mutex
		var given []Grant
		reused := 0
		redeemed := race(100, func(int) bool {
			outcome, g, err := r.redeem(nil)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil || outcome == Refused:
				t.Error(outcome, err)
			case outcome == Reused:
				reused++
			default:
				given = append(given, g)
			}
			return outcome == Redeemed
		})
		if redeemed != 1 || reused != 99 {
			t.Fatalf("%d redeemed, %d reused", redeemed, reused)
		}
		if _, _, err := r.Grant(t.Context(), given[0].ID, ""); !errors.Is(err, ErrNoGrant) {
			t.Fatal("the grant lives", err)
		}
		if list, err := r.UserGrants(t.Context(), r.user.ID, GrantID{}, 0); len(list) != 0 || err != nil {
			t.Fatal(list, err)
		}
	})
}

func TestACodeGivesOneGrantThatItsSecondUseEnds(t *testing.T) {
	bothCodes(t, func(t *testing.T, r *redeeming) {
		outcome, g, err := r.redeem(nil)
		if outcome != Redeemed || err != nil || g.ID == (GrantID{}) {
			t.Fatal(outcome, err)
		}
		other := newGrant(t, r.Store, r.user, time.Hour)
		alive := func(want ...GrantID) {
			t.Helper()
			list, err := r.UserGrants(t.Context(), r.user.ID, GrantID{}, 0)
			if err != nil || len(list) != len(want) {
				t.Fatal(list, err)
			}
		}
		before := dump(t, r.engine)
		if outcome, _, err := r.redeem(errWrong); outcome != Refused || err != errWrong {
			t.Fatal(outcome, err)
		}
		if !maps.Equal(before, dump(t, r.engine)) {
			t.Fatal("a thief who knows the code alone did something")
		}
		alive(g.ID, other.ID)
		for range 2 {
			if outcome, _, err := r.redeem(nil); outcome != Reused || err != nil {
				t.Fatal(outcome, err)
			}
			alive(other.ID)
		}
	})
}

func TestARedemptionThatFailsChangesNothing(t *testing.T) {
	broken := errors.New("test: broken")
	for _, c := range []struct {
		name  string
		do    func(r *redeeming) error
		check error
		want  error
	}{
		{"a check", nil, errWrong, errWrong},
		{"a user who was deleted", func(r *redeeming) error { return r.DeleteUser(r.t.Context(), r.user.ID) }, nil, ErrNoUser},
		{"a user who was signed out everywhere", func(r *redeeming) error { return r.EndUserGrants(r.t.Context(), r.user.ID, nil) }, nil, ErrStaleEpoch},
		{"a user who was disabled", func(r *redeeming) error {
			_, err := r.ChangeUser(r.t.Context(), r.user.ID, func(u *User) error { u.Disabled = true; return nil })
			return err
		}, nil, ErrDisabled},
		{"a code that has ended", func(r *redeeming) error { r.clock.Move(time.Minute); return nil }, nil, ErrNone},
		{"a code that was taken back", func(r *redeeming) error { r.end(); return nil }, nil, ErrNone},
		{"a code that never was", func(r *redeeming) error { r.hash = HashOf("another"); return nil }, nil, ErrNone},
		{"a disk that is full", func(r *redeeming) error {
			if engine, ok := r.engine.(*mem.Engine); ok {
				engine.FailCommits(1, broken)
				return nil
			}
			return errSkip
		}, nil, broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			bothCodes(t, func(t *testing.T, r *redeeming) {
				if c.do != nil {
					if err := c.do(r); err == errSkip {
						t.Skip("this engine does not fail when it is told to")
					} else if err != nil {
						t.Fatal(err)
					}
				}
				before := dump(t, r.engine)
				outcome, g, err := r.redeem(c.check)
				if outcome != Refused || !errors.Is(err, c.want) || g.ID != (GrantID{}) {
					t.Fatal(outcome, g, err)
				}
				if !maps.Equal(before, dump(t, r.engine)) {
					t.Fatal("something was written")
				}
			})
		})
	}
}

var errSkip = errors.New("test: skip")

func TestAGrantThatCannotBeCompletedSpendsNoCode(t *testing.T) {
	s := open(t, mem.New(), newClock())
	u := newUser(t, s, "ann@example.com")
	h := HashOf("code")
	code := Code{Hash: h, Authorization: Authorization{User: u.ID, Epoch: u.Epoch}, ExpiresAt: s.now().Add(time.Minute)}
	if err := s.Codes.Create(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	redeem := func(id byte, broken error) (Redemption, error) {
		r, _, _, _, err := s.RedeemCode(t.Context(), h, func(Code) error { return nil }, func(c Code, g *Grant) error {
			*g = Grant{ID: GrantID{id}, User: u.ID, Epoch: u.Epoch, Inc: s.Meta().Incarnation, ExpiresAt: s.now().Add(time.Hour)}
			return broken
		})
		return r, err
	}
	if r, err := redeem(1, errWrong); r != Refused || err != errWrong {
		t.Fatal(r, err)
	}
	if r, err := redeem(2, nil); r != Redeemed || err != nil {
		t.Fatal(r, err)
	}
}

// A device that polls too often is told so, and that it polled is on the disk
// by then: its next poll, on whatever node, sees it.
func TestAPollThatGetsNothingIsNotedDurably(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	h := HashOf("device")
	c := newClock()
	errPending := errors.New("test: pending")
	poll := func(s *Store, change Change) (d Device, err error) {
		_, d, _, _, err = s.RedeemDevice(t.Context(), h, func(d *Device) (Change, error) {
			d.PolledAt, d.Interval = s.now(), d.Interval+5
			return change, errPending
		}, func(Device, *Grant) error { t.Error("it was completed"); return nil })
		return d, err
	}
	var engine kv.Engine
	reopen := func() *Store {
		if engine != nil {
			if err := engine.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if engine, err = bolt.Open(path, bolt.Options{}); err != nil {
			t.Fatal(err)
		}
		return open(t, engine, c)
	}
	defer func() { _ = engine.Close() }()
	s := reopen()
	if err := s.Devices.Create(t.Context(), Device{Hash: h, Interval: 5, ExpiresAt: s.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		change Change
		want   int
	}{{Save, 10}, {Keep, 10}, {Save, 15}} {
		c.Move(time.Second)
		if _, err := poll(s, step.change); err != errPending {
			t.Fatal(err)
		}
		s = reopen()
		if d, err := s.Devices.Get(t.Context(), h); err != nil || d.Interval != step.want {
			t.Fatal(d.Interval, step.want, err)
		}
	}
	if _, err := poll(s, End); err != errPending {
		t.Fatal(err)
	}
	if _, err := s.Devices.Get(t.Context(), h); !errors.Is(err, ErrNone) {
		t.Fatal(err)
	}
}

func TestAPollThatCannotBeNotedIsNoAnswer(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	h := HashOf("device")
	if err := s.Devices.Create(t.Context(), Device{Hash: h, ExpiresAt: s.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	full := errors.New("test: the disk is full")
	engine.FailCommits(1, full)
	_, _, _, _, err := s.RedeemDevice(t.Context(), h, func(d *Device) (Change, error) { return Save, errWrong }, nil)
	if !errors.Is(err, full) || errors.Is(err, errWrong) {
		t.Fatal(err)
	}
}

func TestADeviceThatNobodyAllowedGivesNothing(t *testing.T) {
	for _, decision := range []Decision{Undecided, Denied, "perhaps"} {
		engine := mem.New()
		s := open(t, engine, newClock())
		u := newUser(t, s, "ann@example.com")
		h := HashOf("device")
		d := Device{Hash: h, Decision: decision, Authorization: Authorization{User: u.ID, Epoch: u.Epoch}, ExpiresAt: s.now().Add(time.Hour)}
		if err := s.Devices.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		before := dump(t, engine)
		r, _, _, _, err := s.RedeemDevice(t.Context(), h, func(*Device) (Change, error) { return Keep, nil },
			func(d Device, g *Grant) error { *g = Grant{ID: GrantID{1}, User: u.ID, Epoch: u.Epoch}; return nil })
		if r != Refused || err == nil || !maps.Equal(before, dump(t, engine)) {
			t.Errorf("%q: %v, %v", decision, r, err)
		}
	}
}

// Two browsers' tabs, or two nodes, decide about one request at once.
func TestOfAHundredAnswersToARequestOneIsGiven(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		r := Request{Hash: HashOf("request"), ExpiresAt: s.now().Add(time.Hour)}
		if err := s.Requests.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		won := race(100, func(i int) bool {
			code := Code{Hash: HashOf(string(rune('a' + i))), ExpiresAt: s.now().Add(time.Hour)}
			err := s.AnswerRequest(context.Background(), r, &code)
			if err != nil && !errors.Is(err, ErrNone) {
				t.Error(err)
			}
			return err == nil
		})
		if codes := len(keysBut(dump(t, engine), metaKey, expiryPrefix)); won != 1 || codes != 1 {
			t.Fatalf("%d answers, %d records", won, codes)
		}
	})
}
