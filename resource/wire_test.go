package resource_test

import (
	"context"
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

// countFetches counts requests for the JWK Set, and fails them when down.
func countFetches(n *atomic.Int64, down bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == issuertest.JWKSPath {
			n.Add(1)
		}
		if down {
			w.WriteHeader(http.StatusBadGateway)
		}
		return down
	}
}

// on answers one path.
func on(path string, h http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		h(w, r)
		return true
	}
}

func TestAnIssuerThatAnswersWronglyGivesNoKeys(t *testing.T) {
	for _, c := range []struct {
		name    string
		set     func(*issuertest.Knobs)
		problem string
	}{
		{"metadata of another issuer", func(k *issuertest.Knobs) { k.Issuer = "https://evil.example" }, "another issuer's"},
		{"metadata of the issuer with a slash", func(k *issuertest.Knobs) { k.Issuer = issuerURL + "/" }, "another issuer's"},
		{"a jwks_uri on plain http", func(k *issuertest.Knobs) { k.JWKSURI = "http://id.example/jwks" }, "jwks_uri"},
		{"a jwks_uri on plain loopback http", func(k *issuertest.Knobs) { k.JWKSURI = "http://localhost/jwks" }, "jwks_uri"},
		{"a jwks_uri that is a file", func(k *issuertest.Knobs) { k.JWKSURI = "file:///etc/passwd" }, "jwks_uri"},
		{"a jwks_uri that is relative", func(k *issuertest.Knobs) { k.JWKSURI = "/jwks" }, "jwks_uri"},
		{"metadata that redirects", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.MetadataPath, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, issuerURL+issuertest.OpenIDPath, http.StatusFound)
			})
		}, "status 302"},
		{"keys that redirect", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://evil.example/jwks", http.StatusTemporaryRedirect)
			})
		}, "status 307"},
		{"a server error", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.MetadataPath, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
		}, "status 500"},
		{"304 to who asked for no change", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) })
		}, "status 304"},
		{"metadata that is HTML", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.MetadataPath, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") })
		}, "not a JSON object"},
		{"keys without keys", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "{}") })
		}, "not a JWK Set"},
		{"a body without end", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
				for {
					if _, err := w.Write([]byte(strings.Repeat(" ", 4096))); err != nil {
						return
					}
				}
			})
		}, "too large"},
		{"a body that drips", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
				for {
					if _, err := w.Write([]byte(" ")); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
		}, "no answer in time"},
		{"no answer at all", func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, "no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
				i.Set(c.set)
				v := start()
				wantVerify(t, v, i.Token(), resource.ErrUnavailable)
				h := v.Health()
				if h.State != resource.Starting || !strings.Contains(h.Problem, c.problem) {
					t.Errorf("got %+v, want the problem %q", h, c.problem)
				}
				i.Set(func(k *issuertest.Knobs) { *k = issuertest.Knobs{} })
				time.Sleep(20 * time.Second)
				wantVerify(t, v, i.Token(), nil)
			})
		})
	}
}

func TestKeysThatWereGoodOutliveABadAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start()
		wantVerify(t, v, i.Token(), nil)
		for _, body := range []string{"", "null", "[]", `{"keys":null}`, `{"keys":{}}`, "<html>captive portal</html>"} {
			i.Set(func(k *issuertest.Knobs) {
				k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
			})
			time.Sleep(time.Minute)
			wantVerify(t, v, i.Token(), nil)
			wantState(t, v, resource.Outage)
		}
		// No keys at all is an answer: the issuer takes everything back.
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
		i.Publish()
		time.Sleep(10 * time.Second)
		wantVerify(t, v, i.Token(), resource.ErrUnknownKey)
	})
}

func TestOpenIDDiscoveryIsTakenWhereThereIsNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		i.Set(func(k *issuertest.Knobs) { k.NoMetadata = true })
		wantVerify(t, start(), i.Token(), nil)
	})
}

