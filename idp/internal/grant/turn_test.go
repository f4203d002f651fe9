package grant

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/mem"
)

const day = 24 * time.Hour

// Each step is a token, named by its place in the list of all that were given
// out (0 is the first), a time to let pass before, and what comes of it.
func TestTheTurn(t *testing.T) {
	type step struct {
		after time.Duration
		token int
		want  any // an Outcome or an error
		same  int // with Repeated: the token that comes again
	}
	late := testPolicy
	late.Late = LateRevoke
	strict := testPolicy
	strict.Grace = 0
	for _, c := range []struct {
		name   string
		policy Policy
		steps  []step
	}{
		{"the current token turns, and so on", testPolicy, []step{
			{0, 0, Turned, 0}, {0, 1, Turned, 0}, {day, 2, Turned, 0}}},
		{"the parent in the grace gets the same successor", testPolicy, []step{
			{0, 0, Turned, 0}, {0, 0, Repeated, 1}, {30*time.Second - 1, 0, Repeated, 1}, {0, 1, Turned, 0}}},
		{"the grace ends when it ends", testPolicy, []step{
			{0, 0, Turned, 0}, {30 * time.Second, 0, Forked, 0}, {0, 2, Turned, 0}}},
		{"a month later the parent gets another successor", testPolicy, []step{
			{0, 0, Turned, 0}, {30*day - 1, 0, Forked, 0}, {0, 2, Turned, 0}}},
		{"a fork has a grace of its own", testPolicy, []step{
			{0, 0, Turned, 0}, {day, 0, Forked, 0}, {29 * time.Second, 0, Repeated, 2}, {time.Second, 0, Forked, 0}, {0, 3, Turned, 0}}},
		{"the successor that a fork left unused ends the family", testPolicy, []step{
			{0, 0, Turned, 0}, {day, 0, Forked, 0}, {0, 1, ErrReused, 0}, {0, 2, ErrUnknown, 0}, {0, 0, ErrUnknown, 0}}},
		{"so it does after the other one turned", testPolicy, []step{
			{0, 0, Turned, 0}, {day, 0, Forked, 0}, {0, 2, Turned, 0}, {day, 1, ErrReused, 0}, {0, 3, ErrUnknown, 0}}},
		{"the grandparent ends the family in the grace", testPolicy, []step{
			{0, 0, Turned, 0}, {0, 1, Turned, 0}, {0, 0, ErrReused, 0}, {0, 2, ErrUnknown, 0}}},
		{"and at any later time", testPolicy, []step{
			{0, 0, Turned, 0}, {0, 1, Turned, 0}, {29 * day, 0, ErrReused, 0}, {0, 2, ErrUnknown, 0}}},
		{"the parent is not late under revoke before the grace is over", late, []step{
			{0, 0, Turned, 0}, {30*time.Second - 1, 0, Repeated, 1}, {0, 1, Turned, 0}}},
		{"the late parent ends the family under revoke", late, []step{
			{0, 0, Turned, 0}, {30 * time.Second, 0, ErrReused, 0}, {0, 1, ErrUnknown, 0}}},
		{"without a grace each presentation forks", strict, []step{
			{0, 0, Turned, 0}, {0, 0, Forked, 0}, {0, 0, Forked, 0}, {0, 3, Turned, 0}}},
		{"a clock that was set back leaves the parent in its grace", testPolicy, []step{
			{0, 0, Turned, 0}, {-300 * day, 0, Repeated, 1}, {0, 1, Turned, 0}, {0, 1, Repeated, 2}}},
		{"a turn under a clock that was set back does not shorten the life", testPolicy, []step{
			{0, 0, Turned, 0}, {-300 * day, 1, Turned, 0}, {300 * day, 2, Turned, 0}, {30*day - 1, 3, Turned, 0}}},
		{"a grant ends when it was not used for its time to live", testPolicy, []step{
			{30*day - 1, 0, Turned, 0}, {30*day - 1, 1, Turned, 0}, {30 * day, 2, ErrExpired, 0}}},
		{"an expired grant is not revived by a clock that goes back", testPolicy, []step{
			{30 * day, 0, ErrExpired, 0}, {-30 * day, 0, ErrUnknown, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mem.New(), c.policy)
			given := []string{w.start()}
			for n, s := range c.steps {
				w.clock.Move(s.after)
				i, err := w.Turn(t.Context(), given[s.token], nil)
				if want, ok := s.want.(error); ok {
					if !errors.Is(err, want) || !errors.Is(err, ErrInvalid) {
						t.Fatalf("step %d: %v, %v", n, i.Outcome, err)
					}
					continue
				}
				if err != nil || i.Outcome != s.want {
					t.Fatalf("step %d: %v, %v", n, i.Outcome, err)
				}
				if i.Outcome == Repeated {
					if string(i.RefreshToken) != given[s.same] {
						t.Fatalf("step %d: another successor", n)
					}
					continue
				}
				given = append(given, string(i.RefreshToken))
			}
		})
	}
}

