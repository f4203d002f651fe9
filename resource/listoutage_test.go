package resource_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"signet/resource"
	"signet/resource/internal/issuertest"
	"signet/resource/token"
)

// below answers everything under the lists' path.
func below(h http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, issuertest.ListsPath) {
			return false
		}
		h(w, r)
		return true
	}
}

// silences are the ways in which lists go silent while keys do not.
var silences = map[string]http.HandlerFunc{
	"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	"no answer": func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	},
	"half a body": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Preference-Applied", "wait=25")
		_, _ = w.Write([]byte("eyJ"))
		<-r.Context().Done()
	},
	"not changed, out of a cache": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Age", "7200")
		w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotModified)
	},
}

func TestASilenceOfListsIsBorneForAsLongAsTheOwnerChose(t *testing.T) {
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				a := i.OpenList("a", 16, false)
				closed := start(resource.WithStatusMaxStale(30 * time.Minute))
				open := start(resource.WithStatusMaxStale(30*time.Minute), resource.WithFailOpen())
				raw, dead := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
				i.Revoke("a", 2)
				both := func(good, state func(v *resource.Verifier)) {
					for _, v := range []*resource.Verifier{closed, open} {
						good(v)
						state(v)
						wantVerify(t, v, dead, resource.ErrRevoked) // for good, whoever is silent
					}
				}
				good := func(v *resource.Verifier) {
					wantVerify(t, v, raw, nil)
					wantVerify(t, v, i.Token(issuertest.At(a, 3)), nil) // not only what is remembered
				}
				following := func(v *resource.Verifier) { wantState(t, v, resource.Following) }
				both(good, following)
				synctest.Wait()
				i.Set(func(k *issuertest.Knobs) { k.Override = below(silence) })
				told := closed.Health().StatusConfirmed

				time.Sleep(29*time.Minute + 30*time.Second) // the last poll may have been answered already
				both(good, func(v *resource.Verifier) {
					if name != "not changed, out of a cache" { // which is no failure, and no news either
						wantState(t, v, resource.Outage)
					}
				})
				time.Sleep(time.Minute)
				wantVerify(t, closed, raw, resource.ErrUnavailable)
				wantVerify(t, closed, i.Token(issuertest.At(a, 3)), resource.ErrUnavailable)
				wantVerify(t, closed, dead, resource.ErrRevoked)
				wantState(t, closed, resource.Closed)
				if h := closed.Health(); h.Ready() || h.StatusConfirmed.Sub(told) > 30*time.Second {
					t.Errorf("got %+v, told at %s", h, told)
				}
				good(open)
				wantVerify(t, open, dead, resource.ErrRevoked)
				wantState(t, open, resource.Open)

				i.Revoke("a", 4) // while nobody hears it
				i.Set(func(k *issuertest.Knobs) { k.Override = nil })
				time.Sleep(11 * time.Minute)
				both(good, following)
				wantVerify(t, closed, i.Token(issuertest.At(a, 4)), resource.ErrRevoked)
				wantVerify(t, open, i.Token(issuertest.At(a, 4)), resource.ErrRevoked)
			})
		})
	}
}

func TestWhatWasRevokedWhileTheIssuerWasAwayIsRefusedWhenItIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		v := start()
		raw, dead := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, dead, nil)
		synctest.Wait()
		i.Set(func(k *issuertest.Knobs) {
			k.Down = true
			k.Override = below(silences["an error"]) // of the poll that is under way
		})
		time.Sleep(50 * time.Minute)
		i.Revoke("a", 2)
		wantVerify(t, v, dead, nil)
		wantState(t, v, resource.Outage)
		i.Set(func(k *issuertest.Knobs) { k.Down, k.Override = false, nil })
		time.Sleep(6 * time.Second)
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, dead, resource.ErrRevoked)
		wantState(t, v, resource.Following)
	})
}

func TestAnAnnouncementThatCannotBeReadIsSaidAndHarmsNoToken(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "{}", `{"status_lists":null}`, `{"status_lists":[1]}`, `{"status_lists":[],"status_lists":[]}`} {
		inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
			a := i.OpenList("a", 16, false)
			i.Set(func(k *issuertest.Knobs) {
				k.Override = on(issuertest.ListsPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
			})
			v := start()
			wantVerify(t, v, i.Token(issuertest.At(a, 1)), nil)
			synctest.Wait()
			if h := v.Health(); h.State != resource.Following || !strings.Contains(h.Problem, "list of status lists") {
				t.Errorf("%s: got %+v", body, h)
			}
		})
	}
}

func TestAListThatWasNeverHeardClosesOrOpens(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		i.Revoke("a", 2)
		i.Set(func(k *issuertest.Knobs) { k.Override = below(silences["an error"]) })
		closed, open := start(), start(resource.WithFailOpen())
		for range 2 {
			wantVerify(t, closed, i.Token(issuertest.At(a, 2)), resource.ErrUnavailable)
			wantState(t, closed, resource.Outage)
		}
		raw := i.Token(issuertest.At(a, 2))
		for range 2 {
			wantVerify(t, open, raw, nil)
		}
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
		time.Sleep(6 * time.Second)
		for _, v := range []*resource.Verifier{closed, open} {
			wantVerify(t, v, raw, resource.ErrRevoked)
			wantState(t, v, resource.Following)
		}
	})
}

