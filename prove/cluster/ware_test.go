//go:build engines && unix

package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/resource"
)

// deafFor is how long after it was acknowledged a revocation may be unknown to a
// resource server: it may wait for the word of an issuer that is cut off from the
// store, which is not ready when its lease is over, and then haproxy ends the
// wait.
func deafFor() time.Duration {
	if *namespaces { // who was cut off hears again when its connections are found dead, by pings of 12 s at most
		return lease + 12*time.Second
	}
	return lease + 4*time.Second
}

// ware is an access token that is presented again and again.
type ware struct {
	access string
	*fate
}

// fate is what became of a grant and with it of its tokens, or of a token of a
// client's own.
type fate struct {
	mayEnd atomic.Bool               // somebody began to end it, or it was seen that it has ended
	ended  atomic.Pointer[time.Time] // when that had been acknowledged
}

// hasEnded is called once it was acknowledged.
func (f *fate) hasEnded() {
	now := time.Now()
	f.ended.Store(&now)
}

// guard is a resource server whose every answer is judged.
type guard struct {
	verifiers [2]*resource.Verifier

	mu      sync.Mutex
	wares   []*ware
	refused [2]map[*ware]bool // by each
	wrong   []string
	asked   int
	slowest time.Duration // of the revocations, since it was last asked
}

func newGuard(t *testing.T, url string) *guard {
	t.Helper()
	g := &guard{}
	for i := range g.verifiers {
		v, err := resource.New(url, "api", resource.WithLogger(quiet))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(v.Close)
		g.verifiers[i], g.refused[i] = v, map[*ware]bool{}
	}
	return g
}

// mostWares is how many are presented in turns: the newest.
const mostWares = 400

func (g *guard) add(w *ware) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wares = append(g.wares, w); len(g.wares) > mostWares {
		g.wares = g.wares[len(g.wares)-mostWares:]
	}
}

// stand presents them until ctx ends.
func (g *guard) stand(ctx context.Context, r *rand.Rand) {
	every := time.NewTicker(2 * time.Millisecond)
	defer every.Stop()
	for n := 0; ; n++ {
		select {
		case <-every.C:
			if w := g.any(r); w != nil {
				_ = g.present(ctx, n%len(g.verifiers), w)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (g *guard) any(r *rand.Rand) *ware {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.wares) == 0 {
		return nil
	}
	return g.wares[r.IntN(len(g.wares))]
}

// present asks one of the resource servers and judges what it says.
func (g *guard) present(ctx context.Context, i int, w *ware) error {
	g.mu.Lock()
	refused := g.refused[i][w]
	g.mu.Unlock()
	ended, begun := w.ended.Load(), time.Now()
	_, err := g.verifiers[i].Verify(ctx, w.access)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	switch {
	case errors.Is(err, resource.ErrExpired):
	case errors.Is(err, resource.ErrRevoked):
		g.refused[i][w] = true
	case err != nil:
		g.complain("a resource server refused a token: %v", err)
	case refused:
		g.complain("a resource server accepted a token that it had refused as revoked")
	case ended != nil:
		g.slowest = max(g.slowest, begun.Sub(*ended))
	}
	return err
}

func (g *guard) complain(format string, args ...any) {
	if len(g.wrong) < 10 {
		g.wrong = append(g.wrong, fmt.Sprintf(format, args...))
	}
}

// deaf is how long after its revocation a token was accepted, at most, since this
// was last asked.
func (g *guard) deaf() (longest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest, g.slowest = g.slowest, 0
	return longest
}

// audit asks both about all of them once more, when everything is well and
// nobody changes anything.
func (g *guard) audit(t *testing.T) {
	t.Helper()
	for i := range g.verifiers {
		for _, w := range g.wares {
			until(t.Context(), t, "a resource server says of a token what is so", func() bool {
				err := g.present(t.Context(), i, w)
				revoked := errors.Is(err, resource.ErrRevoked)
				return errors.Is(err, resource.ErrExpired) || w.ended.Load() == nil && err == nil || revoked && w.mayEnd.Load()
			})
		}
	}
	for _, refused := range g.refused {
		for w := range refused {
			if !w.mayEnd.Load() {
				g.complain("a resource server refused a good token as revoked")
			}
		}
	}
	late := g.deaf()
	t.Logf("resource servers were asked %d times; at last they accepted no token later than %s after its revocation", g.asked, late.Round(time.Millisecond))
	if late > deafFor() {
		t.Errorf("that should be %s at most", deafFor())
	}
	for _, wrong := range g.wrong {
		t.Error(wrong)
	}
}
