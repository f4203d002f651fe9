package client

import (
	"sync"
	"unsafe"

	"signet/data"
	"signet/internal/recent"
)

// cacheRoom bounds the decoded clients in memory, in bytes: strangers may
// register some, and each may say much of itself.
const cacheRoom = 4 << 20

// cache keeps the clients of the store that are in use until one of them changes:
// decoded, or of those that ask for themselves alone, what proved them.
type cache struct {
	changed <-chan struct{}
	stop    func()

	mu         sync.RWMutex
	clients    *recent.Cache[*Client]
	proven     proven
	generation uint64 // how often it was emptied
}

func newCache(changed <-chan struct{}, stop func()) *cache {
	return &cache{changed: changed, stop: stop, clients: recent.New[*Client](cacheRoom), proven: newProven()}
}

// current empties the cache if a client was changed, and returns its
// generation.
func (c *cache) current() uint64 {
	select {
	case <-c.changed:
		return c.empty()
	default:
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.generation
}

// empty forgets all clients, and returns the generation that begins.
func (c *cache) empty() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clients, c.proven = recent.New[*Client](cacheRoom), newProven()
	c.generation++
	return c.generation
}

func (c *cache) get(id string) (*Client, bool) {
	c.current()
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.clients.Get(cacheName(id))
}

// put keeps a client that was read from a record of that many bytes when the
// generation was the given one. If it has changed since, what was read may be
// old.
func (c *cache) put(client *Client, record int, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		c.clients.Put(cacheName(client.ID), client, client.size(record))
	}
}

// recall returns the terms of the client that this proves. The caller has asked
// for current before.
func (c *cache) recall(by proof) (Terms, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.proven.recall(by)
}

// remember keeps what was read in that generation, as put does, and no more of the
// client: one that asks for itself seldom asks for people, and where it does it is
// read once more.
func (c *cache) remember(self Self, by proof, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation && c.proven.remember(by, self.Terms) {
		c.clients.Drop(cacheName(self.ID))
	}
}

func cacheName(id string) recent.Name { return recent.Name(data.HashOf(id)) }

// size is about what a client takes in memory, and no more than the cache takes:
// to read a large one anew for each request would cost more. What its record of
// that many bytes says lies there as text, and its keys once more, decoded.
func (c *Client) size(record int) int {
	return min(int(unsafe.Sizeof(*c))+2*record+4*len(c.JWKS), recent.Largest(cacheRoom))
}
