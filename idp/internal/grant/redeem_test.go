package grant

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

const theCode = "signet_ac_0123456789"

// authorization is what ann allowed the client web, with all that there can be.
func (w *world) authorization() data.Authorization {
	return data.Authorization{
		Client: "web", User: w.user.ID, Epoch: w.user.Epoch, Scope: "openid posts", Audience: []string{"api", "files"},
		Account: w.signIn(), SID: "sid of web", AuthTime: w.clock.Now().Add(-time.Minute), AMR: []string{"pwd"}, ACR: "urn:x:1",
		Claims: `{"userinfo":{"name":null}}`, JKT: "thumb",
	}
}

// signIn makes a browser session, and names ann's account in it.
func (w *world) signIn() string {
	w.t.Helper()
	id, err := w.store.NewID()
	must(w.t, err)
	must(w.t, w.store.Sessions.Create(context.Background(), data.Session{
		Hash: data.HashOf(id), ExpiresAt: w.clock.Now().Add(time.Hour),
		Accounts: []data.Account{{ID: id, User: w.user.ID, Epoch: w.user.Epoch}},
	}))
	return id
}

// kind is how a code of one kind is stored and redeemed.
type kind struct {
	give   func(w *world, a data.Authorization)
	redeem func(w *world, plan Plan, check error) (Issued, error)
	event  string
}

var kinds = map[string]kind{
	"a code": {
		give: func(w *world, a data.Authorization) {
			must(w.t, w.store.Codes.Create(context.Background(), data.Code{Hash: data.HashOf(theCode), Authorization: a, ExpiresAt: w.clock.Now().Add(time.Minute)}))
		},
		redeem: func(w *world, plan Plan, check error) (Issued, error) {
			i, _, err := w.Redeem(context.Background(), theCode, plan, func(data.Code) error { return check })
			return i, err
		},
		event: "authorization_code_reused",
	},
	"a device code": {
		give: func(w *world, a data.Authorization) {
			must(w.t, w.store.Devices.Create(context.Background(), data.Device{Hash: data.HashOf(theCode), Decision: data.Allowed, Authorization: a,
				ExpiresAt: w.clock.Now().Add(time.Minute)}))
		},
		redeem: func(w *world, plan Plan, check error) (Issued, error) {
			i, _, err := w.RedeemDevice(context.Background(), theCode, plan, func(*data.Device) (data.Change, error) { return data.Keep, check })
			return i, err
		},
		event: "device_code_reused",
	},
}

func eachKind(t *testing.T, fn func(t *testing.T, w *world, k kind)) {
	for what, k := range kinds {
		for name, open := range engines {
			t.Run(what+" on "+name, func(t *testing.T) { fn(t, newWorld(t, open(t), testPolicy), k) })
		}
	}
}

func TestACodeGivesAGrantThatTurns(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		i, err := k.redeem(w, Plan{}, nil)
		must(t, err)
		if i.Outcome != Started || i.User.ID != w.user.ID || i.Grant.NoRefresh || !i.Grant.ExpiresAt.Equal(w.clock.Now().Add(testPolicy.TTL)) {
			t.Fatalf("%+v", i.Outcome)
		}
		w.turnTo(w.turnTo(string(i.RefreshToken), Turned), Turned)
	})
}

// Whatever a person allowed is in the grant: a field that got lost on the way
// would be a scope too many, or a key that is not asked for.
func TestEveryPartOfAnAuthorizationReachesTheGrant(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		a := w.authorization()
		a.Offline = true
		k.give(w, a)
		redeemed, err := k.redeem(w, Plan{}, nil)
		must(t, err)
		started, err := w.Start(t.Context(), StartRequest{User: w.user, Client: a.Client, Scope: a.Scope, Audience: a.Audience,
			AuthTime: a.AuthTime, AMR: a.AMR, Authorization: a})
		must(t, err)
		for _, i := range []Issued{redeemed, started} {
			stored, _, err := w.store.Grant(t.Context(), i.Grant.ID, "")
			must(t, err)
			for _, g := range []data.Grant{i.Grant, stored} {
				from, to := reflect.ValueOf(a), reflect.ValueOf(g)
				for n := range from.NumField() {
					name := from.Type().Field(n).Name
					if from.Field(n).IsZero() {
						t.Fatalf("%s is zero: the test shows nothing about it", name)
					}
					got := to.FieldByName(name)
					if !got.IsValid() || !reflect.DeepEqual(got.Interface(), from.Field(n).Interface()) {
						t.Errorf("%s is another in the grant", name)
					}
				}
			}
		}
	})
}

func TestTheNonceOfACodeIsInItsGrant(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	must(t, w.store.Codes.Create(t.Context(), data.Code{Hash: data.HashOf(theCode), Nonce: "n1", Authorization: w.authorization(), ExpiresAt: w.clock.Now().Add(time.Minute)}))
	i, c, err := w.Redeem(t.Context(), theCode, Plan{}, func(c data.Code) error { return nil })
	if err != nil || i.Grant.Nonce != "n1" || c.Grant != i.Grant.ID {
		t.Fatal(i.Grant.Nonce, err)
	}
}

