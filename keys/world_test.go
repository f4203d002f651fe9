package keys

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"signet/resource/token"
)

// world is an issuer of several nodes in simulated time, and every verifier
// that could exist: instead of some verifiers it keeps every copy of the
// JWKS that may be cached anywhere, since a verifier that obeys the cache
// headers may hold any of them.
type world struct {
	rnd   *rand.Rand
	epoch time.Time // true time zero
	now   time.Duration
	lease time.Duration // the shortest of the run, a unit of its times
	slack time.Duration // bounds a commit and an answer on their way together
	skew  time.Duration
	// shortest is the shortest max-age that a configuration may have.
	shortest time.Duration

	stored  record
	commits []*commit
	nodes   []*node
	copies  map[uint64]*copied // by the record's revision
	tokens  []issued
	revoked map[string]*revokedKey
	excused map[string]time.Duration // kid -> until when verifiers may not know it
	made    int
	stats   stats
	faults  []string
}

type stats struct{ turns, tokens, revocations, commits, lost int }

type node struct {
	id     int
	clock  time.Duration // ahead of the true time by this
	config Config
	view   *view         // nil: not started
	next   time.Duration // when it confirms
	busy   bool          // a commit is on its way
	until  time.Duration // it is paused
}

// commit is a compare-and-swap on its way to the store.
type commit struct {
	by      *node
	started time.Duration
	at      time.Duration
	base    uint64
	next    record
	done    func()
	retry   func()
}

type copied struct {
	kids   map[string]bool
	expiry time.Duration
}

type issued struct {
	kid string
	exp time.Duration // true time at which the slowest verifier's clock shows exp
}

type revokedKey struct{ signs, accepted time.Duration }

func newWorld(seed uint64) *world {
	w := &world{
		rnd: rand.New(rand.NewPCG(seed, 1)), epoch: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		copies: map[uint64]*copied{}, revoked: map[string]*revokedKey{}, excused: map[string]time.Duration{},
	}
	w.lease = w.between(time.Second, 30*time.Second)
	w.skew = w.between(0, 2*w.lease)
	// The slack of the rules is the shorter of lease and max-age.
	w.shortest = w.lease / 4 << w.rnd.IntN(4)
	w.slack = min(w.shortest, w.lease)
	c := w.randomConfig()
	for i := range 1 + w.rnd.IntN(4) {
		n := &node{id: i, clock: w.between(-w.skew/2, w.skew/2), config: c}
		if w.rnd.IntN(2) == 0 { // at the ends, where it hurts
			n.clock = []time.Duration{-w.skew / 2, w.skew / 2}[w.rnd.IntN(2)]
		}
		w.nodes = append(w.nodes, n)
		w.start(n)
	}
	return w
}

func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rnd.Int64N(int64(b-a)+1))
}

func (w *world) randomConfig() Config {
	algs := []Alg{token.ES256, token.RS256, token.EdDSA}
	w.rnd.Shuffle(len(algs), func(i, j int) { algs[i], algs[j] = algs[j], algs[i] })
	algs = algs[:1+w.rnd.IntN(len(algs))]
	c := Config{Algs: algs, RSABits: 2048, Lease: w.lease, Skew: w.skew, MaxLifetime: map[Alg]time.Duration{}}
	if w.rnd.IntN(3) == 0 {
		c.Lease = w.between(w.lease, 3*w.lease)
	}
	c.PublishAhead = c.Lease + c.Skew + w.between(w.shortest, w.shortest+8*w.lease)
	c.RotateEvery = c.PublishAhead + w.between(0, 3*c.PublishAhead)
	if w.rnd.IntN(2) == 0 {
		c.RotateEvery = c.PublishAhead
	}
	for _, a := range algs {
		c.MaxLifetime[a] = w.between(w.lease/10, 8*w.lease)
	}
	return c
}

func (w *world) fault(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf("at %s: ", w.now)+fmt.Sprintf(format, args...))
}

func (w *world) wall(n *node) time.Time { return w.epoch.Add(w.now + n.clock) }

// truly is the true time at which a node's clock shows t.
func (w *world) truly(n *node, t time.Time) time.Duration { return t.Sub(w.epoch) - n.clock }

func (w *world) take(alg Alg) fresh {
	w.made++
	return fresh{KID: fmt.Sprintf("%s-%d", alg, w.made), Public: jsontext.Value("{}"), Sealed: "x"}
}

