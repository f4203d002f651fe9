//go:build engines && unix

package cluster

import (
	"math/rand/v2"
	"testing"
	"time"

	"signet/prove/engines"
	"signet/prove/line"
)

// fault is what happens to a cluster, and what clients may notice of it.
type fault struct {
	name string
	// strike lets it happen, and mend puts it right.
	strike func(t *testing.T, r *rand.Rand) (mend func(t *testing.T))
	once   bool          // nothing brings back what was before, so it comes last
	lasts  time.Duration // how long it is left as it is
	total  bool          // nothing can be written meanwhile
	// most is how long a client may have to ask again until it is answered,
	// beside the time that a total fault lasts, and why it may be so long.
	most time.Duration
	why  string
}

// pause is longer than the lease of an issuer, and than what a member of etcd
// waits for its leader (a second).
const pause = lease + 2*time.Second

// common are the faults that are the same on every engine.
func (c *cluster) common() []fault {
	return []fault{
		{
			name: "an issuer is killed",
			strike: func(_ *testing.T, r *rand.Rand) func(*testing.T) {
				i := r.IntN(size)
				c.nodes[i].Kill()
				return func(t *testing.T) { c.start(t, i) }
			},
			most: 10 * time.Second,
			why:  "its connections end with it, and haproxy sends who asks again elsewhere: a moment, unless the machine is busy",
		},
		{
			name: "an issuer is paused for longer than its lease",
			strike: func(t *testing.T, r *rand.Rand) func(*testing.T) {
				p := c.nodes[r.IntN(size)]
				if err := p.Pause(); err != nil {
					t.Fatal(err)
				}
				return func(t *testing.T) {
					if err := p.Resume(); err != nil {
						t.Error(err)
					}
				}
			},
			lasts: pause,
			most:  10 * time.Second,
			why:   "haproxy gives up what waits for it after 5 s; who asks later is sent elsewhere once two checks of half a second have failed",
		},
		{
			name:   "an issuer is cut off from the engine",
			strike: c.oneLine(line.Refuses),
			lasts:  pause,
			most:   10 * time.Second,
			why:    "until its lease is over, haproxy sends it its share of the requests, and each waits for the engine for 3 s at most",
		},
		{
			name:   "the line of an issuer to the engine stalls",
			strike: c.oneLine(line.Stalls),
			lasts:  pause,
			most:   15 * time.Second,
			why:    "as above, and a client may meet that issuer more than once",
		},
		{
			name: "no answer of the engine arrives",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) {
				for i := range c.nodes {
					c.breakLines(i, line.HalfOpen)
				}
				return func(*testing.T) {
					for i := range c.nodes {
						c.breakLines(i, line.Refuses) // what was lost on a connection cannot come
						c.breakLines(i, line.Whole)
					}
				}
			},
			lasts: 2 * time.Second,
			total: true,
			most:  15 * time.Second,
			why:   "the issuers find their connections dead, and connect again",
		},
	}
}

func (c *cluster) oneLine(f line.Fault) func(*testing.T, *rand.Rand) func(*testing.T) {
	return func(_ *testing.T, r *rand.Rand) func(*testing.T) {
		i := r.IntN(size)
		c.breakLines(i, f)
		return func(*testing.T) { c.breakLines(i, line.Whole) }
	}
}

func (e onEtcd) faults(*cluster) []fault {
	if e.apart {
		return e.cuts()
	}
	kill := func(m *engines.Member) func(*testing.T) {
		m.Kill()
		return func(*testing.T) { m.Start(); m.Ready() }
	}
	return []fault{
		{
			name: "a member of etcd is killed",
			strike: func(_ *testing.T, r *rand.Rand) func(*testing.T) {
				return kill(e.Members[r.IntN(len(e.Members))])
			},
			most: 8 * time.Second,
			why:  "it may be the leader",
		},
		{
			name:   "the leader of etcd is killed",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) { return kill(e.Leader()) },
			most:   8 * time.Second,
			why:    "the others elect one when they have not heard of it for one to two seconds, and what waits for it meanwhile waits for 3 s at most",
		},
		{
			name: "the leader of etcd is paused for longer than an election",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) {
				m := e.Leader()
				m.Pause()
				return func(*testing.T) { m.Resume() }
			},
			lasts: pause,
			most:  20 * time.Second,
			why:   "an issuer finds its connection to it dead after 12 s only; until then a third of its requests wait for it for 3 s",
		},
	}
}

// cuts are those of the network itself: nothing says that a connection is dead.
func (e onEtcd) cuts() []fault {
	unplug := func(m *engines.Member) func(*testing.T) {
		m.Unplug()
		return func(*testing.T) { m.Plug() }
	}
	const why = "as where it is paused: an issuer finds its connection to it dead after 12 s only"
	return []fault{
		{
			name: "the network of a member of etcd is cut",
			strike: func(_ *testing.T, r *rand.Rand) func(*testing.T) {
				return unplug(e.Members[r.IntN(len(e.Members))])
			},
			lasts: 2 * pause,
			most:  20 * time.Second,
			why:   why,
		},
		{
			name:   "the network of the leader of etcd is cut",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) { return unplug(e.Leader()) },
			lasts:  2 * pause,
			most:   20 * time.Second,
			why:    why,
		},
		{
			name: "the networks of two members of etcd are cut",
			strike: func(_ *testing.T, r *rand.Rand) func(*testing.T) {
				var mends []func(*testing.T)
				for _, i := range r.Perm(len(e.Members))[:2] {
					mends = append(mends, unplug(e.Members[i]))
				}
				return func(t *testing.T) {
					for _, mend := range mends {
						mend(t)
					}
				}
			},
			lasts: pause,
			total: true,
			most:  20 * time.Second,
			why:   "one of three takes no writes; the others have to hear of each other first, and connections that were given up are made anew",
		},
	}
}

func (e *onPostgres) faults(*cluster) []fault {
	still := func(p *engines.Postgres) func(*testing.T) {
		p.Pause()
		return func(*testing.T) { p.Resume() }
	}
	return []fault{
		{
			name: "the primary is killed, and its standby is promoted",
			once: true,
			strike: func(*testing.T, *rand.Rand) func(*testing.T) {
				e.primary.Kill()
				e.standby.Promote()
				return func(*testing.T) {}
			},
			most: 15 * time.Second,
			why:  "the standby takes writes after a second or two, and until then the issuers find no server that does",
		},
		{
			name: "the primary is killed, and started again",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) {
				e.primary.Kill()
				return func(*testing.T) { e.primary.Start() }
			},
			total: true,
			most:  10 * time.Second,
			why:   "it replays its log first, and acknowledges nothing until its standby comes back, which asks every second",
		},
		{
			name:   "the primary is paused",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) { return still(e.primary) },
			lasts:  pause,
			total:  true,
			most:   10 * time.Second,
			why:    "what waits for it waits for 3 s at most; connections that were given up are made anew",
		},
		{
			name:   "the standby is paused",
			strike: func(*testing.T, *rand.Rand) func(*testing.T) { return still(e.standby) },
			lasts:  pause,
			total:  true,
			most:   10 * time.Second,
			why:    "the primary acknowledges nothing that its standby does not have",
		},
	}
}
