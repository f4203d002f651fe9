package session

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/mem"
)

type reader = kv.Reader

// Session fixation: somebody who knows the cookie of before, since they put it
// there, has nothing after the sign-in.
func TestWhatWasInTheBrowserBeforeIsWorthNothing(t *testing.T) {
	w := newWorld(t, mem.New())
	attacker := w.newBrowser()
	attacker.signIn(w.bob)
	victim := attacker.copy() // the cookie was planted
	victim.signIn(w.ann)
	if victim.cookie() == attacker.cookie() {
		t.Fatal("the cookie stayed")
	}
	if got := attacker.who(); len(got) != 0 {
		t.Fatalf("the planted cookie opens %v", got)
	}
	if got := victim.who(); !slices.Equal(got, []data.UserID{w.ann.ID, w.bob.ID}) {
		t.Fatalf("the victim lost the session by it: %v", got)
	}
	name, _, _ := strings.Cut(attacker.cookie(), ".")
	if strings.HasPrefix(victim.cookie(), name) {
		t.Fatal("the name stayed")
	}
}

// A made-up cookie does not become the name of a session either.
func TestANameThatTheBrowserBroughtIsNotUsed(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	planted := strings.Repeat("A", partSize) + "." + strings.Repeat("B", partSize)
	b.jar[w.session.name] = planted
	b.signIn(w.ann)
	if strings.Contains(b.cookie(), "AAAA") || strings.Contains(b.cookie(), "BBBB") {
		t.Fatal(b.cookie())
	}
}

// A sign-in over a session whose cookie is wrong takes nothing out of it.
func TestAForgedCookieBringsNoAccounts(t *testing.T) {
	w := newWorld(t, mem.New())
	ann := w.newBrowser()
	ann.signIn(w.ann)
	name, _, _ := strings.Cut(ann.cookie(), ".")
	forger := w.newBrowser()
	forger.jar[w.session.name] = name + "." + strings.Repeat("x", partSize)
	forger.signIn(w.bob)
	if got := forger.who(); !slices.Equal(got, []data.UserID{w.bob.ID}) {
		t.Fatal(got)
	}
}

func TestSeveralAccountsAreInOneBrowser(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	var want []data.UserID
	for i := range maxAccounts + 3 {
		u := w.person(fmt.Sprintf("p%d@example.com", i))
		b.signIn(u)
		want = append([]data.UserID{u.ID}, want...)
		want = want[:min(len(want), maxAccounts)]
		if got := b.who(); !slices.Equal(got, want) {
			t.Fatalf("%d: %v", i, got)
		}
	}
	for _, id := range want[1:] {
		s := b.load()
		i := slices.IndexFunc(s.Accounts, func(a Account) bool { return a.User == id })
		left := b.signOut(s.Accounts[i].ID)
		if len(left) != 1 || left[0].Account.User != id || left[0].Session != s.Hash {
			t.Fatalf("%+v", left)
		}
		if slices.Contains(b.who(), id) {
			t.Fatal("still there")
		}
	}
	if got := b.who(); !slices.Equal(got, want[:1]) {
		t.Fatal(got)
	}
}

func TestASecondProofOfTheSamePersonIsTheSameAccount(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	first := b.signIn(w.ann)
	b.signIn(w.bob)
	must(t, w.Touch(t.Context(), b.load().Hash, first.ID, "web"))
	w.clock.Move(time.Hour)
	again := b.signIn(w.ann)
	if again.ID != first.ID || !again.AuthTime.Equal(w.clock.Now()) || !slices.Equal(again.Clients, []string{"web"}) {
		t.Errorf("%+v", again)
	}
	if got := b.who(); !slices.Equal(got, []data.UserID{w.ann.ID, w.bob.ID}) {
		t.Error(got)
	}
}

