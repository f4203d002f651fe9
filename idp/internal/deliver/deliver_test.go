package deliver

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

	"signet/data/kv/mem"
	"signet/resource/token"
)

var start = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// Back-Channel Logout, sections 2.4 and 2.5.
func TestBackChannelLogoutSection2_4(t *testing.T) {
	for _, alg := range []token.Alg{token.ES256, token.EdDSA} {
		w := newWorld(t, mem.New(), at(start))
		party := w.newParty(t, "web", alg)
		d := w.add("web")
		w.round(w.service(w.clock.Now))
		if len(party.sent()) != 1 || w.left() != 0 {
			t.Fatalf("%d sent, %d left", len(party.sent()), w.left())
		}
		l, header := w.read(t, party.sent()[0])
		if header.Alg != string(alg) || !token.IsTyp(header.Typ, token.TypLogout) || header.Typ != "logout+jwt" {
			t.Errorf("%+v", header)
		}
		if l.Issuer != issuer || len(l.Audience) != 1 || !l.Audience.Has("web") || l.Subject != "ann" || l.SID != "session-1" || l.JTI != d.ID {
			t.Errorf("%+v", l)
		}
		if !l.IssuedAt.Time().Equal(start) || !l.Expiry.Time().Equal(start.Add(2*time.Minute)) {
			t.Errorf("%v to %v", l.IssuedAt, l.Expiry)
		}
		if event, ok := l.Events["http://schemas.openid.net/event/backchannel-logout"]; !ok || len(event) != 0 || len(l.Events) != 1 {
			t.Errorf("%v", l.Events)
		}
		if l.Nonce != nil {
			t.Error("a nonce is forbidden")
		}
		if log := w.log.String(); !strings.Contains(log, "backchannel_logout_delivered") || strings.Contains(log, "from=op") || strings.Contains(log, party.URL) {
			t.Error(log)
		}
	}
}

// Back-Channel Logout, section 2.8.
func TestBackChannelLogoutSection2_8(t *testing.T) {
	for _, c := range []struct {
		status int
		over   bool
		event  string
	}{
		{http.StatusOK, true, "backchannel_logout_delivered"},
		{http.StatusNoContent, true, "backchannel_logout_delivered"},
		{http.StatusBadRequest, true, "backchannel_logout_refused"},
		{http.StatusNotFound, false, "backchannel_logout_failed"},
		{http.StatusInternalServerError, false, "backchannel_logout_failed"},
		{http.StatusServiceUnavailable, false, "backchannel_logout_failed"},
		{http.StatusFound, false, "backchannel_logout_failed"},
	} {
		w := newWorld(t, mem.New(), at(start))
		party := w.newParty(t, "web", token.ES256)
		party.answer(c.status)
		w.add("web")
		s := w.service(w.clock.Now)
		w.round(s)
		w.clock.Move(shortest)
		w.round(s)
		if over := len(party.sent()) == 1; over != c.over || (w.left() == 0) != c.over || !strings.Contains(w.log.String(), c.event) {
			t.Errorf("%d: %d sent, %d left, %s", c.status, len(party.sent()), w.left(), w.log)
		}
	}
}

// A client that is down for hours is told when it is back, with a fresh token
// under the same jti; in between it is tried ever more seldom.
func TestAClientThatIsDownIsToldLater(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), at(start))
			party := w.newParty(t, "web", token.ES256)
			party.answer(http.StatusBadGateway)
			d := w.add("web")
			w.round(w.service(w.clock.Now))
			for _, later := range []struct {
				wait  time.Duration
				tries int
			}{{9 * time.Second, 1}, {time.Second, 2}, {9 * time.Second, 2}, {time.Second, 3}, {20 * time.Second, 4}, {40 * time.Second, 5}, {79 * time.Second, 5}} {
				w.later(later.wait)
				w.round(w.service(w.clock.Now))
				if got := len(party.sent()); got != later.tries {
					t.Fatalf("%s after the start: %d tries", w.clock.Now().Sub(start), got)
				}
			}
			for w.clock.Now().Before(start.Add(6 * time.Hour)) {
				w.later(time.Minute)
				w.round(w.service(w.clock.Now))
			}
			tries := len(party.sent())
			if tries < 12 || tries > 16 {
				t.Errorf("%d tries in six hours", tries)
			}
			party.answer(http.StatusNoContent)
			w.later(longest)
			w.round(w.service(w.clock.Now))
			got := party.sent()
			if len(got) != tries+1 || w.left() != 0 {
				t.Fatalf("%d sent, %d left", len(got), w.left())
			}
			if last, _ := w.read(t, got[len(got)-1]); last.JTI != d.ID || !last.IssuedAt.Time().Equal(w.clock.Now()) {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestAClientWhoseDocumentCannotBeFetchedIsToldLater(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	party := w.newParty(t, "web", token.ES256)
	found := w.clients["web"]
	w.clients["web"] = nil
	w.add("web")
	s := w.service(w.clock.Now)
	w.round(s)
	if w.left() != 1 || !strings.Contains(w.log.String(), "backchannel_logout_failed") {
		t.Fatalf("%d left, %s", w.left(), w.log)
	}
	w.clients["web"] = found
	w.clock.Move(shortest)
	w.round(s)
	if len(party.sent()) != 1 || w.left() != 0 {
		t.Errorf("%d sent, %d left", len(party.sent()), w.left())
	}
}

func TestAClientIsGivenUpAfterADay(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	party := w.newParty(t, "web", token.ES256)
	party.answer(http.StatusBadGateway)
	w.add("web")
	s := w.service(w.clock.Now)
	for range 30 {
		w.round(s)
		w.later(time.Hour)
		s = w.service(w.clock.Now)
	}
	if tries := len(party.sent()); w.left() != 0 || tries < 12 || tries > 16 || !strings.Contains(w.log.String(), "backchannel_logout_given_up") {
		t.Errorf("%d tries, %d left", tries, w.left())
	}
}

func TestNobodyIsToldWhoIsGone(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	w.clients.add("silent", "", token.ES256)
	w.add("silent")
	w.add("gone")
	w.round(w.service(w.clock.Now))
	if w.left() != 0 {
		t.Errorf("%d left", w.left())
	}
}

// poster answers for all clients, without a network.
type poster func(ctx context.Context, url string) (int, error)

func (p poster) Post(ctx context.Context, url, _ string, _ []byte) (int, error) { return p(ctx, url) }

// Several nodes look at once: each token is sent once.
func TestTwoNodesDoNotSendTheSame(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), at(start))
			var sent sync.Map
			w.poster = poster(func(_ context.Context, url string) (int, error) {
				count, _ := sent.LoadOrStore(url, new(atomic.Int64))
				count.(*atomic.Int64).Add(1)
				return http.StatusOK, nil
			})
			const all = 40
			for i := range all {
				id := fmt.Sprintf("c%d", i)
				w.clients.add(id, "https://"+id, token.ES256)
				w.add(id)
			}
			begin := make(chan struct{})
			var nodes sync.WaitGroup
			for range 4 {
				s := w.service(w.clock.Now)
				nodes.Go(func() {
					<-begin
					w.round(s)
				})
			}
			close(begin)
			nodes.Wait()
			n := 0
			sent.Range(func(url, count any) bool {
				if n++; count.(*atomic.Int64).Load() != 1 {
					t.Errorf("%s was told %d times", url, count.(*atomic.Int64).Load())
				}
				return true
			})
			if n != all || w.left() != 0 {
				t.Errorf("%d told, %d left", n, w.left())
			}
		})
	}
}