func TestAnAnswerThatIsLateDoesNotBringADeadKeyBack(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		v := start(resource.WithLongPoll(25*time.Second), resource.WithCooldown(time.Second))
		raw := i.Token()
		wantVerify(t, v, raw, nil)
		synctest.Wait()
		// The long poll that follows is answered with the old keys under a new
		// ETag, by a node that was slow to write them.
		old := i.Key().JWK()
		release := make(chan struct{})
		i.Set(func(k *issuertest.Knobs) {
			k.Override = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Prefer") == "" || r.URL.Path != issuertest.JWKSPath {
					return false
				}
				<-release
				w.Header().Set("ETag", `"late"`)
				w.Header().Set("Preference-Applied", "wait=25")
				fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":%q,"y":%q}]}`, old["x"], old["y"])
				return true
			}
		})
		time.Sleep(26 * time.Second) // the poll before ends, the slow one begins
		i.Publish(issuertest.NewKey(t, token.ES256, "next"))
		wantVerify(t, v, unknownKid(t, i, "x"), resource.ErrUnknownKey) // a newer request brings the new keys
		wantVerify(t, v, raw, resource.ErrUnknownKey)
		i.Set(func(k *issuertest.Knobs) { k.Override = nil })
		close(release)
		synctest.Wait()
		wantVerify(t, v, raw, resource.ErrUnknownKey)
	})
}

func TestACacheOnTheWayDoesNotBringADeadKeyBack(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		old := i.Key().JWK()
		made := time.Now().UTC().Format(http.TimeFormat)
		v := start(resource.WithCooldown(time.Second))
		raw := i.Token()
		wantVerify(t, v, raw, nil)
		time.Sleep(time.Minute)
		i.Publish(issuertest.NewKey(t, token.ES256, "next"))
		time.Sleep(time.Second)
		wantVerify(t, v, raw, resource.ErrUnknownKey)
		i.Set(func(k *issuertest.Knobs) {
			k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", made)
				w.Header().Set("Age", "61")
				w.Header().Set("ETag", `"v1"`)
				fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":%q,"y":%q}]}`, old["x"], old["y"])
			})
		})
		time.Sleep(2 * time.Minute)
		if _, err := v.Verify(t.Context(), raw); err == nil {
			t.Error("an old copy brought the key back")
		}
		wantState(t, v, resource.Outage)
	})
}

func TestALongPollThatBreaksDoesNotHideTheKeys(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		var polls atomic.Int64
		i.Set(func(k *issuertest.Knobs) {
			k.MaxAge = 60
			k.Override = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Prefer") == "" {
					return false
				}
				polls.Add(1)
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
		})
		v := start(resource.WithMaxStale(10 * time.Minute))
		raw := i.Token(func(c *token.Claims) { c.Expiry += 7200 })
		wantVerify(t, v, raw, nil)
		time.Sleep(time.Hour)
		wantVerify(t, v, raw, nil)
		wantState(t, v, resource.Following)
		if n := polls.Load(); n > 120 {
			t.Errorf("%d long polls in an hour, though none works", n)
		}
		i.Publish(issuertest.NewKey(t, token.ES256, "next"))
		time.Sleep(61 * time.Second)
		wantVerify(t, v, raw, resource.ErrUnknownKey)
	})
}

func TestAnIssuerThatEndsItsPollsAtOnceIsNotHammered(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusNotModified} {
		inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
			v := start()
			wantVerify(t, v, i.Token(), nil)
			var n atomic.Int64
			i.Set(func(k *issuertest.Knobs) {
				k.Override = on(issuertest.JWKSPath, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Preference-Applied", "wait=25")
					w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n.Add(1)))
					w.WriteHeader(status)
					if status == http.StatusOK {
						fmt.Fprint(w, `{"keys":[]}`)
					}
				})
			})
			time.Sleep(time.Minute)
			if n := n.Load(); n > 250 {
				t.Errorf("%d requests in a minute of answers with %d", n, status)
			}
		})
	}
}

// The rate at which lists may change is the rate at which one is asked for.
func TestAListThatChangesAllTheTimeIsAskedForTwentyTimesASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, i *issuertest.Issuer, start func(...resource.Option) *resource.Verifier) {
		a := i.OpenList("a", 512, false)
		v := start()
		wantVerify(t, v, i.Token(issuertest.At(a, 0)), nil)
		before := i.Fetches(issuertest.ListsPath + "/a")
		for place := range 500 { // one every 10 ms
			i.Revoke("a", place+1)
			time.Sleep(10 * time.Millisecond)
		}
		if n := i.Fetches(issuertest.ListsPath+"/a") - before; n < 80 || n > 105 {
			t.Errorf("%d requests in five seconds", n)
		}
	})
}

func TestTheWholeWayOverARealNetwork(t *testing.T) {
	i := issuertest.New(t, "")
	srv := httptest.NewServer(i)
	t.Cleanup(srv.Close)
	i.URL = srv.URL
	v, err := resource.New(srv.URL, issuertest.Audience, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	wantVerify(t, v, i.Token(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(ctx, i.Token()); err != nil {
		t.Errorf("a request that is over needs no fetch, and got %v", err)
	}
}
