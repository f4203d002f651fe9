package resource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// resting returns a follower that asks nobody, at a time of its own.
func resting(now *time.Time) *follower {
	o := defaults()
	o.logger, o.now = slog.New(slog.DiscardHandler), func() time.Time { return *now }
	return newFollower(nil, "https://id.example", o)
}

// brings is an answer with one key, made at a time.
func brings(t *testing.T, kid string, made time.Time) answer {
	return answer{status: http.StatusOK, body: jwks(t, issuertest.NewKey(t, token.ES256, kid)), etag: kid, maxAge: -1, date: made}
}

// takes gives the follower an answer that it asked for just now.
func takes(f *follower, number uint64, etag string, a answer) error {
	a.asked = f.now()
	return f.keys.take(number, etag, a)
}

func TestAnswersCountInTheOrderOfTheirRequests(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	unchanged := answer{status: http.StatusNotModified, maxAge: -1}
	for _, c := range []struct {
		name string
		take func(f *follower) error
		kid  string // that is known afterwards
		err  error
		told bool // the issuer vouched for it just now
	}{
		{"a later request replaces", func(f *follower) error { return takes(f, 6, "", brings(t, "new", now)) }, "new", nil, true},
		{"an earlier one does not", func(f *follower) error { return takes(f, 4, "", brings(t, "old", now)) }, "held", nil, false},
		{"a later 304 confirms", func(f *follower) error { return takes(f, 6, "held", unchanged) }, "held", nil, true},
		{"an earlier 304 does not", func(f *follower) error { return takes(f, 4, "held", unchanged) }, "held", nil, false},
		{"a 304 for other keys does not", func(f *follower) error { return takes(f, 6, "other", unchanged) }, "held", nil, false},
		{"a 304 raises the bar for what began before it", func(f *follower) error {
			return errors.Join(takes(f, 7, "held", unchanged), takes(f, 6, "", brings(t, "old", now)))
		}, "held", nil, true},
		{"a cache with an older copy is refused", func(f *follower) error {
			a := brings(t, "old", now.Add(-time.Second))
			a.cached, a.age = true, time.Minute
			return takes(f, 6, "", a)
		}, "held", errOldCopy, false},
		{"a cache with a newer copy is believed, as of its age", func(f *follower) error {
			a := brings(t, "new", now.Add(time.Second))
			a.cached, a.age = true, time.Minute
			return takes(f, 6, "", a)
		}, "new", nil, false},
		{"a node that does not reach its store vouches for nothing", func(f *follower) error {
			a := unchanged
			a.cached, a.age, a.maxAge, a.date = true, time.Minute, 0, now
			err := takes(f, 6, "held", a)
			if f.keys.trouble() != errMemory {
				return fmt.Errorf("the trouble is %v", f.keys.trouble())
			}
			return err
		}, "held", nil, false},
		{"a node whose clock is behind is believed", func(f *follower) error {
			return takes(f, 6, "", brings(t, "new", now.Add(-time.Hour)))
		}, "new", nil, true},
		{"what is no JWK Set changes nothing", func(f *follower) error {
			return takes(f, 6, "", answer{status: http.StatusOK, body: []byte("{}")})
		}, "held", errJWKS, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := now
			f := resting(&now)
			if err := takes(f, 5, "", brings(t, "held", now)); err != nil {
				t.Fatal(err)
			}
			now = now.Add(10 * time.Second)
			if err := c.take(f); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			set := f.keys.last.Load()
			if _, ok := set.value.keys[c.kid]; !ok || len(set.value.keys) != 1 {
				t.Errorf("known are %v, want %s", set.value, c.kid)
			}
			if told := set.confirmed.Equal(now); told != c.told {
				t.Errorf("confirmed %t, want %t", told, c.told)
			}
		})
	}
}

// numbered is a set of one key from a node of the issuer, with the number of the
// version of the ring that the node knows.
func numbered(t *testing.T, kid string, rev int) answer {
	a := brings(t, kid, time.Time{})
	a.body = append(bytes.TrimSuffix(a.body, []byte("}")), fmt.Sprintf(`,"rev":%d}`, rev)...)
	return a
}

