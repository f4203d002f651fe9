package keys

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	sealedMACKind = "mac"
	macKeySize    = 32
)

// MACs are the keys of refresh tokens, as this node knows them. Its methods
// may be called at once.
type MACs struct {
	keeper *keeper[*macContent]
	lease  time.Duration
	skew   time.Duration
	every  time.Duration // how long a key makes MACs
	keep   time.Duration // how long it verifies after that; 0: none is replaced
	random io.Reader
	snap   atomic.Pointer[macSnapshot]

	sealing sync.RWMutex // guards sealer
	sealer  *Sealer
}

type macContent struct {
	record macRecord
	keys   map[uint32][]byte
}

type macSnapshot struct {
	*macContent
	view view
}

// OpenMACs reads the MAC keys from their store, or makes the first. Of the
// configuration it uses Lease, Skew and RotateEvery.
func OpenMACs(ctx context.Context, o Options) (*MACs, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	m := &MACs{lease: o.Config.Lease, skew: o.Config.Skew, every: o.Config.RotateEvery, keep: o.KeepMACs, random: o.Rand, sealer: o.Sealer}
	m.keeper = &keeper[*macContent]{
		name: "the MAC keys", store: o.Store, clock: &clock{read: o.Now}, log: o.Logger, lease: o.Config.Lease,
		open: m.open,
		rev:  func(c *macContent) uint64 { return c.record.Rev },
		show: func(c *macContent, confirmed time.Time) {
			rules := &record{Schedule: schedule{Lease: c.record.Lease}}
			m.snap.Store(&macSnapshot{macContent: c, view: view{rec: rules, confirmed: confirmed}})
		},
		timing: func(c *macContent) (time.Duration, time.Time) {
			return time.Duration(c.record.Lease), nextMACsDue(c.record)
		},
		kick: make(chan struct{}, 1),
	}
	if err := m.step(ctx, true); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *MACs) open(raw []byte, old *macContent) (*macContent, error) {
	rec, err := parseMACs(raw)
	if err != nil {
		return nil, err
	}
	c := &macContent{record: rec, keys: map[uint32][]byte{}}
	for _, k := range rec.Keys {
		if k.Sealed == "" {
			continue
		}
		key, err := m.currentSealer().Open(sealedMACKind, macID(k.ID), k.Sealed)
		if err != nil {
			return nil, err
		}
		if len(key) != macKeySize {
			return nil, fmt.Errorf("%w: MAC key %d has %d bytes", ErrDamaged, k.ID, len(key))
		}
		c.keys[k.ID] = key
	}
	return c, nil
}

