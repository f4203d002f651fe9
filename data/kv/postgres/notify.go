package postgres

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"signet/data/kv/internal/optimistic"
)

// news is what this node committed and has not told the others yet.
//
// It is told after the commit, in a transaction of its own, and not within it:
// PostgreSQL lets transactions with a NOTIFY commit only one after the other,
// the wait for the disk included, and all of them would be as slow as one
// writer. One notification is on its way at a time, and takes along all that
// gathered meanwhile. What a node that dies does not tell any more, the poll of
// the others finds.
type news struct {
	node  string // by which a node knows its own
	mu    sync.Mutex
	keys  map[string]struct{}
	ready chan struct{} // of capacity one: there are keys
}

func newNews() *news {
	return &news{node: rand.Text(), keys: make(map[string]struct{}), ready: make(chan struct{}, 1)}
}

// tell tells this node of a change at once, and the others soon.
func (b *backend) tell(c optimistic.Change) {
	if c.Empty() {
		return
	}
	var keys []string
	for _, p := range c.Puts {
		keys = append(keys, string(p.Key))
	}
	for _, k := range c.Deletes {
		keys = append(keys, string(k))
	}
	b.news.add(keys) // first: before Watch began it waits there
	if changed := b.changed.Load(); changed != nil {
		(*changed)(keys)
	}
}

func (n *news) add(keys []string) {
	n.mu.Lock()
	for _, k := range keys {
		n.keys[k] = struct{}{}
	}
	n.mu.Unlock()
	select {
	case n.ready <- struct{}{}:
	default:
	}
}

func (n *news) untold() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.keys))
}

func (n *news) take() map[string]struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.keys
	n.keys = make(map[string]struct{})
	return taken
}

// parting is how long the last words may take, of an engine and of a connection.
const parting = time.Second

// tellOthers tells the news until ctx ends, and what is left then.
func (b *backend) tellOthers(ctx context.Context) {
	tell := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, parting)
		defer cancel()
		if keys := b.news.take(); len(keys) > 0 {
			_ = b.notify(ctx, b.pack(keys)) // the poll of the others finds it
		}
	}
	for {
		select {
		case <-ctx.Done():
			tell(context.WithoutCancel(ctx))
			return
		case <-b.news.ready:
			tell(ctx)
		}
	}
}

func (b *backend) notify(ctx context.Context, payloads []string) error {
	list := make([][]byte, len(payloads))
	for i, p := range payloads {
		list[i] = []byte(p)
	}
	s := statement{}
	s.sql = `SELECT pg_notify('` + channel + `', p) FROM unnest(` + s.texts(list) + `) AS n(p)`
	return b.with(ctx, func(c *pgconn.PgConn) error {
		_, err := alone(ctx, c, s)
		return err
	})
}

// A payload is text of less than 8000 bytes: the node, and keys in base64,
// parted by spaces. One without keys says that there are too many to name.
const (
	payloadBytes = 7000
	mostPayloads = 64
)

func (b *backend) pack(keys map[string]struct{}) (payloads []string) {
	one := b.news.node
	for k := range keys {
		word := " " + base64.RawStdEncoding.EncodeToString([]byte(k))
		if len(one)+len(word) > payloadBytes {
			payloads, one = append(payloads, one), b.news.node
		}
		one += word
	}
	if payloads = append(payloads, one); len(payloads) > mostPayloads {
		return []string{b.news.node}
	}
	return payloads
}

// unpack returns the keys, nil where they were not named, and whether they are
// news to this node.
func (b *backend) unpack(payload string) (keys []string, news bool) {
	node, words, _ := strings.Cut(payload, " ")
	for word := range strings.FieldsSeq(words) {
		key, err := base64.RawStdEncoding.DecodeString(word)
		if err != nil {
			return nil, true // whatever it is, somebody says that something changed
		}
		keys = append(keys, string(key))
	}
	return keys, node != b.news.node
}