func TestAGrantNeverOutlivesItsMaximum(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	for range 18 {
		w.clock.Move(20 * day)
		text = w.turnTo(text, Turned)
	}
	w.clock.Move(5*day - 1) // 365 days, but for an instant
	i, err := w.Turn(t.Context(), text, nil)
	if err != nil || !i.Grant.ExpiresAt.Equal(i.Grant.MaxAt) {
		t.Fatal(i.Grant.ExpiresAt, err)
	}
	w.clock.Move(1)
	w.refused(string(i.RefreshToken), ErrExpired)
}

func TestWhatIsNotOursChangesNothing(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	spent := w.start()
	current := w.turnTo(w.turnTo(spent, Turned), Turned)
	other := w.start()
	tok, err := parse(spent)
	must(t, err)
	change := tok.changed
	before := w.pairs()
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"a wrong MAC", change(func(t *token) { t.mac[31] ^= 1 }), ErrUnknown},
		{"another generation", change(func(t *token) { t.generation = 3 }), ErrUnknown},
		{"a generation of the future", change(func(t *token) { t.generation = 1 << 31 }), ErrUnknown},
		{"another MAC key", change(func(t *token) { t.key++ }), ErrUnknown},
		{"another grant's MAC", change(func(t *token) { o, _ := parse(other); t.grant = o.grant }), ErrUnknown},
		{"a grant that never was", change(func(t *token) { t.grant[0] ^= 1 }), ErrUnknown},
		{"a cut token", spent[:len(spent)-1], ErrMalformed},
		{"nothing", "", ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.refused(c.text, c.want)
			if ending, err := w.End(t.Context(), c.text, nil); ending != NothingEnded || err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatal(ending, err)
			}
			if !maps.Equal(w.pairs(), before) {
				t.Fatal("the store was changed")
			}
		})
	}
	w.turnTo(current, Turned)
}

func TestACheckComesBeforeAnyChange(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	spent := w.start()
	parent := w.turnTo(spent, Turned)
	current := w.turnTo(parent, Turned)
	wrong := errors.New("another client")
	check := func(g data.Grant, u data.User) error {
		if g.Client != "signet" || u.ID != w.user.ID {
			t.Error("the check sees another grant")
		}
		return wrong
	}
	before := w.pairs()
	for _, text := range []string{spent, parent, current} {
		if _, err := w.Turn(t.Context(), text, check); err != wrong {
			t.Fatal(err)
		}
		if _, err := w.End(t.Context(), text, check); err != wrong {
			t.Fatal(err)
		}
	}
	w.clock.Move(400 * day)
	if _, err := w.Turn(t.Context(), current, check); err != wrong {
		t.Fatal(err)
	}
	w.clock.Move(-400 * day)
	if !maps.Equal(w.pairs(), before) || w.log.Len() > 0 {
		t.Fatal("a failed check left a trace")
	}
	w.turnTo(current, Turned)
}

