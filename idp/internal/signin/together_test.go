package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/mem"
)

// nodes are services on one store, as those of several nodes are. Their clocks
// are one.
func nodes(t *testing.T, n int, change func(*Options)) []*house {
	t.Helper()
	return nodesOn(t, mem.New(), n, change)
}

func nodesOn(t *testing.T, engine kv.Engine, n int, change func(*Options)) (list []*house) {
	t.Helper()
	clock := newClock()
	for range n {
		store, err := data.Open(t.Context(), engine, data.Options{Now: clock.now, Shared: true})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, enter(t, store, clock, func(o *Options) {
			if o.Shared = true; change != nil {
				change(o)
			}
		}))
	}
	return list
}

func TestThreeNodesLetThroughAsManyGuessesAsOne(t *testing.T) {
	for _, email := range []string{ana, "unknown@example.com"} {
		all := nodes(t, 3, nil)
		all[0].user(t, ana, good, 6)
		for i := range 5 {
			if _, err := all[i%3].try(t, email, "wrong", home, ""); err != ErrWrongPassword {
				t.Fatalf("%s, guess %d: %v", email, i, err)
			}
		}
		for i, h := range all {
			if _, err := h.try(t, email, "wrong", home, ""); wait(err) != time.Second {
				t.Errorf("%s: node %d: %v", email, i, err)
			}
			if _, err := h.try(t, email, good, abroad, ""); wait(err) != time.Second {
				t.Errorf("%s: node %d, from elsewhere: %v", email, i, err)
			}
		}
		all[0].clock.move(time.Second)
		if _, err := all[1].try(t, email, "wrong", home, ""); err != ErrWrongPassword {
			t.Errorf("%s, after the wait: %v", email, err)
		}
		if _, err := all[2].try(t, email, "wrong", home, ""); wait(err) != 2*time.Second {
			t.Errorf("%s, after one more: %v", email, err)
		}
	}
}