// swap sends a node's decision to the store.
func (w *world) swap(n *node, decide func(instant) (record, func())) {
	base := w.stored.Rev
	next, done := decide(instantOf(w.wall(n)))
	if next.Rev == base {
		return
	}
	n.busy = true
	w.commits = append(w.commits, &commit{
		by: n, started: w.now, at: w.now + w.delay(), base: base, next: next, done: done,
		retry: func() { w.swap(n, decide) },
	})
}

// delay is how long a commit takes: often no time, often all that it may.
func (w *world) delay() time.Duration {
	most := w.slack * 7 / 8
	return []time.Duration{0, most, w.between(0, most)}[w.rnd.IntN(3)]
}

// land lets the commits arrive that are due, in their order.
func (w *world) land() {
	slices.SortStableFunc(w.commits, func(a, b *commit) int { return int(a.at - b.at) })
	for len(w.commits) > 0 && w.commits[0].at <= w.now {
		c := w.commits[0]
		w.commits = w.commits[1:]
		c.by.busy = false
		if c.base != w.stored.Rev {
			w.stats.lost++
			c.retry()
			continue
		}
		w.stats.commits++
		w.stored = c.next
		if err := w.stored.check(); err != nil {
			w.fault("the record is broken: %v", err)
		}
		c.by.view = &view{rec: &c.next, confirmed: w.epoch.Add(c.started + c.by.clock)}
		c.done()
		for _, n := range w.nodes { // the store says that it changed
			if w.rnd.IntN(2) == 0 && n.view != nil {
				n.next = w.now
			}
		}
	}
}

// start opens the ring on a node.
func (w *world) start(n *node) {
	n.view = nil
	w.swap(n, func(t instant) (record, func()) {
		next, changes := adopt(w.stored, n.config, t, w.take)
		if next.Rev == w.stored.Rev {
			n.view = &view{rec: &next, confirmed: w.wall(n)}
		}
		return next, func() { w.noteTurns(n, next, changes) }
	})
}

// confirm is what Run does: load, and do what is due.
func (w *world) confirm(n *node) {
	rec := w.stored
	n.view = &view{rec: &rec, confirmed: w.wall(n)}
	n.next = w.now + time.Duration(rec.Schedule.Lease)/3
	w.swap(n, func(t instant) (record, func()) {
		next, changes := step(w.stored, t, w.take)
		if due := nextDue(next); !due.IsZero() && !due.After(t.now) {
			w.fault("step left something undone since %s", due)
		}
		return next, func() { w.noteTurns(n, next, changes) }
	})
}

// noteTurns counts the keys that became active, and excuses those that had
// to before they were ready: only a revocation may do that.
func (w *world) noteTurns(n *node, next record, changes []Change) {
	for _, c := range changes {
		if c.To != Active {
			continue
		}
		w.stats.turns++
		k := next.byKID(c.KID)
		if k.ActiveSince.Before(k.ReadyAt) {
			w.excused[c.KID] = w.truly(n, k.ReadyAt) + w.slack + w.skew
			if c.Why == "rotated on schedule" || c.Why == "rotated by hand" {
				w.fault("key %s signs before it is ready, and nobody had to hurry", c.KID)
			}
		}
	}
}

func (w *world) rotate(n *node) {
	first := pendingKIDs(w.stored)
	w.swap(n, func(t instant) (record, func()) {
		next, changes, _, err := rotate(w.stored, "", false, first, t, w.take)
		if err != nil {
			return w.stored, nil
		}
		return next, func() { w.noteTurns(n, next, changes) }
	})
}

func (w *world) revoke(n *node) {
	all := w.rnd.IntN(6) == 0
	kid := w.stored.Keys[w.rnd.IntN(len(w.stored.Keys))].KID
	w.swap(n, func(t instant) (record, func()) {
		var next record
		var changes []Change
		var err error
		var outs []Revocation
		if all {
			next, changes, outs, err = revokeAll(w.stored, "taken", t, w.take)
		} else {
			var out Revocation
			next, changes, out, err = revoke(w.stored, kid, "leaked", t, w.take)
			outs = []Revocation{out}
		}
		if err != nil {
			return w.stored, nil
		}
		return next, func() {
			w.noteTurns(n, next, changes)
			for _, out := range outs {
				w.stats.revocations++
				// Both moments count from the decision; the commit came later.
				r := &revokedKey{signs: w.truly(n, out.SignedUntil) + w.slack, accepted: w.truly(n, out.AcceptedUntil) + w.slack}
				if out.SignedUntil.IsZero() { // it was demoted before: others may not have heard
					r.signs = w.truly(n, out.At) + 3*w.lease + w.slack + w.skew
				}
				w.revoked[out.KID] = r
			}
		}
	})
}

