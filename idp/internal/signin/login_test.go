package signin

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data"
)

func TestEveryLoginIsTheSameWorkAndTheSameError(t *testing.T) {
	h := newHouse(t, nil)
	const highest = 9
	h.user(t, "imported@example.com", good, highest)
	h.user(t, "weak@example.com", good, MinCost)
	h.user(t, "nopassword@example.com", good, 0)
	disabled := h.user(t, "disabled@example.com", good, 6)
	if _, err := h.store.ChangeUser(t.Context(), disabled.ID, func(u *data.User) error { u.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ name, email, password string }{
		{"a wrong password", "imported@example.com", "wrong"},
		{"a wrong password of a weak hash", "weak@example.com", "wrong"},
		{"a password that is too long", "weak@example.com", string(make([]byte, 80))},
		{"an unknown person", "unknown@example.com", good},
		{"a person without a password", "nopassword@example.com", good},
		{"a disabled person with the right password", "disabled@example.com", good},
	} {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i), 1})
		if r, err := h.try(t, tt.email, tt.password, addr, ""); err != ErrWrongPassword || r.KnownCookie != "" || r.User.ID != "" {
			t.Errorf("%s gave %v", tt.name, err)
		}
		if got := h.bcrypt.spent(); got != 1<<highest {
			t.Errorf("%s took %d rounds, want %d", tt.name, got, 1<<highest)
		}
	}
	if _, err := h.try(t, "imported@example.com", good, home, ""); err != nil {
		t.Errorf("the right password gave %v", err)
	}
}

func TestALoginHashesAnewWhenTheCostHasChanged(t *testing.T) {
	h := newHouse(t, nil)
	for _, cost := range []int{MinCost, 8} {
		email := fmt.Sprintf("cost%d@example.com", cost)
		u := h.user(t, email, good, cost)
		if _, err := h.try(t, email, "wrong", home, ""); err != ErrWrongPassword {
			t.Fatal(err)
		}
		if now, _ := h.store.User(t.Context(), u.ID); now.PasswordHash != u.PasswordHash {
			t.Errorf("a wrong password changed the hash")
		}
		r, err := h.try(t, email, good, home, "")
		if err != nil {
			t.Fatal(err)
		}
		now, _ := h.store.User(t.Context(), u.ID)
		if got, err := ParseBcrypt(now.PasswordHash); got != h.o.Cost || err != nil {
			t.Errorf("the cost is %d, %v", got, err)
		}
		if r.User.PasswordHash != now.PasswordHash || now.Epoch != u.Epoch || !now.PasswordAt.Equal(u.PasswordAt) {
			t.Errorf("the login gave %+v, the store has %+v, and before it was %+v", r.User, now, u)
		}
	}
	if most, _ := h.store.MaxCost(t.Context()); most != h.o.Cost {
		t.Errorf("the highest cost is %d", most)
	}
}

func TestHashingAnewNeverUndoesAChangeOfPassword(t *testing.T) {
	h := newHouse(t, nil)
	u := h.user(t, ana, good, MinCost)
	changed := h.bcrypt.text("another one", 6)
	var once sync.Once
	h.bcrypt.hook = func() { // while the login hashes
		once.Do(func() {
			if _, err := h.store.ChangePassword(t.Context(), u.ID, changed, nil); err != nil {
				t.Error(err)
			}
		})
	}
	r, err := h.try(t, ana, good, home, "")
	if err != nil {
		t.Fatal(err)
	}
	now, _ := h.store.User(t.Context(), u.ID)
	if now.PasswordHash != changed {
		t.Error("the new password is lost")
	}
	if r.User.Epoch == now.Epoch {
		t.Error("the login gave a user whose grants would outlive the change")
	}
}

func TestOneAccountInEveryCaseAndUnicodeForm(t *testing.T) {
	h := newHouse(t, nil)
	u, err := h.Register(t.Context(), RegisterRequest{Email: "J\u00fcrgen@Example.com", Password: good, Addr: home})
	if err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"j\u00fcrgen@example.com", "JU\u0308RGEN@EXAMPLE.COM", " ju\u0308rgen@example.com "} {
		if r, err := h.try(t, email, good, home, ""); err != nil || r.User.ID != u.ID {
			t.Errorf("%q gave %v", email, err)
		}
		if _, err := h.Register(t.Context(), RegisterRequest{Email: email, Password: good, Addr: home}); !errors.Is(err, data.ErrEmailTaken) {
			t.Errorf("%q was free: %v", email, err)
		}
	}
}

func TestWhatCannotBeALoginNamesItsField(t *testing.T) {
	h := newHouse(t, nil)
	for _, tt := range []struct{ email, password, field string }{
		{"ana", good, "email"}, {"", good, "email"}, {"a\x00@example.com", good, "email"}, {"\xff@example.com", good, "email"}, {ana, "", "password"},
	} {
		_, err := h.try(t, tt.email, tt.password, home, "")
		var field *FieldError
		if !errors.As(err, &field) || field.Field != tt.field {
			t.Errorf("%q gave %v", tt.email, err)
		}
	}
	if h.bcrypt.compare != 0 {
		t.Error("something was hashed")
	}
}

