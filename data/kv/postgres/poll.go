package postgres

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// The poll finds what LISTEN does not tell: everything behind a pooler, and
// what a node committed just before it died. It compares, for each watched
// prefix, how many pairs there are and the sum of their versions. A put brings
// a version that was never there, a deletion takes one away, so every change
// is seen, whoever made it, and a commit has nothing to write for it: a counter
// of changes would be a row that all writers of a prefix write, and under
// SERIALIZABLE all but one of them would start again; a log of changes would be
// a second row for every one, to be removed again.
//
// The price is reading what is watched: configuration, keys, lists, and not
// what every sign-in writes. Where that is much, the poll slows down by itself.

// watched are the prefixes that somebody of this node watches.
type watched struct {
	mu       sync.Mutex
	prefixes map[string]*prefix
}

type prefix struct {
	watchers int
	known    bool
	digest   string // if known
}

func newWatched() *watched { return &watched{prefixes: make(map[string]*prefix)} }

// watch adds a watcher. What the prefix holds at this moment is known when it
// returns, so that no change after that is missed.
func (b *backend) watch(name string) (forget func()) {
	b.watched.mu.Lock()
	p, found := b.watched.prefixes[name]
	if !found {
		p = &prefix{}
		b.watched.prefixes[name] = p
	}
	p.watchers++
	known := p.known
	b.watched.mu.Unlock()
	if !known {
		ctx, cancel := context.WithTimeout(context.Background(), first)
		defer cancel()
		// What stays unknown counts as changed when the store answers.
		if digests, err := b.digests(ctx, []string{name}); err == nil {
			b.watched.learn(digests)
		}
	}
	return sync.OnceFunc(func() {
		b.watched.mu.Lock()
		defer b.watched.mu.Unlock()
		if p.watchers--; p.watchers == 0 {
			delete(b.watched.prefixes, name)
		}
	})
}

const (
	// first is how long a new watch waits for what is there.
	first = time.Second
	// share says which part of its time the poll may spend polling.
	share = 20
)

func (b *backend) poll(ctx context.Context, changed func(keys []string)) {
	for wait := b.o.Poll; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		began := time.Now()
		if digests, err := b.digests(ctx, b.watched.names()); err == nil {
			if keys := b.watched.differing(digests); len(keys) > 0 {
				changed(keys)
			}
		}
		wait = max(b.o.Poll, share*time.Since(began))
	}
}

func (w *watched) names() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.prefixes {
		names = append(names, name)
	}
	return names
}

// learn takes the digests of prefixes that are not known yet. Those of others
// may be of an earlier moment than what the poll saw.
func (w *watched) learn(digests map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, digest := range digests {
		if p := w.prefixes[name]; p != nil && !p.known {
			p.known, p.digest = true, digest
		}
	}
}

// differing takes all digests, and returns the prefixes that are not as they
// were.
func (w *watched) differing(digests map[string]string) (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, digest := range digests {
		p := w.prefixes[name]
		if p == nil || p.known && p.digest == digest {
			continue
		}
		p.known, p.digest = true, digest
		names = append(names, name)
	}
	return names
}

func (b *backend) digests(ctx context.Context, names []string) (digests map[string]string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	low, high := make([][]byte, len(names)), make([][]byte, len(names))
	for i, name := range names {
		low[i], high[i] = []byte(name), end(beyond([]byte(name)))
	}
	s := statement{}
	s.sql = `SELECT r.low, (SELECT count(*)::text || ' ' || coalesce(sum(p.version), 0)::text` +
		` FROM signet_pairs p WHERE p.key >= r.low AND p.key < r.high) FROM unnest(` + s.keys(low) + `, ` + s.keys(high) + `) AS r(low, high)`
	digests = make(map[string]string, len(names))
	err = b.with(ctx, func(c *pgconn.PgConn) error {
		rows, err := alone(ctx, c, s)
		for _, r := range rows {
			digests[string(r[0])] = string(r[1])
		}
		return err
	})
	return digests, err
}

// beyond is the first key that no longer begins with the prefix, or nil.
func beyond(prefix []byte) []byte {
	for n := len(prefix); n > 0; n-- {
		if prefix[n-1] < 0xff {
			to := bytes.Clone(prefix[:n])
			to[n-1]++
			return to
		}
	}
	return nil
}
