package resource_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

const (
	listA = issuertest.ListsPath + "/a"
	listB = issuertest.ListsPath + "/b"
)

// lasting makes a token live for two hours.
func lasting(c *token.Claims) { c.Expiry += 6600 }

// firsts counts requests for path that are not conditional on what is known.
func firsts(i *issuertest.Issuer, path string) *atomic.Int64 {
	n := new(atomic.Int64)
	i.Set(func(k *issuertest.Knobs) {
		k.Override = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path && r.Header.Get("If-None-Match") == "" {
				n.Add(1)
			}
			return false
		}
	})
	return n
}

func TestARevokedTokenIsRefusedAtOnceThoughItIsRemembered(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 1000, false)
		v := start()
		for n := range 5 {
			raw, other := i.Token(issuertest.At(a, n)), i.Token(issuertest.At(a, 100+n))
			for range 2 {
				wantVerify(t, v, raw, nil)
				wantVerify(t, v, other, nil)
			}
			time.Sleep(time.Duration(n) * 17 * time.Second)
			i.Revoke("a", n)
			synctest.Wait()
			for range 2 { // remembered, and not
				wantVerify(t, v, raw, resource.ErrRevoked)
			}
			wantVerify(t, v, other, nil)
			time.Sleep(time.Second) // the least time between two polls
		}
		wantState(t, v, resource.Following)
	})
}

func TestNothingIsAskedAboutListsUntilATokenNamesOne(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 1000, false)
		v := start()
		wantVerify(t, v, unknownKid(t, i, "x"), resource.ErrUnknownKey)
		time.Sleep(time.Hour)
		forged := i.Token(issuertest.At(a, 1))
		wantVerify(t, v, forged[:len(forged)-8]+"AAAAAAAA", resource.ErrSignature)
		synctest.Wait()
		if n := i.Fetches(listA) + i.Fetches(issuertest.ListsPath); n != 0 {
			t.Errorf("%d fetches for tokens that nobody signed", n)
		}
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
	})
}

func TestTheNextListIsThereBeforeATokenNamesIt(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Set(func(k *issuertest.Knobs) { k.MaxAge = 60 })
		a := i.OpenList("a", 1000, false)
		v := start()
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
		b := i.OpenList("b", 1000, false)
		i.Revoke("b", 7)
		time.Sleep(61 * time.Second)
		before := i.Fetches(listB)
		if before == 0 || v.Health().Lists != 2 {
			t.Errorf("%d fetches of a list that was announced, %+v", before, v.Health())
		}
		i.Set(func(k *issuertest.Knobs) { k.Down = true })
		wantVerify(t, v, i.Token(issuertest.At(b, 1)), nil)
		wantVerify(t, v, i.Token(issuertest.At(b, 7)), resource.ErrRevoked)
		if n := i.Fetches(listB) - before; n != 0 {
			t.Errorf("%d fetches for its first tokens", n)
		}
	})
}

func TestAThousandTokensShareOneFetchOfTheirList(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 1000, false)
		v := start()
		wantVerify(t, v, unknownKid(t, i, "x"), resource.ErrUnknownKey) // the keys are there
		n := firsts(i, listA)
		good, done := make(chan struct{}, 1000), make(chan struct{}, 1000)
		for place := range 1000 {
			raw := i.Token(issuertest.At(a, place))
			go func() {
				defer func() { done <- struct{}{} }()
				switch _, err := v.Verify(t.Context(), raw); {
				case err == nil:
					good <- struct{}{}
				case !errors.Is(err, resource.ErrUnavailable): // more waited than may
					t.Error(err)
				}
			}()
		}
		for range 1000 {
			<-done
		}
		if len(good) < 256 || n.Load() != 1 {
			t.Errorf("%d were accepted after %d fetches", len(good), n.Load())
		}
		synctest.Wait()
		if polls := i.Fetches(listA) - int(n.Load()); polls != 1 {
			t.Errorf("%d requests are waiting", polls)
		}
	})
}

