package optimistic

import "sync/atomic"

// Stats are counters since New.
type Stats struct {
	RoundTrips uint64 // calls of the store, those that failed included
	Updates    uint64 // transactions that may write
	Views      uint64
	Conflicts  uint64 // attempts that had to be made again
	Hits       uint64 // keys that were found in memory
	Misses     uint64 // keys that were asked for in the store
}

type counters struct{ trips, updates, views, conflicts, hits, misses atomic.Uint64 }

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	s := &e.stats
	return Stats{
		RoundTrips: s.trips.Load(),
		Updates:    s.updates.Load(),
		Views:      s.views.Load(),
		Conflicts:  s.conflicts.Load(),
		Hits:       s.hits.Load(),
		Misses:     s.misses.Load(),
	}
}
