package etcd

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"signet/data/kv"
	"signet/data/kv/internal/optimistic"
)

// Commit is described by optimistic.Backend.
func (b *backend) Commit(ctx context.Context, c optimistic.Change) ([]optimistic.Pair, error) {
	checks, reads, writes := b.checks(c), b.reads(c), b.writes(c)
	if err := b.fits(c, checks, reads, writes); err != nil {
		return nil, err
	}
	ctx, sent := withSent(ctx)
	r, err := b.client.Txn(ctx).If(checks...).Then(writes...).Else(reads...).Commit()
	switch {
	case err != nil && !c.Empty():
		return nil, wrapCommit(err, sent.Load())
	case err != nil:
		return nil, wrap(err)
	case !r.Succeeded:
		return b.answers(keysOf(c.Reads), r), optimistic.ErrConflict
	}
	fresh := make([]optimistic.Pair, len(c.Puts))
	for i, p := range c.Puts {
		fresh[i] = p
		fresh[i].Version = r.Header.Revision
		b.met(r.Header.Revision)
	}
	return fresh, nil
}

// checks compare the revision of every pair that was read. In a range, what
// was put since has a later revision than all that was seen; what was deleted
// leaves none, and is missed among the pairs.
func (b *backend) checks(c optimistic.Change) (checks []clientv3.Cmp) {
	compared := make(map[string]bool)
	unchanged := func(p optimistic.Pair) {
		if k := b.key(p.Key); !compared[k] {
			compared[k] = true
			checks = append(checks, clientv3.Compare(clientv3.ModRevision(k), "=", p.Version))
		}
	}
	for _, p := range c.Reads {
		unchanged(p)
	}
	for _, r := range c.Ranges {
		var latest int64
		for _, p := range r.Pairs {
			unchanged(p)
			latest = max(latest, p.Version)
		}
		nothingNew := clientv3.Compare(clientv3.ModRevision(b.key(r.From)), "<", latest+1)
		checks = append(checks, nothingNew.WithRange(b.end(r.To)))
	}
	return checks
}

// reads are answered where a check fails.
func (b *backend) reads(c optimistic.Change) (reads []clientv3.Op) {
	for _, p := range c.Reads {
		reads = append(reads, clientv3.OpGet(b.key(p.Key)))
	}
	return reads
}

func (b *backend) writes(c optimistic.Change) (writes []clientv3.Op) {
	for _, p := range c.Puts {
		writes = append(writes, clientv3.OpPut(b.key(p.Key), string(p.Value)))
	}
	for _, k := range c.Deletes {
		writes = append(writes, clientv3.OpDelete(b.key(k)))
	}
	return writes
}

func keysOf(pairs []optimistic.Pair) (keys [][]byte) {
	for _, p := range pairs {
		keys = append(keys, p.Key)
	}
	return keys
}

// opSize is more than what etcd's messages have of an operation beside its key
// and value, and envelope than what a request has beside its operations.
const (
	opSize   = 64
	envelope = 1 << 10
)

// fits refuses what the members would refuse.
func (b *backend) fits(c optimistic.Change, checks []clientv3.Cmp, reads, writes []clientv3.Op) error {
	for _, count := range []struct {
		n    int
		what string
	}{{len(writes), "writes"}, {len(checks), "reads"}, {len(reads), "reads"}} {
		if count.n > b.o.MaxOps {
			return fmt.Errorf("etcd: %w: it has %d %s, and at most %d fit (--max-txn-ops)", kv.ErrTooLarge, count.n, count.what, b.o.MaxOps)
		}
	}
	size := envelope
	for i := range checks {
		size += opSize + len(checks[i].GetCompare().Key) + len(checks[i].GetCompare().RangeEnd)
	}
	for _, op := range append(reads, writes...) {
		size += opSize + len(op.KeyBytes()) + len(op.ValueBytes())
	}
	if size > b.o.MaxBytes {
		return fmt.Errorf("etcd: %w: it has %d bytes, and at most %d fit (--max-request-bytes)", kv.ErrTooLarge, size, b.o.MaxBytes)
	}
	return nil
}
