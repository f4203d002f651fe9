package grant

import (
	"bytes"
	"context"
	"maps"
	"testing"
	"time"

	"signet/data"
	"signet/data/kv/kvtest"
	"signet/data/kv/mem"

	"pgregory.net/rapid"
)

// backup returns the store as it is now.
func (w *world) backup() []byte {
	w.t.Helper()
	var file bytes.Buffer
	_, err := w.store.Backup(context.Background(), &file)
	must(w.t, err)
	return file.Bytes()
}

// restore replaces the store by a backup, as after a loss.
func (w *world) restore(file []byte, keep bool) {
	w.t.Helper()
	w.engine = &kvtest.Counted{Engine: mem.New()}
	_, err := data.Restore(context.Background(), w.engine, bytes.NewReader(file), data.RestoreOptions{KeepGrants: keep, Now: w.clock.Now})
	must(w.t, err)
	w.open(w.o.Policy)
}

func TestARestoreEndsGrants(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	parent := w.start()
	current := w.turnTo(parent, Turned)
	file := w.backup()
	w.restore(file, false)
	before := w.pairs()
	for _, text := range []string{parent, current} {
		w.refused(text, ErrInvalid)
	}
	if !maps.Equal(w.pairs(), before) {
		t.Fatal("a token of before the restore changed the store")
	}
}

