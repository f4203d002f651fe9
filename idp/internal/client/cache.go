package client

import (
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/internal/recent"
)

// cacheRoom bounds the clients in memory, in bytes: strangers may register some,
// and each may say much of itself.
const cacheRoom = 8 << 20

// cache keeps the clients of the store that are in use, decoded, until one of
// them changes.
type cache struct {
	changed <-chan struct{}
	stop    func()

	mu         sync.RWMutex
	clients    *recent.Cache[*Client]
	generation uint64 // how often it was emptied
}

func newCache(changed <-chan struct{}, stop func()) *cache {
	return &cache{changed: changed, stop: stop, clients: recent.New[*Client](cacheRoom)}
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
	c.clients = recent.New[*Client](cacheRoom)
	c.generation++
	return c.generation
}

func (c *cache) get(id string) (*Client, bool) {
	c.current()
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.clients.Get(cacheName(id))
}

// put keeps a client that was read when the generation was the given one. If
// it has changed since, what was read may be old.
func (c *cache) put(client *Client, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation {
		c.clients.Put(cacheName(client.ID), client, client.size())
	}
}

func cacheName(id string) recent.Name { return recent.Name(data.HashOf(id)) }

// size is about what a client takes in memory, and no more than the cache takes:
// to read a large one anew for each request would cost more. What its metadata
// says lies there as text, and its keys once more, decoded.
func (c *Client) size() int {
	text, err := json.Marshal(&c.Metadata)
	if err != nil {
		return cacheRoom // kept by nobody
	}
	return min(int(unsafe.Sizeof(*c))+2*len(text)+4*len(c.JWKS), recent.Largest(cacheRoom))
}
