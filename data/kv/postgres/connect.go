package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"signet/data/kv"
)

const (
	defaultConns          = 16
	defaultConnectTimeout = 2 * time.Second
)

// prepare sets what every connection needs.
func prepare(c *pgx.ConnConfig) {
	c.ValidateConnect = validate
	c.OnNotice = notice
	// When a call takes too long, pgx closes the connection and asks the server
	// to cancel. A commit that waits for its standby would be cut short by that:
	// it stays, others see it, and the standby lacks it. So nothing is
	// cancelled; what runs too long the server ends by itself.
	var connected atomic.Bool
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("postgres: nothing is cancelled")
		}
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return brief{c}, nil
	}
	c.AfterConnect = func(context.Context, *pgconn.PgConn) error { connected.Store(true); return nil }
}

// brief is a connection on which nothing waits for long. pgx gives one that it
// drops a quarter of a minute to say goodbye, and its place in the pool is
// taken until then: servers that stand still would leave no place for those
// that answer. pgx sets no other time ahead.
type brief struct{ net.Conn }

func (b brief) SetDeadline(t time.Time) error {
	if soon := time.Now().Add(parting); t.After(soon) {
		t = soon
	}
	return b.Conn.SetDeadline(t)
}

func (b brief) NetConn() net.Conn { return b.Conn }

// refusal is a server that is reached and not good enough. It is final.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// validate refuses a host that takes no writes, so that the next one is tried,
// and one that acknowledges what is not on a disk.
func validate(ctx context.Context, c *pgconn.PgConn) error {
	// What a server of another make does not know is empty.
	const ask = `SELECT current_setting('transaction_read_only', true), current_setting('fsync', true), current_setting('synchronous_standby_names', true)`
	r := c.ExecParams(ctx, ask, nil, nil, nil, nil).Read()
	switch {
	case r.Err != nil:
		return r.Err
	case len(r.Rows) != 1 || len(r.Rows[0]) != 3:
		return errors.New("postgres: the server does not tell its settings")
	}
	is := func(i int, value string) bool { return string(r.Rows[0][i]) == value }
	switch {
	case is(0, "on"):
		return errStandby
	case is(1, "off") && is(2, ""): // some services keep their log with others only
		return refusal{errors.New("postgres: the server has fsync = off: a power cut would lose what was acknowledged; set fsync = on")}
	}
	return nil
}

// errStandby is not final: a standby may be promoted in a moment.
var errStandby = errors.Join(errors.New("postgres: it takes no writes (transaction_read_only is on)"), kv.ErrReadOnly)

// warned is where a connection keeps the last warning of the server.
const warned = "signet.warned"

func notice(c *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" || n.Severity == "WARNING" {
		c.CustomData()[warned] = n.Message
	}
}
