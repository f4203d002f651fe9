//go:build engines && unix

package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"signet/data/kv"
	"signet/prove/child"
	"signet/prove/engines"
)

// ledger is what writers were told: each writes keys of its own, one after the
// other, for as long as the test goes on.
type ledger struct {
	t *testing.T
	e kv.Engine

	mu       sync.Mutex
	told     []string
	unknown  int
	arrived  chan struct{} // one for each write that was acknowledged
	stop     context.CancelFunc
	finished sync.WaitGroup
}

func write(t *testing.T, e kv.Engine, writers int) *ledger {
	ctx, stop := context.WithCancel(context.Background())
	l := &ledger{t: t, e: e, arrived: make(chan struct{}), stop: stop}
	t.Cleanup(stop)
	for range writers {
		own := rand.Text()
		l.finished.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.write(ctx, fmt.Sprintf("%s/%d", own, n))
			}
		})
	}
	return l
}

func (l *ledger) write(ctx context.Context, key string) {
	err := l.e.Update(ctx, func(tx kv.Tx) error {
		if v, err := tx.Get([]byte(key)); err != nil || v != nil {
			return errors.Join(err, fmt.Errorf("there is %s", v))
		}
		tx.Put([]byte(key), []byte("written"))
		return nil
	})
	l.mu.Lock()
	switch {
	case err == nil:
		l.told = append(l.told, key)
	case ctx.Err() == nil && !errors.Is(err, kv.ErrUnavailable) && !errors.Is(err, kv.ErrBusy):
		l.t.Errorf("%s: %v", key, err)
	default:
		l.unknown++
	}
	l.mu.Unlock()
	if err == nil {
		select {
		case l.arrived <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// goesOn waits for more acknowledged writes, and says how long it took.
func (l *ledger) goesOn(n int) time.Duration {
	l.t.Helper()
	began := time.Now()
	for range n {
		select {
		case <-l.arrived:
		case <-time.After(child.Patience):
			l.t.Fatal("nothing is written any more")
		}
	}
	return time.Since(began)
}

// holds ends the writing and looks for all that was acknowledged.
func (l *ledger) holds() {
	l.t.Helper()
	l.stop()
	l.finished.Wait()
	err := l.e.View(context.Background(), func(r kv.Reader) error {
		for _, key := range l.told {
			if v, err := r.Get([]byte(key)); err != nil || v == nil {
				return fmt.Errorf("%s was acknowledged, and now there is %q, %w", key, v, errors.Join(err))
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Logf("%d writes were acknowledged, %d were not", len(l.told), l.unknown)
}

func TestAServerThatStartsAgainIsFoundByItself(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*engines.Postgres)
	}{
		{"stopped", (*engines.Postgres).Stop},
		{"killed", (*engines.Postgres).Kill},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := engines.NewPostgres(t)
			l := write(t, open(t, s.DSN("postgres"), Options{}), 4)
			l.goesOn(20)
			c.end(s)
			s.Start()
			l.goesOn(20)
			l.holds()
		})
	}
}

func TestAServerThatStandsStillIsAnErrorSoonAndNoLossLater(t *testing.T) {
	s := engines.NewPostgres(t)
	e := open(t, s.DSN("postgres"), Options{Timeout: time.Second})
	l := write(t, e, 4)
	l.goesOn(20)
	s.Pause()
	began := time.Now()
	err := e.Update(t.Context(), func(tx kv.Tx) error { tx.Put([]byte("k"), []byte("v")); return nil })
	took := time.Since(began)
	s.Resume()
	if !errors.Is(err, kv.ErrUnavailable) || took > 5*time.Second {
		t.Fatalf("after %v: %v", took, err)
	}
	l.goesOn(20)
	l.holds()
}

// A view that has read something cannot go on elsewhere. That it ends is the
// store's fault, and nobody else's.
func TestAViewWhoseServerIsLostInTheMiddleSaysThatTheStoreIsAway(t *testing.T) {
	s := engines.NewPostgres(t)
	p, dsn := through(t, s.DSN("postgres"))
	e := open(t, dsn, Options{Timeout: time.Second, Poll: never})
	for _, c := range []struct {
		name         string
		strike, mend func()
	}{
		{"its connection is cut", p.cut, func() {}},
		{"it stands still", s.Pause, s.Resume},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := e.View(t.Context(), func(r kv.Reader) error {
				if _, err := r.Get([]byte("before")); err != nil {
					t.Error(err)
				}
				c.strike()
				_, err := r.Get([]byte("after"))
				return err
			})
			c.mend()
			if !errors.Is(err, kv.ErrUnavailable) {
				t.Fatal(err)
			}
		})
	}
}

func TestAPromotedStandbyTakesOverWithAllThatWasAcknowledged(t *testing.T) {
	s := engines.NewPostgres(t)
	standby := s.Standby("standby")
	s.Set("synchronous_standby_names = 'standby'")
	s.Reload()
	synchronous(t, s)
	l := write(t, open(t, s.DSN("postgres", standby), Options{}), 4)
	l.goesOn(50)
	s.Kill()
	standby.Promote()
	t.Logf("20 writes after the promotion took %v", l.goesOn(20))
	l.holds()
}

func TestAPromotedStandbyIsFoundAlsoWhenThePrimaryOnlyStandsStill(t *testing.T) {
	s := engines.NewPostgres(t)
	standby := s.Standby("standby")
	s.Set("synchronous_standby_names = 'standby'")
	s.Reload()
	synchronous(t, s)
	l := write(t, open(t, s.DSN("postgres", standby), Options{ConnectTimeout: time.Second}), 4)
	l.goesOn(50)
	s.Pause()
	standby.Promote()
	t.Logf("20 writes after the promotion took %v", l.goesOn(20))
	l.holds()
}

// synchronous waits until the primary waits for its standby.
func synchronous(t *testing.T, s *engines.Postgres) {
	t.Helper()
	for deadline := time.Now().Add(child.Patience); ; {
		if s.SQL("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the standby is not synchronous")
		}
	}
}
