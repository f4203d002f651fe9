package etcd

import (
	"context"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"signet/data/kv/internal/optimistic"
)

// backend is an optimistic.Backend. The version of a pair is the revision of
// the transaction that wrote it.
type backend struct {
	client *clientv3.Client
	o      Options
	prefix string // of every key
	opened int64  // the revision of the store when it was

	known atomic.Int64 // the latest revision of a pair that was read or written
}

// met notes the revision of a pair: the watch must tell of it.
func (b *backend) met(revision int64) {
	for known := b.known.Load(); revision > known && !b.known.CompareAndSwap(known, revision); known = b.known.Load() {
	}
}

func (b *backend) key(key []byte) string { return b.prefix + string(key) }

// end is the end of a range: without one, that of the prefix, whose last byte
// is zero.
func (b *backend) end(to []byte) string {
	if to == nil {
		return b.prefix[:len(b.prefix)-1] + "\x01"
	}
	return b.key(to)
}

func (b *backend) pair(kv *mvccpb.KeyValue) optimistic.Pair {
	b.met(kv.ModRevision)
	return optimistic.Pair{Key: kv.Key[len(b.prefix):], Value: kv.Value, Version: kv.ModRevision}
}

// one is what a read of one key found.
func (b *backend) one(key []byte, found []*mvccpb.KeyValue) optimistic.Pair {
	if len(found) == 0 {
		return optimistic.Pair{Key: key}
	}
	return b.pair(found[0])
}

// Fetch is described by optimistic.Source.
func (b *backend) Fetch(ctx context.Context, keys [][]byte) ([]optimistic.Pair, error) {
	return b.at(0).Fetch(ctx, keys)
}

// List is described by optimistic.Source.
func (b *backend) List(ctx context.Context, from, to []byte, limit int) ([]optimistic.Pair, bool, error) {
	return b.at(0).List(ctx, from, to, limit)
}

// Snapshot is described by optimistic.Backend. Its first read chooses the
// revision.
func (b *backend) Snapshot(context.Context) (optimistic.Snapshot, error) { return b.at(0), nil }

func (b *backend) at(revision int64) *snapshot { return &snapshot{b, revision} }

// Close is described by optimistic.Backend.
func (b *backend) Close() error { return b.client.Close() }

// snapshot reads at a revision; 0 stands for that of the first read.
type snapshot struct {
	b        *backend
	revision int64
}

func (s *snapshot) Fetch(ctx context.Context, keys [][]byte) ([]optimistic.Pair, error) {
	var reads []clientv3.Op
	for _, k := range keys {
		reads = append(reads, clientv3.OpGet(s.b.key(k), clientv3.WithRev(s.revision)))
	}
	if len(reads) == 1 {
		r, err := s.b.client.Do(ctx, reads[0])
		if err != nil {
			return nil, wrap(err)
		}
		s.pin(r.Get().Header.Revision)
		return []optimistic.Pair{s.b.one(keys[0], r.Get().Kvs)}, nil
	}
	r, err := s.b.client.Txn(ctx).Then(reads...).Commit()
	if err != nil {
		return nil, wrap(err)
	}
	s.pin(r.Header.Revision)
	return s.b.answers(keys, r), nil
}

func (b *backend) answers(keys [][]byte, r *clientv3.TxnResponse) (pairs []optimistic.Pair) {
	for i, k := range keys {
		pairs = append(pairs, b.one(k, r.Responses[i].GetResponseRange().Kvs))
	}
	return pairs
}

func (s *snapshot) List(ctx context.Context, from, to []byte, limit int) ([]optimistic.Pair, bool, error) {
	r, err := s.b.client.Get(ctx, s.b.key(from), clientv3.WithRange(s.b.end(to)),
		clientv3.WithLimit(int64(limit)), clientv3.WithRev(s.revision))
	if err != nil {
		return nil, false, wrap(err)
	}
	s.pin(r.Header.Revision)
	var pairs []optimistic.Pair
	for _, kv := range r.Kvs {
		pairs = append(pairs, s.b.pair(kv))
	}
	return pairs, r.More, nil
}

func (s *snapshot) pin(revision int64) {
	if s.revision == 0 {
		s.revision = revision
	}
}

// End is described by optimistic.Snapshot. etcd holds nothing for it.
func (s *snapshot) End() {}