func TestAPlanNarrowsAndBinds(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		i, err := k.redeem(w, Plan{Narrow: func(a *data.Authorization) { a.Scope, a.Audience, a.JKT = "openid", a.Audience[:1], "another" }}, nil)
		if err != nil || i.Grant.Scope != "openid" || len(i.Grant.Audience) != 1 || i.Grant.JKT != "another" {
			t.Fatal(i.Grant.Scope, err)
		}
	})
}

// A grant without a refresh token is there for its access token, and for
// nobody who would make a refresh token for it.
func TestAGrantWithoutARefreshTokenEndsWithItsAccessToken(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		redeemed, err := k.redeem(w, Plan{Access: 10 * time.Minute}, nil)
		must(t, err)
		started, err := w.Start(t.Context(), StartRequest{User: w.user, Client: "web", Access: 10 * time.Minute})
		must(t, err)
		for _, i := range []Issued{redeemed, started} {
			if i.RefreshToken != "" || !i.Grant.NoRefresh || !i.Grant.ExpiresAt.Equal(w.clock.Now().Add(10*time.Minute)) || !i.Grant.MaxAt.Equal(i.Grant.ExpiresAt) {
				t.Fatalf("%q until %s", string(i.RefreshToken), i.Grant.ExpiresAt)
			}
			before := w.pairs()
			g := i.Grant
			forged, err := w.seal(&g) // by one who has the MAC key and the store
			must(t, err)
			w.refused(string(forged), ErrUnknown)
			if _, _, err := w.Read(t.Context(), string(forged)); !errors.Is(err, ErrUnknown) {
				t.Fatal(err)
			}
			if ending, err := w.End(t.Context(), string(forged), nil); ending != NothingEnded || err != nil {
				t.Fatal(ending, err)
			}
			if !maps.Equal(before, w.pairs()) {
				t.Fatal("something was written")
			}
		}
		w.clock.Move(10*time.Minute + time.Second)
		for _, i := range []Issued{redeemed, started} {
			if w.store.Alive(i.Grant, i.User, w.clock.Now()) {
				t.Fatal("it outlives its access token")
			}
		}
		w.clock.Move(10 * time.Minute) // its slot is over, by every clock
		_, err = w.store.Sweep(t.Context(), 100)
		must(t, err)
		for _, i := range []Issued{redeemed, started} {
			if _, _, err := w.store.Grant(t.Context(), i.Grant.ID, ""); !errors.Is(err, data.ErrNoGrant) {
				t.Fatal(err)
			}
		}
	})
}

func TestOfAHundredWhoPresentACodeOneGetsTokensThatAreDeadThen(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		const n = 100
		issued, errs := make([]Issued, n), make([]error, n)
		var wg sync.WaitGroup
		barrier := make(chan struct{})
		for i := range n {
			wg.Go(func() {
				<-barrier
				issued[i], errs[i] = k.redeem(w, Plan{}, nil)
			})
		}
		close(barrier)
		wg.Wait()
		won := 0
		for i, err := range errs {
			switch {
			case err == nil:
				won++
				w.refused(string(issued[i].RefreshToken), ErrUnknown)
			case !errors.Is(err, ErrCodeReused) || !errors.Is(err, ErrCode) || issued[i].RefreshToken != "":
				t.Fatal(err)
			}
		}
		if won != 1 {
			t.Fatalf("%d won", won)
		}
	})
}

func TestAReusedCodeIsToldToTheLogAndNotNamed(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		i, err := k.redeem(w, Plan{}, nil)
		must(t, err)
		if w.log.Len() > 0 {
			t.Fatal(w.log)
		}
		if _, err := k.redeem(w, Plan{}, nil); !errors.Is(err, ErrCodeReused) {
			t.Fatal(err)
		}
		line := w.log.String()
		for _, want := range []string{k.event, i.Grant.ID.String(), string(w.user.ID), `"client":"web"`} {
			if !strings.Contains(line, want) {
				t.Errorf("%s is not in %s", want, line)
			}
		}
		if strings.Contains(line, theCode) || strings.Contains(line, data.HashOf(theCode).String()) || strings.Count(line, "\n") != 1 {
			t.Errorf("too much: %s", line)
		}
	})
}

