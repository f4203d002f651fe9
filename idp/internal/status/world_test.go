package status

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/mint"
	"signet/keys"
	"signet/resource/token"
)

const issuer = "https://id.example"

// node is one node of an issuer on an engine that others may be on, too.
type node struct {
	t     *testing.T
	off   atomic.Int64 // of its clock, in nanoseconds
	store *data.Store
	ring  *keys.Ring
	lists *Service
	log   *bytes.Buffer
}

// masterKey is the same on every node.
var masterKey = keys.NewMasterKey(bytes.NewReader(make([]byte, 64)))

func newNode(t *testing.T, engine kv.Engine) *node {
	t.Helper()
	n := &node{t: t, log: new(bytes.Buffer)}
	var err error
	if n.store, err = data.Open(t.Context(), engine, data.Options{Now: n.now, AccessTTL: 10 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	n.ring, err = keys.Open(t.Context(), keys.Options{
		Store: n.store.Cell("ring"), Sealer: keys.NewSealer(masterKey, n.store.Meta().StoreID), Now: n.now, Logger: slog.New(slog.DiscardHandler),
		Config: keys.Config{Algs: []keys.Alg{token.ES256}, RotateEvery: 30 * 24 * time.Hour, PublishAhead: 10 * time.Second,
			Lease: time.Second, Skew: time.Second, MaxLifetime: map[keys.Alg]time.Duration{token.ES256: 10 * time.Minute}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.lists = New(Options{
		Store: n.store, Ring: n.ring, Alg: token.ES256, Now: n.now, Logger: slog.New(slog.NewTextHandler(n.log, nil)),
		Mint: mint.New(mint.Options{Issuer: issuer, Ring: n.ring, Now: n.now,
			Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: 10 * time.Minute}}}),
	})
	return n
}

func (n *node) now() time.Time { return time.Now().Add(time.Duration(n.off.Load())) }

func (n *node) prepare() {
	n.t.Helper()
	if err := n.lists.Prepare(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
}

// run runs the service until the test ends.
func (n *node) run() {
	done := make(chan error)
	ctx := n.t.Context()
	go func() { done <- n.lists.Run(ctx) }()
	n.t.Cleanup(func() {
		if err := <-done; err != nil {
			n.t.Error(err)
		}
	})
}

func (n *node) draw() data.Slot {
	n.t.Helper()
	slot, err := n.store.DrawSlot(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return slot
}

func (n *node) revoke(slot data.Slot) {
	n.t.Helper()
	if err := n.store.RevokeSlot(n.t.Context(), slot.List, slot.Index, data.GrantID{}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) list(id data.StatusListID) *Document {
	n.t.Helper()
	d, err := n.lists.List(n.t.Context(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return d.Document
}

// wake waits until there is another document than d, which is to be after
// that time.
func (n *node) wake(d *Document, after time.Duration) {
	n.t.Helper()
	began := n.now()
	select {
	case <-d.Changed():
		if took := n.now().Sub(began); took != after {
			n.t.Errorf("another was there after %s, not %s", took, after)
		}
	case <-time.After(time.Hour):
		n.t.Fatal("there is no other")
	}
}

func (n *node) rotate() {
	n.t.Helper()
	if _, err := n.ring.Rotate(n.t.Context(), "", false); err != nil {
		n.t.Fatal(err)
	}
}

// kid is the key that signs now.
func (n *node) kid() string {
	n.t.Helper()
	signer, err := n.ring.Snapshot().Signer(token.ES256)
	if err != nil {
		n.t.Fatal(err)
	}
	return signer.KID()
}

// readings counts what views of an engine read.
type readings struct {
	kv.Engine
	gets, scans int
}

func (e *readings) View(ctx context.Context, fn func(kv.Reader) error) error {
	return e.Engine.View(ctx, func(r kv.Reader) error { return fn(reading{r, e}) })
}

type reading struct {
	kv.Reader
	e *readings
}

func (r reading) Get(key []byte) ([]byte, error) {
	r.e.gets++
	return r.Reader.Get(key)
}

func (r reading) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	r.e.scans++
	return r.Reader.Scan(prefix, start, fn)
}