func TestWhatEndsAGrantFromOutside(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *world, id data.GrantID) error
	}{
		{"the user is disabled", func(w *world, _ data.GrantID) error {
			_, err := w.store.ChangeUser(context.Background(), w.user.ID, func(u *data.User) error { u.Disabled = true; return nil })
			return err
		}},
		{"the user was disabled for a while", func(w *world, _ data.GrantID) error {
			for _, disabled := range []bool{true, false} {
				if _, err := w.store.ChangeUser(context.Background(), w.user.ID, func(u *data.User) error { u.Disabled = disabled; return nil }); err != nil {
					return err
				}
			}
			return nil
		}},
		{"the user was signed out everywhere", func(w *world, _ data.GrantID) error {
			return w.store.EndUserGrants(context.Background(), w.user.ID, nil)
		}},
		{"the password was changed elsewhere", func(w *world, id data.GrantID) error {
			id[3] ^= 1
			_, err := w.store.ChangePassword(context.Background(), w.user.ID, "", &id)
			return err
		}},
		{"the user was deleted", func(w *world, _ data.GrantID) error {
			return w.store.DeleteUser(context.Background(), w.user.ID)
		}},
		{"it was ended by its id", func(w *world, id data.GrantID) error {
			_, err := w.EndByID(context.Background(), id, w.user.ID)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mem.New(), testPolicy)
			parent := w.start()
			current := w.turnTo(parent, Turned)
			tok, _ := parse(current)
			must(t, c.do(w, tok.grant))
			for _, text := range []string{current, parent} {
				w.refused(text, ErrUnknown)
			}
		})
	}
}

func TestTheGrantThatIsKeptGoesOn(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	kept, other := w.start(), w.start()
	tok, _ := parse(kept)
	_, err := w.store.ChangePassword(t.Context(), w.user.ID, "", &tok.grant)
	must(t, err)
	w.refused(other, ErrUnknown)
	w.turnTo(w.turnTo(kept, Turned), Turned)
}

func TestStartRefusesAUserOfYesterday(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w *world) error
	}{
		{"who was signed out", func(w *world) error { return w.store.EndUserGrants(context.Background(), w.user.ID, nil) }},
		{"who was deleted", func(w *world) error { return w.store.DeleteUser(context.Background(), w.user.ID) }},
		{"who is disabled", func(w *world) error {
			_, err := w.store.ChangeUser(context.Background(), w.user.ID, func(u *data.User) error { u.Disabled = true; return nil })
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mem.New(), testPolicy)
			must(t, c.do(w))
			before := w.pairs()
			if _, err := w.Start(t.Context(), StartRequest{User: w.user, Client: "signet"}); !errors.Is(err, ErrEnded) {
				t.Fatal(err)
			}
			if !maps.Equal(w.pairs(), before) {
				t.Fatal("a grant was made")
			}
		})
	}
}

func TestReuseIsToldToTheLogAndNamesNoToken(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	spent := w.start()
	current := w.turnTo(w.turnTo(spent, Turned), Turned)
	w.refused(spent, ErrReused)
	line, tok := w.log.String(), func() token { tok, _ := parse(spent); return tok }()
	for _, want := range []string{"refresh_token_reused", tok.grant.String(), string(w.user.ID), `"client":"signet"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(line, Prefix) || strings.Contains(line, spent[60:]) || strings.Contains(line, current[60:]) {
		t.Errorf("too much: %s", line)
	}
}

func TestEndIsRepeatable(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	spent := w.start()
	current := w.turnTo(w.turnTo(spent, Turned), Turned)
	for _, want := range []Ending{GrantEnded, NothingEnded} {
		if ending, err := w.End(t.Context(), spent, nil); ending != want || err != nil {
			t.Fatal(ending, err)
		}
	}
	w.refused(current, ErrUnknown)
}

func TestAGrantIsNotEndedInAnothersName(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	tok, _ := parse(text)
	if ending, err := w.EndByID(t.Context(), tok.grant, "somebody"); ending != NothingEnded || err != nil {
		t.Fatal(ending, err)
	}
	text = w.turnTo(text, Turned)
	for _, want := range []Ending{GrantEnded, NothingEnded} {
		if ending, err := w.EndByID(t.Context(), tok.grant, w.user.ID); ending != want || err != nil {
			t.Fatal(ending, err)
		}
	}
	w.refused(text, ErrUnknown)
}
