package main

import (
	"context"
	"encoding/json"
	"runtime"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// meter adds up what an issuer counts while it is asked. A nil one counts
// nothing.
type meter struct {
	issuer          *issuer.Process
	allocs, commits int64
	failed          bool
}

// meter is that of a side, where it can have one.
func (s *Stage) meter(side Side) *meter {
	if s.Signet == nil || side.PID != s.Signet.PID() {
		return nil
	}
	return &meter{issuer: s.Signet}
}

// start and stop take what the issuer did so far (idp stats) off and on.
// Whatever it did beside the requests counts as well.
func (m *meter) start(ctx context.Context) { m.add(ctx, -1) }
func (m *meter) stop(ctx context.Context)  { m.add(ctx, 1) }

func (m *meter) add(ctx context.Context, times int64) {
	if m == nil {
		return
	}
	out, err := m.issuer.Command(ctx, "stats", "--json").Output()
	var stats struct {
		Allocations int64
		Store       struct{ Commits int64 }
	}
	if err != nil || json.Unmarshal(out, &stats) != nil {
		m.failed = true
		return
	}
	m.allocs += times * stats.Allocations
	m.commits += times * stats.Store.Commits
}

// each is what each of some requests took.
func (m *meter) each(requests int) Cost {
	if m == nil || m.failed || requests == 0 {
		return Cost{}
	}
	return Cost{true, float64(m.allocs) / float64(requests), float64(m.commits) / float64(requests)}
}

// costHere is what one call takes in this process.
func costHere(ctx context.Context, side Side) (Cost, error) {
	call, _, err := side.Open(0)
	if err != nil {
		return Cost{}, err
	}
	allocs, err := allocsEach(ctx, call)
	return Cost{Known: true, Allocs: allocs}, err
}

// allocsEach counts what one call allocates in this process.
func allocsEach(ctx context.Context, call load.Call) (float64, error) {
	const calls = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if err := call(ctx); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / calls, nil
}
