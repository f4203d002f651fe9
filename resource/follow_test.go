package resource_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// inBubble runs fn in a bubble of its own time with an issuer, and a maker of
// verifiers that follow it.
func inBubble(t *testing.T, fn func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		i := issuertest.New(t, issuerURL)
		fn(t, i, func(opts ...resource.Option) *resource.Verifier {
			v := newVerifier(t, append([]resource.Option{resource.WithHTTPClient(i.Client())}, opts...)...)
			t.Cleanup(v.Close)
			return v
		})
	})
}

func wantVerify(t *testing.T, v *resource.Verifier, raw string, want error) {
	t.Helper()
	if _, err := v.Verify(t.Context(), raw); !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func wantState(t *testing.T, v *resource.Verifier, want resource.State) {
	t.Helper()
	if h := v.Health(); h.State != want {
		t.Errorf("state %s (%s), want %s", h.State, h.Problem, want)
	}
}

func TestTheFirstTokenWaitsForTheFirstKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		wantVerify(t, v, i.Token(), nil)
		wantState(t, v, resource.Following)
		if n := i.Fetches(issuertest.MetadataPath); n != 1 {
			t.Errorf("%d fetches of the metadata", n)
		}
	})
}

func TestAVerifierStartsBeforeItsIssuer(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		v := start()
		wantVerify(t, v, i.Token(), resource.ErrUnavailable)
		if _, err := v.Verify(t.Context(), i.Token()); errors.Is(err, resource.ErrInvalidToken) {
			t.Error("a token is called invalid though nobody could look")
		}
		wantState(t, v, resource.Starting)
		time.Sleep(time.Hour)
		i.Set(func(k *issuertest.Knobs) { k.Down = false })
		time.Sleep(6 * time.Second)
		wantState(t, v, resource.Following)
		wantVerify(t, v, i.Token(), nil)
	})
}

func TestARevokedKeyIsDeadWithinASecondWithTheTokensItSigned(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		for round := range 5 {
			raw := i.Token()
			wantVerify(t, v, raw, nil)
			wantVerify(t, v, raw, nil)
			time.Sleep(time.Duration(round) * 17 * time.Second)
			i.Publish(issuertest.NewKey(t, token.ES256, "next"))
			time.Sleep(time.Second)
			wantVerify(t, v, raw, resource.ErrUnknownKey)
			i.Publish(i.Key())
			time.Sleep(time.Second)
			wantVerify(t, v, raw, nil)
		}
	})
}

func TestALongPollCostsLittleWhileNothingChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(25 * time.Second))
		time.Sleep(50 * time.Minute)
		if n := i.Fetches(issuertest.JWKSPath); n < 115 || n > 125 {
			t.Errorf("%d fetches in 50 minutes of waits of 25 seconds", n)
		}
		wantState(t, v, resource.Following)
	})
}

func TestWithoutLongPollsTheCacheHeadersAreFollowed(t *testing.T) {
	for name, opt := range map[string]func(*issuertest.Issuer) resource.Option{
		"the issuer has none": func(i *issuertest.Issuer) resource.Option {
			i.Set(func(k *issuertest.Knobs) { k.NoLongPoll = true })
			return resource.WithLongPoll(25 * time.Second)
		},
		"the verifier wants none": func(*issuertest.Issuer) resource.Option { return resource.WithLongPoll(0) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				i.Set(func(k *issuertest.Knobs) { k.MaxAge = 60 })
				v := start(opt(i), resource.WithCooldown(time.Hour))
				raw := i.Token()
				wantVerify(t, v, raw, nil)
				i.Publish(issuertest.NewKey(t, token.ES256, "next"))
				time.Sleep(61 * time.Second)
				wantVerify(t, v, raw, resource.ErrUnknownKey)
				time.Sleep(time.Hour)
				if n := i.Fetches(issuertest.JWKSPath); n < 55 || n > 70 {
					t.Errorf("%d fetches in an hour of max-age=60", n)
				}
			})
		})
	}
}

func TestANewKeyIsFetchedOnceForTheTokenThatNeedsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(0))
		wantVerify(t, v, i.Token(), nil)
		next := issuertest.NewKey(t, token.ES256, "next")
		i.Publish(i.Key(), next)
		payload, _ := i.Claims().Marshal()
		h := i.Header()
		h["kid"] = "next"
		wantVerify(t, v, issuertest.Sign(t, next, h, payload), nil)
		if n := i.Fetches(issuertest.JWKSPath); n != 2 {
			t.Errorf("%d fetches, want the first and one more", n)
		}
	})
}

// unknownKid returns a token that passes every check up to its key.
func unknownKid(t *testing.T, i *issuertest.Issuer, kid string) string {
	h := i.Header()
	h["kid"] = kid
	payload, _ := i.Claims().Marshal()
	return issuertest.Sign(t, i.Key(), h, payload)
}

