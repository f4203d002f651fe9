package grant

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/mem"
)

// BenchmarkTurn refreshes 64 grants in parallel. The engine mem runs each
// function twice, and bolt syncs, so neither is a number for production alone.
func BenchmarkTurn(b *testing.B) {
	for _, c := range []struct {
		name string
		open func() kv.Engine
	}{
		{"mem", func() kv.Engine { return mem.New() }},
		{"bolt", func() kv.Engine {
			engine, err := bolt.Open(filepath.Join(b.TempDir(), "bench.db"), bolt.Options{})
			must(b, err)
			b.Cleanup(func() { _ = engine.Close() })
			return engine
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := newWorld(b, c.open(), testPolicy)
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				text := w.start()
				for pb.Next() {
					issued, err := w.Turn(b.Context(), text, nil)
					if err != nil {
						b.Error(err)
						return
					}
					text = string(issued.RefreshToken)
				}
			})
		})
	}
}

// BenchmarkRepeat asks for the same successor again: nothing is written.
func BenchmarkRepeat(b *testing.B) {
	w := newWorld(b, mem.New(), testPolicy)
	text := w.start()
	w.turnTo(text, Turned)
	b.ReportAllocs()
	for b.Loop() {
		w.turnTo(text, Repeated)
	}
}

// BenchmarkForged refuses tokens that name a grant and are not ours.
func BenchmarkForged(b *testing.B) {
	w := newWorld(b, mem.New(), testPolicy)
	tok := mustParse(b, w.start())
	tok.mac[0] ^= 1
	forged := string(tok.text())
	var refused atomic.Int64
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Turn(b.Context(), forged, func(data.Grant, data.User) error { return nil }); err == ErrUnknown {
			refused.Add(1)
		}
	}
	if refused.Load() != int64(b.N) {
		b.Fatal("a forged token was accepted")
	}
}
