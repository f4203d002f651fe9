package status

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"signet/data"
	"signet/data/kv/mem"
	"signet/keys"
	"signet/resource/token"
)

func TestAListIsSignedAsTheDraftSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		n.prepare()
		slot := n.draw()
		n.revoke(slot)
		n.prepare()

		d := n.list(slot.List)
		header, payload := opened(t, d)
		signer, err := n.ring.Snapshot().Signer(token.ES256)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"alg":"ES256","kid":"` + signer.KID() + `","typ":"statuslist+jwt"}`; header != want {
			t.Errorf("the header is %s, want %s", header, want)
		}
		// Compression may change with Go; what is compressed may not.
		packed := regexp.MustCompile(`"lst":"[^"]*"`)
		uri := issuer + "/oauth2/status_lists/" + slot.List.String()
		want := `{"iss":"https://id.example","sub":"` + uri + `","iat":946684800,"exp":946685400,"ttl":60,` +
			`"status_list":{"bits":1,"lst":"","aggregation_uri":"https://id.example/oauth2/status_lists"}}`
		if got := packed.ReplaceAllString(payload, `"lst":""`); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		set := make([]byte, data.StatusSize/8)
		set[slot.Index/8] = 1 << (slot.Index % 8)
		if parsed, err := token.ParseStatusList([]byte(payload)); err != nil || !bytes.Equal(parsed.Bits, set) {
			t.Errorf("the bits are others, or %v", err)
		}
		if d.MaxAge != time.Minute || !strings.HasPrefix(d.ETag, `W/"`) {
			t.Errorf("a copy may be kept for %s, its entity tag is %s", d.MaxAge, d.ETag)
		}
	})
}

func TestTheListsAreListedWithTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		go n.ring.Run(t.Context())
		time.Sleep(7 * time.Second) // no list ends with a period
		n.prepare()
		slot := n.draw()
		d, err := n.lists.Aggregation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string][]string
		if err := json.Unmarshal(d.Body, &doc); err != nil {
			t.Fatal(err)
		}
		uris := doc["status_lists"]
		if len(doc) != 1 || len(uris) != 2 || uris[0] != issuer+"/oauth2/status_lists/"+slot.List.String() {
			t.Fatalf("got %s", d.Body)
		}
		next, err := data.ParseStatusListID(uris[1][strings.LastIndex(uris[1], "/")+1:])
		if err != nil {
			t.Fatal(err)
		}
		n.list(next) // before any token names it

		n.run()
		time.Sleep(time.Hour)
		if slot = n.draw(); slot.List != next {
			t.Errorf("indices are drawn from %s, and %s was announced", slot.List, next)
		}
		n.wake(d.Document, 0) // it opened, so the one after it was made
	})
}

func TestAListIsAsFreshAsItsKeyAndItsTime(t *testing.T) {
	cases := []struct {
		name   string
		change func(n *node)
	}{
		{"a rotation", func(n *node) { n.rotate() }},
		{"a key that was revoked", func(n *node) {
			if _, err := n.ring.Revoke(n.t.Context(), n.kid(), keys.WhyRevoked+"a test"); err != nil {
				n.t.Fatal(err)
			}
		}},
		{"half of its life", func(*node) { time.Sleep(5 * time.Minute) }},
		{"a clock that was set back", func(n *node) { n.off.Store(int64(-48 * time.Hour)) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t, mem.New())
				go n.ring.Run(t.Context())
				time.Sleep(11 * time.Second) // the next key may sign
				n.prepare()
				id := n.draw().List
				before := n.list(id)
				c.change(n)

				// Nobody has told the service: it asks.
				after := n.list(id)
				if after == before || after.ETag == before.ETag || !closed(before) {
					t.Error("it is the same")
				}
				header, payload := opened(t, after)
				if !strings.Contains(header, n.kid()) {
					t.Errorf("it is signed as %s, and %s signs now", header, n.kid())
				}
				l, err := token.ParseStatusList([]byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				if left := l.Expiry.Time().Sub(n.now()); left < 5*time.Minute || l.IssuedAt.Time().After(n.now()) {
					t.Errorf("it was issued at %s and is good for %s", l.IssuedAt.Time(), left)
				}
			})
		})
	}
}

