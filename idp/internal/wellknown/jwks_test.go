package wellknown

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/data/kv/mem"
	"signet/keys"
	"signet/resource/token"
)

func TestTheJWKSIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t, Limits{10, 10})

		first := p.get(nil)
		if first.Code != http.StatusOK || first.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("got %d %s", first.Code, first.Header())
		}
		if got := first.Header().Get("Cache-Control"); got != "public, max-age=8" {
			t.Errorf("Cache-Control is %q, want publish_ahead 10 s less lease and skew of 1 s", got)
		}
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal(first.Body.Bytes(), &set); err != nil || len(set.Keys) != 2 {
			t.Fatalf("got %v, %s", err, first.Body)
		}
		for _, key := range set.Keys {
			if key["d"] != nil || key["kid"] == nil || key["alg"] != "ES256" || key["use"] != "sig" {
				t.Errorf("published %v", key)
			}
		}

		etag := first.Header().Get("ETag")
		for _, match := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
			again := p.get(http.Header{"If-None-Match": {match}})
			if again.Code != http.StatusNotModified || again.Body.Len() > 0 || again.Header().Get("ETag") != etag {
				t.Errorf("If-None-Match %s: got %d", match, again.Code)
			}
		}
		if other := p.get(http.Header{"If-None-Match": {`"other"`}}); other.Code != http.StatusOK {
			t.Errorf("got %d for another entity tag", other.Code)
		}
	})
}

func TestALongPollEnds(t *testing.T) {
	cases := []struct {
		name   string
		end    func(p *publisher)
		status int
		within time.Duration
	}{
		{"as soon as the keys change", func(p *publisher) { p.rotate() }, http.StatusOK, 0},
		{"with 304 when its time is over", func(*publisher) {}, http.StatusNotModified, 7 * time.Second},
		{"with 304 when the issuer stops", func(p *publisher) { p.polls.Stop() }, http.StatusNotModified, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublisher(t, Limits{10, 10})
				etag := p.get(nil).Header().Get("ETag")
				began := time.Now()
				held := p.hold(etag, "wait=7")
				synctest.Wait()
				if held.Load() != nil {
					t.Fatal("it was answered at once")
				}
				c.end(p)
				got := held.wait()
				if got.Code != c.status || time.Since(began) != c.within {
					t.Errorf("got %d after %s, want %d after %s", got.Code, time.Since(began), c.status, c.within)
				}
				if h := got.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Preference-Applied") != "wait=7" || h.Get("Vary") != "Prefer" {
					t.Errorf("got %v", h)
				}
				if changed := got.Header().Get("ETag") != etag; changed != (c.status == http.StatusOK) {
					t.Errorf("the entity tag changed: %v", changed)
				}
			})
		})
	}
}

func TestALongPollIsAnsweredAtOnce(t *testing.T) {
	cases := []struct {
		name         string
		match        bool
		prefer       string
		limits       Limits
		status       int
		cacheControl string
		retryAfter   string
	}{
		{"when the client has other keys", false, "wait=7", Limits{10, 10}, 200, "no-store", ""},
		{"when all places are taken", true, "wait=7", Limits{0, 10}, 304, "no-store", "5"},
		{"when its address has no place left", true, "wait=7", Limits{10, 0}, 304, "no-store", "5"},
		{"when the wait is none", true, "wait=0", Limits{10, 10}, 304, "public, max-age=8", ""},
		{"when the wait is no number", true, "wait=long", Limits{10, 10}, 304, "public, max-age=8", ""},
		{"when something else is preferred", true, "respond-async", Limits{10, 10}, 304, "public, max-age=8", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublisher(t, c.limits)
				etag := p.get(nil).Header().Get("ETag")
				if !c.match {
					etag = `"other"`
				}
				began := time.Now()
				got := p.get(http.Header{"If-None-Match": {etag}, "Prefer": {c.prefer}})
				if got.Code != c.status || time.Since(began) != 0 {
					t.Errorf("got %d after %s", got.Code, time.Since(began))
				}
				// Who finds that the keys have changed must know that it may wait
				// for the next change, or it would fall back on cached copies.
				if applied := got.Header().Get("Preference-Applied") == "wait=7"; applied == c.match {
					t.Errorf("the preference was applied: %t", applied)
				}
				if got.Header().Get("Cache-Control") != c.cacheControl || got.Header().Get("Retry-After") != c.retryAfter {
					t.Errorf("got %v", got.Header())
				}
			})
		})
	}
}

func TestANodeThatWasCutOffSaysHowOldItsKeysAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newCutOff(t, Limits{10, 10})
		ask := func(h http.Header) error {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header = h
			return p.jwks.Get(p.echo.NewContext(r, httptest.NewRecorder()))
		}
		fresh := p.get(nil)
		etag, began := fresh.Header().Get("ETag"), time.Now()
		waits := http.Header{"If-None-Match": {etag}, "Prefer": {"wait=20"}}
		if err := ask(waits); !errors.Is(err, keys.ErrLease) || time.Since(began) != time.Second {
			t.Errorf("whoever waits longer than the lease gets %v after %s", err, time.Since(began))
		}
		if err := ask(waits); !errors.Is(err, keys.ErrLease) {
			t.Errorf("whoever waits past the lease gets %v", err)
		}
		time.Sleep(time.Second / 2)
		for _, h := range []http.Header{nil, {"If-None-Match": {etag}}} {
			got := p.get(h)
			if got.Header().Get("Cache-Control") != "no-store, max-age=0" || got.Header().Get("Age") != "2" || got.Header().Get("Etag") != etag {
				t.Errorf("got %v", got.Header())
			}
			if h == nil && got.Body.String() != fresh.Body.String() {
				t.Errorf("got %s", got.Body)
			}
		}
	})
}

