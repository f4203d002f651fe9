package grpcauth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"signet/resource"
	"signet/resource/grpcauth"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const expired = "Unauthenticated invalid_token: the token has expired"

// bubble runs a test in time of its own, in which a token lives for ten
// minutes, and ends what it began.
func bubble(t *testing.T, chatting grpc.StreamHandler, test func(t *testing.T, i *issuertest.Issuer, w world)) {
	synctest.Test(t, func(t *testing.T) {
		i := issuertest.New(t, issuerURL)
		v := newVerifier(t, i)
		synctest.Wait() // the first keys are there
		test(t, i, newWorld(t, v, chatting))
	})
}

func TestNoMessagePassesOnceTheTokenHasExpired(t *testing.T) {
	bubble(t, echo, func(t *testing.T, i *issuertest.Issuer, w world) {
		s := w.open(t.Context(), t, i.Token())
		hear(s)
		time.Sleep(10*time.Minute - time.Nanosecond)
		say(s, "in time")
		if got := hear(s); got != "in time" {
			t.Errorf("just before: heard %q", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait() // of those who wake at the same moment, the context is one
		say(s, "late")
		if got := hear(s); got != expired || len(s.Trailer()["www-authenticate"]) != 1 {
			t.Errorf("just after: heard %q, trailer %v", got, s.Trailer())
		}
	})
}

// A method that only sends need not be told: it ends with its context, and the
// client does not take what it got for all there is.
func TestAMethodThatWaitsEndsWithTheToken(t *testing.T) {
	for name, result := range map[string]error{"nothing": nil, "an error of its own": errors.New("interrupted"), "the context's": context.DeadlineExceeded} {
		t.Run("and returns "+name, func(t *testing.T) {
			waits := func(_ any, ss grpc.ServerStream) error {
				<-ss.Context().Done()
				if err := ss.SendMsg(&message{Service: "too late"}); err == nil {
					t.Error("a message was sent")
				}
				return result
			}
			bubble(t, waits, func(t *testing.T, i *issuertest.Issuer, w world) {
				began := time.Now()
				s := w.open(t.Context(), t, i.Token())
				if got := hear(s); got != expired || time.Since(began) != 10*time.Minute {
					t.Errorf("heard %q after %v", got, time.Since(began))
				}
			})
		})
	}
}

func TestARevokedKeyEndsAStreamWithTheNextMessage(t *testing.T) {
	bubble(t, echo, func(t *testing.T, i *issuertest.Issuer, w world) {
		s := w.open(t.Context(), t, i.Token())
		hear(s)
		i.Publish(issuertest.NewKey(t, token.ES256, "k2"))
		time.Sleep(time.Second)
		say(s, "hello")
		if got, want := hear(s), "Unauthenticated invalid_token: the token was signed with a key that its issuer does not publish"; got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	})
}

func TestARevokedTokenEndsItsStreamWithTheNextMessage(t *testing.T) {
	bubble(t, echo, func(t *testing.T, i *issuertest.Issuer, w world) {
		here := i.OpenList("a", 100, false)
		revoked, other := w.open(t.Context(), t, i.Token(issuertest.At(here, 7))), w.open(t.Context(), t, i.Token(issuertest.At(here, 8)))
		hear(revoked)
		hear(other)
		i.Revoke("a", 7)
		time.Sleep(time.Second)
		say(revoked, "hello")
		if got := hear(revoked); got != "Unauthenticated invalid_token: the token was revoked" {
			t.Errorf("heard %q", got)
		}
		say(other, "hello")
		if got := hear(other); got != "hello" {
			t.Errorf("on another stream: heard %q", got)
		}
	})
}

// The method reads only, so that no SendMsg can judge in its place.
func TestWhatArrivesUnderARevokedKeyIsNotRead(t *testing.T) {
	read := make(chan string, 2)
	reads := func(_ any, ss grpc.ServerStream) error {
		for {
			var m message
			if err := ss.RecvMsg(&m); err != nil {
				return err
			}
			read <- m.Service
		}
	}
	bubble(t, reads, func(t *testing.T, i *issuertest.Issuer, w world) {
		s := w.open(t.Context(), t, i.Token())
		say(s, "before")
		synctest.Wait()
		i.Publish(issuertest.NewKey(t, token.ES256, "k2"))
		time.Sleep(time.Second)
		say(s, "after")
		if got := hear(s); got == "EOF" || len(read) != 1 || <-read != "before" {
			t.Errorf("heard %q, and %d more were read", got, len(read))
		}
	})
}

func TestAStreamEndsWhenTokensCanNoLongerBeJudged(t *testing.T) {
	bubble(t, echo, func(t *testing.T, i *issuertest.Issuer, w world) {
		s := w.open(t.Context(), t, i.Token(func(c *token.Claims) { c.Expiry += 86400 }))
		hear(s)
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		time.Sleep(2 * time.Hour) // the last keys are good for one
		say(s, "hello")
		if got := hear(s); got != "Unavailable temporarily_unavailable: tokens cannot be checked at the moment" {
			t.Errorf("heard %q", got)
		}
	})
}

// alone is a stream with nothing but a context.
type alone struct {
	grpc.ServerStream
	ctx context.Context
}

func (a alone) Context() context.Context { return a.ctx }

// A client that goes, goes for reasons of its own.
func TestAStreamThatEndsByItselfEndsAsItsMethodSays(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	auth, err := grpcauth.New(newVerifier(t, i), rules)
	if err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+i.Token())))
	defer hangUp()
	for _, want := range []error{nil, errors.New("its own"), context.Canceled} {
		err := auth.Stream(nil, alone{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
			if want == context.Canceled {
				hangUp()
				<-ss.Context().Done()
			}
			return want
		})
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// counting is a Guard that counts how often it judges.
type counting struct {
	resource.Guard
	calls *int
}

func (c counting) AdmitBearer(ctx context.Context, values []string, need resource.Requirement) (context.Context, error) {
	*c.calls++
	return c.Guard.AdmitBearer(ctx, values, need)
}

func TestATokenIsJudgedOnceASecondHoweverManyMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := issuertest.New(t, issuerURL)
		calls := 0
		w := newWorld(t, counting{newVerifier(t, i), &calls}, echo)
		s := w.open(t.Context(), t, i.Token())
		hear(s)
		for range 30 { // three seconds
			time.Sleep(100 * time.Millisecond)
			say(s, "hello")
			if got := hear(s); got != "hello" {
				t.Fatalf("heard %q", got)
			}
		}
		if calls != 4 {
			t.Errorf("judged %d times", calls)
		}
		_ = s.CloseSend()
		hear(s)
	})
}
