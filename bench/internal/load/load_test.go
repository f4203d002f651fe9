package load

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func upTo(n int) Sample {
	var s Sample
	for i := n; i > 0; i-- {
		s.Latencies = append(s.Latencies, time.Duration(i))
	}
	return s
}

func TestPercentiles(t *testing.T) {
	for _, c := range []struct {
		n    int
		q    float64
		want time.Duration
		ok   bool
	}{
		{0, 0.5, 0, false}, {1, 0.5, 1, true}, {2, 0.5, 1, true}, {3, 0.5, 2, true}, {100, 0.5, 50, true},
		{100, 0.99, 0, false}, {999, 0.99, 0, false}, {1000, 0.99, 990, true},
		{9999, 0.999, 0, false}, {10000, 0.999, 9990, true},
	} {
		got, ok := upTo(c.n).Percentile(c.q)
		if got != c.want || ok != c.ok {
			t.Errorf("the share %g of 1 to %d: %d %t, want %d %t", c.q, c.n, got, ok, c.want, c.ok)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}}, {[]float64{2}, Spread{2, 2, 2}}, {[]float64{3, 1}, Spread{2, 1, 3}}, {[]float64{9, 1, 2}, Spread{2, 1, 9}},
	} {
		if got := SpreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRatiosAreTakenRoundByRound(t *testing.T) {
	at := func(n int) Sample {
		s := upTo(n)
		s.Elapsed = time.Second
		return s
	}
	got := SpreadOf(Ratios([]Sample{at(50), at(10), at(5)}, []Sample{at(100), at(20), at(0)}))
	if got != (Spread{0.5, 0.5, 0.5}) {
		t.Errorf("%v", got)
	}
}

func TestAClosedLoadAsksAgainWhenItHasItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := func(context.Context) error { time.Sleep(300 * time.Millisecond); return nil }
		s := Closed(t.Context(), []Call{call, call}, time.Second)
		// Four begin within the second on each, and the last ends after 1.2 s.
		if len(s.Latencies) != 8 || s.Elapsed != 1200*time.Millisecond {
			t.Errorf("%d latencies in %s", len(s.Latencies), s.Elapsed)
		}
	})
}

func TestAnOpenLoadCountsFromTheMomentThatWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		stalls := func(context.Context) error {
			if first {
				first = false
				time.Sleep(time.Second)
			}
			return nil
		}
		s := Open(t.Context(), []Call{stalls}, 10, time.Second)
		if len(s.Latencies) != 10 {
			t.Fatalf("%d requests", len(s.Latencies))
		}
		// The one that was due after 900 ms waited 100 ms for the one that stood still.
		if s.Latencies[0] != time.Second || s.Latencies[9] != 100*time.Millisecond {
			t.Errorf("%v", s.Latencies)
		}
	})
}

func TestAPatientCallerComesBackWhenItWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		put := func(context.Context) error { return &BusyError{RetryAfter: 3 * time.Second} }
		if s := Closed(t.Context(), []Call{Patient(put)}, 10*time.Second); s.Busy != 4 {
			t.Errorf("%d times", s.Busy)
		}
	})
}

func TestFailuresAreNoLatencies(t *testing.T) {
	var s Sample
	s.note(&BusyError{}, 1)
	s.note(errors.New("first"), 1)
	s.note(errors.New("second"), 1)
	s.note(nil, 7)
	if s.Busy != 1 || s.Errors != 2 || s.First == nil || len(s.Latencies) != 1 {
		t.Errorf("%+v", s)
	}
}

func TestACallThatHasNothingLeftToAskWithEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 3
		call := func(context.Context) error {
			if left == 0 {
				return ErrSpent
			}
			left--
			time.Sleep(100 * time.Millisecond)
			return nil
		}
		s := Closed(t.Context(), []Call{call}, time.Hour)
		if len(s.Latencies) != 3 || s.Errors != 0 || s.Elapsed != 300*time.Millisecond {
			t.Errorf("%d answers, %d errors in %s", len(s.Latencies), s.Errors, s.Elapsed)
		}
	})
}

func TestAConnectionAsksInTurn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/busy":
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/no":
			w.WriteHeader(http.StatusUnauthorized)
		case "/away":
			http.Redirect(w, r, "https://client.example/?code=c", http.StatusFound)
		case "/long": // in chunks
			io.WriteString(w, strings.Repeat("x", 100_000))
		default:
			io.WriteString(w, strings.Join([]string{r.Method, string(body), r.RemoteAddr,
				r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("Cookie")}, " "))
		}
	}))
	defer server.Close()
	c, err := Dial(server.URL + "/any/path")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	me := c.socket.LocalAddr().String()
	for _, q := range []struct {
		ask  Request
		want string
	}{
		{Request{Path: "/"}, "GET  " + me + "   "},
		{Request{Path: "/long"}, strings.Repeat("x", 100_000)},
		{Request{Path: "/", Body: []byte("{}"), Type: JSON}, "POST {} " + me + " application/json  "},
		{Request{Path: "/", Body: []byte{}, Type: Form}, "POST  " + me + " " + Form + "  "},
		{Request{Path: "/", Authorization: Bearer("x.y.z"), Cookie: "a=b"}, "GET  " + me + "  Bearer x.y.z a=b"},
	} {
		if got, err := c.Do(q.ask); err != nil || string(got) != q.want {
			t.Errorf("%+v: %.80q %v", q.ask, got, err)
		}
	}
	var status *StatusError
	if _, err := c.Get("/no"); !errors.As(err, &status) || status.Status != http.StatusUnauthorized {
		t.Errorf("%v", err)
	}
	var busy *BusyError
	if _, err := c.Get("/busy"); !errors.As(err, &busy) || busy.RetryAfter != 3*time.Second {
		t.Errorf("%v", err)
	}
	if to, err := c.Redirect(Request{Path: "/away"}); err != nil || to.Query().Get("code") != "c" {
		t.Errorf("%v %v", to, err)
	}
	if _, err := c.Redirect(Request{Path: "/"}); !errors.As(err, &status) || status.Status != http.StatusOK {
		t.Errorf("an answer that leads nowhere: %v", err)
	}
}

func TestAServerIsAURL(t *testing.T) {
	for _, server := range []string{"127.0.0.1:1", "ftp://127.0.0.1", "", "unix:/x"} {
		if c, err := Dial(server); err == nil {
			c.Close()
			t.Errorf("%q was dialed", server)
		}
	}
}