func TestWhoWaitsIsWoken(t *testing.T) {
	cases := []struct {
		name   string
		change func(n *node, slot data.Slot)
		within time.Duration
	}{
		{"at once by the first revocation", func(n *node, slot data.Slot) { n.revoke(slot) }, 0},
		{"at once by a rotation", func(n *node, _ data.Slot) { n.rotate() }, 0},
		{"by half of its life", func(*node, data.Slot) {}, 5*time.Minute - time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t, mem.New())
				go n.ring.Run(t.Context())
				time.Sleep(20 * time.Minute) // to a whole period
				n.prepare()
				n.run()
				slot := n.draw()
				time.Sleep(time.Second)
				d := n.list(slot.List)
				c.change(n, slot)
				n.wake(d, c.within)
			})
		})
	}
}

func TestAReplacedKeyWaitsForNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		go n.ring.Run(t.Context())
		time.Sleep(11 * time.Second) // the next key may sign
		n.prepare()
		n.run()
		slot := n.draw()
		time.Sleep(time.Second)
		d := n.list(slot.List)
		n.revoke(slot)
		n.wake(d, 0)
		d = n.list(slot.List)
		n.rotate()
		n.wake(d, 0)
	})
}

func TestABurstIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		go n.ring.Run(t.Context())
		n.prepare()
		n.run()
		id := n.draw().List
		time.Sleep(time.Second)
		began, d := n.now(), n.list(id)
		var at []time.Duration // of each new list
		for i := range 100 {   // one revocation a millisecond
			n.revoke(data.Slot{List: id, Index: uint32(i)})
			synctest.Wait()
			if now := n.list(id); now != d {
				d, at = now, append(at, n.now().Sub(began))
			}
			time.Sleep(time.Millisecond)
		}
		if len(at) != 2 || at[0] != 0 || at[1] != burst {
			t.Errorf("a new list was served at %v", at)
		}
		n.wake(d, 2*burst-n.now().Sub(began))
		_, payload := opened(t, n.list(id))
		if l, err := token.ParseStatusList([]byte(payload)); err != nil || !bytes.Equal(l.Bits[:12], bytes.Repeat([]byte{0xff}, 12)) {
			t.Errorf("some are not in it: %x, %v", l.Bits[:13], err)
		}
	})
}

// A list that never stops to change sends a bounded number of bytes a second to
// each who waits for it.
func TestALongListIsMadeLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		go n.ring.Run(t.Context())
		id := n.draw().List
		random := rand.New(rand.NewPCG(1, 2))
		for range 20_000 {
			n.revoke(data.Slot{List: id, Index: random.Uint32N(data.StatusSize)})
		}
		n.prepare()
		n.run()
		time.Sleep(time.Second)
		var last time.Time
		sent, made := 0, 0
		for began, d := n.now(), n.list(id); n.now().Sub(began) < 3*time.Second; time.Sleep(5 * time.Millisecond) {
			n.revoke(data.Slot{List: id, Index: random.Uint32N(data.StatusSize)})
			synctest.Wait()
			if now := n.list(id); now != d {
				if made > 0 && n.now().Sub(last) >= time.Second {
					t.Errorf("a revocation waited for %s", n.now().Sub(last))
				}
				d, sent, made, last = now, sent+len(now.Body), made+1, n.now()
			}
		}
		if made < 6 || sent > 3*(512<<10)+len(n.list(id).Body) {
			t.Errorf("%d lists of %d bytes in three seconds", made, sent)
		}
	})
}

func TestNodesWithTheSameStateAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New()
		one := newNode(t, engine)
		one.prepare()
		other := newNode(t, engine)
		other.off.Store(int64(time.Second / 2))
		other.prepare()
		slot := one.draw()
		fresh := one.list(slot.List)
		for _, revoked := range []bool{false, true} {
			if revoked {
				other.revoke(slot)
				one.prepare()
				other.prepare()
			}
			a, b := one.list(slot.List), other.list(slot.List)
			if a.ETag != b.ETag {
				t.Errorf("entity tags %s and %s of the same state", a.ETag, b.ETag)
			}
			if (a.ETag != fresh.ETag) != revoked {
				t.Errorf("revoked %v: the entity tag is %s, and was %s", revoked, a.ETag, fresh.ETag)
			}
		}
		go one.ring.Run(t.Context())
		revoked := one.list(slot.List)
		time.Sleep(3 * time.Second)
		restarted := newNode(t, engine) // nothing was prepared: who asks makes it
		if got := restarted.list(slot.List); got.ETag != revoked.ETag {
			t.Errorf("a node that has just started has %s", got.ETag)
		}
	})
}

