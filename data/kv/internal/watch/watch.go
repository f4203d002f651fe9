// Package watch tells watchers of key prefixes, inside one process, that
// something under theirs was committed. It never blocks a writer and never
// says what changed.
package watch

import (
	"strings"
	"sync"
)

// Hub holds the watchers. The zero value is ready.
type Hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

type watcher struct {
	prefix  string
	changed chan struct{}
}

// Add starts a watch, as kv.Engine.Watch describes it. stop may be called twice.
func (h *Hub) Add(prefix []byte) (changed <-chan struct{}, stop func()) {
	w := &watcher{prefix: string(prefix), changed: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*watcher]struct{})
	}
	h.watchers[w] = struct{}{}
	return w.changed, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	}
}

// Tell wakes each watcher that has one of keys under its prefix.
func (h *Hub) Tell(keys []string) {
	h.wake(func(w *watcher) bool { return w.wants(keys) })
}

// TellAll wakes every watcher: something may have changed, and nobody knows
// what.
func (h *Hub) TellAll() {
	h.wake(func(*watcher) bool { return true })
}

func (h *Hub) wake(whom func(*watcher) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if whom(w) {
			select {
			case w.changed <- struct{}{}:
			default: // told already, and not yet read: one waking is enough
			}
		}
	}
}

func (w *watcher) wants(keys []string) bool {
	for _, k := range keys {
		if strings.HasPrefix(k, w.prefix) {
			return true
		}
	}
	return false
}
