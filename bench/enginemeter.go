package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"signet/prove/issuer"
)

// spent is what something took of an engine.
type spent struct {
	trips, transactions, conflicts float64 // that the issuers counted
	commits, written, kept         float64 // of the engine: what it made durable, and bytes
}

func (s spent) add(o spent, times float64) spent {
	return spent{s.trips + times*o.trips, s.transactions + times*o.transactions, s.conflicts + times*o.conflicts,
		s.commits + times*o.commits, s.written + times*o.written, s.kept + times*o.kept}
}

// engineMeter adds up what issuers and their engine counted, and over what time.
type engineMeter struct {
	spent
	took time.Duration
	last time.Time
}

// add takes what was counted so far off (times -1) or on (1).
func (m *engineMeter) add(ctx context.Context, w *engineWorld, times float64) error {
	if times > 0 {
		m.took += time.Since(m.last)
	}
	m.last = time.Now()
	now, err := w.engine.spent(ctx, w)
	if err != nil {
		return err
	}
	for _, p := range w.issuers {
		s, err := statsOf(ctx, p)
		if err != nil {
			return err
		}
		now = now.add(spent{trips: s.Trips, transactions: s.Transactions, conflicts: s.Conflicts}, 1)
	}
	m.spent = m.spent.add(now, times)
	return nil
}

// each is what each of some requests took.
func (m *engineMeter) each(w *engineWorld, requests int) (c EngineCost) {
	if requests == 0 {
		return c
	}
	s := spent{}.add(m.spent.add(w.alone, -m.took.Seconds()), 1/float64(requests))
	return EngineCost{max(0, s.trips), max(0, s.transactions), max(0, s.conflicts), max(0, s.commits), max(0, s.written), max(0, s.kept)}
}

// storeStats is what an issuer counted of its store (idp stats).
type storeStats struct {
	Transactions, Commits, Conflicts, Bytes float64
	Trips                                   float64 `json:"round_trips"`
	Free                                    float64 `json:"free_bytes"`
}

func statsOf(ctx context.Context, p *issuer.Process) (storeStats, error) {
	out, err := p.Command(ctx, "stats", "--json").Output()
	var stats struct{ Store storeStats }
	if err == nil {
		err = json.Unmarshal(out, &stats)
	}
	if err != nil {
		err = fmt.Errorf("idp stats: %w", err)
	}
	return stats.Store, err
}
