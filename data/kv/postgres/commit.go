package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// most is how many bytes a change may have. PostgreSQL takes a gigabyte in a
// parameter, and holds it several times.
const most = 256 << 20

// Commit is described by optimistic.Backend. COMMIT is a part of its own: after
// an error it ends the failed transaction, in the same flight.
func (b *backend) Commit(ctx context.Context, c optimistic.Change) (fresh []optimistic.Pair, err error) {
	if size(c) > most {
		return nil, fmt.Errorf("postgres: %w: it has more than %d MB", kv.ErrTooLarge, most>>20)
	}
	puts, err := b.versioned(c.Puts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", optimistic.ErrUnchanged, err)
	}
	begin := `BEGIN ISOLATION LEVEL SERIALIZABLE`
	if c.Empty() {
		begin += ` READ ONLY`
	}
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return nil, b.unchanged(err)
	}
	pc := conn.Conn().PgConn()
	delete(pc.CustomData(), warned)
	answers, err := fly(ctx, pc, part{{sql: begin}, limits(ctx, pc), changing(c, puts)}, part{{sql: `COMMIT`}})
	warning, _ := pc.CustomData()[warned].(string)
	conn.Release()
	b.shed(err)
	if err == nil && warning != "" { // the wait for the standby was broken off, for one
		err = errors.New("the server warns: " + warning)
	}
	switch {
	case isConflict(err):
		return b.conflict(ctx, c)
	case isAnswer(err):
		return nil, b.unchanged(err)
	case err != nil:
		b.tell(c) // it may have been made
		return nil, b.failed("commit", err)
	}
	if rows := answers[2]; len(rows) > 0 {
		return inOrder(keysOf(c.Reads), rows), optimistic.ErrConflict
	}
	b.tell(c)
	return puts, nil
}

// conflict is a change that the server itself found to be in the way of
// another: what is there now it does not tell.
func (b *backend) conflict(ctx context.Context, c optimistic.Change) (fresh []optimistic.Pair, err error) {
	if len(c.Reads) > 0 {
		if fresh, err = b.Fetch(ctx, keysOf(c.Reads)); err != nil {
			return nil, fmt.Errorf("%w: %w", optimistic.ErrUnchanged, err)
		}
	}
	return fresh, optimistic.ErrConflict
}

// size is what kv.Limits counts.
func size(c optimistic.Change) (n int) {
	for _, p := range c.Puts {
		n += len(p.Key) + len(p.Value)
	}
	for _, k := range append(keysOf(c.Reads), c.Deletes...) {
		n += len(k)
	}
	return n
}

func keysOf(pairs []optimistic.Pair) [][]byte {
	keys := make([][]byte, len(pairs))
	for i, p := range pairs {
		keys[i] = p.Key
	}
	return keys
}

// versioned gives each pair a version that no other write has: 63 random bits.
// A sequence would be one more thing that the makes of PostgreSQL do
// differently, and a row that everybody writes.
func (b *backend) versioned(puts []optimistic.Pair) ([]optimistic.Pair, error) {
	drawn := make([]byte, 8*len(puts))
	if _, err := io.ReadFull(b.o.Rand, drawn); err != nil {
		return nil, fmt.Errorf("postgres: draw a version: %w", err)
	}
	versioned := make([]optimistic.Pair, len(puts))
	for i, p := range puts {
		p.Version = int64(binary.BigEndian.Uint64(drawn[8*i:])>>1) | 1
		versioned[i] = p
	}
	return versioned, nil
}

// idle is how long the server keeps a transaction of which the rest does not
// come, and with it the rows that it locked.
const idle = "10s"