func TestAMachineThatSleptAsksForItsListsBeforeItBelieves(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		var slept atomic.Int64 // the wall clock went on, no timer did
		v := start(resource.WithStatusMaxStale(time.Minute), resource.WithCooldown(time.Second),
			resource.WithNow(func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }))
		raw, dead := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, dead, nil)
		synctest.Wait()
		i.Set(func(k *issuertest.Knobs) { k.Override = below(silences["an error"]) })
		slept.Store(int64(2 * time.Minute))
		wantVerify(t, v, raw, resource.ErrUnavailable)
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
		i.Revoke("a", 2)
		synctest.Wait()
		slept.Store(int64(4 * time.Minute))
		wantVerify(t, v, raw, nil)
		wantVerify(t, v, dead, resource.ErrRevoked)
	})
}

func TestACopyOutOfACacheIsAsOldAsTheCacheSays(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		body := signedList(t, i, "a", nil, nil)
		i.Set(func(k *issuertest.Knobs) {
			k.Override = on(listA, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Age", strconv.Itoa(40*60))
				w.Header().Set("Cache-Control", "max-age=86400")
				_, _ = w.Write([]byte(body))
			})
		})
		v := start(resource.WithStatusMaxStale(45 * time.Minute))
		raw := i.Token(lasting, issuertest.At(a, 1))
		wantVerify(t, v, raw, nil)
		if h := v.Health(); time.Since(h.StatusConfirmed) != 40*time.Minute {
			t.Errorf("confirmed %s ago", time.Since(h.StatusConfirmed))
		}
		i.Set(func(k *issuertest.Knobs) { k.Override = below(silences["an error"]) })
		time.Sleep(6 * time.Minute)
		wantVerify(t, v, raw, resource.ErrUnavailable)
	})
}

func TestAListIsConfirmedOnlyUnderAKeyThatIsPublished(t *testing.T) {
	for _, left := range [][]any{nil, {issuertest.NewKey(t, token.ES256, "k2")}} { // none of that name, or another
		inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
			a := i.OpenList("a", 16, false)
			second := issuertest.NewKey(t, token.ES256, "k2")
			i.Publish(i.Key(), second)
			h, l := i.ListHeader(), i.List("a")
			h["kid"], l.Bits = "k2", []byte{1 << 2, 0}
			payload, _ := l.Marshal()
			i.PutList("a", issuertest.Sign(t, second, h, payload))
			v := start(resource.WithStatusMaxStale(10 * time.Minute))
			raw, dead := i.Token(lasting, issuertest.At(a, 1)), i.Token(lasting, issuertest.At(a, 2))
			wantVerify(t, v, raw, nil)
			time.Sleep(time.Hour)
			wantVerify(t, v, raw, nil)
			i.Publish(append(left, i.Key())...) // k2 was revoked, and the list stays as it was
			time.Sleep(9 * time.Minute)
			wantVerify(t, v, raw, nil)
			wantState(t, v, resource.Outage)
			time.Sleep(2 * time.Minute)
			wantVerify(t, v, raw, resource.ErrUnavailable)
			wantVerify(t, v, dead, resource.ErrRevoked)
			i.Revoke("a", 3) // signed with a key that is published
			time.Sleep(20 * time.Second)
			wantVerify(t, v, dead, resource.ErrRevoked)
			wantVerify(t, v, i.Token(issuertest.At(a, 3)), resource.ErrRevoked)
			wantVerify(t, v, raw, nil)
			wantState(t, v, resource.Following)
		})
	}
}

func TestAListIsNotConfirmedBeyondItsOwnTime(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		i.PutList("a", signedList(t, i, "a", nil, func(l *token.StatusList) { l.Expiry = l.IssuedAt + 1800 }))
		v := start(resource.WithStatusMaxStale(10 * time.Minute))
		raw := i.Token(lasting, issuertest.At(a, 1))
		wantVerify(t, v, raw, nil)
		time.Sleep(39 * time.Minute)
		wantVerify(t, v, raw, nil)
		wantState(t, v, resource.Outage)
		time.Sleep(2 * time.Minute)
		wantVerify(t, v, raw, resource.ErrUnavailable)
		i.Revoke("a", 3)
		time.Sleep(20 * time.Second)
		wantVerify(t, v, raw, nil)
	})
}

// Else whoever can make answers late could keep a revoked token alive for
// longer than its owner chose.
func TestASlowAnswerVouchesForTheTimeWhenItWasAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 16, false)
		raw := i.Token(issuertest.At(a, 1))
		const slowly = 8 * time.Second
		i.Set(func(k *issuertest.Knobs) {
			k.Override = func(_ http.ResponseWriter, r *http.Request) bool {
				select {
				case <-time.After(slowly):
				case <-r.Context().Done():
				}
				return false
			}
		})
		v := start()
		wantVerify(t, v, raw, nil)
		h := v.Health()
		if since := time.Since(h.StatusConfirmed); since < slowly {
			t.Errorf("the list is of %s ago", since)
		}
		if since := h.StatusConfirmed.Sub(h.Confirmed); since < slowly {
			t.Errorf("the keys are of %s before the list", since)
		}
	})
}
