package data

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/mem"
)

// newSession stores a session of an hour with the accounts, named by name.
func newSession(t testing.TB, s *Store, name string, accounts ...Account) Session {
	t.Helper()
	v := Session{
		Hash: HashOf(name), Secret: HashOf(name + " secret"), RotatedAt: s.now(), Accounts: accounts,
		CreatedAt: s.now(), SeenAt: s.now(), ExpiresAt: s.now().Add(time.Hour), MaxAt: s.now().Add(24 * time.Hour),
	}
	if err := s.Sessions.Create(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	return v
}

func accountOf(u User, id string) Account { return Account{ID: id, User: u.ID, Epoch: u.Epoch} }

func TestOnlyASignedInAccountGivesAGrant(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		one := newSession(t, s, "one", accountOf(ann, "a1"), accountOf(bob, "b1"))
		newSession(t, s, "two", accountOf(ann, "a2"))
		n := byte(0)
		give := func(u User, account string, offline bool) error {
			n++
			return createGrant(t, s, Grant{ID: GrantID{n}, User: u.ID, Epoch: u.Epoch, Account: account, Offline: offline,
				Inc: s.Meta().Incarnation, ExpiresAt: s.now().Add(time.Hour)})
		}
		expect := func(u User, account string, offline bool, want error) {
			t.Helper()
			before := len(dump(t, engine))
			if err := give(u, account, offline); !errors.Is(err, want) {
				t.Fatalf("account %q, offline %t: %v", account, offline, err)
			} else if err != nil && len(dump(t, engine)) != before {
				t.Fatal("something was written")
			}
		}
		expect(ann, "a1", false, nil)
		expect(ann, "a2", false, nil)
		expect(ann, "", false, nil)
		expect(ann, "b1", false, ErrSignedOut) // another user's
		expect(ann, "a3", false, ErrSignedOut)
		expect(ann, "a3", true, nil)

		if err := s.Sessions.Change(t.Context(), one.Hash, func(v *Session) Change { v.Accounts = v.Accounts[1:]; return Save }); err != nil {
			t.Fatal(err)
		}
		expect(ann, "a1", false, ErrSignedOut)
		expect(ann, "a2", false, nil)
		expect(bob, "b1", false, nil)
		if err := s.Sessions.Change(t.Context(), one.Hash, func(*Session) Change { return End }); err != nil {
			t.Fatal(err)
		}
		expect(bob, "b1", false, ErrSignedOut)
		newSession(t, s, "another name", accountOf(bob, "b1"))
		expect(bob, "b1", false, nil)
		c.Move(time.Hour)
		expect(ann, "a2", false, ErrSignedOut) // nobody swept it yet
	})
}

func TestTheGrantsThatAreNamedEndAndNoOthers(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		s := open(t, engine, newClock())
		ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		for range endAtOnce + 30 {
			newGrant(t, s, ann, time.Hour)
		}
		stays, theirs := newGrant(t, s, ann, time.Hour), newGrant(t, s, bob, time.Hour)
		ended, err := s.EndGrants(t.Context(), ann.ID, func(g Grant) bool { return g.ID != stays.ID })
		if ended != endAtOnce+30 || err != nil {
			t.Fatal(ended, err)
		}
		for _, u := range []User{ann, bob} {
			list, err := s.UserGrants(t.Context(), u.ID, GrantID{}, 0)
			if err != nil || len(list) != 1 || list[0].ID != stays.ID && list[0].ID != theirs.ID {
				t.Fatal(list, err)
			}
		}
		if ended, err := s.EndGrants(t.Context(), "nobody", func(Grant) bool { return true }); ended != 0 || err != nil {
			t.Fatal(ended, err)
		}
	})
}

func TestAGrantThatCannotBeReadStaysAndTheOthersEnd(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	u := newUser(t, s, "ann@example.com")
	for range 5 {
		newGrant(t, s, u, time.Hour)
	}
	damaged := newGrant(t, s, u, time.Hour)
	putRaw(t, engine, string(grantKey(damaged.ID)), `{"v":2}`)
	ended, err := s.EndGrants(t.Context(), u.ID, func(Grant) bool { return true })
	if ended != 5 || !errors.Is(err, ErrVersion) {
		t.Fatal(ended, err)
	}
	if dump(t, engine)[string(grantKey(damaged.ID))] == "" {
		t.Fatal("it is gone")
	}
}

