package recent

import (
	"crypto/sha256"
	"sync"
)

// Name is the SHA-256 of what an entry is about: it names a token without
// keeping it.
type Name = [sha256.Size]byte

// NameOf hashes a text. One of a token's usual length is copied to the stack
// and not to the heap.
func NameOf(text string) Name {
	var room [1 << 10]byte
	return sha256.Sum256(append(room[:0], text...))
}

const shards = 16

// Cache holds entries in bounded memory. It is cut into shards so that requests
// do not queue behind one lock. It is safe for concurrent use.
type Cache[V any] struct {
	shards [shards]shard[V]
}

// shard holds two generations of entries. The young one fills up, then
// becomes the old one, and the old one goes; what is used moves to the young
// one. That keeps what is in use, without a list of who came when.
type shard[V any] struct {
	mu         sync.Mutex
	young, old map[Name]entry[V]
	size, room int // of young, in bytes
}

type entry[V any] struct {
	value V
	cost  int
}

// overhead is what an entry takes beside its own bytes, roughly.
const overhead = 512

// New returns a cache that holds about room bytes.
func New[V any](room int) *Cache[V] {
	c := new(Cache[V])
	for i := range c.shards {
		c.shards[i] = shard[V]{young: make(map[Name]entry[V]), room: room / shards / 2}
	}
	return c
}

// Largest is the size of the largest value that a cache of that room keeps.
func Largest(room int) int { return room/shards/2 - overhead }

func (c *Cache[V]) shard(n Name) *shard[V] { return &c.shards[int(n[0])%len(c.shards)] }

// Get returns what was put under the name.
func (c *Cache[V]) Get(n Name) (V, bool) {
	s := c.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, found := s.young[n]; found {
		return e.value, true
	}
	e, found := s.old[n]
	if found {
		delete(s.old, n)
		s.add(n, e)
	}
	return e.value, found
}

// Put keeps v, which takes size bytes. What is there already stays.
func (c *Cache[V]) Put(n Name, v V, size int) {
	s := c.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.young[n]; !found {
		s.add(n, entry[V]{v, size + overhead})
	}
}

// Drop forgets the name.
func (c *Cache[V]) Drop(n Name) {
	s := c.shard(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size -= s.young[n].cost
	delete(s.young, n)
	delete(s.old, n)
}

func (s *shard[V]) add(n Name, e entry[V]) {
	if e.cost > s.room {
		return
	}
	if s.size+e.cost > s.room {
		s.old, s.young, s.size = s.young, make(map[Name]entry[V]), 0
	}
	s.young[n] = e
	s.size += e.cost
}