func TestTenThousandRandomKidsASecondCauseOneFetchACooldown(t *testing.T) {
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprintf("issuer down %t", down), func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				const cooldown = 10 * time.Second
				v := start(resource.WithLongPoll(0), resource.WithCooldown(cooldown), resource.WithMaxStale(3*time.Hour))
				raw := i.Token(func(c *token.Claims) { c.Expiry += 3600 })
				wantVerify(t, v, raw, nil)
				bad := make([]string, 100)
				for n := range bad {
					bad[n] = unknownKid(t, i, fmt.Sprintf("kid-%d", n))
				}
				synctest.Wait()
				var fetches atomic.Int64
				i.Set(func(k *issuertest.Knobs) {
					k.Override = countFetches(&fetches, down)
				})
				for range 20 { // two cooldowns: 0 to 10, 10 to 20 seconds, a hundred in each tenth
					for _, raw := range bad {
						if _, err := v.Verify(t.Context(), raw); err == nil {
							t.Fatal("accepted")
						}
					}
					time.Sleep(time.Second)
				}
				// A failure makes the follower itself retry no sooner: it is not due.
				if n := fetches.Load(); n > 2 {
					t.Errorf("%d fetches in two cooldowns", n)
				}
				wantVerify(t, v, raw, nil)
			})
		})
	}
}

func TestAThousandTokensAtOnceShareOneFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(0))
		wantVerify(t, v, i.Token(), nil)
		synctest.Wait()
		before := i.Fetches(issuertest.JWKSPath)
		bad := unknownKid(t, i, "x")
		gate, done := make(chan struct{}), make(chan error)
		for range 1000 {
			go func() {
				<-gate
				_, err := v.Verify(t.Context(), bad)
				done <- err
			}()
		}
		close(gate)
		for range 1000 {
			if err := <-done; !errors.Is(err, resource.ErrUnknownKey) {
				t.Fatal(err)
			}
		}
		if n := i.Fetches(issuertest.JWKSPath) - before; n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestAnOutageIsSurvivedForMaxStaleAndNoLonger(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		closed := start(resource.WithMaxStale(30 * time.Minute))
		open := start(resource.WithMaxStale(30*time.Minute), resource.WithFailOpen())
		raw := i.Token(func(c *token.Claims) { c.Expiry += 7200 })
		wantVerify(t, closed, raw, nil)
		wantVerify(t, open, raw, nil)
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		time.Sleep(29 * time.Minute)
		for _, v := range []*resource.Verifier{closed, open} {
			wantVerify(t, v, raw, nil)
			wantVerify(t, v, i.Token(), nil) // not only what is remembered
			wantState(t, v, resource.Outage)
		}
		time.Sleep(2 * time.Minute)
		wantVerify(t, closed, raw, resource.ErrUnavailable)
		wantState(t, closed, resource.Closed)
		wantVerify(t, open, raw, nil)
		wantVerify(t, open, i.Token(), nil)
		wantState(t, open, resource.Open)
		i.Set(func(k *issuertest.Knobs) { k.Down = false })
		time.Sleep(6 * time.Second)
		for _, v := range []*resource.Verifier{closed, open} {
			wantVerify(t, v, raw, nil)
			wantState(t, v, resource.Following)
		}
	})
}

func TestATokenWithAnUnknownKeyIsNotCalledInvalidInAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		wantVerify(t, v, i.Token(), nil)
		bad := unknownKid(t, i, "perhaps-new")
		wantVerify(t, v, bad, resource.ErrUnknownKey)
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		time.Sleep(time.Minute)
		wantVerify(t, v, bad, resource.ErrUnavailable)
	})
}

func TestAMachineThatSleptAsksBeforeItBelieves(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		var slept atomic.Int64 // the wall clock went on, no timer did
		v := start(resource.WithMaxStale(time.Minute), resource.WithCooldown(time.Second),
			resource.WithNow(func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }))
		raw := i.Token(func(c *token.Claims) { c.Expiry += 7200 })
		wantVerify(t, v, raw, nil)
		synctest.Wait()
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		slept.Store(int64(2 * time.Minute))
		wantVerify(t, v, raw, resource.ErrUnavailable)
		i.Set(func(k *issuertest.Knobs) { k.Down = false })
		slept.Store(int64(4 * time.Minute))
		wantVerify(t, v, raw, nil)
		slept.Store(int64(-time.Hour)) // set back: nothing grows older by it, and no cooldown lasts longer
		wantVerify(t, v, i.Token(func(c *token.Claims) { c.IssuedAt -= 7200 }), nil)
	})
}

func TestCloseEndsEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		wantVerify(t, v, i.Token(), nil)
		v.Close()
		v.Close()
		synctest.Wait()
		before := i.Fetches(issuertest.JWKSPath)
		time.Sleep(10 * time.Hour)
		wantVerify(t, v, unknownKid(t, i, "x"), resource.ErrUnavailable)
		if n := i.Fetches(issuertest.JWKSPath); n != before {
			t.Error("a closed Verifier still fetches")
		}
	})
}
