package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// migrations are the steps from an empty database to the form that this
// version of Signet knows; their number is the version of the form. A step that
// was released is never changed. Each is a statement that every make of
// PostgreSQL knows.
//
// The table keeps a tenth of its pages free, so that a refresh finds room for
// the new form of its row beside the old one and touches no index. A name of
// signet_form is the one that it speaks of, so that there is one row.
var migrations = []string{
	`CREATE TABLE IF NOT EXISTS signet_pairs (
		key     bytea  PRIMARY KEY,
		value   bytea  NOT NULL,
		version bigint NOT NULL
	) WITH (fillfactor = 90)`,
}

const (
	askForm  = `SELECT version FROM signet_form WHERE name = 'pairs'`
	makeForm = `CREATE TABLE IF NOT EXISTS signet_form (name text PRIMARY KEY, version bigint NOT NULL)`
	noForm   = `INSERT INTO signet_form (name, version) VALUES ('pairs', 0) ON CONFLICT (name) DO NOTHING`
)

// patience is how long a server may take to be there when a node starts.
const patience = 10 * time.Second

// migrate brings the store to the form that this version knows. Several nodes
// may start at once: who changes the form holds its row until the commit, and
// the others see then that it is done. There is no advisory lock in it, which
// poolers lose and CockroachDB does not have.
func (b *backend) migrate(ctx context.Context) error {
	late := time.After(patience)
	var said error // before the time was up: it tells more than that
	for {
		err := b.with(ctx, func(c *pgconn.PgConn) error { return step(ctx, c) })
		switch {
		case err == nil:
		case !errors.Is(err, context.DeadlineExceeded):
			said = err
		case said != nil:
			err = fmt.Errorf("%w; before that: %w", err, said)
		}
		var final refusal
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final), !again(err):
			return b.failed("prepare the store", err)
		}
		select {
		case <-ctx.Done():
			return b.failed("prepare the store", err)
		case <-late:
			return b.failed("prepare the store", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// again says whether a failure comes of others who do the same at the same
// time, or of a server that is not there yet: CREATE TABLE IF NOT EXISTS by two
// at once fails for one of them, in one of several ways.
func again(err error) bool {
	c := code(err)
	return slices.Contains([]string{"", "23505", "42P07", "42710", "40001", "40P01", "XX000", "25006"}, c) || c[:2] == "08" || c[:2] == "57"
}

func step(ctx context.Context, c *pgconn.PgConn) error {
	form, err := number(ctx, c, askForm)
	if code(err) == "42P01" { // undefined_table
		form, err = 0, nil
	}
	switch known := int64(len(migrations)); {
	case err != nil:
		return err
	case form > known:
		return refusal{fmt.Errorf("the store has form %d, and this version of Signet knows form %d and before: "+
			"a newer version made it, run that one", form, known)}
	case form == known:
		return nil
	}
	return change(ctx, c)
}

func change(ctx context.Context, c *pgconn.PgConn) (err error) {
	defer func() {
		if _, end := fly(ctx, c, part{{sql: `COMMIT`}}); err == nil { // after an error it rolls back
			err = end
		}
	}()
	if _, err := fly(ctx, c, part{{sql: `BEGIN`}, {sql: makeForm}, {sql: noForm}}); err != nil {
		return err
	}
	form, err := number(ctx, c, askForm+` FOR UPDATE`)
	for ; err == nil && form < int64(len(migrations)); form++ {
		_, err = fly(ctx, c, part{{sql: migrations[form]}})
	}
	if err != nil {
		return err
	}
	set := statement{}
	set.sql = `UPDATE signet_form SET version = ` + set.number(form) + ` WHERE name = 'pairs'`
	_, err = alone(ctx, c, set)
	return err
}

func number(ctx context.Context, c *pgconn.PgConn, sql string) (int64, error) {
	rows, err := alone(ctx, c, statement{sql: sql})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].number(0), nil
}
