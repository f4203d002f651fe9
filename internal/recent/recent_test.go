package recent

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

func name(n int) Name {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// thing stands for whatever is remembered.
type thing struct{ size int }

// held is what the cache takes by its own reckoning.
func (c *Cache[V]) held() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		for _, m := range []map[Name]entry[V]{s.young, s.old} {
			for _, e := range m {
				entries++
				bytes += e.cost
			}
		}
	}
	return entries, bytes
}

func TestTheCacheNeverHoldsMoreThanItsRoomNorAnotherThing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 1 << 18
		c := New[*thing](room)
		things := make(map[int]*thing)
		for _, op := range rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 2000).Draw(t, "ops") {
			n := op / 3
			switch op % 3 {
			case 0:
				if things[n] == nil {
					things[n] = &thing{size: 100 + n}
				}
				c.Put(name(n), things[n], things[n].size)
			case 1:
				if got, found := c.Get(name(n)); found && got != things[n] {
					t.Fatalf("%d gave another thing", n)
				}
			case 2:
				c.Drop(name(n))
				delete(things, n)
				if _, found := c.Get(name(n)); found {
					t.Fatalf("%d is still there", n)
				}
			}
			if _, bytes := c.held(); bytes > room {
				t.Fatalf("%d bytes in a room of %d", bytes, room)
			}
		}
	})
}

func TestWhatIsInUseStaysInTheCache(t *testing.T) {
	c := New[*thing](1 << 20)
	hot := &thing{size: 800}
	c.Put(name(-1), hot, hot.size)
	for n := range 10000 {
		c.Put(name(n), &thing{}, 800)
		if got, _ := c.Get(name(-1)); got != hot {
			t.Fatalf("gone after %d others", n)
		}
	}
	if entries, bytes := c.held(); entries < 350 || bytes > 1<<20 {
		t.Errorf("%d entries of %d bytes are held", entries, bytes)
	}
}

func TestACacheWithoutRoomHoldsNothing(t *testing.T) {
	c := New[*thing](0)
	c.Put(name(1), &thing{}, 1)
	if entries, _ := c.held(); entries != 0 {
		t.Errorf("%d entries", entries)
	}
}
