//go:build crash

package prove

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"signet/prove/issuer"
	"signet/resource"
)

// fastKeys lets a key be ready 2.3 s after it was published. That leaves a
// max-age of 1.3 s, of which whole seconds are served: 1. A schedule with a
// max-age of exactly 1 s would serve 0, and this test would prove nothing.
var fastKeys = issuer.Settings{
	"keys.algs": "ES256", "keys.publish_ahead": "2300ms", "keys.lease": "1s", "keys.skew": "0s", "tokens.access_ttl": "4s",
}

const rotations = 30

var revocations = flag.Int("revocations", 10, "how many keys, and tokens, are revoked, one after the other")

// Thirty rotations, each as soon as it is allowed, under load: no resource
// server that obeys the cache headers refuses a single valid token.
func TestRotationsRefuseNoValidToken(t *testing.T) {
	home := newHome(t, fastKeys)
	start(t, home)
	one, two, plain := follow(t, home, resource.WithLongPoll(0)), follow(t, home, resource.WithLongPoll(0)), newPlainCache(home.URL)
	load := &tokenLoad{verify: map[string]func(context.Context, string) error{
		"the first resource server": one, "the second resource server": two, "the plain cache": plain.verify,
	}, kids: map[string]bool{}}
	for name, verify := range load.verify {
		awaitKeys(t, name, verify, signedIn(t, home))
	}

	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 2 {
		refresh := signedIn(t, home).Refresh
		all.Go(func() { load.mint(ctx, t, home, refresh) })
		all.Go(func() { load.check(ctx, t, rand.New(rand.NewPCG(*seed, uint64(i)))) })
	}
	begin := time.Now()
	for n := range rotations {
		if err := rotateWhenReady(t.Context(), home); err != nil {
			t.Errorf("rotation %d: %v", n+1, err)
			break
		}
	}
	stop()
	all.Wait()
	t.Logf("%d rotations in %s; %d tokens of %d keys; %d verifications, %d refused, %d requests put off; the plain cache fetched %d times, %d with a max-age of 1 s or more",
		rotations, time.Since(begin).Round(time.Second), load.minted.Load(), len(load.kids), load.verified.Load(), load.refused.Load(), load.putOff.Load(),
		plain.fetches.Load(), plain.cacheable.Load())
	if len(load.kids) < rotations {
		t.Errorf("only %d keys signed", len(load.kids))
	}
	if load.putOff.Load()*100 > load.verified.Load() {
		t.Error("the issuer was away too often: this proved nothing")
	}
	if took := time.Since(begin); plain.cacheable.Load() < int64(took/time.Second)/2 {
		t.Error("most of the time the JWKS could not be cached: this proved nothing")
	}
}

