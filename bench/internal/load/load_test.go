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

func TestAConnectionAsksInTurn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/busy":
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/long": // in chunks
			io.WriteString(w, strings.Repeat("x", 100_000))
		default:
			io.WriteString(w, r.Method+string(body)+r.RemoteAddr)
		}
	}))
	defer server.Close()
	c, err := Dial(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	me := c.socket.LocalAddr().String()
	for path, want := range map[string]string{"/": "GET" + me, "/long": strings.Repeat("x", 100_000)} {
		if got, err := c.Do(path, nil); err != nil || string(got) != want {
			t.Errorf("%s: %.50q %v", path, got, err)
		}
	}
	if got, err := c.Do("/", []byte("{}")); err != nil || string(got) != "POST{}"+me {
		t.Errorf("%q %v", got, err)
	}
	var busy *BusyError
	if _, err := c.Do("/busy", nil); !errors.As(err, &busy) || busy.RetryAfter != 3*time.Second {
		t.Errorf("%v", err)
	}
}
