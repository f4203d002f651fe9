package mem

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/tidwall/btree"

	"signet/data/kv"
	"signet/data/kv/internal/watch"
)

// pairs are those of one commit. A copy shares what is not changed.
type pairs = btree.Map[string, string]

// Engine is a kv.Engine in memory.
type Engine struct {
	root    atomic.Pointer[pairs]
	closed  atomic.Bool
	writing chan struct{} // holds one token: the right to write
	watch   watch.Hub

	// Both are touched by the holder of the token only.
	failures []error
	between  func(kv.Tx)
}

// New returns an empty engine.
func New() *Engine {
	e := &Engine{writing: make(chan struct{}, 1)}
	e.root.Store(&pairs{})
	return e
}

// FailCommits makes the next n commits fail with err. Commits without writes
// do not count, as nothing would go to a disk.
func (e *Engine) FailCommits(n int, err error) {
	e.writing <- struct{}{}
	defer func() { <-e.writing }()
	for range n {
		e.failures = append(e.failures, err)
	}
}

// Between makes the next Update meet another writer: fn's writes are committed
// after the first run of the Update's function and before its second.
func (e *Engine) Between(fn func(kv.Tx)) {
	e.writing <- struct{}{}
	defer func() { <-e.writing }()
	e.between = fn
}

// View runs fn on a snapshot. Writers go on beside it.
func (e *Engine) View(ctx context.Context, fn func(kv.Reader) error) error {
	if err := e.ready(ctx); err != nil {
		return err
	}
	return fn(&tx{root: e.root.Load(), view: true})
}

// Update runs fn twice, one writer at a time. What the first run wrote is
// thrown away and what it returned is forgotten; a panic of either run reaches
// the caller.
func (e *Engine) Update(ctx context.Context, fn func(kv.Tx) error) error {
	select {
	case e.writing <- struct{}{}:
		defer func() { <-e.writing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := e.ready(ctx); err != nil {
		return err
	}

	_ = fn(&tx{root: e.root.Load().Copy()})
	if other := e.between; other != nil {
		e.between = nil
		t := &tx{root: e.root.Load().Copy()}
		other(t)
		e.commit(t)
	}

	t := &tx{root: e.root.Load().Copy(), used: make(map[string]use)}
	if err := fn(t); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	if err := t.fits(); err != nil {
		return err
	}
	if len(t.keys) > 0 && len(e.failures) > 0 {
		err := e.failures[0]
		e.failures = e.failures[1:]
		return err
	}
	e.commit(t)
	return nil
}

func (e *Engine) commit(t *tx) {
	e.root.Store(t.root)
	e.watch.Tell(t.keys)
}

// Watch is described by kv.Engine.
func (e *Engine) Watch(prefix []byte) (changed <-chan struct{}, stop func()) {
	return e.watch.Add(prefix)
}

// Close waits for a running Update. The pairs are gone with the engine.
func (e *Engine) Close() error {
	e.writing <- struct{}{}
	defer func() { <-e.writing }()
	e.closed.Store(true)
	return nil
}

func (e *Engine) ready(ctx context.Context) error {
	if e.closed.Load() {
		return kv.ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// tx is both kinds of transaction: its own root is its view and its overlay.
type tx struct {
	root  *pairs
	view  bool     // others read the same root
	keys  []string // written or deleted
	err   error    // the first pair that was refused
	used  map[string]use
	scans int
}

func (t *tx) Get(key []byte) ([]byte, error) {
	if t.used != nil {
		t.reads(string(key))
	}
	value, ok := t.root.Get(string(key))
	if !ok {
		return nil, nil
	}
	return []byte(value), nil
}

func (t *tx) Scan(prefix, start []byte, fn func(key, value []byte) bool) error {
	p := string(prefix)
	t.scans++
	root := t.root
	if !t.view {
		root = root.Copy() // fn may write meanwhile
	}
	root.Ascend(max(p, string(start)), func(key, value string) bool {
		if !strings.HasPrefix(key, p) {
			return false
		}
		t.reads(key)
		return fn([]byte(key), []byte(value))
	})
	return nil
}

func (t *tx) Put(key, value []byte) {
	if err := kv.CheckPair(key, value); err != nil {
		if t.err == nil {
			t.err = err
		}
		return
	}
	t.writes(string(key), len(value))
	t.root.Set(string(key), string(value))
	t.keys = append(t.keys, string(key))
}

func (t *tx) Delete(key []byte) {
	t.writes(string(key), 0)
	t.root.Delete(string(key))
	t.keys = append(t.keys, string(key))
}