func TestOfManyGuessesAtOnceOnlyTheFreeOnesAreLookedAt(t *testing.T) {
	for _, email := range []string{ana, "unknown@example.com"} {
		h := newHouse(t, nil)
		h.user(t, ana, good, 6)
		var looked atomic.Int32
		release := make(chan struct{})
		h.bcrypt.hook = func() { looked.Add(1); <-release }
		var refused, wrong atomic.Int32
		start := make(chan struct{})
		var all sync.WaitGroup
		var throttled sync.WaitGroup
		throttled.Add(100 - h.throttle.o.Free)
		for range 100 {
			all.Go(func() {
				<-start
				_, err := h.try(t, email, "wrong", home, "")
				switch {
				case errors.Is(err, ErrThrottled):
					refused.Add(1)
					throttled.Done()
				case err == ErrWrongPassword:
					wrong.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		throttled.Wait() // while the others are still being looked at
		close(release)
		all.Wait()
		if free := int32(h.throttle.o.Free); looked.Load() != free || wrong.Load() != free || refused.Load() != 100-free {
			t.Errorf("%s: %d looked at, %d wrong, %d refused", email, looked.Load(), wrong.Load(), refused.Load())
		}
	}
}

func TestWhoGetsItRightInTheEndIsNeverHeldUp(t *testing.T) {
	h := newHouse(t, nil)
	h.user(t, ana, good, 6)
	for range 100 {
		for range h.throttle.o.Free - 1 {
			if _, err := h.try(t, ana, "wrong", home, ""); err != ErrWrongPassword {
				t.Fatal(err)
			}
		}
		if _, err := h.try(t, ana, good, home, ""); err != nil {
			t.Fatal(err)
		}
		h.clock.move(8 * time.Second) // what the network's burst takes to come back
	}
}

func TestAStrangerLocksNobodyOut(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Throttle.KnownFor = 90 * 24 * time.Hour })
	h.user(t, ana, good, 6)
	r, err := h.try(t, ana, good, home, "")
	if err != nil {
		t.Fatal(err)
	}
	attack := func(addr netip.Addr, cookie string) {
		for range 200 {
			if _, err := h.try(t, ana, "wrong", addr, cookie); errors.Is(err, ErrThrottled) {
				h.clock.move(wait(err))
			}
		}
		_, _ = h.try(t, ana, "wrong", addr, cookie)
		if _, err := h.try(t, ana, "wrong", addr, cookie); !errors.Is(err, ErrThrottled) {
			t.Fatalf("the stranger is not held up: %v", err)
		}
	}
	attack(home, "") // from the owner's own network
	forged := []byte(r.KnownCookie)
	if last := &forged[len(forged)-1]; *last == 'A' {
		*last = 'E'
	} else {
		*last = 'A'
	}
	attack(abroad, string(forged))
	if r, err = h.try(t, ana, good, home, r.KnownCookie); err != nil {
		t.Errorf("the owner's browser: %v", err)
	}
	_, err = h.try(t, ana, good, netip.MustParseAddr("203.0.113.5"), "")
	if w := wait(err); w <= 0 || w > 30*time.Second {
		t.Fatalf("the owner on a new device: %v", err)
	}
	h.clock.move(wait(err))
	if _, err := h.try(t, ana, good, netip.MustParseAddr("203.0.113.5"), ""); err != nil {
		t.Errorf("the owner on a new device, in time: %v", err)
	}
}

func TestAStolenCookieBuysNoMoreThanItsOwnGuesses(t *testing.T) {
	h := newHouse(t, nil)
	h.user(t, ana, good, 6)
	r, err := h.try(t, ana, good, home, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.throttle.o.Free {
		if _, err := h.try(t, ana, "wrong", abroad, r.KnownCookie); err != ErrWrongPassword {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	if _, err := h.try(t, ana, good, home, r.KnownCookie); !errors.Is(err, ErrThrottled) {
		t.Errorf("one more: %v", err)
	}
	if _, err := h.try(t, ana, good, home, ""); err != nil {
		t.Errorf("without the cookie: %v", err)
	}
}

func TestACookieIsRenewedAndEndsInTime(t *testing.T) {
	h := newHouse(t, nil)
	h.user(t, ana, good, 6)
	first, err := h.try(t, ana, good, home, "")
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(23 * time.Hour)
	second, err := h.try(t, ana, good, home, first.KnownCookie)
	if err != nil {
		t.Fatal(err)
	}
	account, now := anasAccount(h), h.clock.now().Add(2*time.Hour)
	a, _ := h.secrets.knows(first.KnownCookie, account, h.clock.now())
	b, known := h.secrets.knows(second.KnownCookie, account, now)
	if !known || a != b {
		t.Error("the browser got another name, or no more time")
	}
	if _, known := h.secrets.knows(first.KnownCookie, account, now); known {
		t.Error("the old cookie has no end")
	}
}

func anasAccount(h *house) tag {
	email, _ := data.ParseEmail(ana)
	return h.account(email)
}

func TestWithoutATimeNoBrowserIsKnown(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Throttle.KnownFor = 0 })
	h.user(t, ana, good, 6)
	r, err := h.try(t, ana, good, home, "")
	if err != nil || r.KnownCookie != "" {
		t.Errorf("got the cookie %q, %v", r.KnownCookie, err)
	}
	early := h.secrets.know(anasAccount(h), browser{1}, h.clock.now().Add(time.Hour)) // from when there was one
	for range h.throttle.o.Free {
		_, _ = h.try(t, ana, "wrong", abroad, "")
	}
	if _, err := h.try(t, ana, good, home, early); !errors.Is(err, ErrThrottled) {
		t.Errorf("an earlier cookie still counts: %v", err)
	}
}
