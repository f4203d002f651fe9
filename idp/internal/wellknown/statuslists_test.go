package wellknown

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"signet/data"
	"signet/idp/internal/mint"
	"signet/idp/internal/status"
	"signet/resource/token"
)

func TestWhoWaitsForAListIsAnswered(t *testing.T) {
	cases := []struct {
		name   string
		end    func(p *listPublisher)
		status int
		within time.Duration
	}{
		{"as soon as a token is revoked", func(p *listPublisher) { p.revoke() }, http.StatusOK, 0},
		{"as soon as another key signs", func(p *listPublisher) { p.rotate() }, http.StatusOK, 0},
		{"with 304 when the time is over", func(*listPublisher) {}, http.StatusNotModified, 7 * time.Second},
		{"with 304 when the issuer stops", func(p *listPublisher) { p.polls.Stop() }, http.StatusNotModified, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newListPublisher(t, Limits{10, 10})
				etag := p.list(nil).Header().Get("ETag")
				began := time.Now()
				held := p.holdList(etag)
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

// Who has taken all places for one thing has none left for another.
func TestKeysAndListsShareTheirPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newListPublisher(t, Limits{InAll: 1, PerAddress: 1})
		keys, list := p.get(nil).Header().Get("ETag"), p.list(nil).Header().Get("ETag")
		held := p.holdList(list)
		synctest.Wait()
		if got := p.get(http.Header{"If-None-Match": {keys}, "Prefer": {"wait=7"}}); got.Code != http.StatusNotModified || got.Header().Get("Retry-After") != "5" {
			t.Errorf("got %d %v", got.Code, got.Header())
		}
		p.revoke()
		held.wait()
		waiting := p.hold(keys, "wait=7")
		synctest.Wait()
		if waiting.Load() != nil {
			t.Error("the place was not given back")
		}
		waiting.wait()
	})
}

// listPublisher is a publisher of one list, too.
type listPublisher struct {
	*publisher
	lists *StatusLists
	slot  data.Slot
}

func newListPublisher(t *testing.T, limits Limits) *listPublisher {
	t.Helper()
	p := &listPublisher{publisher: newPublisher(t, limits)}
	time.Sleep(11 * time.Second) // the next key may sign
	service := status.New(status.Options{
		Store: p.store, Ring: p.ring, Alg: token.ES256, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Mint: mint.New(mint.Options{Issuer: "https://id.example", Ring: p.ring,
			Profiles: []mint.Profile{{Audience: "api", Alg: token.ES256, TTL: time.Minute}}}),
	})
	if err := service.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.slot, err = p.store.DrawSlot(t.Context()); err != nil {
		t.Fatal(err)
	}
	go service.Run(t.Context())
	p.lists = NewStatusLists(service, p.polls)
	time.Sleep(time.Second)
	return p
}

func (p *listPublisher) revoke() {
	if err := p.store.RevokeSlot(p.t.Context(), p.slot.List, p.slot.Index, data.GrantID{}); err != nil {
		p.t.Error(err)
	}
}

func (p *listPublisher) list(h http.Header) *httptest.ResponseRecorder {
	return p.ask(h, func(c echo.Context) error {
		c.SetParamNames("id")
		c.SetParamValues(p.slot.List.String())
		return p.lists.List(c)
	})
}

func (p *listPublisher) holdList(etag string) *held {
	return later(func() *httptest.ResponseRecorder {
		return p.list(http.Header{"If-None-Match": {etag}, "Prefer": {"wait=7"}})
	})
}
