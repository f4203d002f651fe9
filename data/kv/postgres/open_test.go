//go:build engines && unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signet/data/kv"
	"signet/prove/engines"
)

func TestOfEightThatStartAtOnceOnAnEmptyDatabaseEachGetsTheStore(t *testing.T) {
	s := engines.NewPostgres(t)
	for range 3 {
		dsn := s.DSN(newDatabase(t, s))
		const openers = 8
		var ready, done sync.WaitGroup
		start := make(chan struct{})
		errs := make([]error, openers)
		ready.Add(openers)
		for i := range openers {
			done.Go(func() {
				ready.Done()
				<-start
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				e, err := Open(ctx, dsn, Options{Poll: never, Conns: 2})
				if err != nil {
					errs[i] = err
					return
				}
				defer e.Close()
				errs[i] = e.Update(ctx, func(tx kv.Tx) error { tx.Put(fmt.Append(nil, "node ", i), []byte("here")); return nil })
			})
		}
		ready.Wait()
		close(start)
		done.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if n := count(t, open(t, dsn, Options{Poll: never}), "node "); n != openers {
			t.Fatalf("%d of %d wrote to the same store", n, openers)
		}
	}
}

func TestAStoreOfANewerVersionIsRefusedAndLeftAlone(t *testing.T) {
	s := engines.NewPostgres(t)
	database := newDatabase(t, s)
	open(t, s.DSN(database), Options{Poll: never}).Close()
	s.SQL(database, "UPDATE signet_form SET version = version + 1")
	_, err := Open(t.Context(), s.DSN(database), Options{})
	if err == nil || !strings.Contains(err.Error(), "a newer version made it") || errors.Is(err, kv.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if form := s.SQL(database, "SELECT version FROM signet_form"); form != "2" {
		t.Fatalf("the form is %s now", form)
	}
}

func TestAServerThatDoesNotSyncIsRefused(t *testing.T) {
	s := engines.NewPostgres(t, "fsync = off")
	_, err := Open(t.Context(), s.DSN("postgres"), Options{})
	if err == nil || !strings.Contains(err.Error(), "set fsync = on") {
		t.Fatalf("got %v", err)
	}
}

func TestACommitWaitsForTheDiskWhateverTheRoleWasTold(t *testing.T) {
	s := engines.NewPostgres(t)
	database := newDatabase(t, s)
	for _, c := range []struct{ told, want string }{{"off", "on"}, {"on", "on"}, {"remote_apply", "remote_apply"}} {
		s.SQL(database, "ALTER ROLE signet SET synchronous_commit = "+c.told)
		e := open(t, s.DSN(database), Options{Poll: never})
		err := e.b.with(t.Context(), func(pc *pgconn.PgConn) error {
			answers, err := fly(t.Context(), pc, part{{sql: `BEGIN`}, limits(t.Context(), pc), {sql: `SHOW synchronous_commit`}}, part{{sql: `COMMIT`}})
			if err == nil && string(answers[2][0][0]) != c.want {
				t.Errorf("of a role with %s it is %s, want %s", c.told, answers[2][0][0], c.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStandbyAloneIsRefused(t *testing.T) {
	s := engines.NewPostgres(t)
	standby := s.Standby("standby")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := Open(ctx, standby.DSN("postgres"), Options{})
	if !errors.Is(err, kv.ErrReadOnly) || !errors.Is(err, kv.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	open(t, standby.DSN("postgres", s), Options{Poll: never}) // the other host takes writes
}

func TestNoErrorHoldsThePassword(t *testing.T) {
	s := engines.NewPostgres(t)
	u, err := url.Parse(s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "tell-nobody/%zz"
	for name, dsn := range map[string]string{
		"a wrong password":        "postgres://signet:tell-nobody@" + u.Host + "/postgres",
		"a password not escaped":  "postgres://signet:" + secret + "@" + u.Host + "/postgres",
		"a port that is none":     "postgres://signet:tell-nobody@127.0.0.1:tell-nobody/postgres",
		"an unknown TLS mode":     "host=127.0.0.1 password=tell-nobody sslmode=tell-nobody",
		"an unknown word":         "host=127.0.0.1 password='tell-nobody",
		"nobody listens":          "postgres://signet:tell-nobody@127.0.0.1:1/postgres",
		"a database that is none": strings.Replace(s.DSN("none"), engines.PostgresPassword, engines.PostgresPassword, 1),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := Open(ctx, dsn, Options{})
			if err == nil {
				t.Fatal("opened")
			}
			for _, never := range []string{"tell-nobody", engines.PostgresPassword} {
				if strings.Contains(err.Error(), never) {
					t.Errorf("the error is: %v", err)
				}
			}
		})
	}
}

// count counts the pairs under a prefix.
func count(t *testing.T, e kv.Engine, prefix string) (n int) {
	t.Helper()
	err := e.Update(t.Context(), func(tx kv.Tx) error {
		n = 0
		return tx.Scan([]byte(prefix), nil, func(_, _ []byte) bool { n++; return true })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