func TestOfManyGuessesAtOnceAtThreeNodesOnlyTheFreeOnesAreLookedAt(t *testing.T) {
	for _, email := range []string{ana, "unknown@example.com"} {
		all := nodes(t, 3, nil)
		all[0].user(t, ana, good, 6)
		var looked, wrong, refused atomic.Int32
		start, release := make(chan struct{}), make(chan struct{})
		var guesses, throttled sync.WaitGroup
		throttled.Add(90 - 5)
		for _, h := range all {
			h.bcrypt.hook = func() { looked.Add(1); <-release }
		}
		for i := range 90 {
			guesses.Go(func() {
				<-start
				_, err := all[i%3].try(t, email, "wrong", home, "")
				switch {
				case errors.Is(err, ErrThrottled):
					refused.Add(1)
					throttled.Done()
				case err == ErrWrongPassword:
					wrong.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		throttled.Wait() // while the others are still being looked at
		close(release)
		guesses.Wait()
		if looked.Load() != 5 || wrong.Load() != 5 || refused.Load() != 85 {
			t.Errorf("%s: %d looked at, %d wrong, %d refused", email, looked.Load(), wrong.Load(), refused.Load())
		}
	}
}

func TestRightPasswordsAreNotCountedOnAnyNode(t *testing.T) {
	all := nodes(t, 3, func(o *Options) { o.Throttle.NetworkBurst = 5 })
	all[0].user(t, ana, good, 6)
	for i := range 60 {
		password := "wrong"
		if i%4 == 3 {
			password = good
		}
		_, err := all[i%3].try(t, ana, password, home, "")
		if password == good && err != nil || password != good && err != ErrWrongPassword {
			t.Fatalf("login %d: %v", i, err)
		}
		all[0].clock.move(2 * time.Second) // the network earns one more
	}
}

func TestAGuessThatWasNeverLookedAtIsGivenBackAlsoForWhoLeft(t *testing.T) {
	engine := mem.New()
	h := nodesOn(t, engine, 1, nil)[0]
	h.user(t, ana, good, 6)
	for range 50 {
		ctx, leave := context.WithCancel(t.Context())
		engine.Between(func(kv.Tx) { leave() }) // while it is counted
		if _, err := h.Login(ctx, LoginRequest{Email: ana, Password: "wrong", Addr: home}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if h.bcrypt.compare != 0 {
		t.Error("something was hashed")
	}
	if _, err := h.try(t, ana, "wrong", home, ""); err != ErrWrongPassword {
		t.Errorf("then: %v", err)
	}
}

func TestRegistrationsAreCountedOverAllNodes(t *testing.T) {
	all := nodes(t, 3, func(o *Options) { o.Throttle.RegisterBurst, o.Throttle.RegisterEvery = 3, time.Minute })
	register := map[string]func(h *house, n int) error{
		"people": func(h *house, n int) error {
			_, err := h.Register(t.Context(), RegisterRequest{Email: fmt.Sprintf("p%d@example.com", n), Password: good, Addr: home})
			return err
		},
		"clients": func(h *house, _ int) error { return h.TryClient(t.Context(), home) },
	}
	for name, one := range register {
		for n := range 3 {
			if err := one(all[n], n); err != nil {
				t.Fatalf("%s, %d: %v", name, n, err)
			}
		}
		for n, h := range all {
			if err := one(h, 3); wait(err) != time.Minute {
				t.Errorf("%s, one more at node %d: %v", name, n, err)
			}
		}
	}
	all[0].clock.move(time.Minute)
	for name, one := range register {
		if err := one(all[1], 4); err != nil {
			t.Errorf("%s, later: %v", name, err)
		}
		if err := one(all[2], 5); wait(err) != time.Minute {
			t.Errorf("%s, one more then: %v", name, err)
		}
	}
}

func TestRegistrationsAtOnceAtThreeNodesAreAsManyAsOfOne(t *testing.T) {
	all := nodes(t, 3, func(o *Options) { o.Throttle.RegisterBurst = 4 })
	start := make(chan struct{})
	var let atomic.Int32
	var done sync.WaitGroup
	for n := range 60 {
		done.Go(func() {
			<-start
			if err := all[n%3].TryClient(t.Context(), home); err == nil {
				let.Add(1)
			} else if !errors.Is(err, ErrThrottled) {
				t.Error(err)
			}
		})
	}
	close(start)
	done.Wait()
	if let.Load() != 4 {
		t.Errorf("%d of 4", let.Load())
	}
}

// What a stranger can leave in the store is as bounded as what they can leave in
// memory, and is gone when it says nothing any more.
func TestAFloodOfNamesMakesNoMoreRecords(t *testing.T) {
	const counters = 100 * perRecord
	engine, clock := mem.New(), newClock()
	store, err := data.Open(t.Context(), engine, data.Options{Now: clock.now, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	g := together{Throttle{Counters: counters}.withDefaults(), store, newTurns()}
	for i := range 3 * counters {
		if err := g.reserve(t.Context(), stranger(fmt.Sprint("nobody", i), fmt.Sprint("net", i)), clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (records, largest int) {
		err := engine.View(t.Context(), func(r kv.Reader) error {
			return r.Scan([]byte("s/n"), nil, func(_, value []byte) bool {
				records, largest = records+1, max(largest, len(value))
				return true
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return records, largest
	}
	if records, largest := count(); records != 3*100 || largest > 100*perRecord {
		t.Errorf("%d records, the largest of %d bytes", records, largest)
	}
	clock.move(49 * time.Hour)
	for swept := 1; swept > 0; {
		if swept, err = store.Sweep(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if records, _ := count(); records != 0 {
		t.Errorf("%d records are left", records)
	}
}

func TestAFloodClearsNoAccountUnderAttackInTheStoreEither(t *testing.T) {
	clock := newClock()
	store, err := data.Open(t.Context(), mem.New(), data.Options{Now: clock.now, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	g := together{Throttle{Counters: perRecord}.withDefaults(), store, newTurns()} // one record a kind
	for i := range 7 {
		now := clock.now()
		err := g.reserve(t.Context(), stranger("ana", fmt.Sprint(i)), now)
		if clock.move(wait(err)); err != nil && g.reserve(t.Context(), stranger("ana", fmt.Sprint(i)), clock.now()) != nil {
			t.Fatal("after the wait")
		}
	}
	for i := range 500 {
		if err := g.reserve(t.Context(), stranger(fmt.Sprint("nobody", i), fmt.Sprint("net", i)), clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.reserve(t.Context(), stranger("ana", "another"), clock.now()); wait(err) != 4*time.Second {
		t.Errorf("the account waits %v", wait(err))
	}
}

func TestNoNameIsInTheCountersOfTheStore(t *testing.T) {
	h := nodes(t, 1, nil)[0]
	for range 5 {
		_, _ = h.try(t, ana, "hunter2hunter2", home, "")
	}
	var all strings.Builder
	if _, err := h.store.Backup(t.Context(), &all); err != nil || !strings.Contains(all.String(), `"n":5`) {
		t.Fatalf("%v, %q", err, all.String())
	}
	for _, secret := range []string{"hunter2", "ana", "192.0.2"} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%s is in %q", secret, all.String())
		}
	}
}

func TestANodeOnASharedStoreNeitherReadsNorWritesTheSnapshot(t *testing.T) {
	h := nodes(t, 1, nil)[0]
	if err := h.store.SaveThrottle(t.Context(), []byte("of before it was moved here")); err != nil {
		t.Fatal(err)
	}
	h = enter(t, h.store, h.clock, func(o *Options) { o.Shared = true })
	_, _ = h.try(t, ana, "wrong", home, "")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := h.store.LoadThrottle(t.Context()); string(got) != "of before it was moved here" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAStoreThatIsAwayLetsNobodyGuess(t *testing.T) {
	engine := mem.New()
	h := nodesOn(t, engine, 1, nil)[0]
	h.user(t, ana, good, 6)
	for range 20 {
		engine.FailCommits(1, kv.ErrUnavailable)
		if _, err := h.try(t, ana, good, home, ""); !errors.Is(err, kv.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if h.bcrypt.compare != 0 {
		t.Error("something was hashed")
	}
	if _, err := h.try(t, ana, good, home, ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Whatever is done, in the store it is counted as in the memory of one process.
func TestTheStoreCountsAsMemoryDoes(t *testing.T) {
	o := Throttle{Free: 3, Delay: time.Second, DelayMax: time.Minute, NetworkBurst: 6, NetworkEvery: 10 * time.Second, AccountDelayMax: 5 * time.Second, RegisterBurst: 2}
	rapid.Check(t, func(rt *rapid.T) {
		clock := newClock()
		store, err := data.Open(t.Context(), mem.New(), data.Options{Now: clock.now, Shared: true})
		if err != nil {
			rt.Fatal(err)
		}
		one := newThrottle(o)
		guards := []guard{alone{one, store}, together{one.o, store, newTurns()}}
		each := func(what string, do func(guard) error) {
			a, b := do(guards[0]), do(guards[1])
			if wait(a) != wait(b) || (a == nil) != (b == nil) {
				rt.Fatalf("%s: %v in memory, %v in the store", what, a, b)
			}
		}
		drawn := func(rt *rapid.T) guess {
			g := stranger(rapid.SampledFrom([]string{"ana", "bob"}).Draw(rt, "account"), rapid.SampledFrom([]string{"home", "abroad"}).Draw(rt, "network"))
			if rapid.IntRange(0, 3).Draw(rt, "known") == 0 {
				g.place, g.known = tagOf("seat of "+g.account.String()), true
			}
			return g
		}
		rt.Repeat(map[string]func(*rapid.T){
			"a wrong one": func(rt *rapid.T) {
				g := drawn(rt)
				each("a guess", func(c guard) error { return c.reserve(t.Context(), g, clock.now()) })
			},
			"a right one": func(rt *rapid.T) {
				g := drawn(rt)
				each("a success", func(c guard) error {
					err := c.reserve(t.Context(), g, clock.now())
					if err == nil {
						err = c.succeed(t.Context(), g, clock.now())
					}
					return err
				})
			},
			"one that is given back": func(rt *rapid.T) {
				g := drawn(rt)
				each("a guess that is given back", func(c guard) error {
					err := c.reserve(t.Context(), g, clock.now())
					if err == nil {
						err = c.giveBack(t.Context(), g, clock.now())
					}
					return err
				})
			},
			"a registration": func(rt *rapid.T) {
				network, back := drawn(rt).network, rapid.Bool().Draw(rt, "given back")
				each("a registration", func(c guard) error {
					err := c.register(t.Context(), network, clock.now())
					if err == nil && back {
						err = c.unregister(t.Context(), network, clock.now())
					}
					return err
				})
			},
			"time goes on": func(rt *rapid.T) {
				clock.move(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
			},
			"the clock jumps back": func(rt *rapid.T) {
				clock.move(-time.Duration(rapid.IntRange(1, 60).Draw(rt, "minutes")) * time.Minute)
			},
			"a day goes by": func(*rapid.T) { clock.move(25 * time.Hour) },
			"the sweeper comes": func(rt *rapid.T) {
				if _, err := store.Sweep(t.Context(), 1000); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}
