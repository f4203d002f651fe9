package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"signet/data/kv/internal/optimistic"
)

// snapshot is a transaction that only reads. It begins in the flight of its
// first read, and ends when nobody waits any more.
type snapshot struct {
	b    *backend
	conn *pgxpool.Conn // nil before the first read
	err  error         // a transaction that failed reads no more: its moment is lost
}

// Snapshot is described by optimistic.Backend.
func (b *backend) Snapshot(context.Context) (optimistic.Snapshot, error) { return &snapshot{b: b}, nil }

func (s *snapshot) Fetch(ctx context.Context, keys [][]byte) ([]optimistic.Pair, error) {
	rows, err := s.read(ctx, fetching(keys))
	if err != nil {
		return nil, err
	}
	return inOrder(keys, rows), nil
}

func (s *snapshot) List(ctx context.Context, from, to []byte, limit int) ([]optimistic.Pair, bool, error) {
	rows, err := s.read(ctx, listing(from, to, limit))
	if err != nil {
		return nil, false, err
	}
	pairs, more := cut(rows, limit)
	return pairs, more, nil
}

func (s *snapshot) read(ctx context.Context, ask statement) ([]row, error) {
	if s.err != nil {
		return nil, s.err
	}
	p := part{ask}
	if s.conn == nil {
		conn, err := s.b.pool.Acquire(ctx)
		if err != nil {
			return nil, s.b.failed("read", err) // and may be tried again
		}
		s.conn = conn
		p = part{{sql: `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`}, ask}
	}
	answers, err := fly(ctx, s.pg(), p)
	if err == nil {
		return answers[len(answers)-1], nil
	}
	s.b.shed(err)
	err = s.b.failed("read", err)
	if len(p) == 2 { // nothing was read yet: another connection is as good
		s.End()
		s.conn = nil
		return nil, err
	}
	s.err = fmt.Errorf("%w: %w", optimistic.ErrLost, err)
	return nil, s.err
}

func (s *snapshot) pg() *pgconn.PgConn { return s.conn.Conn().PgConn() }

// End is described by optimistic.Snapshot.
func (s *snapshot) End() {
	conn := s.conn
	if conn == nil {
		return
	}
	go func() {
		defer conn.Release()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = alone(ctx, conn.Conn().PgConn(), statement{sql: `COMMIT`})
	}()
}