// A kill in the middle of a delivery: the next process sends it again, at its
// time, with the same jti.
func TestARestartInTheMiddleForgetsNothing(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	ctx, kill := context.WithCancel(t.Context())
	w.poster = poster(func(ctx context.Context, _ string) (int, error) {
		kill()
		<-ctx.Done()
		return 0, ctx.Err()
	})
	w.clients.add("web", "https://web", token.ES256)
	w.add("web")
	if err := w.service(w.clock.Now).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if w.left() != 1 || strings.Contains(w.log.String(), "ERROR") {
		t.Fatalf("%d left; %s", w.left(), w.log)
	}
	told := 0
	w.poster = poster(func(context.Context, string) (int, error) { told++; return http.StatusOK, nil })
	w.open(w.clock.Now)
	s := w.service(w.clock.Now)
	if w.round(s); told != 0 {
		t.Fatal("it is somebody's still")
	}
	w.clock.Move(shortest)
	if w.round(s); told != 1 || w.left() != 0 {
		t.Fatalf("told %d times, %d left", told, w.left())
	}
}

// What was delivered at the very end of a process is not sent again.
func TestADeliveryIsForgottenThoughTheIssuerStops(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	ctx, stop := context.WithCancel(t.Context())
	w.poster = poster(func(context.Context, string) (int, error) { stop(); return http.StatusOK, nil })
	w.clients.add("web", "https://web", token.ES256)
	w.add("web")
	must(t, w.service(w.clock.Now).Run(ctx))
	if w.left() != 0 {
		t.Error("it would be sent again")
	}
}

// A client that never answers holds up nobody else.
func TestAClientThatHangsHoldsUpNobody(t *testing.T) {
	w := newWorld(t, mem.New(), at(start))
	release, told := make(chan struct{}), make(chan struct{})
	var hung atomic.Int64
	w.poster = poster(func(_ context.Context, url string) (int, error) {
		if url == "https://slow" {
			hung.Add(1)
			<-release
			return http.StatusGatewayTimeout, nil
		}
		close(told)
		return http.StatusOK, nil
	})
	w.clients.add("slow", "https://slow", token.ES256)
	w.clients.add("web", "https://web", token.ES256)
	for range 2 * atOnce {
		w.add("slow")
	}
	w.add("web")
	s := w.service(w.clock.Now)
	var sending sync.WaitGroup
	s.send(t.Context(), &sending)
	<-told
	close(release)
	sending.Wait()
	if got := hung.Load(); got != each {
		t.Errorf("%d deliveries to it were under way", got)
	}
	if w.left() != 2*atOnce || len(s.busy) != 0 {
		t.Errorf("%d left, %v busy", w.left(), s.busy)
	}
}

// The loop wakes up for what is added, and at the time of what failed.
func TestTheLoopWakesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mem.New(), time.Now)
		w.clock = nil
		w.open(time.Now)
		var tries []time.Time
		fails := errors.New("the network")
		w.poster = poster(func(context.Context, string) (int, error) {
			tries = append(tries, time.Now())
			if len(tries) < 3 {
				return 0, fails
			}
			return http.StatusOK, nil
		})
		w.clients.add("web", "https://web", token.ES256)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.service(time.Now).Run(ctx) }()
		synctest.Wait()
		added := time.Now()
		w.add("web")
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(tries) != 3 || tries[0].Sub(added) != 0 || tries[1].Sub(added) != shortest || tries[2].Sub(added) != 2*shortest {
			t.Errorf("tries after %v", tries)
		}
		stop()
		must(t, <-done)
	})
}
