package bolt

import "go.etcd.io/bbolt"

// cursor goes through the pairs in order: those in their place, and over them what
// waits.
type cursor struct {
	reader
	placed     *bbolt.Cursor
	key, value []byte // at the cursor; nil: no more

	over  string // the key that waits, if there is one
	at    spot
	waits bool
}

func (c *cursor) seek(start []byte) {
	c.placed = c.b.Cursor()
	c.key, c.value = c.placed.Seek(start)
	c.over, c.at, c.waits = c.waiting.from(string(start))
}

// pair returns the pair that the scan is at, or nil at its end.
func (c *cursor) pair() (key, value []byte) {
	for c.isOver() {
		if value := c.reader.value(c.at); value != nil {
			return []byte(c.over), value
		}
		c.step()
	}
	return c.key, c.value
}

// isOver says whether the next key is one that waits. It hides the same key in
// its place.
func (c *cursor) isOver() bool {
	return c.waits && (c.key == nil || c.over <= string(c.key))
}

func (c *cursor) step() {
	over := c.isOver()
	if !over || c.over == string(c.key) {
		c.key, c.value = c.placed.Next()
	}
	if over {
		c.over, c.at, c.waits = c.waiting.from(c.over + "\x00")
	}
}
