package data

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"signet/data/kv/mem"
)

// browsers is what the model knows of sessions: who is in which, and until when.
type browsers struct {
	*Store
	t        *testing.T
	r        *rapid.T
	engine   *mem.Engine
	clock    *clock
	users    []User
	gone     map[UserID]bool
	sessions map[string]modelled
	noted    map[string]bool // accounts that left
	n        int
}

type modelled struct {
	accounts []Account
	end      time.Time
}

// People sign in and out of browsers in any order, are deleted, and the clock
// and the sweeper move. Each step, the index says of every user exactly which
// sessions they are signed in to, and every account that left, and did not end
// by its time, is noted once.
func TestSessionsFollowTheirModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := &browsers{t: t, r: r, engine: mem.New(), clock: newClock(), gone: map[UserID]bool{}, sessions: map[string]modelled{}, noted: map[string]bool{}}
		b.Store = open(t, b.engine, b.clock)
		for i := range 3 {
			b.users = append(b.users, newUser(t, b.Store, fmt.Sprintf("u%d@example.com", i)))
		}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			b.step()
			b.check()
		}
		b.clock.Move(100 * time.Hour)
		b.sweep()
		if left := keysBut(dump(t, b.engine), metaKey, userPrefix, emailPrefix, costPrefix, endingPrefix); len(left) > 0 {
			r.Fatalf("%q are left", left)
		}
	})
}

func (b *browsers) alive(name string) bool {
	m, ok := b.sessions[name]
	return ok && b.clock.Now().Before(m.end)
}

func (b *browsers) step() {
	name := rapid.SampledFrom([]string{"home", "phone", "work"}).Draw(b.r, "browser")
	u := rapid.SampledFrom(b.users).Draw(b.r, "user")
	switch rapid.IntRange(0, 5).Draw(b.r, "what") {
	case 0, 1:
		b.signIn(name, u)
	case 2:
		b.signOut(name, u, rapid.Bool().Draw(b.r, "all"))
	case 3:
		if err := b.DeleteUser(b.t.Context(), u.ID); (err == nil) == b.gone[u.ID] {
			b.r.Fatal(err)
		}
		b.gone[u.ID] = true
	case 4:
		b.clock.Move(time.Duration(rapid.IntRange(0, 45).Draw(b.r, "minutes")) * time.Minute)
	case 5:
		b.sweep()
	}
}

// signIn puts the user into the browser, whose session gets another name.
func (b *browsers) signIn(name string, u User) {
	if b.gone[u.ID] {
		return
	}
	b.n++
	next := fmt.Sprint(name, b.n)
	fresh := accountOf(u, fmt.Sprint("account", b.n))
	old := b.find(name)
	made, err := b.ReplaceSession(b.t.Context(), HashOf(old), func(was Session) Session {
		if was.Hash.IsZero() == b.alive(old) {
			b.r.Fatalf("%s: %v", old, was)
		}
		accounts := append(slices.DeleteFunc(was.Accounts, func(a Account) bool { return a.User == u.ID }), fresh)
		return Session{Hash: HashOf(next), Accounts: accounts, ExpiresAt: b.clock.Now().Add(time.Hour)}
	})
	if err != nil {
		b.r.Fatal(err)
	}
	if b.alive(old) {
		for _, a := range b.sessions[old].accounts {
			b.noted[a.ID] = b.noted[a.ID] || a.User == u.ID
		}
		delete(b.sessions, old)
	}
	b.sessions[next] = modelled{accounts: made.Accounts, end: made.ExpiresAt}
}

// find returns the newest session of the browser.
func (b *browsers) find(browser string) string {
	for n := b.n; n > 0; n-- {
		if name := fmt.Sprint(browser, n); b.alive(name) {
			return name
		}
	}
	return browser
}

func (b *browsers) signOut(browser string, u User, all bool) {
	name := b.find(browser)
	var stay []Account
	err := b.Sessions.Change(b.t.Context(), HashOf(name), func(v *Session) Change {
		stay = slices.DeleteFunc(v.Accounts, func(a Account) bool { return all || a.User == u.ID }) // in place: on purpose
		if v.Accounts = stay; len(stay) == 0 {
			return End
		}
		return Save
	})
	if (err == nil) != b.alive(name) || err != nil && !errors.Is(err, ErrNone) {
		b.r.Fatal(err)
	}
	if err != nil {
		return
	}
	m := b.sessions[name]
	for _, a := range m.accounts {
		if !slices.ContainsFunc(stay, func(s Account) bool { return s.ID == a.ID }) {
			b.noted[a.ID] = true
		}
	}
	m.accounts = slices.Clone(stay)
	if b.sessions[name] = m; len(stay) == 0 {
		delete(b.sessions, name)
	}
}

// sweep goes on until nothing is due. Deleted users leave their sessions then.
func (b *browsers) sweep() {
	for n := 1; n > 0; {
		var err error
		if n, err = b.Sweep(b.t.Context(), rapid.IntRange(1, 20).Draw(b.r, "step")); err != nil {
			b.r.Fatal(err)
		}
	}
	now := b.clock.Now()
	for name, m := range b.sessions {
		if !m.end.After(now.Truncate(time.Second)) { // the index counts whole seconds
			delete(b.sessions, name)
			continue
		}
		left := slices.DeleteFunc(slices.Clone(m.accounts), func(a Account) bool { return !b.gone[a.User] })
		for _, a := range left {
			b.noted[a.ID] = b.noted[a.ID] || now.Before(m.end)
		}
		m.accounts = slices.DeleteFunc(slices.Clone(m.accounts), func(a Account) bool { return b.gone[a.User] })
		if b.sessions[name] = m; len(m.accounts) == 0 {
			delete(b.sessions, name)
		}
	}
}

func (b *browsers) check() {
	entries := 0
	for _, u := range b.users {
		var want []Hash
		for name, m := range b.sessions {
			if slices.ContainsFunc(m.accounts, func(a Account) bool { return a.User == u.ID }) {
				entries++
				if b.alive(name) {
					want = append(want, HashOf(name))
				}
			}
		}
		list, err := b.UserSessions(b.t.Context(), u.ID)
		if err != nil {
			b.r.Fatal(err)
		}
		if !slices.EqualFunc(list, list, func(a, _ Session) bool { return slices.Contains(want, a.Hash) }) || len(list) != len(want) {
			b.r.Fatalf("%s is signed in to %d sessions, and should be to %d", u.Email, len(list), len(want))
		}
	}
	if got := len(keysBut(dump(b.t, b.engine), metaKey, userPrefix, emailPrefix, costPrefix, endingPrefix, expiryPrefix, passingPrefix)); got != entries {
		b.r.Fatalf("the index has %d entries instead of %d", got, entries)
	}
	if records := len(keysBut(dump(b.t, b.engine), metaKey, userPrefix, emailPrefix, costPrefix, endingPrefix, expiryPrefix, signedInPrefix)); records != len(b.sessions) {
		b.r.Fatalf("%d sessions are stored instead of %d", records, len(b.sessions))
	}
	list, err := b.Endings(b.t.Context(), 1000)
	if err != nil {
		b.r.Fatal(err)
	}
	want := 0
	for _, noted := range b.noted {
		if noted {
			want++
		}
	}
	if len(list) != want || slices.ContainsFunc(list, func(e Ending) bool { return !b.noted[e.Account.ID] }) {
		b.r.Fatalf("%d accounts are noted instead of %d", len(list), want)
	}
}
