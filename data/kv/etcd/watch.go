package etcd

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Watch is described by optimistic.Backend. etcd's client connects again by
// itself and goes on from where it was; what is left is a member without a
// leader, which is left for another one, and what was compacted meanwhile,
// after which anything may have changed.
func (b *backend) Watch(ctx context.Context, changed func(keys []string)) {
	seen := b.opened
	for ctx.Err() == nil {
		err := b.follow(ctx, &seen, changed)
		if ctx.Err() != nil {
			return
		}
		b.o.Logger.Warn("etcd's watch was interrupted", slog.Any("error", err))
		if errors.Is(err, rpctypes.ErrCompacted) {
			if now, err := b.now(ctx); err == nil {
				seen = now
				changed(nil)
			}
		}
		_ = rest(ctx)
	}
}

// follow passes on what happens after the revision that was seen, and keeps
// that up to date, until it cannot go on.
func (b *backend) follow(ctx context.Context, seen *int64, changed func(keys []string)) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	wait := b.o.Timeout / 3
	// A watcher of its own, since one would go on with the stream that it has.
	watcher := clientv3.NewWatcher(b.client)
	defer watcher.Close()
	begun := time.AfterFunc(wait, cancel) // Watch waits until the member says that it watches
	events := watcher.Watch(ctx, b.prefix, clientv3.WithRange(b.end(nil)),
		clientv3.WithRev(*seen+1), clientv3.WithProgressNotify())
	begun.Stop()
	check := time.NewTicker(wait)
	defer check.Stop()
	for due := *seen; ; {
		select {
		case r, more := <-events:
			if !more {
				return errors.New("etcd: the watch ended")
			}
			if err := r.Err(); err != nil {
				return err
			}
			b.heard(r, seen, changed)
		case <-check.C:
			if due > *seen {
				return errDeaf
			}
			due = b.known.Load()
		}
	}
}

// errDeaf says that what was read or written was not told of for a while. A
// member that stands still keeps its connections open, and the client takes
// pingAfter and pingWaits to notice: a revocation must not wait for that.
var errDeaf = errors.New("etcd: it does not tell what is known otherwise")

// heard passes on what a watch told.
func (b *backend) heard(r clientv3.WatchResponse, seen *int64, changed func(keys []string)) {
	var keys []string
	for _, e := range r.Events {
		keys = append(keys, string(e.Kv.Key[len(b.prefix):]))
		*seen = max(*seen, e.Kv.ModRevision)
	}
	if len(keys) > 0 {
		changed(keys)
	}
	if r.IsProgressNotify() {
		*seen = max(*seen, r.Header.Revision)
	}
}

func (b *backend) now(ctx context.Context) (revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	r, err := b.client.Get(ctx, b.prefix, clientv3.WithCountOnly())
	if err != nil {
		return 0, err
	}
	return r.Header.Revision, nil
}
