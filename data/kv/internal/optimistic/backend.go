package optimistic

import (
	"context"
	"errors"
)

// Pair is a stored pair. Its version is never 0 and is another one after every
// write, also after a deletion. A pair without value and version says that
// nothing is stored under the key.
type Pair struct {
	Key, Value []byte
	Version    int64
}

// Range is what a transaction saw in a part of the store: Pairs, in order, and
// nothing between them. It begins at From and ends before To; a To of nil is
// the end of the store.
type Range struct {
	From, To []byte
	Pairs    []Pair
}

// Change is a transaction, ready to be committed.
type Change struct {
	Reads   []Pair // keys that were read, each once, with the versions seen; no values
	Ranges  []Range
	Puts    []Pair // without versions
	Deletes [][]byte
}

// Empty says whether nothing is written: such a change asks whether its reads
// are so.
func (c Change) Empty() bool { return len(c.Puts)+len(c.Deletes) == 0 }

// keys are those that are written.
func (c Change) keys() (keys []string) {
	for _, p := range c.Puts {
		keys = append(keys, string(p.Key))
	}
	for _, k := range c.Deletes {
		keys = append(keys, string(k))
	}
	return keys
}

// What a backend says of a change. Other errors of Commit mean that nobody
// knows whether it was made.
var (
	// ErrConflict says that something that was read is not so any more.
	// Nothing was changed.
	ErrConflict = errors.New("optimistic: another transaction came first")
	// ErrUnchanged says that the store could not be reached, or would not, and
	// that the change was certainly not made: it is tried again for a while.
	ErrUnchanged = errors.New("optimistic: the change was not made")
	// ErrRefused says that the store refused the change, and would again.
	ErrRefused = errors.New("optimistic: the store refused the change")
)

// ErrLost says, beside kv.ErrUnavailable, that a snapshot lost its moment: it
// reads no more, and there is nothing to try again.
var ErrLost = errors.New("optimistic: the moment of a view was lost")

// Source reads pairs, one round trip a call. A read whose error wraps
// kv.ErrUnavailable is tried again for a while, unless it wraps ErrLost too.
type Source interface {
	// Fetch returns a pair for each key, in the same order, all of one moment.
	Fetch(ctx context.Context, keys [][]byte) ([]Pair, error)

	// List returns the first pairs from from on and before to (nil: the end of
	// the store), at most limit, and whether there are more. All are of one
	// moment.
	List(ctx context.Context, from, to []byte, limit int) (pairs []Pair, more bool, err error)
}

// Snapshot is a source of which every read is of the same moment.
type Snapshot interface {
	Source

	// End gives back what the snapshot holds. It is called once.
	End()
}

// Backend is a store that several nodes share. It is safe for concurrent use.
// What it reads is linearizable: it sees every commit that was answered before.
// Each call ends with its context. Its errors name the store and never a
// password, a key or a value.
type Backend interface {
	Source

	// Snapshot begins a consistent view, whose reads all see the same moment. It
	// lasts as long as ctx, which is longer than those of its reads.
	Snapshot(ctx context.Context) (Snapshot, error)

	// Commit makes the change, durably and in one round trip, if every key in
	// Reads has the version that was seen and every range holds exactly the
	// pairs that were seen; what others write at the same time comes before or
	// after. It returns the puts with their versions.
	//
	// Otherwise it returns an error that wraps ErrConflict, and the pairs of
	// the keys in Reads as they are now, with their values. A change that is
	// larger than the store takes is refused with kv.ErrTooLarge before it is
	// sent. A change that is empty is a read, also in its errors.
	Commit(ctx context.Context, c Change) (fresh []Pair, err error)

	// Watch calls changed with the keys of every commit since the backend was
	// opened, whichever node made it, this one included, until ctx ends. It
	// connects again by itself, and calls changed with nil where it may have
	// missed something. To be told twice does no harm.
	Watch(ctx context.Context, changed func(keys []string))

	// Close is called once, when no other call is running.
	Close() error
}
