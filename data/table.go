package data

import (
	"context"
	"errors"
	"time"

	"signet/data/kv"
)

// What the functions about records that end by themselves find.
var (
	// ErrNone says that there is no such record, or not any more. Which of them
	// is nobody's business.
	ErrNone = errors.New("data: no such record")
	// ErrTaken says that another record is there under this hash. Of a short
	// code it happens, and another one is drawn; of 256 random bits it does not.
	ErrTaken = errors.New("data: a secret was drawn twice")
)

// passing is a record that ends by itself, under the hash of a secret.
type passing interface {
	record
	place() Hash
	end() time.Time
}

// Table holds one kind of record that ends by itself: codes, requests,
// sessions. A record that has ended is not there, whether or not the sweeper
// came by.
type Table[T any, P interface {
	*T
	passing
}] struct {
	s    *Store
	kind byte
	// beside, where set, keeps true what stands elsewhere about a record that
	// becomes another one. old is nil where none was, next where none is left.
	beside func(tx kv.Tx, old, next P) error
}

func (t Table[T, P]) key(h Hash) []byte { return passingKey(t.kind, h) }

// Create stores a new record until its end, or returns ErrTaken.
func (t Table[T, P]) Create(ctx context.Context, r T) error {
	return t.s.engine.Update(ctx, func(tx kv.Tx) error { return t.create(tx, r) })
}

func (t Table[T, P]) create(tx kv.Tx, r T) error {
	next := P(&r)
	h := next.place()
	old, err := t.read(tx, h)
	if err != nil {
		return err
	}
	if old != nil && t.s.now().Before(old.end()) {
		return ErrTaken
	}
	tx.Put(expiryKey(next.end(), expiryPassing, append([]byte{t.kind}, h[:]...)), present)
	return t.write(tx, h, old, next)
}

// Get returns the record, or ErrNone. What it sees a power cut may still undo.
func (t Table[T, P]) Get(ctx context.Context, h Hash) (r T, err error) {
	err = t.s.engine.View(ctx, func(tx kv.Reader) error {
		r, err = t.get(tx, h)
		return err
	})
	return r, err
}

func (t Table[T, P]) get(tx kv.Reader, h Hash) (r T, err error) {
	p, err := t.read(tx, h)
	if err != nil {
		return r, err
	}
	if p == nil || !t.s.now().Before(p.end()) {
		return r, ErrNone
	}
	return *p, nil
}

// read returns the record, ended or not, or nil.
func (t Table[T, P]) read(tx kv.Reader, h Hash) (P, error) {
	p := P(new(T))
	if found, err := get(tx, t.key(h), p); err != nil || !found {
		return nil, err
	}
	return p, nil
}

// write makes next of old; see beside.
func (t Table[T, P]) write(tx kv.Tx, h Hash, old, next P) error {
	if t.beside != nil {
		if err := t.beside(tx, old, next); err != nil {
			return err
		}
	}
	if next == nil {
		tx.Delete(t.key(h))
		return nil
	}
	if next.place() != h {
		return errors.New("data: a record does not change its place")
	}
	return put(tx, t.key(h), next)
}

// Change reads the record and does with it what fn says, in one transaction.
// It returns once whatever fn saw is durable. fn may run more than once, and
// what it tells its caller is what its last run told. It returns ErrNone.
func (t Table[T, P]) Change(ctx context.Context, h Hash, fn func(r *T) Change) error {
	return t.s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		r, err := t.get(tx, h)
		if errors.Is(err, ErrNone) {
			return ErrNone, nil
		}
		if err != nil {
			return nil, err
		}
		return nil, t.apply(tx, h, fn(&r), &r)
	})
}

// apply does with the record what change says; next is what became of it.
func (t Table[T, P]) apply(tx kv.Tx, h Hash, change Change, next P) error {
	if change == Keep {
		return nil
	}
	old, err := t.read(tx, h) // once more: next shares no memory with it
	if err != nil {
		return err
	}
	if change == End {
		next = nil
	}
	return t.write(tx, h, old, next)
}

// sweep removes a record that has ended, or says when it will.
func (t Table[T, P]) sweep(w *sweeper, h Hash) (again time.Time, err error) {
	p, err := t.read(w.tx, h)
	switch {
	case unreadable(err):
		return w.unread(err), nil
	case err != nil || p == nil:
		return time.Time{}, err
	case w.now.Before(p.end()):
		return p.end(), nil
	}
	return time.Time{}, t.write(w.tx, h, p, nil)
}