// The names are the tokens as they were given before the loss: 1, 2 (backup
// here), 3, 4. The record in the backup has 2 as current and 1 as its parent.
func TestARestoreThatKeepsGrantsAcceptsEachOnce(t *testing.T) {
	type step struct {
		after time.Duration
		token int // 1 to 4, or from 5 on: what was issued since
		want  any
		same  int
	}
	for _, c := range []struct {
		name  string
		late  Late
		steps []step
	}{
		{"the one that is current in the backup", LateFork, []step{{0, 2, Reissued, 0}, {0, 5, Turned, 0}}},
		{"one that is newer than the backup", LateFork, []step{{0, 4, Reissued, 0}, {0, 5, Turned, 0}}},
		{"its answer is lost, and asked for at once", LateFork, []step{{0, 4, Reissued, 0}, {29 * time.Second, 4, Repeated, 5}, {0, 5, Turned, 0}}},
		{"its answer is lost, and asked for a month later", LateFork, []step{{0, 4, Reissued, 0}, {29 * day, 4, Forked, 0}, {0, 6, Turned, 0}}},
		{"its answer is lost, and the policy is to revoke", LateRevoke, []step{{0, 4, Reissued, 0}, {day, 4, ErrReused, 0}}},
		{"the parent, in the grace", LateFork, []step{{0, 1, Repeated, 2}, {0, 2, Reissued, 0}, {0, 5, Turned, 0}}},
		{"the parent, late", LateFork, []step{{day, 1, Reissued, 0}, {0, 5, Turned, 0}, {0, 2, ErrReused, 0}, {0, 6, ErrUnknown, 0}}},
		{"the parent, late, and the policy is to revoke", LateRevoke, []step{{day, 1, ErrReused, 0}, {0, 4, ErrUnknown, 0}}},
		{"once only: then it is spent", LateFork, []step{{0, 4, Reissued, 0}, {0, 5, Turned, 0}, {0, 4, ErrReused, 0}, {0, 6, ErrUnknown, 0}}},
		{"an older one after a newer one ends the family", LateFork, []step{{0, 4, Reissued, 0}, {0, 3, ErrReused, 0}, {0, 5, ErrUnknown, 0}}},
		{"a number that was given again does not excuse the old token", LateFork, []step{{0, 2, Reissued, 0}, {0, 5, Turned, 0}, {0, 3, ErrReused, 0}, {0, 6, ErrUnknown, 0}}},
		{"a newer one after an older one ends the family", LateFork, []step{{0, 3, Reissued, 0}, {0, 4, ErrReused, 0}, {0, 5, ErrUnknown, 0}}},
		{"and so it does much later", LateFork, []step{{0, 3, Reissued, 0}, {0, 5, Turned, 0}, {day, 6, Turned, 0}, {day, 4, ErrReused, 0}, {0, 7, ErrUnknown, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPolicy
			p.Late = c.late
			w := newWorld(t, mem.New(), p)
			given := []string{"", w.start()}
			given = append(given, w.turnTo(given[1], Turned))
			file := w.backup()
			given = append(given, w.turnTo(given[2], Turned))
			given = append(given, w.turnTo(given[3], Turned))
			w.restore(file, true)
			w.macs.rotate()
			for n, s := range c.steps {
				w.clock.Move(s.after)
				if want, ok := s.want.(error); ok {
					w.refused(given[s.token], want)
					continue
				}
				next := w.turnTo(given[s.token], s.want.(Outcome))
				if s.want == Repeated {
					if next != given[s.same] {
						t.Fatalf("step %d: another successor", n)
					}
					continue
				}
				given = append(given, next)
			}
		})
	}
}

// Whoever rolls the file back without a restore gets no mercy: a token that is
// newer than its record, in one incarnation, cannot be told from a theft.
func TestAStoreThatWasRolledBackInSecretTakesNewerTokensForSpent(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	id := mustParse(t, text).grant
	old, _, err := w.store.Grant(t.Context(), id, "")
	must(t, err)
	newer := w.turnTo(w.turnTo(text, Turned), Turned)
	must(t, w.store.ChangeGrant(t.Context(), id, "", func(g *data.Grant, _ data.User) data.Change {
		*g = old
		return data.Save
	}))
	w.refused(newer, ErrReused)
	w.refused(text, ErrUnknown)
}

func TestAGenerationNeverGoesDown(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	file := w.backup()
	newer := w.turnTo(w.turnTo(text, Turned), Turned)
	w.restore(file, true)
	if got := mustParse(t, w.turnTo(newer, Reissued)).generation; got != 4 {
		t.Fatalf("3 became %d", got)
	}
}

func TestAGrandparentInABackupIsSpentAfterItsRestore(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	spent := w.start()
	current := w.turnTo(w.turnTo(spent, Turned), Turned)
	w.restore(w.backup(), true)
	w.refused(spent, ErrReused)
	w.refused(current, ErrUnknown)
}

// The second loss hits a store in which this grant never moved on from the
// first incarnation; its tokens of the second are newer than the backup.
func TestAGrantSurvivesTwoRestores(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	first := w.start()
	w.restore(w.backup(), true)
	file := w.backup()
	second := w.turnTo(w.turnTo(first, Reissued), Turned)
	w.restore(file, true)
	third := w.turnTo(second, Reissued)
	if again := w.turnTo(second, Repeated); again != third {
		t.Fatal("another successor")
	}
	w.turnTo(third, Turned)
	w.refused(first, ErrReused)
}

func TestARestoreWithoutGrantsForgetsTheIncarnationsThatWereKept(t *testing.T) {
	w := newWorld(t, mem.New(), testPolicy)
	text := w.start()
	w.restore(w.backup(), true)
	w.restore(w.backup(), false)
	w.refused(text, ErrUnknown)
	w.restore(w.backup(), true)
	w.refused(text, ErrUnknown)
}

// Losses come at any time, between turns, lost answers and clocks that jump. An
// honest client goes on, as long as the backup knows its grant and incarnation.
func TestAnHonestClientSurvivesRestores(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, mem.New(), testPolicy)
		held := w.start()
		began := w.clock.Now()
		file := w.backup()
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "what") {
			case 0:
				file = w.backup()
			case 1:
				// A backup of before this restore would not know of the
				// incarnation that begins here.
				w.restore(file, true)
				file = w.backup()
			case 2:
				w.macs.rotate()
			}
			w.clock.Move(rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second, time.Hour, -time.Hour}).Draw(r, "pause"))
			if w.clock.Now().Sub(began) > 29*day {
				return // the record in the backup may have expired
			}
			issued, err := w.Turn(context.Background(), held, nil)
			if err != nil {
				r.Fatalf("an honest client was logged out: %v", err)
			}
			if rapid.Bool().Draw(r, "arrives") {
				held = string(issued.RefreshToken)
			}
		}
	})
}
