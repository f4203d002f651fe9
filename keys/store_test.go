package keys

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// memStore is one record in memory, shared by the nodes of a test.
type memStore struct {
	mu    sync.Mutex
	raw   []byte
	subs  map[chan struct{}]bool
	fail  error // what every call returns while set
	swaps int
}

func (s *memStore) Load(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.raw), s.fail
}

func (s *memStore) CompareAndSwap(_ context.Context, old, new []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return false, s.fail
	}
	if (old == nil) != (s.raw == nil) || !bytes.Equal(old, s.raw) {
		return false, nil
	}
	s.raw = bytes.Clone(new)
	s.swaps++
	for c := range s.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return true, nil
}

func (s *memStore) Changed() (<-chan struct{}, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	s.subs[c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, c)
	}
}

func (s *memStore) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// testClock is a clock that tests turn.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func newTestClock() *testClock {
	return &testClock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var testMasterKey = NewMasterKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))

func testOptions(store Store, now func() time.Time, algs ...Alg) Options {
	c := DefaultConfig()
	c.Algs = algs
	c.MaxLifetime = map[Alg]time.Duration{algs[0]: 10 * time.Minute}
	return Options{
		Config: c, Store: store, Sealer: NewSealer(testMasterKey, "store1"), Now: now,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func mustOpen(t testing.TB, o Options) *Ring {
	t.Helper()
	r, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
