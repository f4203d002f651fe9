package session

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"

	"pgregory.net/rapid"
)

func TestWhatACookieLeadsTo(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *browser) *browser // who then asks
		in   bool
		log  bool
	}{
		{"the present one", func(b *browser) *browser { return b }, true, false},
		{"the one before, at once", func(b *browser) *browser {
			old := b.copy()
			b.load()
			return old
		}, true, false},
		{"the one before, when the answer was lost a week ago", func(b *browser) *browser {
			b.lose()
			b.w.clock.Move(7 * 24 * time.Hour)
			return b
		}, true, false},
		{"the one before, when several answers were lost", func(b *browser) *browser {
			for range 5 {
				b.lose()
				b.w.clock.Move(time.Hour)
			}
			return b
		}, true, false},
		{"the one before, once its successor was used for a while", func(b *browser) *browser {
			old := b.copy()
			b.load()
			b.w.clock.Move(seenEvery)
			b.load()
			return old
		}, false, true},
		{"a successor that was never used, after the one before got another", func(b *browser) *browser {
			other := b.copy()
			b.load()
			b.w.clock.Move(grace)
			other.load()
			return b
		}, false, true},
		{"the one before the one before", func(b *browser) *browser {
			old := b.copy()
			b.load()
			b.w.clock.Move(turnEvery)
			b.load()
			return old
		}, false, true},
		{"a forged secret behind a name that is known", func(b *browser) *browser {
			name, _, _ := strings.Cut(b.cookie(), ".")
			b.jar[b.w.session.name] = name + "." + strings.Repeat("A", partSize)
			return b
		}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mem.New())
			b := w.newBrowser()
			b.signIn(w.ann)
			w.clock.Move(turnEvery)
			who := c.play(b)
			if got := len(who.who()) == 1; got != c.in {
				t.Errorf("signed in: %v", got)
			}
			if got := strings.Contains(w.log.String(), `"event":"session_cookie_reused"`); got != c.log {
				t.Errorf("the log: %s", w.log)
			}
			for _, value := range []string{b.cookie(), who.cookie()} {
				for _, part := range strings.Split(value, ".") {
					if strings.Contains(w.log.String(), part) {
						t.Error("the cookie is in the log")
					}
				}
			}
			if !c.in && len(b.who()) != 0 {
				t.Error("the session goes on")
			}
		})
	}
}

// A hundred requests at once with one cookie: one new secret, one write, and
// everybody gets in.
func TestAHundredRequestsAtOnceGetOneSuccessor(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			b := w.newBrowser()
			b.signIn(w.ann)
			for range 3 {
				w.clock.Move(turnEvery)
				before := w.engine.Writes.Load()
				recs := make([]*httptest.ResponseRecorder, 100)
				start := make(chan struct{})
				var wg sync.WaitGroup
				for i := range recs {
					recs[i] = httptest.NewRecorder()
					r := b.request()
					wg.Go(func() {
						<-start
						if s, err := w.Load(context.Background(), recs[i], r); err != nil || len(s.Accounts) != 1 {
							t.Error(s, err)
						}
					})
				}
				close(start)
				wg.Wait()
				tab := b.copy()
				b.take(recs[0])
				for _, rec := range recs {
					if tab.take(rec); len(tab.last) != 1 || tab.cookie() != b.cookie() {
						t.Fatal("two successors")
					}
				}
				if got := w.engine.Writes.Load() - before; got != 1 {
					t.Fatalf("%d writes", got)
				}
			}
		})
	}
}

// A sign-out and other requests at once: whatever comes first, nobody is
// signed in afterwards.
func TestASignOutIsNotOvertaken(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			for range 20 {
				b := w.newBrowser()
				b.signIn(w.ann)
				w.clock.Move(turnEvery)
				tabs := []*browser{b.copy(), b.copy(), b.copy()}
				account := b.lose().Accounts[0]
				hash := b.lose().Hash
				var wg sync.WaitGroup
				for _, tab := range tabs {
					wg.Go(func() { tab.load() })
				}
				wg.Go(func() { _ = w.Touch(context.Background(), hash, account.ID, "web") })
				wg.Go(func() { b.copy().signOut("") })
				wg.Wait()
				for _, tab := range append(tabs, b) {
					if len(tab.who()) != 0 {
						t.Fatal("signed out, and still in")
					}
				}
			}
		})
	}
}