func TestWithoutLongPollsAListIsAskedForWhenItsHeadersSay(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Set(func(k *issuertest.Knobs) { k.MaxAge, k.NoLongPoll = 30, true })
		a := i.OpenList("a", 1000, false)
		v := start()
		raw := i.Token(lasting, issuertest.At(a, 3))
		wantVerify(t, v, raw, nil)
		i.Revoke("a", 3)
		time.Sleep(31 * time.Second)
		wantVerify(t, v, raw, resource.ErrRevoked)
		before := i.Fetches(listA)
		time.Sleep(time.Hour)
		if n := i.Fetches(listA) - before; n < 110 || n > 125 {
			t.Errorf("%d fetches in an hour of max-age=30", n)
		}
	})
}

func TestAListSaysItselfHowLongItIsGood(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 1000, false)
		n := new(atomic.Int64)
		i.Set(func(k *issuertest.Knobs) {
			k.Override = on(listA, func(w http.ResponseWriter, _ *http.Request) { // no header at all, and a ttl of 60
				n.Add(1)
				fmt.Fprint(w, signedList(t, i, "a", nil, nil))
			})
		})
		v := start()
		wantVerify(t, v, i.Token(issuertest.At(a, 3)), nil)
		time.Sleep(time.Hour)
		if n := n.Load(); n < 55 || n > 65 {
			t.Errorf("%d fetches in an hour", n)
		}
	})
}

// A cache in front of the issuer may have ideas of its own (Token Status List,
// section 8.2).
func TestNoHeaderMakesAListGoodForLongerThanItSays(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Set(func(k *issuertest.Knobs) { k.MaxAge, k.NoLongPoll = 3600, true })
		a := i.OpenList("a", 1000, false) // with a ttl of 60
		wantVerify(t, start(), i.Token(lasting, issuertest.At(a, 3)), nil)
		time.Sleep(time.Hour)
		if n := i.Fetches(listA); n < 55 || n > 65 {
			t.Errorf("%d fetches in an hour", n)
		}
	})
}

func TestAListThatItsIssuerDoesNotKnowIsAskedForOnceACooldown(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusGone} {
		for _, opt := range []resource.Option{resource.WithFailOpen(), resource.WithCooldown(10 * time.Second)} {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				a := i.OpenList("a", 1000, true)
				n := new(atomic.Int64)
				i.Set(func(k *issuertest.Knobs) {
					k.Override = on(listA, func(w http.ResponseWriter, r *http.Request) {
						n.Add(1)
						w.WriteHeader(status)
					})
				})
				v := start(opt)
				for place := range 90 { // nine cooldowns
					wantVerify(t, v, i.Token(issuertest.At(a, place)), resource.ErrStatus)
					time.Sleep(time.Second)
				}
				if n := n.Load(); n < 2 || n > 10 {
					t.Errorf("%d fetches", n)
				}
				if h := v.Health(); h.State != resource.Following || h.Lists != 0 {
					t.Errorf("got %+v", h)
				}
				i.Set(func(k *issuertest.Knobs) { k.Override = nil })
				time.Sleep(10 * time.Second)
				wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
			})
		}
	}
}

func TestAListThatEndsIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a, b := i.OpenList("a", 1000, false), i.OpenList("b", 1000, false)
		v := start()
		raw := i.Token(lasting, issuertest.At(a, 1))
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, i.Token(issuertest.At(b, 1)), nil)
		i.CloseList("a")
		time.Sleep(time.Second)
		if h := v.Health(); h.Lists != 1 || h.State != resource.Following {
			t.Errorf("got %+v", h)
		}
		wantVerify(t, v, raw, resource.ErrStatus)
		time.Sleep(time.Hour)
		if n := i.Fetches(listA); n > 5 {
			t.Errorf("%d fetches of a list that is over", n)
		}
	})
}

func TestAListThatIsAnnouncedAndNotFoundIsAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 1000, false)
		v := start()
		raw := i.Token(lasting, issuertest.At(a, 1))
		wantVerify(t, v, raw, nil)
		i.Set(func(k *issuertest.Knobs) {
			k.Override = on(listA, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
		})
		time.Sleep(59 * time.Minute)
		wantVerify(t, v, raw, nil)
		wantState(t, v, resource.Outage)
		time.Sleep(2 * time.Minute)
		wantVerify(t, v, raw, resource.ErrUnavailable)
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
		time.Sleep(6 * time.Second)
		wantVerify(t, v, raw, nil)
	})
}

