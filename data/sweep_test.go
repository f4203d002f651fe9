package data

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// sweepAll sweeps until nothing is due.
func sweepAll(t *testing.T, s *Store, limit int) {
	t.Helper()
	for range 1000 {
		if n, err := s.Sweep(t.Context(), limit); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			return
		}
	}
	t.Fatal("it does not end")
}

// hashOrder returns n names of sessions in the order in which the sweeper
// comes to them.
func hashOrder(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("browser", i)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := HashOf(a), HashOf(b)
		return bytes.Compare(x[:], y[:])
	})
	return names
}

// Whoever signs in again at once may have a session that the sweeper comes to
// before all others: it hides none of them, however short a step is.
func TestASessionThatStaysHidesNoneThatEnds(t *testing.T) {
	const old = endAtOnce + 30
	for name, limit := range map[string]int{"the first step is of one": sweepStep, "every step is of one": 1} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, engine kv.Engine) {
				c := newClock()
				s := open(t, engine, c)
				ann := newUser(t, s, "ann@example.com")
				names := hashOrder(old + 1)
				for i, name := range names[1:] {
					newSession(t, s, name, accountOf(ann, fmt.Sprint("a", i)))
				}
				for range sweepStep - 1 { // they leave the first step one
					if _, _, err := s.CreateInvitation(t.Context(), Email{}, nil, time.Second); err != nil {
						t.Fatal(err)
					}
				}
				c.Move(10 * time.Second)
				if err := s.EndUserGrants(t.Context(), ann.ID, nil); err != nil {
					t.Fatal(err)
				}
				again, err := s.User(t.Context(), ann.ID)
				if err != nil {
					t.Fatal(err)
				}
				newSession(t, s, names[0], accountOf(again, "again"))
				sweepAll(t, s, limit)
				expectTold(t, s, old)
				if left, err := s.UserSessions(t.Context(), ann.ID); err != nil || len(left) != 1 || left[0].Accounts[0].ID != "again" {
					t.Errorf("%d sessions are left, %v", len(left), err)
				}
			})
		})
	}
}

// expectTold wants the clients of so many accounts to be told of the end.
func expectTold(t *testing.T, s *Store, want int) {
	t.Helper()
	if list, err := s.Endings(t.Context(), 1000); err != nil || len(list) != want {
		t.Errorf("%d of %d are told, %v", len(list), want, err)
	}
}

// An entry says how far the sweeper came: with the grants or, after them, with
// the sessions.
func TestTheSweeperGoesOnWhereAnEntrySaysThatItStopped(t *testing.T) {
	names := hashOrder(5)
	second, third := GrantID{0xf1}, HashOf(names[2])
	behind := append([]byte("a2"), third[:]...)
	for name, test := range map[string]struct {
		reached      []byte
		told, grants int // grants that are left
	}{
		"at the start":             {nil, 5, 0},
		"behind the second grant":  {second[:], 5, 2},
		"behind the third session": {behind, 2, 5},
	} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, engine kv.Engine) {
				s := open(t, engine, newClock())
				ann := newUser(t, s, "ann@example.com")
				for i, name := range names {
					newSession(t, s, name, accountOf(ann, fmt.Sprint("a", i)))
					g := Grant{ID: GrantID{byte(0xf0 + i)}, User: ann.ID, Epoch: ann.Epoch, Inc: s.Meta().Incarnation, ExpiresAt: s.now().Add(time.Hour)}
					if err := createGrant(t, s, g); err != nil {
						t.Fatal(err)
					}
				}
				err := engine.Update(t.Context(), func(tx kv.Tx) error {
					ann.Epoch++
					tx.Put(expiryKey(s.now().Truncate(time.Second), expiryUser, []byte(ann.ID)), slices.Concat(present, test.reached))
					return put(tx, userKey(ann.ID), &ann)
				})
				if err != nil {
					t.Fatal(err)
				}
				sweepAll(t, s, sweepStep)
				expectTold(t, s, test.told)
				if left := len(dump(t, engine)) - len(keysBut(dump(t, engine), grantPrefix)); left != test.grants {
					t.Errorf("%d grants are left", left)
				}
			})
		})
	}
}

