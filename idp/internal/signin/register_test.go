package signin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

func TestWhoRegistersCanSignIn(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.bcrypt, o.Cost = nil, MinCost })
	u, err := h.Register(t.Context(), RegisterRequest{Email: ana, Password: good, Addr: home})
	if err != nil || u.EmailVerified || len(u.Roles) != 0 || u.Disabled {
		t.Fatalf("got %+v, %v", u, err)
	}
	if r, err := h.try(t, ana, good, home, ""); err != nil || r.User.ID != u.ID {
		t.Errorf("got %v", err)
	}
}

func TestRegistrationNamesTheFieldThatIsWrong(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Registration = Invitation })
	for _, tt := range []struct{ email, password, field string }{
		{"ana", good, "email"},
		{ana, "short", "password"},
		{ana, "password1", "password"},
		{ana, "Ana@Example.com", "password"},
		{ana, strings.Repeat("abc ", 20), "password"},
		{ana, good, "invitation"},
	} {
		_, err := h.Register(t.Context(), RegisterRequest{Email: tt.email, Password: tt.password, Addr: home})
		var field *FieldError
		if !errors.As(err, &field) || field.Field != tt.field || strings.Contains(err.Error(), tt.password) {
			t.Errorf("%q, %q gave %v", tt.email, tt.password, err)
		}
	}
	if h.bcrypt.hashes != 0 {
		t.Error("something was hashed")
	}
}

func TestClosedRegistrationIsClosedToInvitationsToo(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Registration = Closed })
	code, _, err := h.store.CreateInvitation(t.Context(), data.Email{}, nil, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Register(t.Context(), RegisterRequest{Email: ana, Password: good, Invitation: string(code)}); !errors.Is(err, ErrRegistrationClosed) {
		t.Errorf("got %v", err)
	}
}

func TestRolesComeFromTheInvitationAndItIsSpentOnce(t *testing.T) {
	for _, mode := range []Registration{Open, Invitation} {
		h := newHouse(t, func(o *Options) { o.Registration = mode })
		code, _, err := h.store.CreateInvitation(t.Context(), data.Email{}, []string{"admin"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		u, err := h.Register(t.Context(), RegisterRequest{Email: ana, Password: good, Invitation: string(code)})
		if err != nil || len(u.Roles) != 1 || u.Roles[0] != "admin" {
			t.Errorf("%s: got %+v, %v", mode, u, err)
		}
		for _, email := range []string{ana, "bob@example.com"} { // whether the e-mail is taken is not told
			if _, err := h.Register(t.Context(), RegisterRequest{Email: email, Password: good, Invitation: string(code)}); !errors.Is(err, data.ErrNoInvitation) {
				t.Errorf("%s: a spent invitation gave %v", mode, err)
			}
		}
	}
}

func TestOfManyWhoRegisterOneEmailOneWins(t *testing.T) {
	h := newHouse(t, nil)
	start := make(chan struct{})
	var all sync.WaitGroup
	results := make(chan error, 20)
	for i := range 20 {
		email := []string{"ana@example.com", "ANA@example.com", "Ana@EXAMPLE.com"}[i%3]
		all.Go(func() {
			<-start
			_, err := h.Register(t.Context(), RegisterRequest{Email: email, Password: good, Addr: home})
			results <- err
		})
	}
	close(start)
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, data.ErrEmailTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestRegistrationsOfOneNetworkAreLimited(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Throttle.RegisterBurst, o.Throttle.RegisterEvery = 3, time.Minute })
	for i := range 3 {
		if _, err := h.Register(t.Context(), RegisterRequest{Email: fmt.Sprintf("u%d@example.com", i), Password: good, Addr: home}); err != nil {
			t.Fatal(err)
		}
	}
	again := RegisterRequest{Email: ana, Password: good, Addr: home}
	if _, err := h.Register(t.Context(), again); wait(err) != time.Minute {
		t.Errorf("the fourth gave %v", err)
	}
	if _, err := h.Register(t.Context(), RegisterRequest{Email: ana, Password: good, Addr: abroad}); err != nil {
		t.Errorf("another network: %v", err)
	}
	h.clock.move(time.Minute)
	if _, err := h.Register(t.Context(), again); !errors.Is(err, data.ErrEmailTaken) {
		t.Errorf("a minute later: %v", err)
	}
	if _, err := h.Register(t.Context(), again); !errors.Is(err, ErrThrottled) {
		t.Errorf("asking who is taken is not limited: %v", err)
	}
}

func TestAFullRoomCostsNobodyTheirGuesses(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Workers, o.Wait = 1, 0 })
	h.user(t, ana, good, 6)
	release, inside := make(chan struct{}), make(chan struct{})
	go h.room.do(t.Context(), tag{}, func() { close(inside); <-release })
	<-inside
	for range 50 {
		if _, err := h.try(t, ana, "wrong", home, ""); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if _, err := h.Register(t.Context(), RegisterRequest{Email: "bob@example.com", Password: good, Addr: home}); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	close(release)
	if n := len(h.throttle.places.m) + len(h.throttle.accounts.m) + len(h.throttle.networks.m) + len(h.throttle.registrations.m); n != 0 {
		t.Errorf("%d counters were left", n)
	}
}

