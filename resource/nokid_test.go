package resource_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// nameless is a good token whose header names no key.
func nameless(t *testing.T, i *issuertest.Issuer) string {
	t.Helper()
	return namelessBy(t, i, i.Key())
}

// namelessBy is nameless, signed with another key.
func namelessBy(t *testing.T, i *issuertest.Issuer, key issuertest.Key) string {
	t.Helper()
	header := i.Header()
	delete(header, "kid")
	payload, err := i.Claims().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return issuertest.Sign(t, key, header, payload)
}

// entry is a key as one that is published without a name.
func entry(k issuertest.Key) map[string]any {
	m := k.JWK()
	delete(m, "kid")
	return m
}

func TestATokenThatNamesNoKeyEndsWithTheKeyThatSignedIt(t *testing.T) {
	for name, publish := range map[string]func(issuertest.Key) any{
		"a key with a kid":    func(k issuertest.Key) any { return k },
		"a key without a kid": func(k issuertest.Key) any { return entry(k) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				i.Publish(publish(i.Key()))
				v := start()
				first, second := nameless(t, i), nameless(t, i)
				wantVerify(t, v, first, nil)

				// Beside another key nobody can tell which one a token means, but
				// for one of which that was found out.
				next := issuertest.NewKey(t, token.ES256, "next")
				i.Publish(publish(i.Key()), publish(next))
				time.Sleep(time.Second)
				wantVerify(t, v, first, nil)
				wantVerify(t, v, second, resource.ErrHeader)

				i.Publish(publish(next))
				time.Sleep(time.Second)
				wantVerify(t, v, first, resource.ErrSignature)
				wantVerify(t, v, second, resource.ErrSignature)
			})
		})
	}
}

func TestAKeyThatIsPublishedWithoutAKidHasItsThumbprintForOne(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Publish(entry(i.Key()))
		v := start()
		got, err := v.Verify(t.Context(), nameless(t, i))
		if err != nil || len(got.KeyID()) != 43 {
			t.Fatalf("got %v, %v", got, err)
		}
		wantVerify(t, v, i.Token(), resource.ErrUnknownKey) // which names k1
	})
}

func TestTokensThatNameNoKeyCauseNoMoreFetchesThanThoseThatNameAnUnknownOne(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(0))
		wantVerify(t, v, i.Token(), nil)
		time.Sleep(time.Minute)
		i.Publish(issuertest.NewKey(t, token.EdDSA, "ed"))
		before := i.Fetches(issuertest.JWKSPath)
		wantVerify(t, v, nameless(t, i), nil) // of a key that is still known
		for range 50 {
			wantVerify(t, v, unsignedFor(t, i, "RS256"), resource.ErrUnknownKey)
		}
		if n := i.Fetches(issuertest.JWKSPath) - before; n != 1 {
			t.Errorf("%d fetches", n)
		}
		i.Publish(issuertest.NewKey(t, token.ES256, "a"), issuertest.NewKey(t, token.ES256, "b"))
		time.Sleep(time.Hour)
		before = i.Fetches(issuertest.JWKSPath)
		wantVerify(t, v, nameless(t, i), resource.ErrHeader)
		wantVerify(t, v, nameless(t, i), resource.ErrHeader)
		if n := i.Fetches(issuertest.JWKSPath) - before; n != 1 {
			t.Errorf("%d fetches for tokens that could mean several keys", n)
		}
	})
}

// unsignedFor is nameless under another algorithm, with a signature of no
// worth.
func unsignedFor(t *testing.T, i *issuertest.Issuer, alg string) string {
	t.Helper()
	payload, err := i.Claims().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return issuertest.Sign(t, i.Key(), map[string]any{"alg": alg, "typ": token.TypAccess}, payload)
}

func TestARotationOfKeysWithoutKidsIsFollowedAtTheFirstToken(t *testing.T) {
	old, next := issuertest.NewKey(t, token.ES256, "old"), issuertest.NewKey(t, token.ES256, "next")
	for name, before := range map[string][]any{
		"from one key":  {entry(old)},
		"from two keys": {entry(old), entry(next)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				i.Publish(before...)
				v := start(resource.WithLongPoll(0))
				synctest.Wait() // the keys are there
				i.Publish(entry(next))
				wantVerify(t, v, namelessBy(t, i, next), nil)
				wantVerify(t, v, namelessBy(t, i, old), resource.ErrSignature)
				if n := i.Fetches(issuertest.JWKSPath); n != 2 {
					t.Errorf("%d fetches, want the first and one more", n)
				}
			})
		})
	}
}

func TestAListWithoutAKidIsReadAfterARotationOfKeysWithoutKids(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a, ed := i.OpenList("a", 8, false), issuertest.NewKey(t, token.EdDSA, "")
		i.Publish(i.Key(), entry(issuertest.NewKey(t, token.EdDSA, "")))
		v := start(resource.WithLongPoll(0))
		synctest.Wait()
		i.Publish(i.Key(), entry(ed))
		payload, err := i.List("a").Marshal()
		if err != nil {
			t.Fatal(err)
		}
		header := map[string]any{"alg": token.EdDSA, "typ": token.TypStatusList}
		i.PutList("a", issuertest.Sign(t, ed, header, payload))
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
	})
}

func TestTokensWithoutAKidThatNobodySignedCauseOneFetchACooldown(t *testing.T) {
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprintf("issuer down %t", down), func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				v := start(resource.WithLongPoll(0), resource.WithCooldown(10*time.Second))
				wantVerify(t, v, nameless(t, i), nil)
				synctest.Wait()
				var fetches atomic.Int64
				i.Set(func(k *issuertest.Knobs) { k.Override = countFetches(&fetches, down) })
				want := resource.ErrSignature
				if down { // the key may be new
					want = resource.ErrUnavailable
				}
				stranger := issuertest.NewKey(t, token.ES256, "")
				for range 20 { // two cooldowns
					for range 20 {
						wantVerify(t, v, namelessBy(t, i, stranger), want)
					}
					time.Sleep(time.Second)
				}
				if n := fetches.Load(); n > 2 || n == 0 {
					t.Errorf("%d fetches in two cooldowns", n)
				}
				wantVerify(t, v, nameless(t, i), nil)
			})
		})
	}
}

func TestAWrongSignatureUnderAKidCausesNoFetch(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(0))
		synctest.Wait()
		before := i.Fetches(issuertest.JWKSPath)
		forged := i.Token()
		wantVerify(t, v, forged[:len(forged)-8]+"AAAAAAAA", resource.ErrSignature)
		if n := i.Fetches(issuertest.JWKSPath) - before; n != 0 {
			t.Errorf("%d fetches", n)
		}
	})
}
