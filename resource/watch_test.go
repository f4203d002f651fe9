package resource

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// held is a watch of words that holds one, at a time of its own.
func held(now *time.Time, d document[string]) *watch[string] {
	f := resting(now)
	d.read = func(body []byte) (string, time.Duration, error) { return string(body), time.Minute, nil }
	d.join = func(_ *string, came string) (string, error) { return came, nil }
	w := newWatch(f.crew, f.issuer, f.options, f.fetch, d)
	if err := w.take(1, "", answer{status: http.StatusOK, body: []byte("word"), etag: "1", maxAge: -1, asked: *now}); err != nil {
		panic(err)
	}
	return w
}

func TestWhatHasEndedStaysForgotten(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	w := held(&now, document[string]{})
	why := statusError(http.StatusGone)
	w.end(why)
	// A fetch that was under way comes back, or breaks off.
	if err := w.take(2, "", answer{status: http.StatusOK, body: []byte("late"), maxAge: -1}); !errors.Is(err, errEnded) || w.last.Load() != nil {
		t.Errorf("got %v, and %v is known", err, w.last.Load())
	}
	w.failed(context.Canceled)
	if err := w.trouble(); err != why {
		t.Errorf("it ended for %v", err)
	}
}

func TestWhatIsNoLongerGoodByItselfIsNotConfirmedByNoChange(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	good := true
	w := held(&now, document[string]{holds: func(string) bool { return good }})
	if w.etag(w.last.Load()) != "1" {
		t.Error("a request for what is good is not conditional")
	}
	told := now
	good, now = false, now.Add(time.Minute)
	if w.etag(w.last.Load()) != "" {
		t.Error("a request is conditional on what is no longer good")
	}
	err := w.take(2, "1", answer{status: http.StatusNotModified, maxAge: -1, asked: now})
	if e := w.last.Load(); !errors.Is(err, errLapsed) || e == nil || !e.confirmed.Equal(told) {
		t.Errorf("got %v, and %+v is known", err, e)
	}
}