func TestAListThatAnotherNodeOpenedIsServedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New()
		one := newNode(t, engine)
		one.prepare()
		go one.ring.Run(t.Context())
		other := newNode(t, engine)
		time.Sleep(3 * time.Hour)
		one.list(other.draw().List)
	})
}

func TestAnIDThatIsNowhereCostsOneReadingOfOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &readings{Engine: mem.New()}
		n := newNode(t, engine)
		n.prepare()
		known := n.draw().List
		edition := n.lists.edition.Load()
		engine.gets, engine.scans = 0, 0
		n.list(known)
		if engine.gets+engine.scans != 0 {
			t.Errorf("a known list costs %d and %d readings", engine.gets, engine.scans)
		}
		for i := range byte(100) {
			if _, err := n.lists.List(t.Context(), data.StatusListID{15: i}); !errors.Is(err, ErrUnknown) {
				t.Fatalf("got %v", err)
			}
		}
		if engine.gets != 100 || engine.scans != 0 || n.lists.edition.Load() != edition {
			t.Errorf("100 unknown ones cost %d readings of a key and %d of many", engine.gets, engine.scans)
		}
	})
}

func TestAListEndsWithItsLastToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		go n.ring.Run(t.Context())
		time.Sleep(7 * time.Second) // no list ends with a period
		n.prepare()
		n.run()
		id := n.draw().List
		time.Sleep(time.Hour + 19*time.Minute) // 10 minutes of tokens, 10 of margin
		last := n.list(id)
		time.Sleep(time.Minute)
		if _, err := n.lists.List(t.Context(), id); !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
		if !closed(last) {
			t.Error("who waits for it was not told")
		}
		if _, held := n.lists.edition.Load().lists[id]; held {
			t.Error("it is kept")
		}
	})
}

func TestANodeThatWasCutOffSaysHowOldItsListsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, mem.New())
		n.prepare()
		id := n.draw().List
		known := n.list(id)
		time.Sleep(3 * time.Second) // the lease is over; nobody confirms the ring
		d, err := n.lists.List(t.Context(), id)
		if err != nil || d.Document != known || !errors.Is(d.Lapsed, keys.ErrLease) || d.Age < 3*time.Second || d.Left != 0 {
			t.Errorf("got %+v, %v", d, err)
		}
		if d, err = n.lists.Aggregation(t.Context()); err != nil || !errors.Is(d.Lapsed, keys.ErrLease) {
			t.Errorf("got %+v, %v", d, err)
		}
		// It may have been opened since: nobody is told that it is not there.
		if _, err := n.lists.List(t.Context(), data.StatusListID{}); !errors.Is(err, keys.ErrLease) {
			t.Errorf("a list that is not known gets %v", err)
		}
	})
}

func TestAStoreThatFailsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := mem.New()
		n := newNode(t, engine)
		go n.ring.Run(t.Context())
		time.Sleep(10 * time.Second)
		engine.FailCommits(2, errors.New("no room"))
		if err := n.lists.Prepare(t.Context()); err == nil {
			t.Fatal("there was room")
		}
		n.run()
		time.Sleep(2 * again)
		n.list(n.draw().List)
		if said := n.log.String(); strings.Count(said, "this fails") != 1 || strings.Count(said, "this succeeds again") != 1 {
			t.Errorf("the log says\n%s", said)
		}
	})
}

func closed(d *Document) bool {
	select {
	case <-d.Changed():
		return true
	default:
		return false
	}
}

// opened is the header and the payload of a document's token.
func opened(t *testing.T, d *Document) (header, payload string) {
	t.Helper()
	parts := strings.Split(string(d.Body), ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %s", d.Body)
	}
	for i, to := range []*string{&header, &payload} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		*to = string(raw)
	}
	return header, payload
}
