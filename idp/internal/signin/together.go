package signin

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"signet/data"
)

// together counts in a store that other nodes use, too, so that all of them let
// through what one would. Counters whose names begin alike share a record, and
// there are so many records and no more: who guesses at names without end makes
// no more of them, and a record is full when a table in memory would be.
type together struct {
	o     Throttle
	store *data.Store
	turns *turns
}

// perRecord is how many counters are in a record. In a full one that which says
// least makes room, as in a table.
const perRecord = 16

// The kinds of counters, each in records of its own.
const (
	ofPlaces        = "place"
	ofAccounts      = "account"
	ofNetworks      = "network"
	ofRegistrations = "registration"
)

func (t together) login(ctx context.Context, g guess, e data.Email, now time.Time) (data.User, int, error) {
	defer t.turn(ctx, g)()
	return t.store.CountLogin(ctx, e, t.placesOf(g), t.changes(g, now, func(c *counters) error { return t.o.reserve(c, g.known, now) }))
}

func (t together) reserve(ctx context.Context, g guess, now time.Time) error {
	return t.change(ctx, g, now, func(c *counters) error { return t.o.reserve(c, g.known, now) })
}

func (t together) giveBack(ctx context.Context, g guess, now time.Time) error {
	return t.change(ctx, g, now, func(c *counters) error { return t.o.take(c, g.known, 1) })
}

func (t together) succeed(ctx context.Context, g guess, now time.Time) error {
	return t.change(ctx, g, now, func(c *counters) error { return t.o.take(c, g.known, max(1, c.place.n)) })
}

func (t together) register(ctx context.Context, network tag, now time.Time) error {
	return t.registers(ctx, network, now, func(b *bucket) error { return t.o.register(b, now) })
}

func (t together) unregister(ctx context.Context, network tag, now time.Time) error {
	return t.registers(ctx, network, now, func(b *bucket) error {
		b.full = b.full.Add(-t.o.RegisterEvery)
		return nil
	})
}

func (t together) registers(ctx context.Context, network tag, now time.Time, rule func(*bucket) error) error {
	defer t.turns.take(ctx, network)()
	return t.store.Count(ctx, []data.Hash{t.place(ofRegistrations, network)}, func(found []data.Counters) error {
		b := bucketIn(&found[0], network).settled(now, t.o.RegisterBurst, t.o.RegisterEvery)
		err := rule(&b)
		t.keepBucket(&found[0], network, b, now)
		return err
	})
}

func (t together) change(ctx context.Context, g guess, now time.Time, rule func(*counters) error) error {
	defer t.turn(ctx, g)()
	return t.store.Count(ctx, t.placesOf(g), t.changes(g, now, rule))
}

// turn waits for that of the guess's network. A known browser meets nobody.
func (t together) turn(ctx context.Context, g guess) (done func()) {
	if g.known {
		return func() {}
	}
	return t.turns.take(ctx, g.network)
}

// changes applies a rule to the counters of a guess, as throttle.change does.
func (t together) changes(g guess, now time.Time, rule func(*counters) error) func([]data.Counters) error {
	return func(found []data.Counters) error {
		c := counters{place: strikesIn(&found[0], g.place).settled(now, t.o.forget())}
		if !g.known {
			c.account = strikesIn(&found[1], g.account).settled(now, t.o.forget())
			c.network = bucketIn(&found[2], g.network).settled(now, t.o.NetworkBurst, t.o.NetworkEvery)
		}
		err := rule(&c)
		t.keepStrikes(&found[0], g.place, c.place, now)
		if !g.known {
			t.keepStrikes(&found[1], g.account, c.account, now)
			t.keepBucket(&found[2], g.network, c.network, now)
		}
		return err
	}
}

// placesOf says which records have the counters of a guess.
func (t together) placesOf(g guess) []data.Hash {
	places := []data.Hash{t.place(ofPlaces, g.place)}
	if !g.known {
		places = append(places, t.place(ofAccounts, g.account), t.place(ofNetworks, g.network))
	}
	return places
}

// place says which record a counter is in. Its name is secret, so nobody can
// aim at the record of another.
func (t together) place(kind string, name tag) data.Hash {
	records := uint64(max(1, t.o.Counters/perRecord))
	return data.HashOf(fmt.Sprintf("counters: %s %d of %d", kind, binary.BigEndian.Uint64(name[:8])%records, records))
}

func strikesIn(r *data.Counters, name tag) strikes {
	c := counterIn(r, name)
	return strikes{c.N, c.At}
}

func bucketIn(r *data.Counters, name tag) bucket { return bucket{counterIn(r, name).At} }

func counterIn(r *data.Counters, name tag) data.Counter {
	text := name.String()
	for _, c := range r.List {
		if c.Name == text {
			return c
		}
	}
	return data.Counter{}
}

func (t together) keepStrikes(r *data.Counters, name tag, s strikes, now time.Time) {
	t.keep(r, now, data.Counter{Name: name.String(), N: s.n, At: s.last}, s.n > 0)
}

func (t together) keepBucket(r *data.Counters, name tag, b bucket, now time.Time) {
	t.keep(r, now, data.Counter{Name: name.String(), At: b.full}, b.full.After(now))
}

// keep puts a counter into a record, if it says anything, and drops those that
// say nothing any more.
func (t together) keep(r *data.Counters, now time.Time, c data.Counter, says bool) {
	c.At = c.At.UTC().Round(0)
	r.List = slices.DeleteFunc(r.List, func(old data.Counter) bool { return old.Name == c.Name && !says || t.silent(old, now) })
	i := slices.IndexFunc(r.List, func(old data.Counter) bool { return old.Name == c.Name })
	switch {
	case !says, i >= 0 && r.List[i] == c:
		return
	case i >= 0:
		r.List[i] = c
	case len(r.List) < perRecord:
		r.List = append(r.List, c)
	default:
		least := slices.MinFunc(r.List, func(a, b data.Counter) int { return cmp.Or(cmp.Compare(a.N, b.N), a.At.Compare(b.At)) })
		r.List[slices.Index(r.List, least)] = c
	}
	if end := later(now.Add(t.o.forget()), c.At); end.After(r.ExpiresAt) {
		r.ExpiresAt = end.UTC().Round(0)
	}
}

// silent says that a counter is over: the strikes are forgotten, or all that
// was taken is earned again.
func (t together) silent(c data.Counter, now time.Time) bool {
	if c.N > 0 {
		return strikes{c.N, c.At}.settled(now, t.o.forget()).n == 0
	}
	return !c.At.After(now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
