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

// sendStep is how many deliveries one transaction puts in line: etcd takes 128
// operations.
const sendStep = 100

// FinishEnding forgets an ending whose grants have ended, and stores what is to
// be sent instead, in one transaction. It returns ErrNone where somebody else
// has finished it: nothing is sent twice. Of very many clients the first are
// put in line, and forgotten, by transactions of their own.
func (s *Store) FinishEnding(ctx context.Context, e Ending, send []Delivery) error {
	clients := e.Account.Clients
	for len(send) > sendStep {
		rest := slices.DeleteFunc(slices.Clone(clients), func(id string) bool {
			return slices.ContainsFunc(send[:sendStep], func(d Delivery) bool { return d.Client == id })
		})
		if err := s.finishSome(ctx, e, clients, rest, send[:sendStep]); err != nil {
			return err
		}
		clients, send = rest, send[sendStep:]
	}
	return s.finishSome(ctx, e, clients, nil, send)
}

// finishSome puts a part in line where the ending still has those clients, and
// leaves it the rest; without one it is over.
func (s *Store) finishSome(ctx context.Context, e Ending, clients, rest []string, send []Delivery) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		var there Ending
		found, err := get(tx, endingKey(e.Account.ID), &there)
		switch {
		case err != nil:
			return nil, err
		case !found || !slices.Equal(there.Account.Clients, clients):
			return ErrNone, nil
		case len(rest) == 0:
			tx.Delete(endingKey(e.Account.ID))
		default:
			there.Account.Clients = rest
			if err := put(tx, endingKey(e.Account.ID), &there); err != nil {
				return nil, err
			}
		}
		return nil, putDeliveries(tx, send)
	})
}

// EndingsChanged returns a channel that receives after one was noted or
// finished, here or on another node. stop ends it.
func (s *Store) EndingsChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(endingPrefix))
}
