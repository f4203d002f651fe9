package nodes

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
)

func TestANodeWhoseClockIsOffSaysSo(t *testing.T) {
	for _, c := range []struct {
		name  string
		ahead []time.Duration
		off   []bool
	}{
		{"alone", []time.Duration{0}, []bool{false}},
		{"within the skew", []time.Duration{0, 5 * time.Second, -4 * time.Second}, []bool{false, false, false}},
		{"one of three is ahead", []time.Duration{0, time.Minute, 0}, []bool{false, true, false}},
		{"one of three is behind", []time.Duration{-time.Hour, 0, 0}, []bool{true, false, false}},
		{"of two the later one yields, behind", []time.Duration{0, -time.Minute}, []bool{false, true}},
		{"of two the later one yields, ahead", []time.Duration{0, time.Minute}, []bool{false, true}},
	} {
		for _, late := range []time.Duration{0, 3 * time.Second} { // the store may be slow, its news too
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					engine := mem.New()
					var all []*Service
					for _, ahead := range c.ahead {
						way := kvtest.NewFaulty(engine, time.Second)
						way.Slow(late)
						t.Cleanup(func() { _ = way.Close() })
						all = append(all, start(t, way, ahead))
						time.Sleep(7 * time.Second)
					}
					time.Sleep(2 * time.Minute)
					for i, s := range all {
						if off := s.Ready() != nil; off != c.off[i] {
							t.Errorf("the node %d: %v", i, s.Ready())
						}
					}
				})
			})
		}
	}
}

func TestANodeThatIsDeadIsForgottenAndOneWhoseClockWasSetIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New()
		store := start(t, engine, 0).o.Store
		time.Sleep(time.Second)
		if _, err := store.PutNode(t.Context(), data.Node{ID: "killed"}, nil); err != nil {
			t.Fatal(err)
		}
		var off atomic.Int64
		off.Store(int64(time.Minute))
		now := func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		second, err := data.Open(t.Context(), engine, data.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		s := startOn(t, second, now)
		time.Sleep(5 * time.Minute)
		if list, err := store.Nodes(t.Context()); err != nil || len(list) != 2 {
			t.Errorf("there are %v, %v", list, err)
		}
		if s.Ready() == nil {
			t.Error("its clock is off")
		}
		off.Store(0)
		time.Sleep(time.Minute)
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
	})
}

func start(t *testing.T, engine kv.Engine, ahead time.Duration) *Service {
	t.Helper()
	now := func() time.Time { return time.Now().Add(ahead) }
	store, err := data.Open(t.Context(), engine, data.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, store, now)
}

func startOn(t *testing.T, store *data.Store, now func() time.Time) *Service {
	t.Helper()
	return run(t, Options{Store: store, Now: now})
}

func startReading(t *testing.T, store *data.Store, form int) *Service {
	t.Helper()
	return run(t, Options{Store: store, Now: time.Now, Reads: form})
}

func run(t *testing.T, o Options) *Service {
	t.Helper()
	o.Every, o.Skew, o.Logger = 10*time.Second, 10*time.Second, slog.New(slog.DiscardHandler)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}
