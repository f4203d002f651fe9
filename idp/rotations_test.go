package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data/kv"
	"signet/data/kv/bolt"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"
	"signet/keys"
	"signet/resource"
)

const rotatingYAML = `
issuer: ` + bubbleURL + `
keys: {algs: [ES256], publish_ahead: 2m, rotate_every: 30d, lease: 10s, skew: 15s}
tokens: {access_ttl: 1m, id_ttl: 1m}
clients: [{id: robot, secret: ` + secretText + `, grant_types: [client_credentials]}]
`

// member is a node in a bubble's time that can be paused like a process.
type member struct {
	*bubble
	way *kvtest.Faulty

	mu     sync.Mutex
	resume chan struct{} // closed when the pause is over; nil: there is none
}

func (m *member) pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resume = make(chan struct{})
	m.way.Stall()
}

func (m *member) goOn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.resume != nil {
		close(m.resume)
		m.resume = nil
		m.way.Mend()
	}
}

func (m *member) paused() chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.resume
}

// RoundTrip is answered once the node runs.
func (m *member) RoundTrip(r *http.Request) (*http.Response, error) {
	if resume := m.paused(); resume != nil {
		select {
		case <-resume:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return m.bubble.RoundTrip(r)
}

// inTurn gives each request to the next member.
type inTurn struct {
	members []*member
	mu      sync.Mutex
	next    int
}

func (b *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.next++
	m := b.members[b.next%len(b.members)]
	b.mu.Unlock()
	return m.RoundTrip(r)
}

// newMembers starts nodes on one engine whose clocks are ahead by those times.
func newMembers(t *testing.T, yaml string, ahead ...time.Duration) *inTurn {
	t.Helper()
	engine, first := mem.New(), t.TempDir()
	b := &inTurn{}
	for i, off := range ahead {
		m := &member{way: kvtest.NewFaulty(engine, 24*time.Hour)}
		state, settings := first, []string(nil)
		if i > 0 {
			state, settings = t.TempDir(), []string{"SIGNET_MASTER_KEY_FILE=" + filepath.Join(first, "master.key")}
		}
		m.bubble = newBubbleOn(t, func(*bolt.Engine) kv.Engine { return m.way }, func() time.Time { return time.Now().Add(off) }, state, yaml, settings...)
		b.members = append(b.members, m)
	}
	t.Cleanup(func() {
		for _, m := range b.members {
			m.goOn()
			m.way.Mend()
			if err := errors.Join(m.end(), m.way.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	return b
}

// token asks the member for one; "" where it says that it cannot now.
func (m *member) token(t *testing.T) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, bubbleURL+"/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	must(t, err)
	r.Header.Set("Content-Type", formType)
	r.SetBasicAuth("robot", secretText)
	answer, err := m.RoundTrip(r)
	must(t, err)
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	must(t, json.Unmarshal(body, &got))
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a token gets %d %s", answer.StatusCode, body)
	}
	return got.AccessToken
}

type living struct {
	raw   string
	until time.Time
}

// Fifteen rotations, each as soon as the next key is ready, on three nodes whose
// clocks differ, one of which is paused at random for longer than its lease.
func TestNoValidTokenIsRefusedThroughFifteenRotationsOfThreeNodes(t *testing.T) {
	seeds := uint64(3)
	if raceDetector {
		seeds = 1 // each takes half a minute then
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { rotateFifteenTimes(t, rand.New(rand.NewPCG(seed, 6))) })
		})
	}
}

func rotateFifteenTimes(t *testing.T, chance *rand.Rand) {
	b := newMembers(t, rotatingYAML, 0, 5*time.Second, -5*time.Second)
	verifiers := map[string]*resource.Verifier{}
	for name, opts := range map[string][]resource.Option{"the one that waits": nil, "the one with a cache": {resource.WithLongPoll(0)}} {
		v, err := resource.New(bubbleURL, "api", append(opts, resource.WithHTTPClient(&http.Client{Transport: b}), resource.WithLogger(slog.New(slog.DiscardHandler)))...)
		must(t, err)
		defer v.Close()
		verifiers[name] = v
	}
	var tokens []living
	var mu sync.Mutex
	var asking sync.WaitGroup
	ask := func(m *member) {
		asking.Go(func() {
			if raw := m.token(t); raw != "" {
				mu.Lock()
				defer mu.Unlock()
				// By its own clock the node may be behind the verifier.
				tokens = append(tokens, living{raw, time.Now().Add(50 * time.Second)})
			}
		})
	}
	var resumeAt time.Time
	issued, rotated, pauses := 0, 0, 0
	for rotated < 15 {
		for _, m := range b.members {
			if m.paused() == nil || chance.IntN(10) == 0 { // some are under way when it is paused
				ask(m)
			}
		}
		for name, v := range verifiers {
			mu.Lock()
			known := slices.Clone(tokens) // nobody waits for a lock while time has to pass
			mu.Unlock()
			for _, one := range known {
				if _, err := v.Verify(t.Context(), one.raw); err != nil && time.Now().Before(one.until) {
					t.Fatalf("after %d rotations %s refuses a valid token: %v", rotated, name, err)
				}
			}
		}
		now := time.Now()
		switch paused := slices.IndexFunc(b.members, func(m *member) bool { return m.paused() != nil }); {
		case paused >= 0 && now.After(resumeAt):
			b.members[paused].goOn()
		case paused < 0 && chance.IntN(20) == 0:
			b.members[chance.IntN(3)].pause()
			resumeAt = now.Add(10*time.Second + time.Duration(chance.Int64N(int64(40*time.Second))))
			pauses++
		}
		if m := b.members[chance.IntN(3)]; m.paused() == nil {
			done, err := m.house.ring.Rotate(t.Context(), "", false)
			var early *keys.NotReadyError
			if err != nil && !errors.As(err, &early) {
				t.Fatal(err)
			}
			rotated += len(done)
		}
		time.Sleep(time.Second)
		mu.Lock()
		issued = max(issued, len(tokens))
		tokens = slices.DeleteFunc(tokens, func(l living) bool { return time.Now().After(l.until) })
		mu.Unlock()
	}
	for _, m := range b.members {
		m.goOn()
	}
	asking.Wait()
	if pauses < 3 || issued < 50 {
		t.Errorf("there were %d pauses, and %d tokens at once", pauses, issued)
	}
}

// A key that was revoked at one node does not come back with another one that
// was cut off and has not heard of it, within its lease or past it.
func TestARevokedKeyDoesNotReturnWithANodeThatIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMembers(t, rotatingYAML, 0, 0)
		for name, opts := range map[string][]resource.Option{"who waits": nil, "who has a cache": {resource.WithLongPoll(0)}} {
			v, err := resource.New(bubbleURL, "api", append(opts, resource.WithHTTPClient(&http.Client{Transport: b}),
				resource.WithLogger(slog.New(slog.DiscardHandler)))...)
			must(t, err)
			time.Sleep(3 * time.Minute) // the next key is ready
			stolen := b.members[0].token(t)
			if _, err := v.Verify(t.Context(), stolen); err != nil {
				t.Fatal(err)
			}
			b.members[1].way.Cut()
			_, err = b.members[0].house.ring.Revoke(t.Context(), kidOf(t, stolen), "stolen")
			must(t, err)
			refused := false
			for began := time.Now(); time.Since(began) < 50*time.Second; time.Sleep(time.Second / 4) {
				fresh := b.members[0].token(t)
				_, err := v.Verify(t.Context(), stolen)
				if refused && err == nil {
					t.Fatalf("after %s %s accepts a key that it knew to be revoked", time.Since(began), name)
				}
				if refused = refused || err != nil; !refused {
					continue
				}
				if _, err := v.Verify(t.Context(), fresh); err != nil {
					t.Fatalf("%s refuses a good token: %v", name, err)
				}
			}
			if name == "who waits" && !refused {
				t.Errorf("%s never heard of it", name)
			}
			b.members[1].way.Mend()
			v.Close()
		}
	})
}

func kidOf(t *testing.T, raw string) string {
	t.Helper()
	kid, _ := part(t, raw, 0)["kid"].(string)
	return kid
}
