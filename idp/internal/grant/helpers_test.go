package grant

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

var errRefused = errors.New("test: the MAC is refused")

// macs is a MAC with keys that a test rotates and revokes.
type macs struct {
	mu      sync.Mutex
	keys    map[uint32][]byte
	present uint32
	broken  error
}

func newMACs() *macs {
	m := &macs{keys: map[uint32][]byte{}, present: 6}
	m.rotate()
	return m
}

func (m *macs) rotate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.present++
	m.keys[m.present] = []byte{'k', byte(m.present)}
}

func (m *macs) revoke(key uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.keys, key)
}

func (m *macs) Sum(msg []byte) (key uint32, mac [32]byte, err error) {
	m.mu.Lock()
	key = m.present
	m.mu.Unlock()
	mac, err = m.SumWith(key, msg)
	return key, mac, err
}

func (m *macs) SumWith(key uint32, msg []byte) (mac [32]byte, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return mac, m.broken
	}
	k, ok := m.keys[key]
	if !ok {
		return mac, errRefused
	}
	h := hmac.New(sha256.New, k)
	h.Write(msg)
	return [32]byte(h.Sum(nil)), nil
}

func (m *macs) Verify(key uint32, msg, mac []byte) error {
	want, err := m.SumWith(key, msg)
	if err == nil && !hmac.Equal(want[:], mac) {
		err = errRefused
	}
	return err
}

// secret is what a store's secret derives from.
type secret string

func (s secret) Derive(purpose string, about ...string) [32]byte {
	return sha256.Sum256([]byte(strings.Join(append([]string{string(s), purpose}, about...), "\x00")))
}

// clock is a wall clock that a test moves, backwards too.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a store with a user, and a service on it.
type world struct {
	*Service
	t      testing.TB
	engine *kvtest.Counted
	store  *data.Store
	macs   *macs
	clock  *clock
	user   data.User
	log    *strings.Builder

	unhinted bool // some issuer does not read tokens with a hint
}

var testPolicy = Policy{TTL: 30 * 24 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 30 * time.Second}

// engines are those that the races run on.
var engines = map[string]func(t testing.TB) kv.Engine{
	"mem": func(testing.TB) kv.Engine { return mem.New() },
	"bolt": func(t testing.TB) kv.Engine {
		engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
		must(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		return engine
	},
}

func newWorld(t testing.TB, engine kv.Engine, p Policy) *world {
	t.Helper()
	w := &world{t: t, engine: &kvtest.Counted{Engine: engine}, macs: newMACs(), clock: newClock()}
	w.open(p)
	var err error
	w.user, err = w.store.CreateUser(t.Context(), data.User{Email: "ann@example.com"}, data.InvitationHash{})
	must(t, err)
	return w
}

// open starts the service on the engine, as a restart does.
func (w *world) open(p Policy) {
	w.t.Helper()
	var err error
	w.log = &strings.Builder{}
	logger := slog.New(slog.NewJSONHandler(w.log, nil))
	w.store, err = data.Open(context.Background(), w.engine, data.Options{Now: w.clock.Now, Logger: logger})
	must(w.t, err)
	w.Service, err = New(Options{
		Store: w.store, MACs: w.macs, Secret: secret("of the store"), Policy: p, Now: w.clock.Now, Logger: logger,
		Hinted:  func() bool { return !w.unhinted },
		Refused: func(err error) bool { return errors.Is(err, errRefused) },
	})
	must(w.t, err)
}

func (w *world) start() string {
	w.t.Helper()
	i, err := w.Start(context.Background(), StartRequest{User: w.user, Client: "signet", Scope: "posts", Audience: []string{"api"}, AuthTime: w.clock.Now(), AMR: []string{"pwd"}})
	must(w.t, err)
	return string(i.RefreshToken)
}

func (w *world) turnTo(text string, want Outcome) string {
	w.t.Helper()
	i, err := w.Turn(context.Background(), text, nil)
	if err != nil || i.Outcome != want {
		w.t.Fatalf("%v, %v instead of %v", i.Outcome, err, want)
	}
	return string(i.RefreshToken)
}

func (w *world) refused(text string, want error) {
	w.t.Helper()
	i, err := w.Turn(context.Background(), text, nil)
	if !errors.Is(err, want) || i.RefreshToken != "" {
		w.t.Fatalf("%v, %v instead of %v", i.Outcome, err, want)
	}
}

// ofLists tells what is kept of status lists themselves: they come and go with
// time, whatever becomes of a grant.
func ofLists(key []byte) bool {
	return bytes.HasPrefix(key, []byte("f/")) || len(key) == 2+8+1+16 && bytes.HasPrefix(key, []byte("x/")) && key[10] == 'f'
}

// pairs is what the store holds.
func (w *world) pairs() map[string]string {
	w.t.Helper()
	pairs := map[string]string{}
	must(w.t, w.engine.View(context.Background(), func(r kv.Reader) error {
		return r.Scan(nil, nil, func(key, value []byte) bool {
			if !ofLists(key) {
				pairs[string(key)] = string(value)
			}
			return true
		})
	}))
	return pairs
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// changed is the text of the token with something else in it, and the MAC that it
// had.
func (t token) changed(by func(*token)) string {
	by(&t)
	return string(t.text())
}
