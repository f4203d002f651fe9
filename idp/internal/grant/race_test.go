package grant

import (
	"context"
	"sync"
	"testing"
	"time"

	"signet/data"
)

// atOnce presents the token n times behind a barrier.
func (w *world) atOnce(n int, text string) (issued []Issued, errs []error) {
	issued, errs = make([]Issued, n), make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			issued[i], errs[i] = w.Turn(context.Background(), text, nil)
		})
	}
	close(start)
	wg.Wait()
	return issued, errs
}

func TestAHundredRefreshesAtOnceGetOneSuccessor(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), testPolicy)
			text := w.start()
			for round := range 3 {
				before := w.engine.Writes.Load()
				issued, errs := w.atOnce(100, text)
				turned := 0
				for i := range issued {
					must(t, errs[i])
					if issued[i].RefreshToken != issued[0].RefreshToken || int(issued[i].Grant.Current) != round+2 {
						t.Fatal("two successors or generations")
					}
					if issued[i].Outcome == Turned {
						turned++
					}
				}
				if turned != 1 || w.engine.Writes.Load() != before+1 {
					t.Fatalf("%d turns and %d writes", turned, w.engine.Writes.Load()-before)
				}
				text = string(issued[0].RefreshToken)
			}
		})
	}
}

func TestAHundredLateRefreshesAtOnceForkOnce(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), testPolicy)
			parent := w.start()
			unused := w.turnTo(parent, Turned)
			w.clock.Move(time.Hour)
			issued, errs := w.atOnce(100, parent)
			forked := 0
			for i := range issued {
				must(t, errs[i])
				if issued[i].RefreshToken != issued[0].RefreshToken || string(issued[i].RefreshToken) == unused {
					t.Fatal("not one new successor")
				}
				if issued[i].Outcome == Forked {
					forked++
				}
			}
			if forked != 1 {
				t.Fatalf("%d forks", forked)
			}
			w.refused(unused, ErrReused)
			w.refused(string(issued[0].RefreshToken), ErrUnknown)
		})
	}
}

func TestAFamilyDiesOnceHoweverOftenASpentTokenComes(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), testPolicy)
			spent := w.start()
			current := w.turnTo(w.turnTo(spent, Turned), Turned)
			before := w.engine.Writes.Load()
			_, errs := w.atOnce(100, spent)
			reused := 0
			for _, err := range errs {
				switch err {
				case ErrReused:
					reused++
				case ErrUnknown:
				default:
					t.Fatal(err)
				}
			}
			if reused != 1 || w.engine.Writes.Load() != before+1 {
				t.Fatalf("it died %d times", reused)
			}
			w.refused(current, ErrUnknown)
		})
	}
}

// A sign-out and a refresh at the same time: whatever comes first, after both
// the grant is over.
func TestAnEndIsNotOvertakenByATurn(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), testPolicy)
			for range 20 {
				text := w.start()
				var wg sync.WaitGroup
				var issued Issued
				var ended error
				wg.Go(func() { issued, _ = w.Turn(context.Background(), text, nil) })
				wg.Go(func() { ended = w.store.EndUserGrants(context.Background(), w.user.ID, nil) })
				wg.Wait()
				must(t, ended)
				w.refused(text, ErrInvalid)
				if issued.Outcome == Turned {
					w.refused(string(issued.RefreshToken), ErrInvalid)
				}
				var err error
				w.user, err = w.store.User(t.Context(), w.user.ID)
				must(t, err)
			}
		})
	}
}

// A day of refreshes writes nothing that has to be cleaned up.
func TestRefreshesAddNoKey(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), testPolicy)
			text := w.start()
			sweep := func() {
				_, err := w.store.Sweep(t.Context(), 1000)
				must(t, err)
			}
			before := len(w.pairs())
			for range 24 * 6 {
				w.clock.Move(10 * time.Minute)
				text = w.turnTo(text, Turned)
				sweep()
			}
			if got := len(w.pairs()); got != before {
				t.Fatalf("%d keys became %d", before, got)
			}
			for range 40 { // past the place of the first entry of the expiry index
				w.clock.Move(day)
				text = w.turnTo(text, Turned)
				sweep()
			}
			if got := len(w.pairs()); got != before {
				t.Fatalf("%d keys became %d", before, got)
			}
			must(t, w.store.EndUserGrants(t.Context(), w.user.ID, nil))
			sweep()
			w.clock.Move(60 * day)
			sweep()
			if list, err := w.store.UserGrants(t.Context(), w.user.ID, data.GrantID{}, 0); len(list) > 0 || err != nil {
				t.Fatal(list, err)
			}
			if got := len(w.pairs()); got != before-4 {
				t.Fatalf("%d keys became %d: record, both indices and entry should be gone", before, got)
			}
		})
	}
}