func TestPlacesAreGivenBack(t *testing.T) {
	w := newWaiters(Limits{InAll: 2, PerAddress: 1})
	leaveA, ok := w.enter("192.0.2.1")
	if !ok {
		t.Fatal("the first found no place")
	}
	if _, ok := w.enter("192.0.2.1"); ok {
		t.Error("an address has more than its share")
	}
	leaveB, ok := w.enter("192.0.2.2")
	if !ok {
		t.Fatal("another address found no place")
	}
	if _, ok := w.enter("192.0.2.3"); ok {
		t.Error("there are more than in all")
	}
	leaveA()
	leaveB()
	if len(w.by) != 0 || w.inAll != 0 {
		t.Errorf("%d waiters and %d addresses are left", w.inAll, len(w.by))
	}
}

// Whoever has an IPv6 address has a network of them.
func TestOneNetworkIsOneAddress(t *testing.T) {
	for _, c := range []struct {
		name, one, other string
		same             bool
	}{
		{"the same /56", "2001:db8:0:aa01::1", "2001:db8:0:aaff::ffff", true},
		{"another /56", "2001:db8:0:aa01::1", "2001:db8:0:ab01::1", false},
		{"IPv4 in IPv6", "::ffff:192.0.2.1", "192.0.2.1", true},
		{"neighbours in IPv4", "192.0.2.1", "192.0.2.2", false},
		{"a zone", "fe80::1%eth0", "fe80::1%eth1", true},
		{"no addresses", "", "?", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWaiters(Limits{InAll: 2, PerAddress: 1})
			if _, ok := w.enter(c.one); !ok {
				t.Fatal("the first found no place")
			}
			if _, ok := w.enter(c.other); ok == c.same {
				t.Errorf("the second found a place: %v", ok)
			}
		})
	}
}

func TestThePreferenceIsRead(t *testing.T) {
	cases := map[string]time.Duration{
		"wait=5":                       5 * time.Second,
		"Wait = 5":                     5 * time.Second,
		`wait="5"`:                     5 * time.Second,
		"respond-async, wait=5":        5 * time.Second,
		"wait=5; foo=bar, wait=6":      5 * time.Second,
		"":                             0,
		"wait":                         0,
		"wait=-1":                      0,
		"wait=1.5":                     0,
		"wait=99999999999999999999999": 0,
	}
	for text, want := range cases {
		got, ok := preferredWait(http.Header{"Prefer": {text}})
		if (want > 0) != ok || (ok && got != want) {
			t.Errorf("%q: got %s, %v", text, got, ok)
		}
	}
}

func FuzzPreferAndETag(f *testing.F) {
	f.Fuzz(func(t *testing.T, prefer, match string) {
		if wait, ok := preferredWait(http.Header{"Prefer": {prefer}}); ok && wait <= 0 {
			t.Errorf("%q: waits %s", prefer, wait)
		}
		if sameETag(match, `"known"`) && !strings.Contains(match, "*") && !strings.Contains(match, `"known"`) {
			t.Errorf("%q matches", match)
		}
	})
}

// publisher is a JWKS handler on a real ring.
type publisher struct {
	t     *testing.T
	polls *Polls
	jwks  *JWKS
	store *data.Store
	ring  *keys.Ring
	echo  *echo.Echo
}

func newPublisher(t *testing.T, limits Limits) *publisher {
	t.Helper()
	p := newCutOff(t, limits)
	go p.ring.Run(t.Context())
	return p
}

// newCutOff is one whose ring is never confirmed again.
func newCutOff(t *testing.T, limits Limits) *publisher {
	t.Helper()
	store, err := data.Open(t.Context(), mem.New(), data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Open(t.Context(), keys.Options{
		Store:  store.Cell("ring"),
		Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), store.Meta().StoreID),
		Config: keys.Config{Algs: []keys.Alg{token.ES256}, RotateEvery: time.Hour, PublishAhead: 10 * time.Second,
			Lease: time.Second, Skew: time.Second, MaxLifetime: map[keys.Alg]time.Duration{token.ES256: time.Minute}},
	})
	if err != nil {
		t.Fatal(err)
	}
	polls := NewPolls(time.Minute, limits)
	return &publisher{t: t, store: store, ring: ring, polls: polls, jwks: NewJWKS(ring, polls, time.Now), echo: echo.New()}
}

func (p *publisher) rotate() {
	if _, err := p.ring.Rotate(context.Background(), "", false); err != nil {
		p.t.Error(err)
	}
}

func (p *publisher) get(h http.Header) *httptest.ResponseRecorder { return p.ask(h, p.jwks.Get) }

func (p *publisher) ask(h http.Header, handler echo.HandlerFunc) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if h != nil {
		r.Header = h
	}
	w := httptest.NewRecorder()
	if err := handler(p.echo.NewContext(r, w)); err != nil {
		p.t.Error(err)
	}
	return w
}

func (p *publisher) hold(etag, prefer string) *held {
	return later(func() *httptest.ResponseRecorder {
		return p.get(http.Header{"If-None-Match": {etag}, "Prefer": {prefer}})
	})
}

// later makes a request that may wait.
func later(ask func() *httptest.ResponseRecorder) *held {
	h := &held{done: make(chan struct{})}
	go func() {
		h.answer = ask()
		close(h.done)
	}()
	return h
}

// held is a request that may be waiting still.
type held struct {
	done   chan struct{}
	answer *httptest.ResponseRecorder
}

// Load is the answer, or nil while there is none.
func (h *held) Load() *httptest.ResponseRecorder {
	select {
	case <-h.done:
		return h.answer
	default:
		return nil
	}
}

func (h *held) wait() *httptest.ResponseRecorder {
	<-h.done
	return h.answer
}