// Every node sweeps, and they may meet: what one took out is not there for the
// other, and nothing that lives is lost.
func TestNodesThatSweepAtOnceTakeOutWhatOneWould(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		nodes := []*Store{open(t, engine, c), open(t, engine, c), open(t, engine, c)}
		ann := newUser(t, nodes[0], "ann@example.com")
		leftBehind(t, nodes[0], "stays", time.Hour)
		living := keysBut(dump(t, engine), expiryPrefix)
		leftBehind(t, nodes[0], "goes", time.Second)
		for i := range 20 {
			newSession(t, nodes[0], fmt.Sprint("browser", i), accountOf(ann, fmt.Sprint("a", i)))
			err := createGrant(t, nodes[0], Grant{
				ID: GrantID{byte(i)}, User: ann.ID, Epoch: ann.Epoch, Inc: nodes[0].Meta().Incarnation, ExpiresAt: c.Now().Add(time.Second),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := nodes[0].EndUserGrants(t.Context(), ann.ID, nil); err != nil {
			t.Fatal(err)
		}
		c.Move(2 * time.Second)
		swept := race(len(nodes), func(i int) bool {
			for range 1000 {
				if n, err := nodes[i].Sweep(t.Context(), 7); n == 0 || err != nil {
					return err == nil
				}
			}
			return false
		})
		if swept != len(nodes) {
			t.Errorf("%d of %d came to an end", swept, len(nodes))
		}
		expectTold(t, nodes[0], 20)
		if left := keysBut(dump(t, engine), expiryPrefix, endingPrefix); !slices.Equal(left, living) {
			t.Errorf("of\n%q\nthere are\n%q", living, left)
		}
	})
}

// leftBehind makes 30 records of some kinds that end by themselves.
func leftBehind(t *testing.T, s *Store, name string, life time.Duration) {
	t.Helper()
	until := s.now().Add(life)
	for i := range 30 {
		h := HashOf(fmt.Sprint(name, i))
		_, err := s.Remember(t.Context(), "a", h, until)
		if err == nil {
			err = s.Count(t.Context(), []Hash{h}, func(found []Counters) error {
				found[0] = Counters{List: []Counter{{Name: name, N: 1, At: until}}, ExpiresAt: until}
				return nil
			})
		}
		if err == nil {
			_, _, err = s.CreateInvitation(t.Context(), Email{}, nil, life)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What a release after this one keeps beside it expires too, and is swept by that
// release: an entry that was taken out here would leave its record for good.
func TestWhatALaterReleaseKeepsIsNotSwept(t *testing.T) {
	c, engine, h := newClock(), mem.New(), Hash(bytes.Repeat([]byte{'#'}, len(Hash{})))
	s := open(t, engine, c)
	entries := func() (found []string) {
		for key := range dump(t, engine) {
			if strings.HasPrefix(key, expiryPrefix) && strings.Contains(key, "!") {
				found = append(found, key)
			}
		}
		return found
	}
	putRaw(t, engine, string(passingKey('!', h)), `{"v":1}`)
	putRaw(t, engine, string(expiryKey(c.Now(), expiryPassing, append([]byte{'!'}, h[:]...))), "1")
	putRaw(t, engine, string(expiryKey(c.Now(), '!', []byte("somebody"))), "1")
	for range 2 {
		c.Move(2 * sweepAgain)
		before := entries()
		sweepAll(t, s, sweepStep)
		after := entries()
		if len(before) != 2 || len(after) != 2 || slices.Contains(after, before[0]) || slices.Contains(after, before[1]) {
			t.Fatalf("of %q there are %q", before, after)
		}
	}
	if dump(t, engine)[string(passingKey('!', h))] == "" {
		t.Error("the record is gone")
	}
}
