package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// Engine is a kv.Engine on PostgreSQL.
type Engine struct {
	*optimistic.Engine
	b *backend
}

// Stats are an engine's counters.
type Stats = optimistic.Stats

// Open opens the store in the database that the DSN names, and makes it if
// there is none: postgres://user@host1,host2/database, or host=… user=…. The
// password may stand in it, or in PGPASSWORD or a password file. Open waits for
// the server for ten seconds.
//
// The error wraps kv.ErrUnavailable where the server cannot be reached, and
// kv.ErrReadOnly where every host is a standby. It never holds the DSN.
func Open(ctx context.Context, dsn string, o Options) (*Engine, error) {
	o = o.withDefaults()
	config, err := configure(dsn, o)
	if err != nil {
		return nil, err
	}
	b := &backend{name: name(config.ConnConfig), o: o, conn: config.ConnConfig, news: newNews(), watched: newWatched()}
	if b.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, b.failed("connect", err)
	}
	if err := b.migrate(ctx); err != nil {
		b.pool.Close()
		return nil, err
	}
	if b.ear, err = b.listen(ctx); err != nil && !errors.Is(err, errDeaf) {
		b.pool.Close()
		return nil, b.failed("listen", err)
	}
	return &Engine{optimistic.New(b, optimistic.Options{
		Timeout: o.Timeout,
		Cache:   o.Cache,
		Running: o.Running,
		Waiting: o.Waiting,
		Limits:  kv.Limits{Bytes: most},
	}), b}, nil
}

// Watch is described by kv.Engine.
func (e *Engine) Watch(prefix []byte) (changed <-chan struct{}, stop func()) {
	changed, end := e.Engine.Watch(prefix)
	forget := e.b.watch(string(prefix))
	return changed, func() { end(); forget() }
}

// errDSN says no more: every part of a DSN may be a part of its password.
var errDSN = errors.New("postgres: the DSN cannot be read: it looks like " +
	"postgres://user@host1,host2/database?sslmode=verify-full or host=… user=… dbname=…; " +
	"in the first form a password is percent-encoded (what is wrong is not shown here, it could be the password)")

func configure(dsn string, o Options) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errDSN
	}
	switch {
	case o.Conns > 0:
		c.MaxConns = int32(o.Conns)
	case !strings.Contains(dsn, "pool_max_conns"):
		c.MaxConns = defaultConns
	}
	switch {
	case o.ConnectTimeout > 0:
		c.ConnConfig.ConnectTimeout = o.ConnectTimeout
	case c.ConnConfig.ConnectTimeout == 0:
		c.ConnConfig.ConnectTimeout = defaultConnectTimeout
	}
	// A connection is looked at before it is used, which needs no round trip.
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	c.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return quiet(conn.PgConn().Conn()), nil }
	// One whose server does not answer is given up.
	c.BeforeClose = func(conn *pgx.Conn) { _ = conn.PgConn().Conn().SetDeadline(time.Now().Add(parting)) }
	c.BeforeConnect = func(_ context.Context, cc *pgx.ConnConfig) error { prepare(cc); return nil }
	return c, nil
}

// name is what errors call the store: its hosts and its database.
func name(c *pgx.ConnConfig) string {
	hosts := []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, f := range c.Fallbacks {
		if h := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); h != hosts[len(hosts)-1] {
			hosts = append(hosts, h) // of one host there are several, with and without TLS
		}
	}
	return fmt.Sprintf("%s/%s", strings.Join(hosts, ","), c.Database)
}

var _ kv.Engine = (*Engine)(nil)
