package resource

import (
	"crypto/sha256"
	"sync"
)

// digest names a token without keeping it.
type digest = [sha256.Size]byte

// cache remembers verified tokens in bounded memory. It is cut into shards so
// that requests do not queue behind one lock. An entry says nothing about
// whether its token is still good: that is asked at every use.
type cache struct {
	shards [16]shard
}

// shard holds two generations of entries. The young one fills up, then
// becomes the old one, and the old one goes; what is used moves to the young
// one. That keeps what is in use, without a list of who came when.
type shard struct {
	mu         sync.Mutex
	young, old map[digest]*Token
	size, room int // of young, in bytes
}

// overhead is what an entry takes beside the claims, roughly.
const overhead = 512

// newCache returns a cache that holds about room bytes.
func newCache(room int) *cache {
	c := new(cache)
	for i := range c.shards {
		c.shards[i] = shard{young: make(map[digest]*Token), room: room / len(c.shards) / 2}
	}
	return c
}

func (c *cache) shard(d digest) *shard { return &c.shards[int(d[0])%len(c.shards)] }

func (c *cache) get(d digest) *Token {
	s := c.shard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.young[d]; t != nil {
		return t
	}
	t := s.old[d]
	if t != nil {
		delete(s.old, d)
		s.add(d, t)
	}
	return t
}

func (c *cache) put(d digest, t *Token) {
	s := c.shard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young[d] == nil {
		s.add(d, t)
	}
}

func (c *cache) drop(d digest) {
	s := c.shard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.young[d]; t != nil {
		s.size -= t.size + overhead
		delete(s.young, d)
	}
	delete(s.old, d)
}

func (s *shard) add(d digest, t *Token) {
	cost := t.size + overhead
	if cost > s.room {
		return
	}
	if s.size+cost > s.room {
		s.old, s.young, s.size = s.young, make(map[digest]*Token), 0
	}
	s.young[d] = t
	s.size += cost
}