func TestChangingAPassword(t *testing.T) {
	h := newHouse(t, nil)
	u := h.user(t, ana, good, 5)
	const next = "a better horse"
	for _, tt := range []struct {
		name, current, new string
		field              string
		want               error
	}{
		{"a new one that is too short", good, "short", "new", nil},
		{"a new one that is the e-mail", good, ana, "new", nil},
		{"a wrong current one", "wrong", next, "", ErrWrongPassword},
		{"an empty current one", "", next, "", ErrWrongPassword},
	} {
		_, err := h.ChangePassword(t.Context(), u.ID, tt.current, tt.new, nil, home)
		var field *FieldError
		if errors.As(err, &field) != (tt.field != "") || field != nil && field.Field != tt.field || tt.want != nil && err != tt.want {
			t.Errorf("%s gave %v", tt.name, err)
		}
	}
	changed, err := h.ChangePassword(t.Context(), u.ID, good, next, nil, home)
	if err != nil || changed.Epoch == u.Epoch {
		t.Fatalf("got %+v, %v", changed, err)
	}
	if _, err := h.try(t, ana, good, home, ""); err != ErrWrongPassword {
		t.Errorf("the old password gave %v", err)
	}
	if _, err := h.try(t, ana, next, home, ""); err != nil {
		t.Errorf("the new password gave %v", err)
	}
}

func TestGuessingTheCurrentPasswordIsThrottledForThatGrantAlone(t *testing.T) {
	h := newHouse(t, nil)
	u := h.user(t, ana, good, 6)
	stolen, own := &data.GrantID{1}, &data.GrantID{2}
	for range h.throttle.o.Free {
		if _, err := h.ChangePassword(t.Context(), u.ID, "wrong", "a better horse", stolen, home); err != ErrWrongPassword {
			t.Fatal(err)
		}
	}
	if _, err := h.ChangePassword(t.Context(), u.ID, good, "a better horse", stolen, home); !errors.Is(err, ErrThrottled) {
		t.Errorf("one more gave %v", err)
	}
	if _, err := h.ChangePassword(t.Context(), u.ID, good, "a better horse", own, home); err != nil {
		t.Errorf("the owner's grant gave %v", err)
	}
}

func TestOfTwoWhoChangeAPasswordTheSecondKnowsTheFirst(t *testing.T) {
	h := newHouse(t, nil)
	u := h.user(t, ana, good, 6)
	start := make(chan struct{})
	results := make(chan error, 2)
	for i := range 2 {
		go func() {
			<-start
			_, err := h.ChangePassword(t.Context(), u.ID, good, fmt.Sprint("a better horse ", i), nil, home)
			results <- err
		}()
	}
	close(start)
	a, b := <-results, <-results
	if (a == nil) == (b == nil) || a != nil && a != ErrWrongPassword || b != nil && b != ErrWrongPassword {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestTheCountersAreWrittenAtMostOnceASecondAndReadAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New()
		store, err := data.Open(t.Context(), engine, data.Options{})
		if err != nil {
			t.Fatal(err)
		}
		h := enter(t, store, newClock(), nil)
		writes := 0
		changed, stop := engine.Watch(nil)
		defer stop()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = h.Run(ctx) }()
		go func() {
			for {
				select {
				case <-changed:
					writes++
				case <-done:
					return
				}
			}
		}()
		for i := range 300 { // three seconds of wrong passwords
			_, _ = h.try(t, fmt.Sprintf("u%d@example.com", i/10), "wrong", abroad, "")
			h.clock.move(10 * time.Millisecond)
			time.Sleep(10 * time.Millisecond)
		}
		if synctest.Wait(); writes < 2 || writes > 4 {
			t.Errorf("%d writes in three seconds", writes)
		}
		cancel()
		<-done
		next := enter(t, store, h.clock, nil)
		if _, err := next.try(t, "u29@example.com", "wrong", abroad, ""); !errors.Is(err, ErrThrottled) {
			t.Errorf("after a restart: %v", err)
		}
	})
}

func TestNothingThatIsSecretIsStoredOrLogged(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for range 10 {
		_, _ = h.try(t, ana, "hunter2hunter2", home, "")
	}
	body, err := h.throttle.save(h.clock.now())
	if err != nil || len(body) < 50 {
		t.Fatalf("%s, %v", body, err)
	}
	for _, secret := range []string{"hunter2", "ana", "192.0.2"} {
		if strings.Contains(string(body), secret) || strings.Contains(log.String(), secret) {
			t.Errorf("%s is in %s or %s", secret, body, log.String())
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	store := newHouse(t, nil).store
	for name, o := range map[string]Options{
		"no store":             {},
		"a cost too low":       {Store: store, Cost: 3},
		"a cost too high":      {Store: store, Cost: 16},
		"a short key":          {Store: store, CookieKey: []byte("short")},
		"another registration": {Store: store, Registration: "never"},
	} {
		if _, err := New(t.Context(), o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := New(t.Context(), Options{Store: store}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestANetworkRegistersSoManyClientsAndNoMore(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Throttle.RegisterBurst, o.Throttle.RegisterEvery = 3, time.Minute })
	addr, neighbour, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("198.51.100.1")
	for range 3 {
		if err := h.TryClient(t.Context(), addr); err != nil {
			t.Fatal(err)
		}
	}
	var throttled *ThrottledError
	if err := h.TryClient(t.Context(), neighbour); !errors.As(err, &throttled) || throttled.RetryAfter != time.Minute {
		t.Errorf("the same network: %v", err)
	}
	if err := h.TryClient(t.Context(), other); err != nil {
		t.Errorf("another network: %v", err)
	}
	h.clock.move(time.Minute)
	if err := h.TryClient(t.Context(), addr); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}
