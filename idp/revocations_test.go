package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"signet/resource"
	"signet/resource/token"
)

// coin is an access token in the model.
type coin struct {
	raw    string
	family *family // nil: a client's own
	client string
	ref    token.StatusRef
	kid    string
	end    time.Time
	made   time.Time
	dead   time.Time // when it was revoked, or zero
	byKey  bool      // its key was
}

func (c *coin) good(now time.Time) bool { return c.dead.IsZero() && now.Before(c.end) }

// family is a grant in the model: what one login gave.
type family struct {
	person  *human
	refresh []string // every refresh token, the newest last
	over    bool
}

type human struct {
	id, email, password string
	disabled, gone      bool
	admin               bool
}

// step is one thing that happens: which, to whom, and how long nothing happens
// after it.
type step struct {
	Move, Who int
	Pause     time.Duration
}

// Revocations of every kind, among people who log in, refresh and go, rotations
// and restarts, in any order. A token that the model calls good is accepted at
// every moment. A revoked one is refused within a second by a resource server
// that waits for the issuer's word, and within the time that a list may be kept
// by one that only obeys cache headers; then both accept exactly what the model
// calls good.
func TestAResourceServerAcceptsExactlyWhatIsGood(t *testing.T) {
	if raceDetector {
		t.Skip("two goroutines of a bubble whose timers are due at one instant crash the race detector of go1.26")
	}
	state := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
			return step{
				Move: rapid.IntRange(0, len(moves)-1).Draw(r, "move"),
				Who:  rapid.IntRange(0, 1<<16).Draw(r, "who"),
				Pause: rapid.SampledFrom([]time.Duration{
					0, 0, 0, 0, 0, 0, 0, 10 * time.Millisecond, time.Second, 59 * time.Second, 3 * time.Minute, 10 * time.Minute, 51 * time.Minute,
				}).Draw(r, "pause"),
			}
		}), 1, 25).Draw(r, "plan")
		n++
		dir := fmt.Sprintf("%s/%d", state, n)
		defer os.RemoveAll(dir)
		var failed error
		synctest.Test(t, func(t *testing.T) { failed = playRevocations(t, dir, plan) })
		if failed != nil {
			r.Fatal(failed)
		}
	})
}

// market is a run of the model beside the real thing.
type market struct {
	ctx      context.Context
	b        *bubble
	client   *http.Client
	verifier *resource.Verifier // waits for the issuer's word
	lazy     *resource.Verifier // obeys cache headers
	people   []*human
	families []*family
	coins    []*coin
	serial   int
}

// wrong is a difference between the model and what is so.
type wrong struct{ error }

func fail(format string, args ...any) { panic(wrong{fmt.Errorf(format, args...)}) }

func fine(err error) {
	if err != nil {
		fail("%w", err)
	}
}

// The one client that is not the first party's has the name of an audience, so
// that it may exchange whatever tokens are shown to it.
const robots = `
issuer: ` + bubbleURL + `
throttle: {free: 1000, network_burst: 100000, register_burst: 100000}
clients:
- {id: api, secret: ` + secretText + `, audiences: [api], exchange_audiences: [api], grant_types: [client_credentials, "` + exchangeGrant + `"]}
`

func playRevocations(t *testing.T, dir string, plan []step) (failed error) {
	b := newBubble(t, dir, robots, "SIGNET_KEYS_ALGS=ES256")
	defer func() { failed = errors.Join(failed, b.end()) }()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case wrong:
			failed = r
		default:
			panic(r)
		}
	}()
	client := &http.Client{Transport: b}
	m := &market{ctx: t.Context(), b: b, client: client}
	follow := func(opts ...resource.Option) *resource.Verifier {
		v, err := resource.New(bubbleURL, "api", append(opts, resource.WithHTTPClient(client), resource.WithCooldown(time.Millisecond),
			resource.WithLogger(slog.New(slog.DiscardHandler)))...)
		fine(err)
		return v
	}
	m.verifier, m.lazy = follow(), follow(resource.WithLongPoll(0))
	defer m.verifier.Close()
	defer m.lazy.Close()
	for n := range 3 {
		m.register()
		m.login(n)
		m.login(n)
		m.ownToken(n)
	}
	for i, s := range plan {
		began := time.Now()
		name := moves[s.Move].name
		moves[s.Move].do(m, s.Who)
		m.check(fmt.Sprintf("at once after step %d, %s", i, name), began, false)
		time.Sleep(s.Pause)
		m.check(fmt.Sprintf("%s after step %d, %s", s.Pause, i, name), began, false)
		time.Sleep(within)
		m.check(fmt.Sprintf("a second after step %d, %s", i, name), began, true)
	}
	time.Sleep(2 * cached)
	m.check("at the end", time.Now(), true)
	return nil
}

// What is promised: within a second for who waits, and within the time that the
// issuer lets a list be kept for who does not.
const (
	within = time.Second
	cached = time.Minute
)

// check holds both resource servers against the model. exactly is for a moment
// at which a second has passed since anything happened.
func (m *market) check(when string, began time.Time, exactly bool) {
	for _, c := range m.coins {
		for name, v := range map[string]*resource.Verifier{"the one that waits": m.verifier, "the one with a cache": m.lazy} {
			now := time.Now()
			_, err := v.Verify(m.ctx, c.raw)
			late := exactly && v == m.verifier || v == m.lazy && !c.byKey && now.Sub(c.dead) > cached+within
			switch {
			case c.good(now) && err != nil:
				fail("%s: %s refuses a good token, %s old: %w", when, name, now.Sub(c.made), err)
			case c.good(now):
			case err != nil && !errors.Is(err, resource.ErrInvalidToken):
				fail("%s: %s cannot say: %w", when, name, err)
			case err == nil && !now.Before(c.end):
				fail("%s: %s accepts a token that has expired", when, name)
			case err == nil && late:
				fail("%s: %s accepts a token that was revoked %s ago", when, name, now.Sub(c.dead))
			}
		}
	}
	m.coins = slices.DeleteFunc(m.coins, func(c *coin) bool { return began.After(c.end) })
}