// A key that is revoked is refused within about a second by resource servers
// that wait for the issuer's word.
func TestARevokedKeyIsRefusedAtOnce(t *testing.T) {
	home := newHome(t, nil)
	start(t, home)
	verify := []func(context.Context, string) error{follow(t, home), follow(t, home)}
	const generous = 5 * time.Second
	for range *revocations {
		tokens := signedIn(t, home)
		for i, v := range verify {
			awaitKeys(t, fmt.Sprint("resource server ", i), v, tokens)
		}
		if _, err := command(t.Context(), home, "keys", "revoke", kidOf(tokens.Access), "--reason", "a test"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for i, v := range verify {
			if err := until(t.Context(), generous, func() bool { return v(t.Context(), tokens.Access) != nil }); err != nil {
				t.Fatalf("resource server %d still accepts it: %v", i, err)
			}
			t.Logf("resource server %d refuses the token %s after the command returned", i, time.Since(begin).Round(time.Millisecond))
		}
	}
}

// until asks every few milliseconds whether it is so.
func until(ctx context.Context, within time.Duration, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for !so() {
		select {
		case <-every.C:
		case <-ctx.Done():
			return fmt.Errorf("not within %s", within)
		}
	}
	return nil
}

func awaitKeys(t *testing.T, name string, verify func(context.Context, string) error, tokens issuer.Tokens) {
	t.Helper()
	var last error
	if err := until(t.Context(), readyWithin, func() bool { last = verify(t.Context(), tokens.Access); return last == nil }); err != nil {
		t.Fatalf("%s accepts no token: %v, %v", name, err, last)
	}
}

// follow makes a resource server as others do.
func follow(t *testing.T, home issuer.Home, opts ...resource.Option) func(context.Context, string) error {
	t.Helper()
	v, err := resource.New(home.URL, "api", append(opts, resource.WithLogger(quiet))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}
}

var people atomic.Int64

// signedIn registers someone and signs them in.
func signedIn(t *testing.T, home issuer.Home) issuer.Tokens {
	t.Helper()
	client := issuer.NewClient(home.URL)
	defer client.Close()
	email, password := fmt.Sprintf("p%d@example.com", people.Add(1)), "correct horse battery"
	if a := client.Register(t.Context(), email, password); a.Result != issuer.Done {
		t.Fatal(a)
	}
	tokens, a := client.Login(t.Context(), email, password)
	if a.Result != issuer.Done {
		t.Fatal(a)
	}
	return tokens
}

// rotateWhenReady waits for the moment that the issuer names, and rotates.
func rotateWhenReady(ctx context.Context, home issuer.Home) error {
	for range 20 {
		out, err := command(ctx, home, "keys", "list", "--json")
		if err != nil {
			return err
		}
		var list struct {
			Keys []struct {
				State   string    `json:"state"`
				ReadyAt time.Time `json:"ready_at"`
			} `json:"keys"`
		}
		if err := json.Unmarshal(out, &list); err != nil {
			return err
		}
		var ready time.Time
		for _, k := range list.Keys {
			if k.State == "pending" {
				ready = k.ReadyAt
			}
		}
		select {
		case <-time.After(time.Until(ready)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err = command(ctx, home, "keys", "rotate"); err == nil {
			return nil
		}
		if unlessExit(err) != nil {
			return err
		}
	}
	return fmt.Errorf("the pending key was never ready")
}

// tokenLoad mints tokens and has each verified by everyone, when it is new and
// at random moments of its life.
type tokenLoad struct {
	verify                            map[string]func(context.Context, string) error
	minted, verified, refused, putOff atomic.Int64

	mu     sync.Mutex
	kids   map[string]bool
	recent [256]string
}

func (l *tokenLoad) mint(ctx context.Context, t *testing.T, home issuer.Home, refresh string) {
	client := issuer.NewClient(home.URL)
	defer client.Close()
	for ctx.Err() == nil {
		tokens, a := client.Refresh(t.Context(), refresh)
		if a.Result == issuer.Unknown {
			l.putOff.Add(1)
			continue // an honest client asks again
		}
		if a.Result == issuer.Refused {
			t.Errorf("a refresh during rotations: %s", a)
			return
		}
		refresh = tokens.Refresh
		n := l.minted.Add(1)
		l.mu.Lock()
		l.kids[kidOf(tokens.Access)] = true
		l.recent[n%int64(len(l.recent))] = tokens.Access
		l.mu.Unlock()
		l.present(t, tokens.Access)
	}
}

func (l *tokenLoad) check(ctx context.Context, t *testing.T, r *rand.Rand) {
	every := time.NewTicker(2 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		l.mu.Lock()
		token := l.recent[r.IntN(len(l.recent))]
		l.mu.Unlock()
		if token != "" {
			l.present(t, token)
		}
	}
}

// present asks everyone. Who cannot tell at the moment, since the store of the
// issuer stands still for longer than the lease, has refused nothing.
func (l *tokenLoad) present(t *testing.T, token string) {
	for name, verify := range l.verify {
		err := verify(t.Context(), token)
		if errors.Is(err, resource.ErrUnavailable) {
			l.putOff.Add(1)
			continue
		}
		if err != nil && !time.Now().Before(expiry(token)) {
			continue // it had its time
		}
		l.verified.Add(1)
		if err != nil && l.refused.Add(1) <= 10 {
			t.Errorf("%s refused a valid token of key %s: %v", name, kidOf(token), err)
		}
	}
}

func expiry(token string) time.Time {
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims struct {
		Exp int64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return time.Time{}
	}
	return time.Unix(claims.Exp, 0)
}