func TestNobodyCanMakeUsFollowListsWithoutEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		var listed []string
		for n := range 100 {
			listed = append(listed, fmt.Sprintf("%s/other-%d", issuerURL+issuertest.ListsPath, n))
		}
		i.Set(func(k *issuertest.Knobs) { k.AlsoListed = append(listed, "https://evil.example/list") })
		a := i.OpenList("a", 1000, false)
		v := start()
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
		synctest.Wait()
		if n := v.Health().Lists; n != 32 {
			t.Errorf("%d lists are followed of those that are announced", n)
		}
		for n := range 40 {
			want := error(nil)
			if n >= 32 {
				want = resource.ErrUnavailable
			}
			wantVerify(t, v, i.Token(issuertest.At(i.OpenList(fmt.Sprint(n), 8, true), 1)), want)
		}
	})
}

func TestATokenWithoutStatusIsRefusedOnceItsIssuerHasLists(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		raw := i.Token(lasting)
		wantVerify(t, v, raw, nil)
		i.OpenList("a", 8, false)
		time.Sleep(time.Hour + time.Minute) // the metadata is read again
		wantVerify(t, v, raw, resource.ErrStatus)
		wantVerify(t, v, i.Token(), resource.ErrStatus)
	})
}

func TestAnIssuerMayHaveListsAndNameNoPlaceOfAll(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		wantVerify(t, v, i.Token(), nil)
		a := i.OpenList("a", 8, false)
		i.Revoke("a", 2)
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
		wantVerify(t, v, i.Token(issuertest.At(a, 2)), resource.ErrRevoked)
		if n := i.Fetches(issuertest.ListsPath); n != 0 {
			t.Errorf("%d fetches of what was not named", n)
		}
		i.CloseList("a")
		time.Sleep(time.Second)
		wantVerify(t, v, i.Token(issuertest.At(a, 1)), resource.ErrStatus)
	})
}

func TestGivenKeysMeanThatNoListIsRead(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	a := i.OpenList("a", 8, false)
	i.Revoke("a", 2)
	wantVerify(t, newVerifier(t, static(i.Key())), i.Token(issuertest.At(a, 2)), nil)
}

func TestWhoGoesAwayDoesNotWaitForAList(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 8, false)
		i.Set(func(k *issuertest.Knobs) {
			k.Override = on(listA, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		})
		v := start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := v.Verify(ctx, i.Token(issuertest.At(a, 1))); !errors.Is(err, resource.ErrUnavailable) || time.Since(began) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
	})
}

func TestCloseEndsTheListsToo(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a, b := i.OpenList("a", 8, false), i.OpenList("b", 8, true)
		v := start()
		raw := i.Token(issuertest.At(a, 1))
		wantVerify(t, v, raw, nil)
		v.Close()
		synctest.Wait()
		before := i.Fetches(listA) + i.Fetches(issuertest.ListsPath)
		time.Sleep(5 * time.Minute)
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, i.Token(issuertest.At(b, 1)), resource.ErrUnavailable)
		if n := i.Fetches(listA) + i.Fetches(issuertest.ListsPath) - before; n != 0 {
			t.Errorf("a closed Verifier still made %d fetches", n)
		}
	})
}

func TestARevokedTokenIsAnsweredAsAnInvalidOne(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 8, false)
		i.Revoke("a", 2)
		h := start(resource.WithResource("https://api.example")).Middleware(whoami)
		for place, text := range map[int]string{2: "the token was revoked", 8: "the token's status cannot be learned"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+i.Token(issuertest.At(a, place)))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := `Bearer error="invalid_token", error_description="` + text + `", ` + metadataParam
			if got := w.Header()["Www-Authenticate"]; w.Code != 401 || got[0] != want || !strings.Contains(w.Body.String(), text) {
				t.Errorf("got %d %q %s", w.Code, got, w.Body)
			}
		}
	})
}

func TestATokenThatIsRememberedCostsLittleWithItsList(t *testing.T) {
	i := issuertest.New(t, issuerURL)
	a := i.OpenList("a", 1<<20, false)
	v := newVerifier(t, resource.WithHTTPClient(i.Client()))
	raw := i.Token(issuertest.At(a, 1<<20-1))
	wantVerify(t, v, raw, nil)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := v.Verify(t.Context(), raw); err != nil {
			t.Error(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
}