func macID(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

func (m *MACs) currentSealer() *Sealer {
	m.sealing.RLock()
	defer m.sealing.RUnlock()
	return m.sealer
}

// make is a newMAC.
func (m *MACs) make(taken func(uint32) bool) (id uint32, sealed string, err error) {
	var b [4]byte
	for id == 0 || taken(id) {
		if _, err := io.ReadFull(m.random, b[:]); err != nil {
			return 0, "", fmt.Errorf("keys: make a MAC key: %w", err)
		}
		id = binary.BigEndian.Uint32(b[:])
	}
	key := make([]byte, macKeySize)
	defer clear(key)
	if _, err := io.ReadFull(m.random, key); err != nil {
		return 0, "", fmt.Errorf("keys: make a MAC key: %w", err)
	}
	sealed, err = m.currentSealer().Seal(sealedMACKind, macID(id), key)
	return id, sealed, err
}

func (m *MACs) change(ctx context.Context, decide func(macRecord, instant) (macRecord, error)) error {
	return m.keeper.change(ctx, func(c *macContent, t instant) ([]byte, error) {
		var rec macRecord
		if c != nil {
			rec = c.record
		}
		next, err := decide(rec, t)
		if err != nil || next.Rev == rec.Rev {
			return nil, err
		}
		return encode(next)
	}, nil)
}

// step does what is due. Only a start adopts the node's configuration, so
// that two nodes of different configurations do not quarrel.
func (m *MACs) step(ctx context.Context, start bool) error {
	return m.change(ctx, func(r macRecord, t instant) (macRecord, error) {
		lease, skew := m.lease, m.skew
		if !start {
			lease, skew = time.Duration(r.Lease), time.Duration(r.Skew)
		}
		next, err := stepMACs(r, lease, skew, t, m.make)
		if err != nil || !next.due(m.every, m.keep, t.now) {
			return next, err
		}
		return rotateMACs(next, m.keep, t, m.make)
	})
}

// Run keeps the keys confirmed and does what falls due, until ctx ends.
func (m *MACs) Run(ctx context.Context) error {
	m.keeper.run(ctx, func(ctx context.Context) error { return m.step(ctx, false) })
	return nil
}

// Ready returns why the node may make and verify no MAC, or nil.
func (m *MACs) Ready(now time.Time) error {
	err := m.snap.Load().view.lapsed(now)
	if why := m.keeper.failure(); err != nil && why != nil {
		return fmt.Errorf("%w: %w", err, why)
	}
	return err
}

// Sum returns the MAC (HMAC-SHA-256) of msg under the key that makes them
// now, and that key's id, which is never 0. It fails with ErrLease.
func (m *MACs) Sum(msg []byte) (id uint32, mac [32]byte, err error) {
	s, now := m.snap.Load(), m.keeper.clock.now()
	if err := s.view.lapsed(now); err != nil {
		return 0, mac, err
	}
	k := s.record.making(now)
	if k == nil {
		return 0, mac, ErrMACUnknown
	}
	return k.ID, sum(s.keys[k.ID], msg), nil
}

// SumWith returns the MAC of msg under a certain key, to repeat an answer. It
// fails with ErrLease, ErrMACUnknown or ErrMACRevoked.
func (m *MACs) SumWith(id uint32, msg []byte) (mac [32]byte, err error) {
	s, now := m.snap.Load(), m.keeper.clock.now()
	if err := s.view.lapsed(now); err != nil {
		return mac, err
	}
	k := s.record.find(id)
	switch {
	case k == nil:
		return mac, fmt.Errorf("%w: %d", ErrMACUnknown, id)
	case k.Sealed == "":
		return mac, fmt.Errorf("%w: %d: %s", ErrMACRevoked, id, k.Why)
	case !k.Until.IsZero() && !now.Before(k.Until):
		return mac, fmt.Errorf("%w: %d: replaced, and its time is over", ErrMACRevoked, id)
	}
	return sum(s.keys[id], msg), nil
}

// Verify checks a MAC in constant time. It fails as SumWith, or with
// ErrMACMismatch.
func (m *MACs) Verify(id uint32, msg, mac []byte) error {
	want, err := m.SumWith(id, msg)
	if err != nil {
		return err
	}
	if !hmac.Equal(want[:], mac) {
		return ErrMACMismatch
	}
	return nil
}

func sum(key, msg []byte) (mac [32]byte) {
	h := hmac.New(sha256.New, key)
	h.Write(msg)
	h.Sum(mac[:0])
	return mac
}

// Rotate adds a key. It begins to make MACs when every node knows it; the
// others verify for keepFor after that, which should be the longest that a
// grant may go without a turn.
func (m *MACs) Rotate(ctx context.Context, keepFor time.Duration) error {
	return m.change(ctx, func(r macRecord, t instant) (macRecord, error) {
		return rotateMACs(r, keepFor, t, m.make)
	})
}

// RevokeAll destroys every MAC key at once and makes another: every refresh
// token dies. It needs a reason. A node that has not heard goes on for up to
// a lease, and knows nothing of the new key until it hears.
func (m *MACs) RevokeAll(ctx context.Context, reason string) error {
	return m.change(ctx, func(r macRecord, t instant) (macRecord, error) {
		return revokeMACs(r, reason, t, m.make)
	})
}

// Reseal seals every key anew under to, in one change; see Ring.Reseal.
func (m *MACs) Reseal(ctx context.Context, to *Sealer) error {
	from := m.currentSealer()
	return m.keeper.change(ctx, func(c *macContent, _ instant) ([]byte, error) {
		next := c.record.clone()
		for i := range next.Keys {
			k := &next.Keys[i]
			if err := from.reseal(to, sealedMACKind, macID(k.ID), &k.Sealed); err != nil {
				return nil, err
			}
		}
		next.Rev++
		return encode(next)
	}, func() {
		m.sealing.Lock()
		m.sealer = to
		m.sealing.Unlock()
	})
}

// String says nothing of the keys, so that a stray %+v cannot either.
func (m *MACs) String() string   { return "MAC keys" }
func (m *MACs) GoString() string { return m.String() }
