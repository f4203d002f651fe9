package grant

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/bolt"
)

// A day in which everybody comes back each hour leaves the file as it was. Where
// some go and others come besides, the pages lose some of what they were filled
// with until there is a balance: a second day adds little to the first.
// Grants here expire within hours, so the sweeper looks at each of them as often
// in a day as it does in a year.
func TestADayOfRefreshesLeavesTheFileNoLarger(t *testing.T) {
	for _, c := range []struct {
		name    string
		oneIn   int // goes each hour, and another one comes
		settled int // hours
		more    float64
	}{
		{"nobody goes", 0, 4, 0.05},
		{"some go and others come", 50, 24, 0.12},
	} {
		t.Run(c.name, func(t *testing.T) {
			engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
			must(t, err)
			t.Cleanup(func() { _ = engine.Close() })
			w := newWorld(t, engine, Policy{TTL: 3 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 30 * time.Second})
			full := newHouse(w, 300, c.oneIn)
			full.hours(c.settled)
			pairs, before := len(w.pairs()), engine.Stats()
			full.hours(24)
			after := engine.Stats()
			if n := len(w.pairs()); n > pairs {
				t.Errorf("the store has %d pairs after the day and had %d before it", n, pairs)
			}
			if now, most := used(after), float64(used(before))*(1+c.more); float64(now) > most {
				t.Errorf("%d bytes of pages are in use after %d turns, and %d were before them: it grows", now, full.turns, used(before))
			}
			if after.Bytes > before.Bytes+(1<<20) {
				t.Errorf("the file is %d bytes long after the day, and was %d", after.Bytes, before.Bytes)
			}
		})
	}
}

// A restored grant has no access token out: its record is longer after the first
// turn. The pages of a file that was written anew have room for that.
func TestADayAfterARestoreLeavesTheFileNoLarger(t *testing.T) {
	open := func() *bolt.Engine {
		engine, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
		must(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		return engine
	}
	policy := Policy{TTL: 3 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 30 * time.Second}
	w := newWorld(t, open(), policy)
	full := newHouse(w, 300, 0)
	full.hours(1)
	var backup bytes.Buffer
	_, err := w.store.Backup(t.Context(), &backup)
	must(t, err)
	restored := open()
	_, err = data.Restore(t.Context(), restored, bytes.NewReader(backup.Bytes()), data.RestoreOptions{KeepGrants: true})
	must(t, err)
	must(t, restored.Compact(t.Context()))
	before := restored.Stats()
	w.engine.Engine = restored
	w.open(policy)
	full.hours(24)
	after := restored.Stats()
	if now, most := used(after), used(before)*115/100; now > most {
		t.Errorf("%d bytes of pages are in use after the day, and %d were after the restore", now, used(before))
	}
}

// used does not count what a commit leaves free until the next one: the more
// turns happen to share one, the more that is.
func used(s bolt.Stats) int64 { return s.Pages - s.Free }

// house is many grants in use.
type house struct {
	*world
	tokens []string
	oneIn  int
	turns  int
}

func newHouse(w *world, grants, oneIn int) *house {
	h := &house{world: w, tokens: make([]string, grants), oneIn: oneIn}
	h.together(0, grants, func(i int) { h.tokens[i] = h.start() })
	return h
}

// together calls fn for from to to-1, as many at once as share a commit.
func (h *house) together(from, to int, fn func(i int)) {
	const atOnce = 64
	for ; from < to; from += atOnce {
		var all sync.WaitGroup
		for i := from; i < min(from+atOnce, to); i++ {
			all.Go(func() { fn(i) })
		}
		all.Wait()
	}
}

// hours lets everybody come back once an hour, ten minutes at a time.
func (h *house) hours(n int) {
	const steps = 6
	ctx := context.Background()
	for step := range n * steps {
		h.clock.Move(time.Hour / steps)
		from := step % steps * len(h.tokens) / steps
		to := (step%steps + 1) * len(h.tokens) / steps
		h.together(from, to, func(i int) {
			if h.oneIn > 0 && i%h.oneIn == step/steps%h.oneIn {
				_, err := h.End(ctx, h.tokens[i], nil)
				if err != nil {
					h.t.Error(err)
				}
				h.tokens[i] = h.start()
			}
			issued, err := h.Turn(ctx, h.tokens[i], nil)
			if err != nil {
				h.t.Error(err)
			}
			h.tokens[i] = string(issued.RefreshToken)
		})
		h.turns += to - from
		h.sweep()
	}
}

func (h *house) sweep() {
	const limit = 500
	for swept := limit; swept == limit; {
		var err error
		swept, err = h.store.Sweep(context.Background(), limit)
		must(h.t, err)
	}
}
