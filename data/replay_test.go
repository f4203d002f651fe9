package data

import (
	"context"
	"errors"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

func TestOfAHundredWhoShowTheSameOneIsTheFirst(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		fresh := race(100, func(int) bool {
			fresh, err := s.Remember(context.Background(), "dpop", [32]byte{1}, s.now().Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			return fresh
		})
		if fresh != 1 {
			t.Errorf("%d were the first", fresh)
		}
	})
}

func TestWhatWasSeenIsRememberedForItsTime(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		remember := func(kind string, id byte, life time.Duration, want bool) {
			t.Helper()
			fresh, err := s.Remember(t.Context(), kind, [32]byte{id}, c.Now().Add(life))
			if fresh != want || err != nil {
				t.Fatal(fresh, err)
			}
		}
		remembered := func(kind string, id byte, want bool) {
			t.Helper()
			if seen, err := s.Remembered(t.Context(), kind, [32]byte{id}); seen != want || err != nil {
				t.Fatal(seen, err)
			}
		}
		remembered("a", 1, false)
		remember("a", 1, time.Minute, true)
		remembered("a", 1, true)
		remember("a", 1, time.Hour, false) // a longer time does not make it new
		for _, other := range []string{"b", "", "aa", "a\x00"} {
			remembered(other, 1, false)
		}
		remember("b", 1, time.Minute, true)
		remember("a", 2, time.Minute, true)
		c.Move(time.Minute - 1)
		remember("a", 1, time.Minute, false)
		c.Move(1)
		remembered("a", 1, false)
		remember("a", 1, time.Minute, true)
		// What is over when it comes could come again and again.
		remember("a", 3, 0, false)
		remember("a", 3, -time.Minute, false)
		c.Move(time.Minute + time.Second)
		for n := 1; n > 0; {
			var err error
			if n, err = s.Sweep(t.Context(), 100); err != nil {
				t.Fatal(err)
			}
		}
		if left := keysBut(dump(t, engine), metaKey); len(left) > 0 {
			t.Fatalf("%q are left", left)
		}
	})
}

// Whoever cannot know whether it was seen says so, and nobody takes it for new.
func TestAMarkThatCannotBeKeptOrReadIsNotFresh(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	full := errors.New("test: the disk is full")
	engine.FailCommits(1, full)
	if fresh, err := s.Remember(t.Context(), "a", [32]byte{1}, s.now().Add(time.Minute)); fresh || !errors.Is(err, full) {
		t.Fatal(fresh, err)
	}
	h := markHash("a", [32]byte{2})
	putRaw(t, engine, string(passingKey(markKind, h)), `{"v":2}`)
	if fresh, err := s.Remember(t.Context(), "a", [32]byte{2}, s.now().Add(time.Minute)); fresh || !errors.Is(err, ErrVersion) {
		t.Fatal(fresh, err)
	}
	if _, err := s.Remembered(t.Context(), "a", [32]byte{2}); !errors.Is(err, ErrVersion) {
		t.Fatal(err)
	}
}