func TestANodeThatIsBehindBringsNoKeyBackAndTakesNoneAway(t *testing.T) {
	for _, c := range []struct {
		name string
		came answer
		kid  string // that is known afterwards
		err  error
	}{
		{"an earlier version is refused, though it was asked for later", numbered(t, "revoked", 6), "held", errOldCopy},
		{"the same version is taken", numbered(t, "held", 7), "held", nil},
		{"a later version is taken", numbered(t, "next", 8), "next", nil},
		{"a set without a number is taken", brings(t, "other", time.Time{}), "other", nil},
		{"what is no number is none", numbered(t, "other", -1), "other", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Unix(1_700_000_000, 0)
			f := resting(&now)
			if err := takes(f, 5, "", numbered(t, "held", 7)); err != nil {
				t.Fatal(err)
			}
			began := now
			now = now.Add(10 * time.Second)
			if err := takes(f, 6, "", c.came); !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			set := f.keys.last.Load()
			if _, ok := set.value.keys[c.kid]; !ok || len(set.value.keys) != 1 {
				t.Errorf("known are %v, want %s", set.value, c.kid)
			}
			if c.err != nil && !set.confirmed.Equal(began) {
				t.Error("an earlier version vouched for a later one")
			}
		})
	}
}

func TestWhoWantsMoreThanAnOldSetFindsTheNewOneWithoutAFetch(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	f := resting(&now)
	if err := takes(f, 1, "", brings(t, "k", now)); err != nil {
		t.Fatal(err)
	}
	if err := f.keys.ask(t.Context(), nil); err != nil || !f.keys.asked.IsZero() {
		t.Errorf("a fetch was made for what had come already: %v", err)
	}
}

func TestElapsedTimeIsNeverNegative(t *testing.T) {
	now := time.Now()
	if d := since(now, now.Add(time.Hour)); d != 0 {
		t.Errorf("got %s", d)
	}
	if d := since(now.Add(time.Hour), now); d != time.Hour {
		t.Errorf("got %s", d)
	}
}

func TestABodyHasNoExcuseAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuertest.New(t, "https://id.example")
		i.Set(func(k *issuertest.Knobs) {
			k.Override = func(w http.ResponseWriter, r *http.Request) bool {
				for {
					if _, err := w.Write([]byte(" ")); err != nil {
						return true
					}
					time.Sleep(time.Second)
				}
			}
		})
		o := defaults()
		o.client = i.Client()
		began := time.Now()
		_, err := newFetcher(o).get(context.Background(), "https://id.example/", `"x"`, time.Hour)
		if err == nil || !strings.Contains(err.Error(), "no answer in time") || time.Since(began) > fetchTimeout+time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		time.Sleep(2 * time.Second) // the drip finds that nobody listens
	})
}

func TestTheHeadersOfAnAnswerAreReadWithCare(t *testing.T) {
	for _, c := range []struct {
		header map[string]string
		want   string
	}{
		{nil, "maxAge=-1ns age=0s cached=false held=false"},
		{map[string]string{"Cache-Control": "public, max-age=60"}, "maxAge=1m0s age=0s cached=false held=false"},
		{map[string]string{"Cache-Control": `MAX-AGE="60"`}, "maxAge=1m0s age=0s cached=false held=false"},
		{map[string]string{"Cache-Control": "max-age=-5"}, "maxAge=-1ns age=0s cached=false held=false"},
		{map[string]string{"Cache-Control": "max-age=99999999999999999999"}, "maxAge=-1ns age=0s cached=false held=false"},
		{map[string]string{"Cache-Control": "max-age=2000000000"}, "maxAge=24h0m0s age=0s cached=false held=false"},
		{map[string]string{"Age": "7"}, "maxAge=-1ns age=7s cached=true held=false"},
		{map[string]string{"Age": "nonsense"}, "maxAge=-1ns age=0s cached=true held=false"},
		{map[string]string{"Preference-Applied": "respond-async, wait=10"}, "maxAge=-1ns age=0s cached=false held=true"},
		{map[string]string{"Preference-Applied": "waiting"}, "maxAge=-1ns age=0s cached=false held=false"},
	} {
		res := &http.Response{Header: make(http.Header)}
		for name, value := range c.header {
			res.Header.Set(name, value)
		}
		a := readHeader(res)
		if got := fmt.Sprintf("maxAge=%s age=%s cached=%t held=%t", a.maxAge, a.age, a.cached, a.held); got != c.want {
			t.Errorf("%v: got %s, want %s", c.header, got, c.want)
		}
	}
}
