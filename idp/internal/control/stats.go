package control

import (
	"context"
	"runtime"
	"time"
)

// StoreStats is what the store's engine counted since it was opened.
type StoreStats struct {
	Transactions uint64 `json:"transactions"` // that may write; many share a commit
	Commits      uint64 `json:"commits"`      // that reached the disk
	RoundTrips   uint64 `json:"round_trips"`  // to a store elsewhere
	Conflicts    uint64 `json:"conflicts"`    // transactions that others overtook, and that ran again
	Bytes        int64  `json:"bytes"`        // length of the file
	Free         int64  `json:"free_bytes"`   // of these, what holds nothing
}

// Stats is what an issuer has done since it started, and what it holds. Two of
// them, apart in time, say what the requests between them cost.
type Stats struct {
	Started     time.Time  `json:"started"`
	NotReady    string     `json:"not_ready,omitzero"` // why it gets no traffic, as by its clock
	Store       StoreStats `json:"store"`
	Allocations uint64     `json:"allocations"`         // objects on the heap, ever
	Allocated   uint64     `json:"allocated_bytes"`     // their bytes
	Heap        uint64     `json:"heap_bytes"`          // what of it is there
	Held        uint64     `json:"held_bytes"`          // by the Go runtime: heap, stacks and its own
	Collections uint32     `json:"garbage_collections"` // since the start
	Goroutines  int        `json:"goroutines"`
}

// Stats asks what the issuer did so far. Counting stops it for some tens of
// microseconds.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	return call[none, Stats](ctx, c, opStats, none{})
}

func (s *Services) stats(started time.Time) func(context.Context, none) (Stats, error) {
	return func(context.Context, none) (Stats, error) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		notReady := ""
		if s.Ready != nil {
			if err := s.Ready(); err != nil {
				notReady = err.Error()
			}
		}
		return Stats{Started: started, NotReady: notReady, Store: s.StoreStats(), Allocations: m.Mallocs, Allocated: m.TotalAlloc, Heap: m.HeapAlloc,
			Held: m.Sys - m.HeapReleased, Collections: m.NumGC, Goroutines: runtime.NumGoroutine()}, nil
	}
}
