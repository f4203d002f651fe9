package postgres

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// backend is the table of pairs, as the engine that remote stores share wants
// it.
type backend struct {
	name    string // for errors
	o       Options
	conn    *pgx.ConnConfig
	pool    *pgxpool.Pool
	ear     *pgconn.PgConn // which listens already when Watch begins; nil: LISTEN does not work here
	news    *news
	watched *watched

	answered atomic.Int64                        // when the server last answered anything
	changed  atomic.Pointer[func(keys []string)] // of Watch
}

// Close is described by optimistic.Backend.
func (b *backend) Close() error {
	b.pool.Close() // waits for the ends of snapshots
	return nil
}

// with runs fn on a connection of the pool.
func (b *backend) with(ctx context.Context, fn func(*pgconn.PgConn) error) error {
	c, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	err = fn(c.Conn().PgConn())
	c.Release()
	b.shed(err)
	return err
}

// Fetch is described by optimistic.Source. A statement is of one moment.
func (b *backend) Fetch(ctx context.Context, keys [][]byte) (pairs []optimistic.Pair, err error) {
	var rows []row
	s := fetching(keys)
	err = b.with(ctx, func(c *pgconn.PgConn) error {
		rows, err = alone(ctx, c, s)
		return err
	})
	if err != nil {
		return nil, b.failed("read", err)
	}
	return inOrder(keys, rows), nil
}

func fetching(keys [][]byte) (s statement) {
	s.sql = `SELECT key, value, version FROM signet_pairs WHERE key = ANY(` + s.keys(keys) + `)`
	return s
}

// inOrder gives each key its pair, or one that says that there is none.
func inOrder(keys [][]byte, rows []row) []optimistic.Pair {
	found := make(map[string]optimistic.Pair, len(rows))
	for _, r := range rows {
		found[string(r[0])] = r.pair()
	}
	pairs := make([]optimistic.Pair, len(keys))
	for i, k := range keys {
		if p, ok := found[string(k)]; ok {
			pairs[i] = p
		} else {
			pairs[i] = optimistic.Pair{Key: k}
		}
	}
	return pairs
}

// List is described by optimistic.Source. A scan alone may be all that a
// transaction reads, so it is serializable among those that write.
func (b *backend) List(ctx context.Context, from, to []byte, limit int) (pairs []optimistic.Pair, more bool, err error) {
	var answers [][]row
	err = b.with(ctx, func(c *pgconn.PgConn) error {
		answers, err = fly(ctx, c,
			part{{sql: `BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY`}, listing(from, to, limit)},
			part{{sql: `COMMIT`}}) // which ends the transaction after an error as well
		return err
	})
	if err != nil {
		return nil, false, b.failed("read", err)
	}
	pairs, more = cut(answers[1], limit)
	return pairs, more, nil
}

// cut takes away the row that only says that there are more.
func cut(rows []row, limit int) (pairs []optimistic.Pair, more bool) {
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	for _, r := range rows {
		pairs = append(pairs, r.pair())
	}
	return pairs, more
}

func listing(from, to []byte, limit int) (s statement) {
	s.sql = `SELECT key, value, version FROM signet_pairs WHERE key >= ` + s.bytes(from) + ` AND key < ` + s.bytes(end(to)) +
		` ORDER BY key LIMIT ` + s.number(int64(limit)+1)
	return s
}

// end is the end of a range; that of the store is behind every key.
func end(to []byte) []byte {
	if to == nil {
		return behind
	}
	return to
}

var behind = bytes.Repeat([]byte{0xff}, kv.MaxKey+1)
