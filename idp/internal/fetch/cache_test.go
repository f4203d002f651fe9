package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const there = "https://client.example/jwks"

func TestACopyIsGoodAsLongAsItsHeadersSayWithinBounds(t *testing.T) {
	for _, c := range []struct {
		header []string
		want   time.Duration
	}{
		{nil, 5 * time.Minute},
		{[]string{"Cache-Control", "max-age=600"}, 10 * time.Minute},
		{[]string{"Cache-Control", `public, MAX-AGE="600"`}, 10 * time.Minute},
		{[]string{"Cache-Control", "max-age=600", "Age", "100"}, 500 * time.Second},
		{[]string{"Cache-Control", "max-age=600", "Age", "nonsense"}, 10 * time.Minute},
		{[]string{"Cache-Control", "max-age=600", "Age", "9999999999999999999999"}, time.Minute},
		{[]string{"Cache-Control", "max-age=5"}, time.Minute},
		{[]string{"Cache-Control", "max-age=0"}, time.Minute},
		{[]string{"Cache-Control", "max-age=-5"}, time.Minute},
		{[]string{"Cache-Control", "max-age"}, time.Minute},
		{[]string{"Cache-Control", "max-age=600, no-store"}, time.Minute},
		{[]string{"Cache-Control", "no-cache"}, time.Minute},
		{[]string{"Cache-Control", "max-age=31536000"}, 24 * time.Hour},
		{[]string{"Cache-Control", "max-age=99999999999999999999999"}, 24 * time.Hour},
		{[]string{"Cache-Control", "private"}, 5 * time.Minute},
	} {
		t.Run(fmt.Sprint(c.header), func(t *testing.T) {
			asked, clock := 0, newClock()
			f := stubbed(Options{Now: clock.now}, func(*http.Request) (*http.Response, error) {
				asked++
				return response(200, fmt.Sprint(asked), c.header...), nil
			})
			for _, step := range []struct {
				pass time.Duration
				want string
			}{{0, "1"}, {c.want - time.Second, "1"}, {time.Second, "2"}} {
				clock.pass(step.pass)
				d, err := f.Get(t.Context(), there, "*/*", false)
				if err != nil || string(d.Body) != step.want {
					t.Errorf("after %s: %q, %v", step.pass, d.Body, err)
				}
			}
		})
	}
}

func TestFreshAsksAgainOnceACooldown(t *testing.T) {
	asked, clock := 0, newClock()
	f := stubbed(Options{Now: clock.now}, func(*http.Request) (*http.Response, error) {
		asked++
		return response(200, fmt.Sprint(asked)), nil
	})
	for _, c := range []struct {
		pass time.Duration
		want string
	}{{0, "1"}, {0, "2"}, {0, "2"}, {29 * time.Second, "2"}, {time.Second, "3"}, {0, "3"}, {29 * time.Second, "3"}, {time.Second, "4"}} {
		clock.pass(c.pass)
		if d, err := f.Get(t.Context(), there, "*/*", true); err != nil || string(d.Body) != c.want {
			t.Errorf("got %q, want %s, %v", d.Body, c.want, err)
		}
	}
}

func TestAFailureIsRememberedForAWhileThatGrows(t *testing.T) {
	asked, clock := 0, newClock()
	failing := true
	f := stubbed(Options{Now: clock.now}, func(*http.Request) (*http.Response, error) {
		if asked++; failing {
			return nil, errors.New("secret")
		}
		return response(200, "ok"), nil
	})
	get := func(fresh bool) error {
		_, err := f.Get(t.Context(), there, "*/*", fresh)
		return err
	}
	for i, wait := range []time.Duration{30, 60, 120, 240, 240} {
		for _, fresh := range []bool{false, true} {
			if err := get(fresh); reasonOf(t, err) != Network || asked != i+1 {
				t.Errorf("attempt %d: asked %d times, %v", i, asked, err)
			}
		}
		clock.pass(wait*time.Second - 1)
		if err := get(true); reasonOf(t, err) != Network || asked != i+1 {
			t.Errorf("attempt %d, before its time: asked %d times, %v", i, asked, err)
		}
		clock.pass(1)
	}
	failing = false
	if err := get(false); err != nil {
		t.Error(err)
	}
	clock.pass(5 * time.Minute)
	failing = true
	if err := get(false); reasonOf(t, err) != Network {
		t.Error(err)
	}
	clock.pass(30 * time.Second)
	failing = false
	if err := get(false); err != nil {
		t.Errorf("a success did not forgive the failures before it: %v", err)
	}
}

// Whoever makes up key IDs must not be able to take the keys of a client away
// while its server is away for a moment.
func TestAFailedFreshAttemptKeepsTheCopyUntilItsTime(t *testing.T) {
	asked, clock := 0, newClock()
	f := stubbed(Options{Now: clock.now}, func(*http.Request) (*http.Response, error) {
		if asked++; asked > 1 {
			return response(503, ""), nil
		}
		return response(200, "keys"), nil
	})
	for _, c := range []struct {
		pass  time.Duration
		fresh bool
		asked int
	}{{0, false, 1}, {30 * time.Second, true, 2}, {time.Second, true, 2}, {0, false, 2}, {29 * time.Second, true, 3}} {
		clock.pass(c.pass)
		if d, err := f.Get(t.Context(), there, "*/*", c.fresh); err != nil || string(d.Body) != "keys" || asked != c.asked {
			t.Errorf("%+v: %q, asked %d times, %v", c, d.Body, asked, err)
		}
	}
	clock.pass(4 * time.Minute)
	if _, err := f.Get(t.Context(), there, "*/*", false); reasonOf(t, err) != Status {
		t.Errorf("a copy that is too old: %v", err)
	}
}

func TestAHundredWhoAskAtOnceAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		open := make(chan struct{})
		f := stubbed(Options{}, func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			<-open
			return response(200, "keys"), nil
		})
		start := make(chan struct{})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				<-start
				if d, err := f.Get(t.Context(), there, "*/*", i%2 == 0); err != nil || string(d.Body) != "keys" {
					t.Errorf("%q, %v", d.Body, err)
				}
			})
		}
		close(start)
		synctest.Wait()
		close(open)
		all.Wait()
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

func TestAHostIsAskedFourTimesAtOnceAndAllSixtyFourTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inside, most atomic.Int32
		open := make(chan struct{})
		f := stubbed(Options{}, func(r *http.Request) (*http.Response, error) {
			n := inside.Add(1)
			defer inside.Add(-1)
			most.Store(max(most.Load(), n))
			select {
			case <-open:
				return response(200, ""), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		var all sync.WaitGroup
		ask := func(host string, n int) {
			for i := range n {
				all.Go(func() { f.Get(t.Context(), fmt.Sprintf("https://%s/%d", host, i), "*/*", false) })
			}
			synctest.Wait()
		}
		ask("one.example", 5)
		ask("ONE.example", 5)
		if inside.Load() != 4 {
			t.Errorf("%d at once at one host", inside.Load())
		}
		for i := range 30 {
			ask(fmt.Sprintf("host%d.example", i), 3)
		}
		if inside.Load() != 64 {
			t.Errorf("%d at once in all", inside.Load())
		}
		close(open)
		all.Wait()
		if most.Load() != 64 || len(f.room.hosts) != 0 || len(f.room.all) != 0 {
			t.Errorf("most %d, and %d hosts and %d places at the end", most.Load(), len(f.room.hosts), len(f.room.all))
		}
	})
}

func TestWhoFindsNoPlaceIsToldSoAndTheURLIsNotBlamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stubbed(Options{}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/late" {
				return response(200, "ok"), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for i := range 4 {
			go f.Get(t.Context(), fmt.Sprintf("https://client.example/%d", i), "*/*", false)
		}
		synctest.Wait()
		f.timeout = time.Second // the four hold their places for five
		began := time.Now()
		if _, err := f.Get(t.Context(), "https://client.example/late", "*/*", false); reasonOf(t, err) != Busy {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %s", waited)
		}
		time.Sleep(allTimeout)
		if d, err := f.Get(t.Context(), "https://client.example/late", "*/*", false); err != nil || string(d.Body) != "ok" {
			t.Errorf("later: %q, %v", d.Body, err)
		}
	})
}

func TestThereIsAnEndToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := stubbed(Options{}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for i := range maxFlights {
			go f.Get(t.Context(), fmt.Sprintf("https://host%d.example/", i), "*/*", false)
		}
		synctest.Wait()
		began := time.Now()
		if _, err := f.Get(t.Context(), there, "*/*", false); reasonOf(t, err) != Busy || time.Since(began) != 0 {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		time.Sleep(allTimeout)
		synctest.Wait()
		if _, err := f.Get(t.Context(), there, "*/*", false); reasonOf(t, err) != Timeout {
			t.Errorf("when they have left: %v", err)
		}
	})
}

func TestACallerThatLeavesDoesNotEndItForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		f := stubbed(Options{}, func(r *http.Request) (*http.Response, error) {
			select {
			case <-open:
				return response(200, "keys"), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		ctx, leave := context.WithCancel(t.Context())
		go f.Get(ctx, there, "*/*", false)
		synctest.Wait()
		done := make(chan error)
		go func() {
			_, err := f.Get(t.Context(), there, "*/*", false)
			done <- err
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		close(open)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		most int
	}{"entries": {1, maxEntries}, "bytes": {maxBody, maxBytes / maxBody}} {
		t.Run(name, func(t *testing.T) {
			asked, clock := map[string]int{}, newClock()
			body := strings.Repeat("x", c.size)
			f := stubbed(Options{Now: clock.now}, func(r *http.Request) (*http.Response, error) {
				asked[r.URL.Path]++
				return response(200, body, "Cache-Control", "max-age=86400"), nil
			})
			get := func(path string) {
				clock.pass(time.Millisecond)
				if _, err := f.Get(t.Context(), "https://client.example"+path, "*/*", false); err != nil {
					t.Fatal(err)
				}
			}
			get("/used")
			get("/unused")
			for i := range 2 * maxEntries {
				get(fmt.Sprintf("/%d", i))
				get("/used")
			}
			get("/unused")
			if asked["/used"] != 1 || asked["/unused"] != 2 {
				t.Errorf("asked %d and %d times", asked["/used"], asked["/unused"])
			}
			total := 0
			for key, e := range f.cache.entries {
				total += size(key, e)
			}
			if n := len(f.cache.entries); n > c.most || n < c.most-2 || total != f.cache.bytes || total > maxBytes {
				t.Errorf("%d entries, %d bytes, counted as %d", n, total, f.cache.bytes)
			}
		})
	}
}
