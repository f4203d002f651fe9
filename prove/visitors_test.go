//go:build crash

package prove

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/prove/issuer"
)

// What people and clients were told through browsers survives kill -9: who is
// signed in, what was allowed, which code is spent, which grant lives, which
// client registered itself. What was signed out, taken back or revoked stays so,
// and the client is told of each sign-out, however often the issuer was killed
// on the way.
func TestKillWhilePeopleVisitClients(t *testing.T) {
	t.Parallel()
	r := random(t)
	heard := newReceiver(t)
	home := newHome(t, issuer.Settings{
		"client_registration": "open", "tokens.code_ttl": "10m", "fetch.allow": "127.0.0.0/8",
		"throttle.request_burst": "100000",
	})
	rp := addClient(t, home, "rp", "--name", "A client", "--redirect-uri", callback, "--backchannel-logout-uri", heard.URL)
	var people []*visitor
	for i := range 16 {
		people = append(people, newVisitor(home, rp, rand.New(rand.NewPCG(r.Uint64(), uint64(i))), fmt.Sprint("visitor", i)))
	}
	var acknowledged, unanswered int64
	begin := time.Now()
	kills := max(*rounds/2, 1)
	for round := range kills {
		p, err := home.Start()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		all(t, people, (*visitor).audit)
		if !t.Failed() {
			o := visit(t, people, 1+r.Int64N(150), p.Kill)
			acknowledged += o.acknowledged.Load()
			unanswered += o.unanswered.Load()
		}
		p.Kill()
		if err := sound(t.Context(), filepath.Join(home.State, "signet.db")); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("round %d; the issuer's log:\n%.4000s", round, p.Log())
			return
		}
	}
	start(t, home)
	all(t, people, (*visitor).audit)
	told := heard.wait(t, people)
	t.Logf("%d kills in %s: %d acknowledgements, %d requests without an answer, %d sign-outs told",
		kills, time.Since(begin).Round(time.Second), acknowledged, unanswered, told)
	if unanswered == 0 || told == 0 {
		t.Error("no kill hit a request, or nobody signed out: this proved nothing")
	}
}

// addClient makes a client while no issuer runs.
func addClient(t *testing.T, home issuer.Home, id string, flags ...string) relyingParty {
	t.Helper()
	out, err := command(t.Context(), home, append([]string{"clients", "add", id, "--json"}, flags...)...)
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	if err != nil || made.Secret == "" {
		t.Fatalf("%v: %s", err, out)
	}
	return relyingParty{made.ID, made.Secret}
}

// all asks everyone at once.
func all[P any](t *testing.T, people []P, do func(P, context.Context) error) {
	t.Helper()
	var group sync.WaitGroup
	errs := make([]error, len(people))
	for i, v := range people {
		group.Go(func() { errs[i] = do(v, t.Context()) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// guest is somebody who asks for one thing after the other.
type guest interface {
	step(ctx context.Context) (answered bool, err error)
	close() // the connections
}

// visit lets everyone go on until there are count answers, calls enough at that
// very moment, and returns when everyone has noticed.
func visit[P guest](t *testing.T, people []P, count int64, enough func()) *outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	var o outcome
	var killed atomic.Bool
	var once sync.Once
	var group sync.WaitGroup
	for _, v := range people {
		group.Go(func() {
			for ctx.Err() == nil && !killed.Load() {
				answered, err := v.step(ctx)
				switch {
				case err != nil:
					o.fail(err)
					return
				case !answered:
					o.unanswered.Add(1)
				case o.acknowledged.Add(1) >= count:
					once.Do(func() { killed.Store(true); enough() })
				}
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		o.fail(fmt.Errorf("only %d answers within %s", o.acknowledged.Load(), readyWithin))
	}
	for _, err := range o.errs {
		t.Error(err)
	}
	for _, v := range people {
		v.close()
	}
	return &o
}

// receiver is where the client hears who has signed out (OpenID Connect
// Back-Channel Logout, section 2.5).
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	sids  map[string]bool
	heard chan struct{} // something more
}

func newReceiver(t *testing.T) *receiver {
	h := &receiver{sids: map[string]bool{}, heard: make(chan struct{}, 1)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if sid := claim(r.FormValue("logout_token"), "sid"); sid != "" {
			h.sids[sid] = true
		}
		select {
		case h.heard <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(h.Close)
	return h
}

// wait waits until all is told that must be, and holds that nothing else was.
func (h *receiver) wait(t *testing.T, people []*visitor) (told int) {
	t.Helper()
	late := time.After(readyWithin)
	for _, v := range people {
		for sid := range v.mustLeave {
			for !h.has(sid) {
				select {
				case <-h.heard:
				case <-late:
					t.Errorf("%s signed out, and the client was never told", v.Name)
					return told
				}
			}
			told++
		}
		if v.sid != "" && !v.mayLeave[v.sid] && h.has(v.sid) {
			t.Errorf("the client was told that %s signed out, who did not", v.Name)
		}
	}
	return told
}

func (h *receiver) has(sid string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sids[sid]
}
