//go:build crash

package prove

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/prove/issuer"
	"signet/resource"
)

// staleness is how long the resource servers here go on without a word of the
// issuer. The others are what a judgement grants to a machine that is busy: to
// the issuer until it publishes a list that changed and to a goroutine until it
// runs, and to a resource server until it has taken in what it read.
const (
	staleness = 3 * time.Second
	slack     = 2 * time.Second
	takenIn   = time.Second
)

// ware is an access token that is presented again and again.
type ware struct {
	issuer.Tokens
	list string // the path of its status list

	taken    atomic.Bool               // somebody began to revoke it
	answered atomic.Pointer[time.Time] // when that had been acknowledged
}

// newWares signs people in.
func newWares(t *testing.T, home issuer.Home, n int) (wares []*ware) {
	t.Helper()
	for range n {
		w := &ware{Tokens: signedIn(t, home)}
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(w.Access, ".")[1])
		var claims struct {
			Status struct {
				List struct{ URI string } `json:"status_list"`
			}
		}
		if err == nil {
			err = json.Unmarshal(raw, &claims)
		}
		u, bad := url.Parse(claims.Status.List.URI)
		if err := errors.Join(err, bad); err != nil || u.Path == "" {
			t.Fatalf("a token without a status: %v", err)
		}
		w.list = u.Path
		wares = append(wares, w)
	}
	return wares
}

// revoke logs the person out.
func (w *ware) revoke(t *testing.T, home issuer.Home) {
	t.Helper()
	client := issuer.NewClient(home.URL)
	defer client.Close()
	w.taken.Store(true)
	if a := client.Logout(t.Context(), w.Refresh); a.Result != issuer.Done {
		t.Fatal(a)
	}
	now := time.Now()
	w.answered.Store(&now)
}

// guard is a resource server whose every answer is judged.
type guard struct {
	name  string
	open  bool // WithFailOpen
	words *words
	*resource.Verifier

	dark atomic.Pointer[time.Time] // since when no word of the issuer can reach it

	mu            sync.Mutex
	refused       map[*ware]bool
	asked, closed int // closed: that it could not say
	wrong         []string
}

// guards are two resource servers, one that fails closed and one that fails
// open, which reach the issuer by dial, or the usual way without it.
type guards [2]*guard

func newGuards(t *testing.T, home issuer.Home, dial func(context.Context, string, string) (net.Conn, error)) (both guards) {
	t.Helper()
	for i, name := range []string{"the one that fails closed", "the one that fails open"} {
		transport := &http.Transport{DialContext: dial}
		g := &guard{name: name, open: i == 1, words: &words{inner: transport, heard: map[string][]word{}}, refused: map[*ware]bool{}}
		opts := []resource.Option{
			resource.WithMaxStale(staleness), resource.WithStatusMaxStale(staleness), resource.WithLogger(quiet), resource.WithHTTPClient(&http.Client{Transport: g.words}),
		}
		if g.open {
			opts = append(opts, resource.WithFailOpen())
		}
		v, err := resource.New(home.URL, "api", opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(transport.CloseIdleConnections)
		t.Cleanup(v.Close)
		g.Verifier, both[i] = v, g
	}
	return both
}

// stand presents the wares in turns, two hundred a second at each, until the
// returned function is called, which fails the test for every wrong answer.
func (both guards) stand(t *testing.T, wares []*ware) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, g := range both {
		all.Go(func() {
			every := time.NewTicker(5 * time.Millisecond)
			defer every.Stop()
			for n := 0; ; n++ {
				select {
				case <-every.C:
					g.present(ctx, wares[n%len(wares)])
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return func() {
		stop()
		all.Wait()
		for _, g := range both {
			t.Logf("%s was asked %d times and could not say %d times", g.name, g.asked, g.closed)
			for _, wrong := range g.wrong {
				t.Errorf("%s: %s", g.name, wrong)
			}
		}
	}
}

// present asks the resource server and judges what it says. Every moment is
// read on the side that gives it the benefit of the doubt.
func (g *guard) present(ctx context.Context, w *ware) error {
	g.mu.Lock()
	refused := g.refused[w]
	g.mu.Unlock()
	answered, dark := w.answered.Load(), g.dark.Load()
	begun := time.Now()
	last := g.words.last("/.well-known/jwks.json", begun.Add(-takenIn))
	if of := g.words.last(w.list, begun.Add(-takenIn)); of.Before(last) {
		last = of
	}
	_, err := g.Verify(ctx, w.Access)
	ended := time.Now()
	if ctx.Err() != nil {
		return err
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	wrong := func(format string, args ...any) {
		if len(g.wrong) < 10 {
			g.wrong = append(g.wrong, fmt.Sprintf(format, args...))
		}
	}
	switch {
	case err == nil && refused:
		wrong("it accepted a token that it had refused as revoked")
	case err == nil && !g.open && answered != nil && begun.Sub(*answered) > staleness+slack:
		wrong("it accepted a token %s after its revocation", begun.Sub(*answered))
	case err == nil && !g.open && dark != nil && dark == g.dark.Load() && begun.Sub(*dark) > staleness+slack:
		wrong("it accepted a token after %s without a word of the issuer", begun.Sub(*dark))
	case errors.Is(err, resource.ErrUnavailable):
		g.closed++
		if g.open || ended.Sub(last) < staleness {
			wrong("it could not say, %s after it asked for what was the last word: %v", ended.Sub(last), err)
		}
	case err != nil:
		if g.refused[w] = true; !w.taken.Load() {
			wrong("it refused a good token: %v", err)
		}
	}
	return err
}

// await waits until both say of every ware what is so.
func (both guards) await(t *testing.T, wares []*ware) {
	t.Helper()
	for _, g := range both {
		for _, w := range wares {
			var last error
			so := func() bool {
				last = g.present(t.Context(), w)
				if w.answered.Load() != nil {
					return errors.Is(last, resource.ErrRevoked)
				}
				return last == nil
			}
			if err := until(t.Context(), readyWithin, so); err != nil {
				t.Fatalf("%s: revoked: %t, and %v %v", g.name, w.answered.Load() != nil, last, err)
			}
		}
	}
}

// lights says that no word of the issuer can reach them from now on, or that
// one can.
func (both guards) lights(on bool) {
	now := time.Now()
	for _, g := range both {
		if g.dark.Store(&now); on {
			g.dark.Store(nil)
		}
	}
}

// awaitClosed waits until the one that fails closed has closed.
func (both guards) awaitClosed(t *testing.T, w *ware) {
	t.Helper()
	if err := until(t.Context(), readyWithin, func() bool { return errors.Is(both[0].present(t.Context(), w), resource.ErrUnavailable) }); err != nil {
		t.Fatal("it never closes:", err)
	}
}