// sign issues a token of the longest lifetime that the node would give it.
func (w *world) sign(n *node) {
	if n.view == nil || n.view.lapsed(w.wall(n)) != nil {
		return
	}
	k, err := n.view.signing(n.config.Algs[w.rnd.IntN(len(n.config.Algs))])
	if err != nil {
		w.fault("node %d has no signer: %v", n.id, err)
		return
	}
	if r := w.revoked[k.KID]; r != nil && w.now > r.signs {
		w.fault("node %d signs with %s, which no node should since %s", n.id, k.KID, r.signs)
	}
	life := min(n.config.lifetime(), time.Duration(k.Lifetime))
	w.stats.tokens++
	w.tokens = append(w.tokens, issued{kid: k.KID, exp: w.now + n.clock + life + w.skew/2})
}

// serve hands out the JWKS of a node to every verifier and cache.
func (w *world) serve(n *node) {
	if n.view == nil || n.view.lapsed(w.wall(n)) != nil {
		return
	}
	c := w.copies[n.view.rec.Rev]
	if c == nil {
		c = &copied{kids: map[string]bool{}}
		for _, k := range n.view.rec.Keys {
			if k.State != Gone {
				c.kids[k.KID] = true
			}
		}
		w.copies[n.view.rec.Rev] = c
	}
	c.expiry = max(c.expiry, w.now+n.view.maxAge(w.wall(n))+w.slack/8)
}

// judge presents every living token to every verifier.
func (w *world) judge() {
	maps.DeleteFunc(w.copies, func(_ uint64, c *copied) bool { return c.expiry < w.now })
	w.tokens = slices.DeleteFunc(w.tokens, func(t issued) bool { return t.exp <= w.now })
	for rev, c := range w.copies {
		for _, t := range w.tokens {
			if !c.kids[t.kid] && w.revoked[t.kid] == nil && w.now >= w.excused[t.kid] {
				w.fault("a copy of revision %d, fresh until %s, refuses a token of %s that lives until %s", rev, c.expiry, t.kid, t.exp)
			}
		}
		for kid := range c.kids {
			if r := w.revoked[kid]; r != nil && w.now > r.accepted {
				w.fault("a copy of revision %d still has %s, which was to be gone by %s", rev, kid, r.accepted)
			}
		}
	}
}

// soon is the next moment to look at: some time from now, or before that the
// first at which something is about to end, where mistakes show.
func (w *world) soon() time.Duration {
	next := w.now + w.between(1, w.lease/4)
	if w.rnd.IntN(4) == 0 {
		return next
	}
	first := func(t time.Duration) {
		if t > w.now && t < next {
			next = t
		}
	}
	for _, c := range w.commits {
		first(c.at)
	}
	for _, n := range w.nodes {
		first(n.until)
		if n.view != nil && w.now >= n.until {
			first(w.lapse(n))
			first(w.truly(n, nextDue(*n.view.rec)))
		}
	}
	return next
}

// lapse is the last moment of a node's lease.
func (w *world) lapse(n *node) time.Duration {
	return w.truly(n, n.view.confirmed) + time.Duration(n.view.rec.Schedule.Lease) - 1
}

// tick lets a little time pass and something happen.
func (w *world) tick() {
	w.now = w.soon()
	w.land()
	for _, n := range w.nodes {
		if w.now < n.until {
			continue
		}
		w.serve(n) // a node that wakes serves before it thinks
		w.sign(n)
		if !n.busy && n.view != nil && w.now >= n.next && w.rnd.IntN(4) > 0 {
			w.confirm(n)
		}
		w.serve(n)
		w.sign(n)
	}
	w.judge()
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	if n.busy || w.stored.Rev == 0 {
		return
	}
	switch dice := w.rnd.IntN(400); {
	case dice < 60:
		w.rotate(n)
	case dice < 64:
		w.revoke(n)
	case dice < 84:
		n.until = w.now + w.between(0, 3*w.lease)
		if n.view != nil && w.rnd.IntN(2) == 0 {
			n.until = w.lapse(n) // it wakes just in time to do harm
		}
	case dice < 94: // a restart, sometimes with another configuration
		if w.rnd.IntN(2) == 0 {
			n.config = w.randomConfig()
		}
		w.start(n)
	}
}