// A failing store: what the browser was told is true, and a failure signs
// nobody out.
func TestAFailureSignsNobodyOut(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	w.clock.Move(turnEvery)
	failing := &failingEngine{Engine: w.engine.Engine}
	w.engine.Engine = failing
	for _, after := range []bool{false, true} { // killed before the write, or after it
		failing.fail, failing.after = true, after
		rec := httptest.NewRecorder()
		if _, err := w.Load(t.Context(), rec, b.request()); !errors.Is(err, errKilled) || len(rec.Result().Cookies()) != 0 {
			t.Fatal(err, rec.Result().Cookies())
		}
		failing.fail = false
		if len(b.lose().Accounts) != 1 {
			t.Fatal("signed out")
		}
		w.clock.Move(time.Hour)
	}
	if len(b.who()) != 1 {
		t.Fatal("signed out")
	}
}

var errKilled = errors.New("test: killed")

// failingEngine fails writes, before or after they happened.
type failingEngine struct {
	kv.Engine
	fail, after bool
}

func (e *failingEngine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	if e.fail && !e.after {
		return errKilled
	}
	if err := e.Engine.Update(ctx, fn); err != nil || !e.fail {
		return err
	}
	return errKilled
}

// play is a run of browsers that begin as one.
type play struct {
	*world
	t *rapid.T
}

func newPlay(r *rapid.T, t *testing.T) (*play, *browser) {
	p := &play{world: newWorld(t, mem.New()), t: r}
	b := p.newBrowser()
	b.signIn(p.ann)
	return p, b
}

func (p *play) pass(longest time.Duration) {
	p.clock.Move(min(longest, rapid.SampledFrom([]time.Duration{
		0, 1, time.Second, grace - 1, grace, seenEvery, turnEvery - 1, turnEvery, time.Hour, 24 * time.Hour, -1, -time.Minute, -24 * time.Hour,
	}).Draw(p.t, "pause")))
}

// An honest browser, alone: answers get lost, tabs ask at once, the issuer is
// started again, the clock jumps back. It stays signed in.
func TestAnHonestBrowserIsNeverSignedOut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p, b := newPlay(r, t)
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			p.pass(24 * time.Hour)
			in := false
			switch rapid.IntRange(0, 4).Draw(r, "how") {
			case 0:
				in = len(b.lose().Accounts) == 1
			case 1: // two tabs, whose answers come in the other order
				first, second := httptest.NewRecorder(), httptest.NewRecorder()
				request := b.request()
				_, err1 := p.Load(context.Background(), first, request)
				s, err2 := p.Load(context.Background(), second, request)
				in = err1 == nil && err2 == nil && len(s.Accounts) == 1
				b.take(second)
				b.take(first)
			case 2:
				p.open("https://id.example.com")
				in = len(b.who()) == 1
			default:
				in = len(b.who()) == 1
			}
			if !in {
				r.Fatal("an honest browser was signed out")
			}
		}
	})
}

// A cookie is copied, and both go on, each with what they get. The four times
// that they show a cookie, each when a turn is due, cannot all be answered: the
// session is dead, for both and for good. (Who shows the same cookie within the
// grace is another tab to everyone.)
func TestACopiedCookieIsFound(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p, owner := newPlay(r, t)
		for range rapid.IntRange(0, 3).Draw(r, "turns before") {
			p.clock.Move(turnEvery)
			owner.load()
		}
		thief := owner.copy()
		for _, who := range rapid.Permutation([]*browser{owner, owner, thief, thief}).Draw(r, "order") {
			p.clock.Move(turnEvery + time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(r, "pause")))
			who.load()
		}
		if len(owner.who()) != 0 || len(thief.who()) != 0 {
			r.Fatal("both go on")
		}
		if !strings.Contains(p.log.String(), "session_cookie_reused") {
			r.Fatal("nobody was told")
		}
	})
}

// At any moment at most two secrets open a session, however many there were.
func TestAtMostTwoSecretsAreGood(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p, b := newPlay(r, t)
		seen := map[string]bool{b.cookie(): true}
		for range rapid.IntRange(1, 20).Draw(r, "steps") {
			p.pass(time.Hour)
			b.load()
			seen[b.cookie()] = true
		}
		session, err := p.store.Sessions.Get(context.Background(), b.load().Hash)
		must(p.t, err)
		good := 0
		for value := range seen {
			name, secret, _ := strings.Cut(value, ".")
			v := session
			if !p.decide(&v, newCookie(name, secret)).stolen {
				good++
			}
		}
		if good < 1 || good > 2 {
			r.Fatalf("%d secrets are good", good)
		}
	})
}
