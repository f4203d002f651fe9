package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// failed names the store and what it was asked for. What the server and pgx say
// holds no password and no parameter. What may pass by itself wraps
// kv.ErrUnavailable.
func (b *backend) failed(doing string, err error) error {
	var final refusal
	if errors.As(err, &final) {
		return fmt.Errorf("postgres: %s: %w", b.name, final)
	}
	sentinel := kv.ErrUnavailable
	switch {
	case code(err) == diskFull:
		sentinel = kv.ErrNoSpace
	case lasts(err):
		return fmt.Errorf("postgres: %s: %s: %w", b.name, doing, err)
	}
	return fmt.Errorf("postgres: %s: %s: %w: %w", b.name, doing, sentinel, err)
}

// unchanged is a change that was certainly not made.
func (b *backend) unchanged(err error) error {
	sentinel := optimistic.ErrUnchanged
	if lasts(err) {
		sentinel = optimistic.ErrRefused
	}
	return fmt.Errorf("%w: %w", sentinel, b.failed("commit", err))
}

const (
	readOnly = "25006" // which a primary says that has become a standby
	diskFull = "53100"
)

// lasts says whether the server would say the same again: feature not
// supported, data exception, integrity, authorization, syntax or access rule,
// a program's limit, a full disk.
func lasts(err error) bool {
	c := code(err)
	return c == diskFull || len(c) == 5 && slices.Contains([]string{"0A", "22", "23", "28", "42", "54"}, c[:2])
}

// shed lets the idle connections go after a failure that they may share: a
// server that broke off, takes no writes any more, or does not answer. One that
// answered others meanwhile is only slow, and a call that its caller gave up
// says nothing of the server.
func (b *backend) shed(err error) {
	switch c := code(err); {
	case err == nil:
		b.answered.Store(time.Now().UnixNano())
		return
	case errors.Is(err, context.Canceled), c != "" && c != readOnly && !strings.HasPrefix(c, "57P"),
		pgconn.Timeout(err) && time.Since(time.Unix(0, b.answered.Load())) < time.Second:
		return
	}
	b.pool.Reset()
}

// code is the SQLSTATE, or "" where the server did not say why.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isConflict says whether the transaction lost against another one:
// serialization_failure, deadlock_detected.
func isConflict(err error) bool {
	return isAnswer(err) && (code(err) == "40001" || code(err) == "40P01")
}

// isAnswer says whether the server itself answered that the transaction failed.
// FATAL is none: it may be the word of a pooler that lost its server, and even
// the server's own may come while a commit waits for its standby. Neither is
// 40003, statement_completion_unknown.
func isAnswer(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	severity := e.SeverityUnlocalized
	if severity == "" { // which servers of another make may leave out
		severity = e.Severity
	}
	return severity == "ERROR" && e.Code != "40003" && !strings.HasPrefix(e.Code, "08")
}
