//go:build engines && unix

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/address"
	"signet/data/kv/engines"
	"signet/data/kv/etcd"
	"signet/idp/internal/config"
	"signet/idp/internal/grant"
	"signet/idp/internal/signin"
)

// A guess is counted where all nodes see it. With what a login reads anyway,
// and hands on to the grant that it starts, that costs one way to the store and
// back at most.
func TestALoginThatIsCountedForAllNodesCostsOneRoundTripMore(t *testing.T) {
	onShared(t, func(t *testing.T, store, _ string) {
		first, _ := houseOn(t, store, t.TempDir())
		for _, email := range []string{"ada@example.com", "grace@example.com"} {
			_, err := first.signin.Register(t.Context(), signin.RegisterRequest{Email: email, Password: password})
			must(t, err)
		}
		counted, uncounted := loginTrips(t, store, first.config.State, true), loginTrips(t, store, first.config.State, false)
		t.Logf("round trips of a login, of a person that the node does not know and again: %v counted, %v not", counted, uncounted)
		for i := range counted {
			if counted[i] > uncounted[i]+1 {
				t.Errorf("%d round trips, %d without the counters", counted[i], uncounted[i])
			}
		}
	})
}

// houseOn opens a store that others use, with nothing at work beside the
// requests. Nodes with the same state folder have the same master key.
func houseOn(t *testing.T, store, state string) (*house, kv.Engine) {
	t.Helper()
	c, err := config.Parse("config.yaml", nil, []string{"SIGNET_STATE=" + state, "SIGNET_KEYS_ALGS=ES256"})
	must(t, err)
	c.Passwords.BcryptCost = signin.MinCost // nobody may configure that
	at, err := address.Parse(store)
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	engine, err := engines.Open(t.Context(), at, engines.Options{Logger: log})
	must(t, err)
	h, err := openHouseOn(t.Context(), c, nil, time.Now, log, engine, engine)
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	return h, engine
}

// loginTrips counts what a login at a new node costs: of somebody that it does
// not know, and of the same person again.
func loginTrips(t *testing.T, store, state string, shared bool) (trips [2]uint64) {
	h, engine := houseOn(t, store, state)
	people, err := signin.New(t.Context(), signin.Options{Store: h.store, Shared: shared, Cost: signin.MinCost, CookieKey: make([]byte, 32)})
	must(t, err)
	login := func(email, from string) {
		r, err := people.Login(t.Context(), signin.LoginRequest{Email: email, Password: password, Addr: netip.MustParseAddr(from)})
		must(t, err)
		_, err = h.grants.Start(t.Context(), grant.StartRequest{User: r.User, Client: "signet", Audience: []string{"api"}})
		must(t, err)
	}
	login("grace@example.com", "192.0.2.1") // what a node does once is done
	for n := range trips {
		stats := engine.(interface{ Stats() etcd.Stats })
		before := stats.Stats().RoundTrips
		login("ada@example.com", "198.51.100.1")
		trips[n] = stats.Stats().RoundTrips - before
	}
	return trips
}

// threeOnOne are three nodes that sign people in, on one store.
func threeOnOne(t *testing.T, store string, throttle signin.Throttle) (nodes [3]*signin.Service) {
	for n := range nodes {
		at, err := address.Parse(store)
		must(t, err)
		engine, err := engines.Open(t.Context(), at, engines.Options{Logger: slog.New(slog.DiscardHandler)})
		must(t, err)
		t.Cleanup(func() { _ = engine.Close() })
		records, err := data.Open(t.Context(), engine, data.Options{Shared: true})
		must(t, err)
		nodes[n], err = signin.New(t.Context(), signin.Options{
			Store: records, Shared: true, Cost: signin.MinCost, Wait: 20 * time.Second, CookieKey: make([]byte, 32), Throttle: throttle,
		})
		must(t, err)
	}
	return nodes
}

// The network's counter is in one record, and each login writes it twice: nobody
// is turned away because many come at once, and no guess slips through.
func TestManyOfOneNetworkSignInAtOnceAndNoGuessSlipsThrough(t *testing.T) {
	onShared(t, func(t *testing.T, store, _ string) {
		const people = 30
		nodes := threeOnOne(t, store, signin.Throttle{Delay: 30 * time.Second})
		home := netip.MustParseAddr("192.0.2.1")
		name := func(i int) string { return fmt.Sprintf("p%d@example.com", i) }
		for i := range people {
			_, err := nodes[0].Register(t.Context(), signin.RegisterRequest{Email: name(i), Password: password, Addr: home})
			must(t, err)
		}
		atOnce := func(login func(i int) signin.LoginRequest) map[string]int {
			start, errs := make(chan struct{}), [people]error{}
			var all sync.WaitGroup
			for i := range people {
				all.Go(func() {
					<-start
					_, errs[i] = nodes[i%3].Login(t.Context(), login(i))
				})
			}
			close(start)
			all.Wait()
			count := map[string]int{}
			for _, err := range errs {
				if errors.Is(err, signin.ErrThrottled) {
					err = signin.ErrThrottled
				}
				count[fmt.Sprint(err)]++
			}
			return count
		}
		got := atOnce(func(i int) signin.LoginRequest {
			return signin.LoginRequest{Email: name(i), Password: password, Addr: home}
		})
		if want := map[string]int{fmt.Sprint(nil): people}; !maps.Equal(got, want) {
			t.Errorf("of those who know their passwords: %v", got)
		}
		got = atOnce(func(int) signin.LoginRequest {
			return signin.LoginRequest{Email: name(0), Password: "not this one", Addr: home}
		})
		if want := map[string]int{fmt.Sprint(signin.ErrWrongPassword): 5, fmt.Sprint(signin.ErrThrottled): people - 5}; !maps.Equal(got, want) {
			t.Errorf("of those who guess: %v", got)
		}
	})
}