// With a user go the consents, and the accounts in sessions of browsers that
// others use too; in bounded steps, which survive a restart between them.
func TestWhatADeletedUserLeavesIsForgottenStepByStep(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		bob := newUser(t, s, "bob@example.com")
		shared := newSession(t, s, "shared", accountOf(bob, "b"))
		if err := s.AddConsent(t.Context(), Consent{User: bob.ID, Client: "web", Scope: "openid"}); err != nil {
			t.Fatal(err)
		}
		before := keysBut(dump(t, engine), expiryPrefix)

		ann := newUser(t, s, "ann@example.com")
		err := s.Sessions.Change(t.Context(), shared.Hash, func(v *Session) Change {
			v.Accounts = append(v.Accounts, accountOf(ann, "a"))
			return Save
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if err := s.AddConsent(t.Context(), Consent{User: ann.ID, Client: fmt.Sprint("client", i), Scope: "openid"}); err != nil {
				t.Fatal(err)
			}
			newSession(t, s, fmt.Sprint("browser", i), accountOf(ann, "a"))
			newGrant(t, s, ann, time.Hour)
		}
		if err := s.DeleteUser(t.Context(), ann.ID); err != nil {
			t.Fatal(err)
		}
		for steps := 0; ; steps++ {
			left := len(dump(t, engine))
			n, err := open(t, engine, c).Sweep(t.Context(), 20)
			if err != nil || n > 21 || steps > 20 || left-len(dump(t, engine)) > 2*21 {
				t.Fatal(n, steps, left-len(dump(t, engine)), err)
			}
			if n == 0 {
				break
			}
		}
		// The clients are still to be told, and the entries of the expiry index
		// find nothing when their time comes.
		if after := keysBut(dump(t, engine), expiryPrefix, endingPrefix); !slices.Equal(before, after) {
			t.Errorf("%q\nbecame %q", before, after)
		}
		if list, err := s.Endings(t.Context(), 10); err != nil || len(list) != 1 || list[0].Account.User != ann.ID {
			t.Error(list, err)
		}
		c.Move(25 * time.Hour)
		if _, err := s.Sweep(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		if left := keysBut(dump(t, engine), endingPrefix); len(left) != 5 { // meta, and bob with e-mail, cost and consent
			t.Errorf("%q are left", left)
		}
	})
}

// Who is signed out everywhere leaves the sessions of all browsers, and the
// clients of each are told; who signed in later stays, and so do others.
func TestWhoIsSignedOutEverywhereLeavesAllSessions(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *Store, ann User) error{
		"signed out": func(t *testing.T, s *Store, ann User) error { return s.EndUserGrants(t.Context(), ann.ID, nil) },
		"a new password": func(t *testing.T, s *Store, ann User) error {
			_, err := s.ChangePassword(t.Context(), ann.ID, "", nil)
			return err
		},
		"disabled": func(t *testing.T, s *Store, ann User) error {
			_, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error { u.Disabled = true; return nil })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, engine kv.Engine) {
				s := open(t, engine, newClock())
				ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
				const browsers = endAtOnce + 30 // more than one transaction looks at
				for i := range browsers {
					newSession(t, s, fmt.Sprint("browser", i), accountOf(ann, fmt.Sprint("a", i)), accountOf(bob, fmt.Sprint("b", i)))
				}
				newSession(t, s, "alone", accountOf(ann, "alone"))
				later := ann
				later.Epoch++
				newSession(t, s, "later", accountOf(later, "later"))
				if err := end(t, s, ann); err != nil {
					t.Fatal(err)
				}
				for n := 1; n > 0; {
					var err error
					if n, err = s.Sweep(t.Context(), 100); err != nil {
						t.Fatal(err)
					}
				}
				list, err := s.Endings(t.Context(), 1000)
				if err != nil || len(list) != browsers+1 || slices.ContainsFunc(list, func(e Ending) bool { return e.Account.User != ann.ID || e.Account.ID == "later" }) {
					t.Errorf("%d are noted, %v", len(list), err)
				}
				if left, err := s.UserSessions(t.Context(), ann.ID); err != nil || len(left) != 1 || left[0].Hash != HashOf("later") {
					t.Errorf("%d sessions are left, %v", len(left), err)
				}
				if others, err := s.UserSessions(t.Context(), bob.ID); err != nil || len(others) != browsers || len(others[0].Accounts) != 1 {
					t.Errorf("bob has %d, %v", len(others), err)
				}
				if _, err := s.Sessions.Get(t.Context(), HashOf("alone")); !errors.Is(err, ErrNone) {
					t.Errorf("a session of nobody: %v", err)
				}
			})
		})
	}
}

// Other roles end no session.
func TestOtherRolesSignNobodyOut(t *testing.T) {
	s := open(t, mem.New(), newClock())
	ann := newUser(t, s, "ann@example.com")
	newSession(t, s, "one", accountOf(ann, "a"))
	if _, err := s.ChangeUser(t.Context(), ann.ID, func(u *User) error { u.Roles = []string{"editor"}; return nil }); err != nil {
		t.Fatal(err)
	}
	if left, err := s.UserSessions(t.Context(), ann.ID); err != nil || len(left) != 1 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}

// keysBut lists the keys without those of some prefixes, in order.
func keysBut(pairs map[string]string, prefixes ...string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(pairs)), func(key string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
	})
}

