package data

import (
	"context"
	"errors"
	"fmt"
	"time"

	"signet/data/kv"
)

// A move is a copy of a store into another engine, after which the store is
// there. Both sides bear a sign of it, under one key, and a store with a sign
// is never opened:
//
//	leaving    this is the source, and it is being copied; only the copier may
//	           take the sign away
//	left       this was the source: the store is elsewhere now, for good
//	arriving   this is the target, and it is not whole yet
//
// The target is signed before the source is, and the source says that it has left
// before the target loses its sign: so there is no moment at which both may be
// opened, and none at which the target may be while the source is leaving.
const (
	moveLeaving  = "leaving"
	moveLeft     = "left"
	moveArriving = "arriving"
)

// Move is the sign that a store is being copied, or was.
type Move struct {
	V       int       `json:"v"`
	Step    string    `json:"step"`
	ID      string    `json:"id"`              // of this move, the same on both sides
	StoreID string    `json:"store_id"`        // of what moves
	Peer    string    `json:"peer"`            // where the other side is, without a password
	At      time.Time `json:"at"`              // when it began
	Copied  []byte    `json:"copied,omitzero"` // arriving: the last key that is there
	Anew    bool      `json:"anew,omitzero"`   // arriving: what is there goes first
}

func (m *Move) kind() string  { return "move" }
func (m *Move) version() *int { return &m.V }

// ErrMoved says that the store is not here, or not yet. The error is a
// *MoveError.
var ErrMoved = errors.New("data: the store is being moved, or was")

// A MoveError says where a store went, or where it comes from.
type MoveError struct{ Move Move }

func (e *MoveError) Error() string {
	switch m := e.Move; m.Step {
	case moveLeft:
		return fmt.Sprintf("data: the store was moved to %s: set  store  to that", m.Peer)
	case moveArriving:
		return fmt.Sprintf("data: the copy of %s into this store did not finish: run it again", m.Peer)
	default:
		return fmt.Sprintf("data: the store is being copied to %s: wait for it or run idp copy again, or give up with idp copy --abandon", m.Peer)
	}
}

// Unwrap makes a MoveError an ErrMoved.
func (e *MoveError) Unwrap() error { return ErrMoved }

// notMoved refuses a store that bears a sign.
func notMoved(tx kv.Reader) error {
	var m Move
	switch found, err := get(tx, []byte(moveKey), &m); {
	case err != nil:
		return err
	case found:
		return &MoveError{m}
	}
	return nil
}

// Moves returns once the store bears a sign that it moves, with a *MoveError,
// or when ctx ends. Who serves from the store stops then.
func (s *Store) Moves(ctx context.Context) error {
	changed, stop := s.engine.Watch([]byte(moveKey))
	defer stop()
	for {
		var moved *MoveError
		err := s.engine.View(ctx, func(r kv.Reader) error { return notMoved(r) })
		if errors.As(err, &moved) {
			return err
		}
		again := time.NewTimer(moveEvery) // a watch may be late where a store was away
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-changed:
		case <-again.C:
		}
		again.Stop()
	}
}

// moveEvery is how often a store that nobody told anything is asked.
const moveEvery = 10 * time.Second

// AbandonMove takes the sign from a store whose copy has not finished: it may be
// opened again, and the copy may not. It returns ErrNoMove where there is none.
func AbandonMove(ctx context.Context, engine kv.Engine) (m Move, err error) {
	var verdict error
	err = engine.Update(ctx, func(tx kv.Tx) error {
		m, verdict = Move{}, nil
		found, err := get(tx, []byte(moveKey), &m)
		switch {
		case err != nil:
			return err
		case !found:
			verdict = ErrNoMove
		case m.Step != moveLeaving:
			verdict = &MoveError{m}
		default:
			tx.Delete([]byte(moveKey))
		}
		return nil
	})
	return m, errors.Join(err, verdict)
}

// ErrNoMove says that no copy of the store is under way.
var ErrNoMove = errors.New("data: no copy of this store is under way")
