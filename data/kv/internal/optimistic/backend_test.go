package optimistic

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
)

// store is what several backends share, in memory.
type store struct {
	mu      sync.Mutex
	pairs   map[string]Pair
	version int64
	nodes   []*memory
}

// memory is one node's way to a store. Its hooks run at every call: before may
// fail it or hold it up, lost says that the answer to a commit that was made is
// not to arrive.
type memory struct {
	*store
	told   chan []string
	before func(ctx context.Context, call string) error
	lost   func() error
}

func newStore() *store {
	return &store{pairs: make(map[string]Pair)}
}

func (s *store) node() *memory {
	m := &memory{store: s, told: make(chan []string, 1<<16)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = append(s.nodes, m)
	return m
}

func (m *memory) call(ctx context.Context, name string) error {
	if m.before != nil {
		if err := m.before(ctx, name); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Fetch(ctx context.Context, keys [][]byte) ([]Pair, error) {
	if err := m.call(ctx, "fetch"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return moment(m.pairs).fetch(keys), nil
}

func (m *memory) List(ctx context.Context, from, to []byte, limit int) ([]Pair, bool, error) {
	if err := m.call(ctx, "list"); err != nil {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	pairs, more := moment(m.pairs).list(from, to, limit)
	return pairs, more, nil
}

func (m *memory) Commit(ctx context.Context, c Change) ([]Pair, error) {
	if err := m.call(ctx, "commit"); err != nil {
		return nil, err
	}
	fresh, err := m.apply(c)
	if err == nil && m.lost != nil {
		err = m.lost()
	}
	return fresh, err
}

func (s *store) apply(c Change) (fresh []Pair, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := moment(s.pairs)
	if !now.agrees(c) {
		for _, r := range c.Reads {
			fresh = append(fresh, now.fetch([][]byte{r.Key})...)
		}
		return fresh, ErrConflict
	}
	s.version++
	var keys []string
	for _, p := range c.Puts {
		p.Version = s.version
		s.pairs[string(p.Key)] = p
		fresh, keys = append(fresh, p), append(keys, string(p.Key))
	}
	for _, k := range c.Deletes {
		delete(s.pairs, string(k))
		keys = append(keys, string(k))
	}
	if len(keys) > 0 {
		for _, m := range s.nodes {
			m.told <- keys
		}
	}
	return fresh, nil
}

func (m *memory) Watch(ctx context.Context, changed func([]string)) {
	for {
		select {
		case keys := <-m.told:
			changed(keys)
		case <-ctx.Done():
			return
		}
	}
}

func (m *memory) Snapshot(context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &frozen{m, maps.Clone(m.pairs)}, nil
}

func (m *memory) Close() error { return nil }

// frozen is a snapshot.
type frozen struct {
	m *memory
	moment
}

func (f *frozen) Fetch(ctx context.Context, keys [][]byte) ([]Pair, error) {
	return f.fetch(keys), f.m.call(ctx, "fetch")
}

func (f *frozen) List(ctx context.Context, from, to []byte, limit int) ([]Pair, bool, error) {
	pairs, more := f.list(from, to, limit)
	return pairs, more, f.m.call(ctx, "list")
}

func (f *frozen) End() {}

// moment is what a store holds at one.
type moment map[string]Pair

func (m moment) fetch(keys [][]byte) (pairs []Pair) {
	for _, k := range keys {
		p := m[string(k)]
		p.Key = bytes.Clone(k)
		pairs = append(pairs, p)
	}
	return pairs
}

func (m moment) list(from, to []byte, limit int) (pairs []Pair, more bool) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		switch {
		case k < string(from), to != nil && k >= string(to):
		case len(pairs) == limit:
			return pairs, true
		default:
			pairs = append(pairs, m[k])
		}
	}
	return pairs, false
}

func (m moment) agrees(c Change) bool {
	for _, r := range c.Reads {
		if m[string(r.Key)].Version != r.Version {
			return false
		}
	}
	for _, r := range c.Ranges {
		pairs, _ := m.list(r.From, r.To, len(m))
		if !slices.EqualFunc(pairs, r.Pairs, func(a, b Pair) bool {
			return bytes.Equal(a.Key, b.Key) && a.Version == b.Version
		}) {
			return false
		}
	}
	return true
}