func TestSigningOut(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			empty := w.pairs()
			b := w.newBrowser()
			if left := b.signOut(""); left != nil {
				t.Fatal("nobody was there")
			}
			ann := b.signIn(w.ann)
			b.signIn(w.bob)
			must(t, w.Touch(t.Context(), b.load().Hash, ann.ID, "web"))
			thief := b.copy()
			if left := b.signOut("nobody"); len(left) != 0 || len(b.who()) != 2 {
				t.Fatal(left)
			}
			left := b.signOut(ann.ID)
			if len(left) != 1 || !slices.Equal(left[0].Account.Clients, []string{"web"}) || b.cookie() == "" {
				t.Fatalf("%+v", left)
			}
			if left := b.signOut(""); len(left) != 1 || left[0].Account.User != w.bob.ID {
				t.Fatalf("%+v", left)
			}
			if b.cookie() != "" || len(thief.who()) != 0 {
				t.Fatal("something is left")
			}
			endings, err := w.store.Endings(t.Context(), 10)
			if must(t, err); len(endings) != 2 {
				t.Fatalf("%d sign-outs are to be followed up", len(endings))
			}
			for _, e := range endings {
				must(t, w.store.FinishEnding(t.Context(), e, nil))
			}
			w.clock.Move(testMax)
			_, err = w.store.Sweep(t.Context(), 1000)
			must(t, err)
			if got := w.pairs(); got != empty {
				t.Fatalf("%d pairs are left of the sessions", got-empty)
			}
		})
	}
}

func TestASignOutWithACopiedCookieEndsAll(t *testing.T) {
	w := newWorld(t, mem.New())
	b := w.newBrowser()
	b.signIn(w.ann)
	spent := b.copy()
	for range 2 {
		w.clock.Move(turnEvery)
		b.load()
	}
	if left := spent.signOut("nobody"); len(left) != 1 || spent.cookie() != "" {
		t.Fatalf("%+v", left)
	}
	if len(b.who()) != 0 || !strings.Contains(w.log.String(), "session_cookie_reused") {
		t.Fatal("nobody noticed")
	}
}

func TestASessionEndsFromElsewhere(t *testing.T) {
	w := newWorld(t, mem.New())
	laptop, phone := w.newBrowser(), w.newBrowser()
	laptop.signIn(w.ann)
	laptop.signIn(w.bob)
	phone.signIn(w.ann)
	list, err := w.Browsers(t.Context(), w.ann)
	if err != nil || len(list) != 2 || list[0].Agent != "Test/1" {
		t.Fatalf("%+v, %v", list, err)
	}
	if left, err := w.End(t.Context(), phone.load().Hash, w.bob.ID); err != nil || len(left) != 0 {
		t.Fatal("bob is not signed in there", left, err)
	}
	left, err := w.End(t.Context(), laptop.load().Hash, w.ann.ID)
	if err != nil || len(left) != 1 || left[0].Account.User != w.ann.ID {
		t.Fatal(left, err)
	}
	if got := laptop.who(); !slices.Equal(got, []data.UserID{w.bob.ID}) || len(phone.who()) != 1 {
		t.Fatal(got)
	}
	if left, err := w.End(t.Context(), data.Hash{1}, w.ann.ID); err != nil || left != nil {
		t.Fatal("a session that is gone", left, err)
	}
	if list, _ := w.Browsers(t.Context(), w.ann); len(list) != 1 {
		t.Fatal(list)
	}
}

// Two tabs sign in at once: both people are in, each in a session whose cookie
// works, and what was signed out before comes back in neither.
func TestTwoSignInsAtOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t))
			for range 20 {
				b := w.newBrowser()
				b.signIn(w.person(fmt.Sprintf("old%d@example.com", w.clock.Now().UnixNano())))
				w.clock.Move(time.Second)
				tabs := []*browser{b.copy(), b.copy()}
				recs := []*httptest.ResponseRecorder{httptest.NewRecorder(), httptest.NewRecorder()}
				start := make(chan struct{})
				var wg sync.WaitGroup
				for i, u := range []data.User{w.ann, w.bob} {
					r := tabs[i].request()
					wg.Go(func() {
						<-start
						if _, _, err := w.SignIn(context.Background(), recs[i], r, u, nil); err != nil {
							t.Error(err)
						}
					})
				}
				close(start)
				wg.Wait()
				carried := 0
				for i, u := range []data.User{w.ann, w.bob} {
					tabs[i].take(recs[i])
					got := tabs[i].who()
					if len(got) == 0 || got[0] != u.ID {
						t.Fatalf("tab %d: %v", i, got)
					}
					carried += len(got) - 1
				}
				if carried != 1 {
					t.Fatalf("the account of before is in %d sessions", carried)
				}
			}
		})
	}
}
