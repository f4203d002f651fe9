package kv

import (
	"context"
	"errors"
	"fmt"
)

// Reader is a consistent view of the store, for one goroutine at a time.
type Reader interface {
	// Get returns the value of key, or nil where there is none. The slice is
	// valid until the transaction ends and must not be changed.
	Get(key []byte) ([]byte, error)

	// Scan calls fn for each pair whose key begins with prefix and is not
	// before start (nil: from the first), in the order of the keys, until fn
	// returns false. The slices are valid during the call only.
	Scan(prefix, start []byte, fn func(key, value []byte) bool) error
}

// Tx is a transaction that may write. It reads its own writes.
type Tx interface {
	Reader

	// Put sets the value of key. Both are copied. A pair that CheckPair
	// refuses makes the whole Update fail with ErrPair, whatever fn returns.
	Put(key, value []byte)

	// Delete removes key; a key that is not there is no error.
	Delete(key []byte)
}

// Limits are the most that an engine takes of one transaction. Zero is no
// limit.
type Limits struct {
	Ops   int // keys that are read, with those that a scan passes and the scans; and as many that are written
	Bytes int // of the keys and values that are written, with the keys that are read
}

// Engine keeps the pairs.
type Engine interface {
	// View runs fn on a consistent view. What it sees may still be undone by
	// a power cut: an answer that a client will rely on is read in an Update.
	View(ctx context.Context, fn func(Reader) error) error

	// Update runs fn in a serializable transaction and returns once its
	// writes, and every write that it read, are durable. An error or a panic
	// of fn discards its writes and reaches the caller, and only that caller.
	// fn may run more than once, so it changes nothing outside the
	// transaction that a second run does not set again.
	Update(ctx context.Context, fn func(Tx) error) error

	// Watch returns a channel of capacity one that receives after a change
	// under prefix was committed, here or on another node; of one that was made
	// here it has received when Update returns. Several changes may arrive as
	// one, and one more than once. stop ends the watch.
	Watch(prefix []byte) (changed <-chan struct{}, stop func())

	// Limits are those of an Update. What is larger is refused whole, with
	// ErrTooLarge.
	Limits() Limits

	// Close waits for running transactions and releases the store.
	Close() error
}

// The failures that an engine tells apart. They are wrapped with what the
// engine knows.
var (
	// ErrBusy says that a transaction lost against others too often.
	ErrBusy = errors.New("kv: too many conflicting transactions")
	// ErrInUse says that another process holds the store.
	ErrInUse = errors.New("kv: the store is in use by another process")
	// ErrNoSpace says that the disk took no more; earlier commits stand.
	ErrNoSpace = errors.New("kv: no space left for the store")
	// ErrReadOnly says that the store may not be written.
	ErrReadOnly = errors.New("kv: the store is read-only")
	// ErrDamaged says that the store's file is not a sound store.
	ErrDamaged = errors.New("kv: the store is damaged")
	// ErrFailed says that a sync failed, so nobody can know what is on the
	// disk: the engine refuses everything until it is opened again.
	ErrFailed = errors.New("kv: the store stopped after a failed sync")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("kv: the store is closed")
	// ErrUnavailable says that the store cannot be reached, or is overloaded.
	// The text says so where it is not known whether a change was made.
	ErrUnavailable = errors.New("kv: the store cannot be reached")
	// ErrTooLarge says that a transaction is larger than the store takes.
	// Nothing of it was done.
	ErrTooLarge = errors.New("kv: a transaction that is too large for the store")
	// ErrPair says that a key or value is empty or too long.
	ErrPair = errors.New("kv: a key or value that may not be stored")
)

// What every engine takes, in bytes.
const (
	MaxKey   = 1 << 10
	MaxValue = 16 << 20
)

// CheckPair says whether an engine takes the pair. The error wraps ErrPair and
// names sizes only: a value may be a secret.
func CheckPair(key, value []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("%w: the key is empty", ErrPair)
	case len(value) == 0:
		return fmt.Errorf("%w: the value is empty", ErrPair)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: a key of %d bytes, at most %d fit", ErrPair, len(key), MaxKey)
	case len(value) > MaxValue:
		return fmt.Errorf("%w: a value of %d bytes, at most %d fit", ErrPair, len(value), MaxValue)
	}
	return nil
}
