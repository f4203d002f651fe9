package client

import (
	"sync"
	"time"
)

// maxDecoded bounds the decoded documents in memory, of each kind.
const maxDecoded = 1000

// decoded keeps what was read out of fetched documents, a failure too, as long
// as the fetcher returns the same copy.
type decoded[T any] struct {
	mu    sync.Mutex
	byURL map[string]reading[T]
}

type reading[T any] struct {
	fetchedAt time.Time
	value     T
	err       error
}

// of returns what decode makes of the copy of url that was fetched then.
func (d *decoded[T]) of(url string, fetchedAt time.Time, decode func() (T, error)) (T, error) {
	d.mu.Lock()
	known, found := d.byURL[url]
	d.mu.Unlock()
	if found && known.fetchedAt.Equal(fetchedAt) {
		return known.value, known.err
	}
	fresh := reading[T]{fetchedAt: fetchedAt}
	fresh.value, fresh.err = decode()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byURL == nil || len(d.byURL) >= maxDecoded {
		d.byURL = map[string]reading[T]{}
	}
	d.byURL[url] = fresh
	return fresh.value, fresh.err
}