func TestACodeThatGivesNothing(t *testing.T) {
	wrong := errors.New("test: another verifier")
	for _, c := range []struct {
		name  string
		do    func(w *world, a *data.Authorization)
		check error
		want  []error
		not   error
	}{
		{"to one who cannot verify", func(*world, *data.Authorization) {}, wrong, []error{wrong}, ErrCode},
		{"after its end", func(w *world, _ *data.Authorization) { w.clock.Move(time.Minute) }, nil, []error{ErrCode}, ErrCodeReused},
		{"of a user who was deleted", func(w *world, _ *data.Authorization) {
			must(w.t, w.store.DeleteUser(context.Background(), w.user.ID))
		}, nil, []error{ErrCode, data.ErrNoUser}, nil},
		{"of a user who was signed out everywhere", func(w *world, _ *data.Authorization) {
			must(w.t, w.store.EndUserGrants(context.Background(), w.user.ID, nil))
		}, nil, []error{ErrCode, data.ErrStaleEpoch}, nil},
		{"of a user who is disabled", func(w *world, _ *data.Authorization) {
			_, err := w.store.ChangeUser(context.Background(), w.user.ID, func(u *data.User) error { u.Disabled = true; return nil })
			must(w.t, err)
		}, nil, []error{ErrCode, data.ErrDisabled}, nil},
		{"of an account that was signed out", func(w *world, a *data.Authorization) {
			must(w.t, w.store.Sessions.Change(context.Background(), data.HashOf(a.Account), func(*data.Session) data.Change { return data.End }))
		}, nil, []error{ErrCode, data.ErrSignedOut}, nil},
		{"while the MAC keys fail", func(w *world, _ *data.Authorization) { w.macs.broken = errRefused }, nil, []error{errRefused}, ErrCode},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, w *world, k kind) {
				a := w.authorization()
				k.give(w, a)
				c.do(w, &a)
				before := w.pairs()
				i, err := k.redeem(w, Plan{}, c.check)
				for _, want := range c.want {
					if !errors.Is(err, want) {
						t.Fatal(err)
					}
				}
				if c.not != nil && errors.Is(err, c.not) || i.RefreshToken != "" {
					t.Fatal(err)
				}
				if !maps.Equal(before, w.pairs()) {
					t.Fatal("something was written")
				}
			})
		})
	}
}

// The client's key is compared before anything changes: a stolen refresh token
// does nothing without it, not even to its owner.
func TestABoundGrantTurnsForItsKeyOnly(t *testing.T) {
	errKey := errors.New("test: another key")
	shows := func(jkt string) Check {
		return func(g data.Grant, _ data.User) error {
			if g.JKT != "" && g.JKT != jkt {
				return errKey
			}
			return nil
		}
	}
	eachKind(t, func(t *testing.T, w *world, k kind) {
		k.give(w, w.authorization())
		i, err := k.redeem(w, Plan{}, nil)
		must(t, err)
		text := string(i.RefreshToken)
		before := w.pairs()
		for _, jkt := range []string{"", "another", "thum", "THUMB"} {
			if i, err := w.Turn(t.Context(), text, shows(jkt)); err != errKey || i.RefreshToken != "" {
				t.Fatalf("%q: %v", jkt, err)
			}
		}
		if !maps.Equal(before, w.pairs()) {
			t.Fatal("something was written")
		}
		turned, err := w.Turn(t.Context(), text, shows("thumb"))
		if err != nil || turned.Grant.JKT != "thumb" {
			t.Fatal(err)
		}
		if _, err := w.Turn(t.Context(), text, shows("another")); err != errKey {
			t.Fatal("in the grace another key is as good", err)
		}
	})
}

func TestSigningOutEndsWhatCameFromThatAccountAndIsNotOffline(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	one, two := w.signIn(), w.signIn()
	start := func(account string, offline bool) string {
		i, err := w.Start(t.Context(), StartRequest{User: w.user, Client: "web", Authorization: data.Authorization{Account: account, Offline: offline}})
		must(t, err)
		return string(i.RefreshToken)
	}
	gone, offline, elsewhere, first := start(one, false), start(one, true), start(two, false), w.start()
	must(t, w.store.Sessions.Change(t.Context(), data.HashOf(one), func(*data.Session) data.Change { return data.End }))
	must(t, w.EndAccount(t.Context(), w.user.ID, one))
	must(t, w.EndAccount(t.Context(), w.user.ID, "")) // nobody's
	w.refused(gone, ErrUnknown)
	for _, text := range []string{offline, elsewhere, first} {
		w.turnTo(text, Turned)
	}
	if _, err := w.Start(t.Context(), StartRequest{User: w.user, Client: "web", Authorization: data.Authorization{Account: one}}); !errors.Is(err, ErrEnded) {
		t.Fatal(err)
	}
	must(t, w.EndClient(t.Context(), w.user.ID, "web"))
	for _, text := range []string{offline, elsewhere} {
		w.refused(text, ErrUnknown)
	}
	w.turnTo(first, Repeated)
}

// A sign-out and a redemption at once: whichever comes first, nothing of the
// account lives after both.
func TestARedemptionDoesNotOutrunASignOut(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, k kind) {
		for range 20 {
			a := w.authorization()
			k.give(w, a)
			var wg sync.WaitGroup
			barrier := make(chan struct{})
			var left, ended error
			wg.Go(func() {
				<-barrier
				_, _ = k.redeem(w, Plan{}, nil)
			})
			wg.Go(func() {
				<-barrier
				ctx := context.Background()
				left = w.store.Sessions.Change(ctx, data.HashOf(a.Account), func(*data.Session) data.Change { return data.End })
				ended = w.EndAccount(ctx, w.user.ID, a.Account)
			})
			close(barrier)
			wg.Wait()
			must(t, errors.Join(left, ended))
			if list, err := w.store.UserGrants(t.Context(), w.user.ID, data.GrantID{}, 0); len(list) > 0 || err != nil {
				t.Fatal(list, err)
			}
			w.clock.Move(2 * time.Minute)
		}
	})
}
