package data

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// counting counts the transactions that may write, and fails those after the
// first few where it is told to.
type counting struct {
	kv.Engine
	updates atomic.Int64
	views   atomic.Int64
	room    atomic.Int64 // that still succeed, while limited
	limited atomic.Bool
}

var errKilled = errors.New("test: the process was killed")

func (e *counting) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if e.limited.Load() && e.room.Add(-1) < 0 {
		return errKilled
	}
	e.updates.Add(1)
	return e.Engine.Update(ctx, fn)
}

func (e *counting) View(ctx context.Context, fn func(kv.Reader) error) error {
	e.views.Add(1)
	return e.Engine.View(ctx, fn)
}

func drawOwn(t testing.TB, s *Store, client string, audience ...string) Slot {
	t.Helper()
	slot, err := s.DrawClientSlot(t.Context(), client, audience)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

func blocksIn(t testing.TB, engine kv.Engine) (blocks []Block) {
	t.Helper()
	for key, value := range dump(t, engine) {
		if strings.HasPrefix(key, blockPrefix) {
			var b Block
			if err := decode([]byte(value), &b); err != nil {
				t.Fatal(err)
			}
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func TestAClientsTokensCostFewWritesAndFewSerials(t *testing.T) {
	for _, c := range []struct {
		draws, writes int
		serials       uint32
	}{
		{1, 1, 16}, {16, 1, 16}, {17, 2, 48}, {48, 2, 48}, {49, 3, 112},
		{8176, 9, 8176}, {8177, 10, 12272}, {12272, 10, 12272}, {12273, 11, 16368},
	} {
		t.Run(fmt.Sprint(c.draws), func(t *testing.T) {
			engine := &counting{Engine: mem.New()}
			s := open(t, engine, newClock())
			before := engine.updates.Load()
			for range c.draws {
				drawOwn(t, s, "job", "api")
			}
			if got := engine.updates.Load() - before; got != int64(c.writes) {
				t.Errorf("%d writes", got)
			}
			var serials uint32
			for _, b := range blocksIn(t, engine) {
				if serials += b.Count; b.Client != "job" || len(b.Audience) != 1 || b.Audience[0] != "api" {
					t.Errorf("%+v", b)
				}
			}
			if serials != c.serials {
				t.Errorf("%d serials", serials)
			}
		})
	}
}

func TestABlockIsOfOneClientAndOneSetOfAudiences(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	for _, audience := range [][]string{{"b", "a"}, {"a", "b"}, {"a", "b", "a"}, {"a"}} {
		drawOwn(t, s, "job", audience...)
	}
	drawOwn(t, s, "other", "a")
	of := map[string]int{}
	for _, b := range blocksIn(t, engine) {
		of[fmt.Sprint(b.Client, b.Audience)]++
	}
	if len(of) != 3 || of["job[a b]"] != 1 || of["job[a]"] != 1 || of["other[a]"] != 1 {
		t.Fatal(of)
	}
}

func TestNoClientGetsAnIndexThatIsSomebodys(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		stores := []*Store{open(t, engine, c), open(t, engine, c)}
		var mu sync.Mutex
		given := map[string]bool{}
		take := func(slot Slot) {
			mu.Lock()
			defer mu.Unlock()
			at := fmt.Sprint(slot.List, slot.Index)
			if given[at] {
				t.Error("an index was given twice")
			}
			given[at] = true
		}
		for round := range 4 {
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					for range 100 {
						take(drawOwn(t, stores[i%2], fmt.Sprint("client", i/3), "api"))
						take(drawSlot(t, stores[(i+1)%2]))
					}
				})
			}
			all.Wait()
			switch round {
			case 0:
				stores[0] = open(t, engine, c) // a restart
			case 1:
				c.Move(70 * time.Minute) // another list
			case 2:
				c.Move(-2 * time.Hour) // the clock is set back
			}
		}
	})
}

func TestTheBlocksOfAListGoWithIt(t *testing.T) {
	c, engine := newClock(), mem.New()
	s := open(t, engine, c)
	for n := range 120 { // more than a step of the sweeper
		drawOwn(t, s, fmt.Sprint("client", n), "api")
	}
	c.Move(5 * time.Hour)
	for n := 1; n > 0; {
		var err error
		if n, err = s.Sweep(t.Context(), 50); err != nil {
			t.Fatal(err)
		}
	}
	if left := keysBut(dump(t, engine), "m"); len(left) > 0 {
		t.Fatalf("%q are left", left)
	}
}

// What a node forgets of blocks is wasted, and nothing else.
func TestAMemoryThatIsFullForgetsBlocksAndGivesNoIndexTwice(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	s.blocks.room = 64
	given := map[Slot]bool{}
	const clients = 256
	for range 2 {
		for n := range clients {
			slot := drawOwn(t, s, fmt.Sprint("client", n), "api")
			if given[slot] {
				t.Fatal("an index was given twice")
			}
			given[slot] = true
		}
	}
	if n := len(blocksIn(t, engine)); n <= clients {
		t.Fatalf("%d blocks: nothing was forgotten, so the test shows nothing", n)
	}
}

// A client may ask for as many sets of audiences as there are subsets.
func TestWhatANodeRemembersOfBlocksIsBounded(t *testing.T) {
	engine := &counting{Engine: mem.New()}
	s := open(t, engine, newClock())
	s.blocks.room = 16
	for n := range 10 * s.blocks.room {
		drawOwn(t, s, "job", fmt.Sprint("api", n))
		if held := len(s.blocks.young) + len(s.blocks.old); held > 2*s.blocks.room {
			t.Fatalf("%d blocks are remembered", held)
		}
	}
	before := engine.updates.Load()
	for n := range s.blocks.room {
		drawOwn(t, s, "job", fmt.Sprint("api", 9*s.blocks.room+n))
	}
	if got := engine.updates.Load() - before; got != 0 {
		t.Errorf("%d writes for what was used last", got)
	}
}

// A token of its own costs a client no look into the store; what was revoked
// shows all the same, whichever node did it.
func TestADrawReadsNothingUntilSomethingIsRevoked(t *testing.T) {
	engine := &counting{Engine: mem.New()}
	c := newClock()
	here, there := open(t, engine, c), open(t, engine, c)
	first := drawOwn(t, here, "job", "api")
	other := drawOwn(t, here, "other", "api")
	views := engine.views.Load()
	if again := drawOwn(t, here, "job", "api"); again.Index == first.Index || engine.views.Load() != views {
		t.Errorf("%v after %v, with %d views", again, first, engine.views.Load()-views)
	}
	if _, err := there.Revoke(t.Context(), Revocation{Client: "job"}, nil); err != nil {
		t.Fatal(err)
	}
	bits, _, err := here.StatusBits(t.Context(), first.List)
	if err != nil {
		t.Fatal(err)
	}
	set := func(slot Slot) bool { return bits[slot.Index/8]>>(slot.Index%8)&1 == 1 }
	if !set(first) || set(other) || set(drawOwn(t, here, "job", "api")) || set(drawOwn(t, here, "other", "api")) {
		t.Error("a new token carries an index that is revoked, or an old one does not")
	}
	updates := engine.updates.Load()
	views = engine.views.Load()
	drawOwn(t, here, "other", "api")
	if engine.updates.Load() != updates || engine.views.Load() != views {
		t.Error("what another client was revoked goes on to cost")
	}
}
