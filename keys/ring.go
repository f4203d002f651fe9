package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options open a ring or the MAC keys.
type Options struct {
	Config Config
	Store  Store
	Sealer *Sealer
	Now    func() time.Time // time.Now unless set
	Rand   io.Reader        // crypto/rand.Reader unless set
	Logger *slog.Logger     // slog.Default() unless set

	// KeepMACs is how long a replaced MAC key verifies: the longest that a
	// grant may live. Without it MAC keys are replaced by hand only.
	KeepMACs time.Duration

	generate func(Alg, *Sealer) (fresh, error) // tests make cheaper keys
}

func (o *Options) defaults() error {
	if err := o.Config.Validate(); err != nil {
		return err
	}
	if o.Store == nil || o.Sealer == nil {
		return errors.New("keys: Options need a Store and a Sealer")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.generate == nil {
		o.generate = func(alg Alg, s *Sealer) (fresh, error) {
			// Another node's configuration may name an RSA line that this
			// one's does not, with its size.
			return generate(alg, max(o.Config.RSABits, 2048), o.Rand, s)
		}
	}
	return nil
}

// Ring is the key ring of this node. Its methods may be called at once.
type Ring struct {
	keeper *keeper[*content]
	log    *slog.Logger
	snap   atomic.Pointer[Snapshot]
	spares spares

	sealing sync.RWMutex // guards sealer
	sealer  *Sealer
}

// Open reads the ring from its store, or makes it at the very first start,
// and makes the configuration's schedule its own. A wrong master key, a
// damaged record and one of a newer release fail here.
func Open(ctx context.Context, o Options) (*Ring, error) {
	r, err := newRing(o)
	if err != nil {
		return nil, err
	}
	adoption := func(rec record, t instant, take taker) (record, []Change, error) {
		next, changes := adopt(rec, o.Config, t, take)
		return next, changes, nil
	}
	if err := r.change(ctx, adoption); err != nil {
		return nil, err
	}
	return r, nil
}

// AfterRestore makes the ring of a store that was restored from a backup
// safe to open: no key of the backup signs again, each line gets new ones at
// once. Call it before Open.
//
// Old public halves stay in the JWKS until the tokens that they verify are
// dead. Keys made after the backup are unknown to it: their tokens are
// refused from now on. Until a max-age has passed, verifiers that only obey
// the cache headers may refuse the new keys.
func AfterRestore(ctx context.Context, o Options) error {
	r, err := newRing(o)
	if err != nil {
		return err
	}
	// The private halves of the backup are destroyed, not opened: a restore
	// succeeds under a new master key, too.
	r.keeper.open = func(raw []byte, old *content) (*content, error) {
		rec, err := parseRecord(raw)
		return &content{record: rec}, err
	}
	r.keeper.show = func(*content, time.Time) {}
	return r.change(ctx, func(rec record, t instant, take taker) (record, []Change, error) {
		if rec.V == 0 {
			return rec, nil, nil
		}
		next, changes := restore(rec, o.Config, t, take)
		return next, changes, nil
	})
}

func newRing(o Options) (*Ring, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	r := &Ring{log: o.Logger, sealer: o.Sealer}
	r.spares = spares{generate: func(alg Alg) (fresh, error) { return o.generate(alg, r.currentSealer()) }, want: make(chan struct{}, 1)}
	c := &clock{read: o.Now}
	r.keeper = &keeper[*content]{
		name: "the key ring", store: o.Store, clock: c, log: o.Logger, lease: o.Config.Lease,
		open: func(raw []byte, old *content) (*content, error) { return newContent(raw, old, r.currentSealer()) },
		rev:  func(c *content) uint64 { return c.record.Rev },
		show: func(c *content, confirmed time.Time) {
			old := r.snap.Swap(&Snapshot{content: c, view: view{rec: &c.record, confirmed: confirmed}, clock: r.keeper.clock})
			if old != nil && old.etag != c.etag {
				close(old.changed)
			}
		},
		timing: func(c *content) (time.Duration, time.Time) {
			return time.Duration(c.record.Schedule.Lease), nextDue(c.record)
		},
		kick: make(chan struct{}, 1),
	}
	return r, nil
}

func (r *Ring) currentSealer() *Sealer {
	r.sealing.RLock()
	defer r.sealing.RUnlock()
	return r.sealer
}

// errMissing says that a decision needs keys that are not made yet.
var errMissing = errors.New("keys: a new key is still being made")

type decision func(record, instant, taker) (record, []Change, error)

// change makes the keys that a decision needs and carries it out. No key is
// made while the record's turn is held.
func (r *Ring) change(ctx context.Context, decide decision) error {
	for {
		err := r.try(ctx, decide)
		if !errors.Is(err, errMissing) {
			return err
		}
		if err := r.spares.fill(ctx); err != nil {
			return err
		}
	}
}

// try carries out a decision with the keys that are there, or returns
// errMissing.
func (r *Ring) try(ctx context.Context, decide decision) error {
	var changes []Change
	var taken *taking
	sent := false
	err := r.keeper.change(ctx, func(c *content, t instant) ([]byte, error) {
		if taken != nil {
			taken.giveBack() // the last attempt lost
		}
		var rec record
		if c != nil {
			rec = c.record
		}
		taken, sent = r.spares.take(), false
		next, made, err := decide(rec, t, taken.next)
		if err == nil {
			err = taken.missing()
		}
		if err != nil || next.Rev == rec.Rev {
			taken.giveBack()
			return nil, err
		}
		changes, sent = made, true
		return encode(next)
	}, nil)
	if err != nil || !sent { // after a failed write nobody knows: its keys are not used again
		return err
	}
	for _, c := range changes {
		r.log.Info("key "+string(c.To), "kid", c.KID, "alg", string(c.Alg), "was", string(c.From), "why", c.Why)
	}
	r.spares.signal()
	return nil
}

// Run keeps the ring confirmed and does what falls due, until ctx ends.
// It also makes the next keys ahead, so that no rotation waits for one.
func (r *Ring) Run(ctx context.Context) error {
	var making sync.WaitGroup
	defer making.Wait()
	making.Go(func() { r.makeAhead(ctx) })
	r.keeper.run(ctx, func(ctx context.Context) error {
		err := r.try(ctx, func(rec record, t instant, take taker) (record, []Change, error) {
			next, changes := step(rec, t, take)
			return next, changes, nil
		})
		if errors.Is(err, errMissing) { // makeAhead is at it, and wakes us
			return nil
		}
		return err
	})
	return nil
}

func (r *Ring) makeAhead(ctx context.Context) {
	for {
		s := r.Snapshot()
		if err := r.spares.stock(ctx, s.record.Schedule.Lines); err != nil && ctx.Err() == nil {
			r.log.Error("cannot make a key ahead", "error", err)
		} else {
			r.keeper.wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-r.spares.want:
		}
	}
}

// Snapshot is the ring as this node knows it now.
func (r *Ring) Snapshot() *Snapshot { return r.snap.Load() }

// Changed is closed when the next snapshot with another JWKS is there. Who
// also looks at a snapshot uses that snapshot's Changed, to miss nothing.
func (r *Ring) Changed() <-chan struct{} { return r.Snapshot().Changed() }

// Ready returns why the node may not sign, or nil.
func (r *Ring) Ready(now time.Time) error {
	s := r.Snapshot()
	if err := s.lapsed(now); err != nil {
		if why := r.keeper.failure(); why != nil {
			return fmt.Errorf("%w: %w", err, why)
		}
		return err
	}
	_, err := s.signing("")
	return err
}

// String says nothing of the keys, so that a stray %+v cannot either.
func (r *Ring) String() string   { return r.Snapshot().String() }
func (r *Ring) GoString() string { return r.String() }
