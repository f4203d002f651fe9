package signin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

// countingBcrypt has hashes of bcrypt's form that cost nothing, and counts the
// rounds that bcrypt would have made.
type countingBcrypt struct {
	mu      sync.Mutex
	rounds  int // of all, in units of one round
	hashes  int
	compare int    // how many passwords were compared with something
	hook    func() // called within each comparison, if set
}

func (c *countingBcrypt) text(password string, cost int) string {
	sum := sha256.Sum256([]byte(password))
	return fmt.Sprintf("$2b$%02d$%s", cost, hex.EncodeToString(sum[:])[:53])
}

func (c *countingBcrypt) hash(password string, cost int) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rounds += 1 << cost
	c.hashes++
	return c.text(password, cost), nil
}

func (c *countingBcrypt) matches(hash, password string) bool {
	if c.hook != nil {
		c.hook()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	cost, err := ParseBcrypt(hash)
	if err != nil {
		panic("not a hash: " + hash)
	}
	c.rounds += 1 << cost
	c.compare++
	return hash[3:] == c.text(password, cost)[3:]
}

// spent returns the rounds since the last call.
func (c *countingBcrypt) spent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.rounds
	c.rounds = 0
	return n
}

// clock stands still unless it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type house struct {
	*Service
	bcrypt *countingBcrypt
	clock  *clock
	store  *data.Store
}

func newHouse(t *testing.T, change func(*Options)) *house {
	t.Helper()
	clock := newClock()
	store, err := data.Open(t.Context(), mem.New(), data.Options{Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return enter(t, store, clock, change)
}

// enter makes a service on a store that is there.
func enter(t *testing.T, store *data.Store, clock *clock, change func(*Options)) *house {
	t.Helper()
	h := &house{bcrypt: &countingBcrypt{}, clock: clock, store: store}
	o := Options{
		Store: store, Cost: 6, Workers: 64, Wait: time.Minute, Now: clock.now, bcrypt: h.bcrypt,
		CookieKey: []byte("0123456789abcdef0123456789abcdef"),
		Throttle:  Throttle{KnownFor: 24 * time.Hour},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if h.Service, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return h
}

// user makes a user with a hash of the given cost; 0 is no password.
func (h *house) user(t *testing.T, email, password string, cost int) data.User {
	t.Helper()
	u := data.User{Email: email}
	if cost != 0 {
		u.PasswordHash = h.bcrypt.text(normal(password), cost)
	}
	u, err := h.store.CreateUser(t.Context(), u, data.InvitationHash{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var (
	home   = netip.MustParseAddr("192.0.2.1")
	abroad = netip.MustParseAddr("198.51.100.1")
)

const (
	ana  = "ana@example.com"
	good = "correct horse battery"
)

func (h *house) try(t *testing.T, email, password string, addr netip.Addr, cookie string) (LoginResult, error) {
	t.Helper()
	return h.Login(t.Context(), LoginRequest{Email: email, Password: password, Addr: addr, Known: cookie})
}
