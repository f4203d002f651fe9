package data

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"time"

	"signet/data/kv"
)

// Delivery is a logout token that a client is still to be given (OpenID
// Connect Back-Channel Logout, section 2.5). The token is signed when it is
// sent, so that a late one is not too old.
type Delivery struct {
	V         int       `json:"v"`
	ID        string    `json:"id"` // also the jti, so that a client sees a repeat for what it is
	Client    string    `json:"client"`
	Subject   string    `json:"subject"`      // as this client knows the person, or "" where the client could not be asked
	SID       string    `json:"sid,omitzero"` // "": all of the person's sessions
	Attempts  int       `json:"attempts"`     // so far
	NextAt    time.Time `json:"next_at"`      // when to try
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"` // when to give up
}

func (d *Delivery) kind() string  { return "delivery" }
func (d *Delivery) version() *int { return &d.V }

// AddDeliveries stores what is to be sent, in one transaction.
func (s *Store) AddDeliveries(ctx context.Context, list []Delivery) error {
	return s.engine.Update(ctx, func(tx kv.Tx) error { return putDeliveries(tx, list) })
}

func putDeliveries(tx kv.Tx, list []Delivery) error {
	for _, d := range list {
		if d.ID == "" {
			return errors.New("data: a delivery needs an id")
		}
		if err := put(tx, deliveryKey(d), &d); err != nil {
			return err
		}
	}
	return nil
}

// DueDeliveries lists what should have been sent by now, the longest due
// first, at most limit; next is when to look again, zero for never. One that
// cannot be read holds the others up no longer than it takes to say so.
func (s *Store) DueDeliveries(ctx context.Context, limit int) (due []Delivery, next time.Time, err error) {
	now := s.now()
	err = s.engine.View(ctx, func(tx kv.Reader) error {
		return tx.Scan([]byte(deliveryPrefix), nil, func(_, value []byte) bool {
			var d Delivery
			if err := decode(value, &d); err != nil {
				s.o.Logger.Error("a delivery cannot be read, and stays", slog.Any("error", err))
				return true
			}
			if len(due) >= limit || now.Before(d.NextAt) {
				next = d.NextAt
				return false
			}
			due = append(due, d)
			return true
		})
	})
	return due, next, err
}

// MoveDelivery notes an attempt, and when the next one is due. Of several nodes
// that hold the same delivery one may try it: the one whose MoveDelivery, before
// the attempt, gave moved; the others get ErrNone.
func (s *Store) MoveDelivery(ctx context.Context, d Delivery, next time.Time) (moved Delivery, err error) {
	moved = d
	moved.Attempts, moved.NextAt = d.Attempts+1, next.UTC().Round(0)
	err = s.changeDelivery(ctx, d, &moved)
	if err != nil {
		return Delivery{}, err
	}
	return moved, nil
}

// EndDelivery forgets what was delivered, or never will be. It returns ErrNone
// where somebody moved or ended it first.
func (s *Store) EndDelivery(ctx context.Context, d Delivery) error {
	return s.changeDelivery(ctx, d, nil)
}

// changeDelivery puts next (nil: nothing) in the place of d.
func (s *Store) changeDelivery(ctx context.Context, d Delivery, next *Delivery) error {
	return s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		var there Delivery
		found, err := get(tx, deliveryKey(d), &there)
		if err != nil {
			return nil, err
		}
		if !found || there.Attempts != d.Attempts {
			return ErrNone, nil
		}
		tx.Delete(deliveryKey(d))
		if next == nil {
			return nil, nil
		}
		return nil, put(tx, deliveryKey(*next), next)
	})
}

// DeliveriesChanged returns a channel that receives after one was added, here
// or on another node. stop ends it.
func (s *Store) DeliveriesChanged() (changed <-chan struct{}, stop func()) {
	return s.engine.Watch([]byte(deliveryPrefix))
}

// deliveryKey puts the longest due first.
func deliveryKey(d Delivery) []byte {
	key := binary.BigEndian.AppendUint64([]byte(deliveryPrefix), uint64(max(d.NextAt.UnixNano(), 0)))
	return append(key, d.ID...)
}
