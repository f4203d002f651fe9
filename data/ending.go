package data

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"signet/data/kv"
)

// Ending is an account that was signed out of its session, until all that
// follows is done: its grants have ended, and its clients are to be told. It is
// noted in the transaction that signs out, so that a kill after it leaves
// nothing half done for good. (A session that ends by its time leaves none.)
type Ending struct {
	V       int       `json:"v"`
	Account Account   `json:"account"`
	At      time.Time `json:"at"`
}

func (e *Ending) kind() string  { return "ending" }
func (e *Ending) version() *int { return &e.V }

// noteEndings notes those accounts of old that are not among next.
func (s *Store) noteEndings(tx kv.Tx, old Session, next []Account) error {
	if !s.now().Before(old.end()) {
		return nil
	}
	for _, a := range old.Accounts {
		if slices.ContainsFunc(next, func(n Account) bool { return n.ID == a.ID }) {
			continue
		}
		if err := put(tx, endingKey(a.ID), &Ending{Account: a, At: s.now()}); err != nil {
			return err
		}
	}
	return nil
}

// Endings lists what is to be finished, in no order that means anything, at
// most limit.
func (s *Store) Endings(ctx context.Context, limit int) (list []Ending, err error) {
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		return tx.Scan([]byte(endingPrefix), nil, func(_, value []byte) bool {
			var e Ending
			if err := decode(value, &e); err != nil {
				s.o.Logger.Error("a sign-out cannot be read, and is not finished", slog.Any("error", err))
				return true
			}
			list = append(list, e)
			return len(list) < limit
		})
	})
	return list, err
}

// FinishEnding forgets an ending whose grants have ended, and stores what is to
// be sent instead, in one transaction. It returns ErrNone where somebody else
// has finished it: nothing is sent twice.
func (s *Store) FinishEnding(ctx context.Context, e Ending, send []Delivery) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		value, err := tx.Get(endingKey(e.Account.ID))
		if err != nil {
			return nil, err
		}
		if value == nil {
			return ErrNone, nil
		}
		tx.Delete(endingKey(e.Account.ID))
		return nil, putDeliveries(tx, send)
	})
}

// EndingsChanged returns a channel that receives after one was noted or
// finished, here or on another node. stop ends it.
func (s *Store) EndingsChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(endingPrefix))
}
