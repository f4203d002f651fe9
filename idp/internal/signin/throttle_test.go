package signin

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/data/kv/mem"
)

func tagOf(name string) tag { return testSecrets.tag("test", []byte(name)) }

func stranger(account, network string) guess {
	return guess{place: tagOf(account + "@" + network), account: tagOf(account), network: tagOf(network)}
}

func wait(err error) time.Duration {
	var e *ThrottledError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

func TestTheDelayGrows(t *testing.T) {
	o := Throttle{Free: 3, Delay: time.Second, DelayMax: 10 * time.Second, AccountDelayMax: time.Second}
	th, now := newThrottle(o), noon
	for i, want := range []time.Duration{0, 0, 0, 1, 2, 4, 8, 10, 10, 10} {
		want *= time.Second
		if got := wait(th.reserve(stranger("ana", "home"), now)); got != want {
			t.Fatalf("guess %d waits %v, want %v", i, got, want)
		}
		if want == 0 {
			continue
		}
		if early := wait(th.reserve(stranger("ana", "home"), now.Add(want-1))); early != 1 {
			t.Fatalf("a moment too early, guess %d waits %v", i, early)
		}
		now = now.Add(want)
		if err := th.reserve(stranger("ana", "home"), now); err != nil {
			t.Fatalf("guess %d in its time: %v", i, err)
		}
	}
	if got := wait(th.reserve(stranger("ana", "home"), now.Add(th.o.forget()))); got != 0 {
		t.Errorf("a day later it still waits %v", got)
	}
}

func TestOneAccountFromManyNetworksIsCappedAtTheAccountsDelay(t *testing.T) {
	th, now := newThrottle(Throttle{}), noon
	for i := range 1000 {
		w := wait(th.reserve(stranger("ana", fmt.Sprint("network", i)), now))
		if w > 30*time.Second {
			t.Fatalf("guess %d waits %v", i, w)
		}
		now = now.Add(w)
		if w > 0 {
			if err := th.reserve(stranger("ana", fmt.Sprint("network", i)), now); err != nil {
				t.Fatalf("after waiting: %v", err)
			}
		}
	}
	if got := wait(th.reserve(stranger("ana", "one more"), now)); got != 30*time.Second {
		t.Errorf("the delay came to %v", got)
	}
}

func TestOneNetworkThatTriesEveryAccountIsSlowed(t *testing.T) {
	th := newThrottle(Throttle{NetworkBurst: 10, NetworkEvery: time.Second})
	for i := range 10 {
		if err := th.reserve(stranger(fmt.Sprint(i), "home"), noon); err != nil {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if got := wait(th.reserve(stranger("x", "home"), noon)); got != time.Second {
		t.Errorf("the next waits %v", got)
	}
	if err := th.reserve(stranger("x", "abroad"), noon); err != nil {
		t.Errorf("another network: %v", err)
	}
	if err := th.reserve(stranger("y", "home"), noon.Add(time.Second)); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestASuccessTakesBackOnlyWhatItsOwnPlaceAdded(t *testing.T) {
	th := newThrottle(Throttle{Free: 5})
	for range 3 {
		if err := th.reserve(stranger("ana", "abroad"), noon); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := th.reserve(stranger("ana", "home"), noon); err != nil {
			t.Fatal(err)
		}
	}
	th.succeed(stranger("ana", "home"), noon)
	if got := th.accounts.m[tagOf("ana")].n; got != 3 {
		t.Errorf("%d strikes are left on the account", got)
	}
	if _, there := th.places.m[stranger("ana", "home").place]; there {
		t.Error("strikes are left at home")
	}
}

func TestAFloodOfSingleGuessesClearsNoAccountUnderAttack(t *testing.T) {
	th := newThrottle(Throttle{Counters: 500, AccountDelayMax: 30 * time.Second})
	now := noon
	for i := range 20 {
		g := stranger("ana", fmt.Sprint(i))
		now = now.Add(wait(th.reserve(g, now)))
		_ = th.reserve(g, now)
	}
	struck := th.accounts.m[tagOf("ana")].n
	for i := range 20_000 {
		if err := th.reserve(stranger(fmt.Sprint("nobody", i), fmt.Sprint("net", i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if got := th.accounts.m[tagOf("ana")].n; got != struck {
		t.Errorf("%d of %d strikes are left", got, struck)
	}
	if n := max(len(th.places.m), len(th.accounts.m), len(th.networks.m)); n > 500 {
		t.Errorf("%d counters are kept", n)
	}
}

func TestCountersAreTheSameAfterARestart(t *testing.T) {
	o := Throttle{Free: 2, RegisterBurst: 1, NetworkBurst: 3, AccountDelayMax: time.Second}
	before, g := newThrottle(o), stranger("ana", "home")
	for _, ago := range []time.Duration{3000, 3000, 500} { // the last after its delay
		_ = before.reserve(g, noon.Add(-ago*time.Millisecond))
	}
	_ = before.reserve(stranger("bob", "home"), noon)
	_ = before.register(g.network, noon)
	body, err := before.save(noon)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := before.save(noon)
	if string(again) != string(body) {
		t.Error("equal counters are different bytes")
	}
	after := newThrottle(o)
	if err := after.load(body); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]guess{"the account": stranger("ana", "abroad"), "the place": g, "the network": stranger("sue", "home")} {
		if a, b := wait(before.reserve(want, noon)), wait(after.reserve(want, noon)); a != b || a == 0 {
			t.Errorf("%s waits %v, and %v before", name, b, a)
		}
	}
	if after.register(g.network, noon) == nil {
		t.Error("the registrations were forgotten")
	}
	for _, bad := range []string{"x", "{}", `{"v":2}`, `{"v":1,"places":[{"key":"short"}]}`} {
		if newThrottle(o).load([]byte(bad)) == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestTheSweepLeavesWhatStillCounts(t *testing.T) {
	th := newThrottle(Throttle{})
	_ = th.reserve(stranger("ana", "home"), noon)
	_ = th.register(tagOf("home"), noon)
	th.sweep(noon.Add(time.Second))
	if len(th.places.m) != 1 || len(th.accounts.m) != 1 || len(th.networks.m) != 1 || len(th.registrations.m) != 1 {
		t.Error("a counter is gone that still counts")
	}
	th.sweep(noon.Add(48 * time.Hour))
	if n := len(th.places.m) + len(th.accounts.m) + len(th.networks.m) + len(th.registrations.m); n != 0 {
		t.Errorf("%d counters are left", n)
	}
}

func TestNetworks(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2ff::9": "2001:db8:1:200::/56", "fe80::1%eth0": "fe80::/56",
	} {
		if got := network(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s is of %s, want %s", in, got, want)
		}
	}
	if network(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}

// The model of one place: the times of the guesses that were heard. It says
// nothing of how the throttle keeps its counters.
func TestGuessesKeepTheirDistanceWhateverIsTried(t *testing.T) {
	o := Throttle{Free: 3, Delay: time.Second, DelayMax: time.Minute, NetworkBurst: 1 << 20, AccountDelayMax: 5 * time.Second}
	rapid.Check(t, func(t *rapid.T) {
		th, now := newThrottle(o), noon
		heard := map[string][]time.Time{} // per place, since its last success
		names := []string{"home", "abroad", "elsewhere"}
		t.Repeat(map[string]func(*rapid.T){
			"guess": func(t *rapid.T) {
				place := rapid.SampledFrom(names).Draw(t, "place")
				g := stranger("ana", place)
				w := wait(th.reserve(g, now))
				if w < 0 || w > th.o.DelayMax {
					t.Fatalf("a wait of %v", w)
				}
				if w > 0 {
					return
				}
				past := heard[place]
				if n := len(past); n >= o.Free {
					delay := min(o.DelayMax, o.Delay<<min(n-o.Free, 30))
					if since := now.Sub(past[n-1]); since < delay {
						t.Fatalf("guess %d was heard %v after the last, want %v", n, since, delay)
					}
				}
				heard[place] = append(past, now)
			},
			"wait as told": func(t *rapid.T) {
				g := stranger("ana", rapid.SampledFrom(names).Draw(t, "place"))
				w := wait(th.reserve(g, now))
				if now = now.Add(w); w > 0 {
					if err := th.reserve(g, now); err != nil {
						t.Fatalf("after waiting %v as told: %v", w, err)
					}
				}
				th.giveBack(g, now) // it was not looked at after all
			},
			"success": func(t *rapid.T) {
				place := rapid.SampledFrom(names).Draw(t, "place")
				if th.reserve(stranger("ana", place), now) == nil {
					th.succeed(stranger("ana", place), now)
					heard[place] = nil
				}
			},
			"time goes on": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			},
			"the clock jumps back": func(t *rapid.T) {
				now = now.Add(-time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
				for _, past := range heard { // what is in the future by now was just now
					for i, at := range past {
						if at.After(now) {
							past[i] = now
						}
					}
				}
			},
			"a known browser": func(t *rapid.T) {
				g := guess{place: tagOf("browser"), account: tagOf("ana"), network: tagOf("home"), known: true}
				if err := th.reserve(g, now); err != nil {
					t.Fatalf("held up by others: %v", err)
				}
				th.succeed(g, now)
			},
			"": func(t *rapid.T) {
				sum := 0
				for _, s := range th.places.m {
					sum += s.n
				}
				if got := th.accounts.m[tagOf("ana")].n; got > sum {
					t.Fatalf("the account has %d strikes and its places %d", got, sum)
				}
			},
		})
	})
}

// A store that moves to etcd takes the snapshot along.
func TestTheSnapshotIsNeverTooLargeForAnyStore(t *testing.T) {
	th := newThrottle(Throttle{})
	for i := range maxSaved + 100 {
		name := tagOf(fmt.Sprint(i))
		th.places.put(name, strikes{1_000_000 + i, noon})
		th.accounts.put(name, strikes{1_000_000 + i, noon})
		th.networks.put(name, bucket{noon.Add(time.Hour)})
		th.registrations.put(name, bucket{noon.Add(time.Hour)})
	}
	body, err := th.save(noon)
	if most := mem.New().Limits().Bytes; err != nil || len(body) > most {
		t.Errorf("%d bytes of at most %d, %v", len(body), most, err)
	}
}
