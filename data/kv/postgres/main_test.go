//go:build engines && unix

package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"signet/data/kv"
	"signet/data/kv/kvtest"
	"signet/prove/engines"
)

var databases atomic.Int64

// newDatabase makes an empty database and returns its name.
func newDatabase(t testing.TB, s *engines.Postgres) string {
	t.Helper()
	name := fmt.Sprintf("signet%d", databases.Add(1))
	s.SQL("postgres", "CREATE DATABASE "+name)
	return name
}

// open opens the store as one node until the test ends.
func open(t testing.TB, dsn string, o Options) *Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, err := Open(ctx, dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// never is a poll that does not come: what is heard then LISTEN has told.
const never = time.Hour

func TestSuite(t *testing.T) {
	s := engines.NewPostgres(t)
	kvtest.Run(t, func(t *testing.T) kv.Engine {
		return open(t, s.DSN(newDatabase(t, s)), Options{Poll: never})
	})
	kvtest.RunNodes(t, func(t *testing.T, n int) (nodes []kv.Engine) {
		dsn := s.DSN(newDatabase(t, s))
		for range n {
			nodes = append(nodes, open(t, dsn, Options{Poll: never}))
		}
		return nodes
	})
}