// limits sets what holds for this transaction only. The server gives up before
// its client does, so that a client that waited for a lock in vain knows that
// nothing was done; the commit itself, with its wait for a standby, is not
// under that limit. Small tables are read through their index too: SERIALIZABLE
// takes one that was read as a whole for read by everybody. And whatever a role
// or a database was told, the log is on the disk before the answer.
func limits(ctx context.Context, c *pgconn.PgConn) (s statement) {
	left := 10 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		left = max(time.Until(deadline)*3/4, time.Millisecond)
	}
	s.sql = `SELECT set_config('statement_timeout', ` + s.text(strconv.FormatInt(left.Milliseconds(), 10)) +
		`, true), set_config('idle_in_transaction_session_timeout', '` + idle + `', true)`
	if c.ParameterStatus("crdb_version") != "" {
		s.sql += `, set_config('enable_multiple_modifications_of_table', 'on', true)` // never of the same row
	} else {
		s.sql += `, set_config('enable_seqscan', 'off', true), CASE current_setting('synchronous_commit') ` +
			`WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END`
	}
	return s
}

// changing is the one statement that compares and writes: all of its parts see
// the same moment. It gives no row when the change was made, and otherwise an
// empty one, and the pairs of the keys that were read.
func changing(c optimistic.Change, puts []optimistic.Pair) (s statement) {
	with := []string{}
	so := []string{"true"}
	fresh := ""
	if len(c.Reads) > 0 {
		versions := make([]int64, len(c.Reads))
		for i, p := range c.Reads {
			versions[i] = p.Version
		}
		keys := s.keys(keysOf(c.Reads))
		with = append(with, `seen AS (SELECT s.key, s.version FROM unnest(`+keys+`, `+s.numbers(versions)+`) AS s(key, version))`)
		so = append(so, `NOT EXISTS (SELECT 1 FROM seen s WHERE coalesce((SELECT p.version FROM signet_pairs p WHERE p.key = s.key), 0) <> s.version)`)
		fresh = ` UNION ALL SELECT key, value, version FROM signet_pairs WHERE key = ANY(` + keys + `) AND NOT (SELECT yes FROM same)`
	}
	if len(c.Ranges) > 0 {
		so = append(so, s.ranges(c.Ranges))
	}
	with = append(with, `same AS (SELECT `+strings.Join(so, ` AND `)+` AS yes)`)
	if len(c.Deletes) > 0 {
		with = append(with, `gone AS (DELETE FROM signet_pairs WHERE key = ANY(`+s.keys(c.Deletes)+`) AND (SELECT yes FROM same))`)
	}
	if len(puts) > 0 {
		with = append(with, s.puts(puts))
	}
	s.sql = `WITH ` + strings.Join(with, `, `) +
		` SELECT NULL::bytea AS key, NULL::bytea AS value, 0::bigint AS version WHERE NOT (SELECT yes FROM same)` + fresh
	return s
}

func (s *statement) puts(puts []optimistic.Pair) string {
	values, versions := make([][]byte, len(puts)), make([]int64, len(puts))
	for i, p := range puts {
		values[i], versions[i] = p.Value, p.Version
	}
	return `made AS (INSERT INTO signet_pairs (key, value, version) SELECT n.key, n.value, n.version FROM unnest(` +
		s.keys(keysOf(puts)) + `, ` + s.keys(values) + `, ` + s.numbers(versions) + `) AS n(key, value, version)` +
		` WHERE (SELECT yes FROM same) ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version)`
}

// ranges compares how many pairs there are and the sum of their versions. Each
// version is 63 random bits that its writer drew, so other pairs with the same
// sum are as likely as the same version twice.
func (s *statement) ranges(ranges []optimistic.Range) string {
	n := len(ranges)
	from, to, counts, sums := make([][]byte, n), make([][]byte, n), make([]int64, n), make([][]byte, n)
	for i, r := range ranges {
		sum := new(big.Int)
		for _, p := range r.Pairs {
			sum.Add(sum, big.NewInt(p.Version))
		}
		from[i], to[i], counts[i], sums[i] = r.From, end(r.To), int64(len(r.Pairs)), []byte(sum.String())
	}
	return `NOT EXISTS (SELECT 1 FROM unnest(` + s.keys(from) + `, ` + s.keys(to) + `, ` + s.numbers(counts) + `, ` + s.texts(sums) +
		`) AS r(low, high, pairs, total) WHERE (SELECT count(*) <> r.pairs OR coalesce(sum(p.version), 0) <> r.total::numeric` +
		` FROM signet_pairs p WHERE p.key >= r.low AND p.key < r.high))`
}