func TestASessionThatCannotBeReadHoldsNobodyUp(t *testing.T) {
	engine := mem.New()
	s := open(t, engine, newClock())
	ann := newUser(t, s, "ann@example.com")
	damaged := newSession(t, s, "damaged", accountOf(ann, "a"))
	newSession(t, s, "good", accountOf(ann, "a"))
	putRaw(t, engine, string(s.Sessions.key(damaged.Hash)), `{"v":2}`)
	if err := s.DeleteUser(t.Context(), ann.ID); err != nil {
		t.Fatal(err)
	}
	for n := 1; n > 0; {
		var err error
		if n, err = s.Sweep(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
	}
	for key := range dump(t, engine) {
		if strings.HasPrefix(key, signedInPrefix) {
			t.Errorf("%q is left", key)
		}
	}
}

// Whoever leaves a session, in whatever way, is still to be signed out
// elsewhere; whoever stays, or moves on with the browser, is not.
func TestWhoLeavesASessionIsNoted(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		ann, bob := newUser(t, s, "ann@example.com"), newUser(t, s, "bob@example.com")
		var noted []Ending
		expect := func(what string, accounts ...string) {
			t.Helper()
			list, err := s.Endings(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			noted = list
			var got []string
			for _, e := range list {
				got = append(got, e.Account.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, accounts) {
				t.Fatalf("%s: %q are noted", what, got)
			}
		}
		told := accountOf(ann, "a1")
		told.Clients = []string{"web"}
		one := newSession(t, s, "one", told, accountOf(bob, "b1"))
		expect("at the start")
		one, err := s.ReplaceSession(t.Context(), one.Hash, func(old Session) Session {
			old.Hash, old.Accounts = HashOf("two"), append(old.Accounts, accountOf(bob, "b2"))
			return old
		})
		if err != nil {
			t.Fatal(err)
		}
		expect("when all moved on")
		if err := s.Sessions.Change(t.Context(), one.Hash, func(v *Session) Change { v.Accounts = v.Accounts[1:]; return Save }); err != nil {
			t.Fatal(err)
		}
		expect("when ann left", "a1")
		if e := noted[0]; e.Account.User != ann.ID || !slices.Equal(e.Account.Clients, []string{"web"}) || !e.At.Equal(s.now()) {
			t.Fatalf("%+v", e)
		}
		if one, err = s.ReplaceSession(t.Context(), one.Hash, func(old Session) Session {
			old.Hash, old.Accounts = HashOf("three"), old.Accounts[:1]
			return old
		}); err != nil {
			t.Fatal(err)
		}
		expect("when one was pushed out", "a1", "b2")
		if err := s.Sessions.Change(t.Context(), one.Hash, func(*Session) Change { return End }); err != nil {
			t.Fatal(err)
		}
		expect("when the session ended", "a1", "b1", "b2")

		send := []Delivery{{ID: "d1", Client: "web", NextAt: s.now(), ExpiresAt: s.now().Add(time.Hour)}}
		for i, want := range []error{nil, ErrNone} { // two nodes at once
			if err := s.FinishEnding(t.Context(), noted[0], send); !errors.Is(err, want) {
				t.Fatalf("%d: %v", i, err)
			}
		}
		expect("when one was finished", "b1", "b2")
		if due, _, err := s.DueDeliveries(t.Context(), 10); err != nil || len(due) != 1 || due[0].ID != "d1" {
			t.Fatal(due, err)
		}
	})
}

func TestDeliveriesComeWhenTheyAreDue(t *testing.T) {
	engines(t, func(t *testing.T, engine kv.Engine) {
		c := newClock()
		s := open(t, engine, c)
		changed, stop := s.DeliveriesChanged()
		defer stop()
		late := Delivery{ID: "late", NextAt: s.now().Add(time.Hour)}
		early := Delivery{ID: "early", NextAt: s.now()}
		if err := s.AddDeliveries(t.Context(), []Delivery{late, early}); err != nil {
			t.Fatal(err)
		}
		<-changed
		due, next, err := s.DueDeliveries(t.Context(), 10)
		if err != nil || len(due) != 1 || due[0].ID != "early" || !next.Equal(late.NextAt) {
			t.Fatal(due, next, err)
		}
		if _, next, _ := s.DueDeliveries(t.Context(), 0); !next.Equal(early.NextAt) {
			t.Fatal("a full page hides what is due", next)
		}
		moved, err := s.MoveDelivery(t.Context(), early, s.now().Add(time.Minute))
		if err != nil || moved.Attempts != 1 {
			t.Fatal(moved, err)
		}
		if _, err := s.MoveDelivery(t.Context(), early, s.now().Add(time.Minute)); !errors.Is(err, ErrNone) {
			t.Fatal("two nodes have it", err)
		}
		if due, next, err = s.DueDeliveries(t.Context(), 10); err != nil || len(due) != 0 || !next.Equal(moved.NextAt) {
			t.Fatal(due, next, err)
		}
		c.Move(2 * time.Hour)
		due, next, err = s.DueDeliveries(t.Context(), 10)
		if err != nil || len(due) != 2 || due[0].ID != "early" || due[0].Attempts != 1 || !next.IsZero() {
			t.Fatal(due, next, err)
		}
		for _, d := range due {
			if err := s.EndDelivery(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if err := s.EndDelivery(t.Context(), d); !errors.Is(err, ErrNone) {
				t.Fatal(err)
			}
		}
		if due, next, err = s.DueDeliveries(t.Context(), 10); err != nil || len(due) != 0 || !next.IsZero() {
			t.Fatal(due, next, err)
		}
	})
}
