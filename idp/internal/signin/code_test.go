package signin

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestCodesCannotBeFoundByTrying(t *testing.T) {
	s, clock := codes(t)
	here := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		if _, err := s.TryCode(t.Context(), "ada", here); err != nil {
			t.Fatal(err)
		}
	}
	var throttled *ThrottledError
	if _, err := s.TryCode(t.Context(), "ada", here); !errors.As(err, &throttled) || throttled.RetryAfter <= 0 {
		t.Errorf("the fourth wrong one: %v", err)
	}
	if _, err := s.TryCode(t.Context(), "ada", netip.MustParseAddr("198.51.100.1")); !errors.Is(err, ErrThrottled) {
		t.Errorf("from elsewhere: %v", err)
	}
	if _, err := s.TryCode(t.Context(), "grace", here); err != nil {
		t.Errorf("somebody else waits for it: %v", err)
	}
	clock.move(throttled.RetryAfter)
	if _, err := s.TryCode(t.Context(), "ada", here); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestARightCodeTakesBackItsOwnTryAndNoOther(t *testing.T) {
	s, _ := codes(t)
	here := netip.MustParseAddr("192.0.2.1")
	for range 2 {
		if _, err := s.TryCode(t.Context(), "ada", here); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		right, err := s.TryCode(t.Context(), "ada", here)
		if err != nil {
			t.Fatalf("right codes are counted: %v", err)
		}
		right()
	}
	if _, err := s.TryCode(t.Context(), "ada", here); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TryCode(t.Context(), "ada", here); !errors.Is(err, ErrThrottled) {
		t.Errorf("right codes make room for wrong ones: %v", err)
	}
}

// codes is a service that lets three wrong codes pass.
func codes(t *testing.T) (*Service, *clock) {
	t.Helper()
	h := newHouse(t, func(o *Options) { o.Throttle = Throttle{Free: 3, Delay: time.Second} })
	return h.Service, h.clock
}
