package resource_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/resource"
	"signet/resource/dpop/dpoptest"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// TestOneOfAHundredPresentationsOfAProofPasses presents it at once.
func TestOneOfAHundredPresentationsOfAProofPasses(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	h := newVerifier(t, static(i.Key()), ourselves).Middleware(whoami)
	c := newClient(t, i, "ES256")
	proof := c.prove()
	var passed atomic.Int32
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			<-start
			switch w := ask(h, "DPoP "+c.token, proof); w.Code {
			case 200:
				passed.Add(1)
			case 401:
			default:
				t.Errorf("got %d", w.Code)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := passed.Load(); n != 1 {
		t.Errorf("%d passed", n)
	}
}

func TestAProofIsRememberedAsLongAsItIsGoodAndThenForgotten(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	// Wherever in the life of the memory it comes.
	for begin := time.Duration(0); begin < 5*time.Minute; begin += 13 * time.Second {
		now := time.Unix(1700000000, 0)
		h := newVerifier(t, static(i.Key()), ourselves, resource.WithNow(func() time.Time { return now }), resource.WithReplayRoom(1)).Middleware(whoami)
		c := newClient(t, i, "ES256", func(c *token.Claims) { c.IssuedAt, c.Expiry = token.At(now), token.At(now.Add(time.Hour)) })
		prove := func(iat time.Time) string { return c.Proof("GET", posts, iat, dpoptest.ForToken(c.token)) }
		now = now.Add(begin)
		first, proof := now, prove(now.Add(30*time.Second)) // as far ahead as may be
		if w := ask(h, "DPoP "+c.token, proof); w.Code != 200 {
			t.Fatalf("at %s: %d %s", begin, w.Code, w.Body)
		}
		for ; now.Before(first.Add(4 * time.Minute)); now = now.Add(7 * time.Second) {
			if w := ask(h, "DPoP "+c.token, proof); w.Code != 401 {
				t.Fatalf("at %s, again after %s: %d", begin, now.Sub(first), w.Code)
			}
		}
		if w := ask(h, "DPoP "+c.token, prove(now)); w.Code != 200 { // there is room for one
			t.Errorf("at %s, another one later: %d %s", begin, w.Code, w.Body)
		}
	}
}

func TestWithoutRoomForProofsARequestIsToldToComeBack(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	h := newVerifier(t, static(i.Key()), ourselves, resource.WithReplayRoom(2)).Middleware(whoami)
	c := newClient(t, i, "ES256")
	first := c.prove()
	for n, r := range []struct {
		proof string
		code  int
	}{{first, 200}, {c.prove(), 200}, {c.prove(), 503}, {first, 401}} {
		if w := ask(h, "DPoP "+c.token, r.proof); w.Code != r.code || (r.code == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("request %d: %d %s", n, w.Code, w.Body)
		}
	}
	// Who has no token, or not its key, takes no room.
	h = newVerifier(t, static(i.Key()), ourselves, resource.WithReplayRoom(1)).Middleware(whoami)
	thief := client{dpoptest.NewKey(t, "ES256"), c.token}
	ask(h, "DPoP "+c.token, thief.prove())
	ask(h, "DPoP x", c.prove())
	ask(h, "DPoP "+c.token, c.prove(func(p *dpoptest.Parts) { p.Claims["htm"] = "POST" }))
	if w := ask(h, "DPoP "+c.token, c.prove()); w.Code != 200 {
		t.Errorf("the owner: %d", w.Code)
	}
}

// shared is a memory that two nodes ask.
type shared struct {
	mu   sync.Mutex
	seen map[[32]byte]time.Time
	err  error
}

func (s *shared) Remember(_ context.Context, id [32]byte, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, seen := s.seen[id]
	s.seen[id] = until
	return !seen, s.err
}

func TestNodesMayShareWhatTheyHaveSeen(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	s := &shared{seen: make(map[[32]byte]time.Time)}
	one := newVerifier(t, static(i.Key()), ourselves, resource.WithReplays(s)).Middleware(whoami)
	two := newVerifier(t, static(i.Key()), ourselves, resource.WithReplays(s)).Middleware(whoami)
	c := newClient(t, i, "ES256")
	proof := c.prove()
	if w := ask(one, "DPoP "+c.token, proof); w.Code != 200 {
		t.Errorf("the first: %d", w.Code)
	}
	if w := ask(two, "DPoP "+c.token, proof); w.Code != 401 {
		t.Errorf("the second, at another node: %d", w.Code)
	}
	for _, until := range s.seen {
		if left := time.Until(until); left < time.Minute || left > 2*time.Minute {
			t.Errorf("it is remembered for %s", left)
		}
	}
	s.err = errors.New("the table is gone")
	if w := ask(one, "DPoP "+c.token, c.prove()); w.Code != 503 {
		t.Errorf("without the memory: %d", w.Code)
	}
}

func TestARequirementDoesNotSpendTheProofAgain(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	v := newVerifier(t, static(i.Key()), ourselves)
	c := newClient(t, i, "ES256")
	h := v.Middleware(v.RequireScope("posts")(v.RequireRole("author")(whoami)))
	if w := ask(h, "DPoP "+c.token, c.prove()); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, challenges(w))
	}
}
