package resource

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

func name(n int) digest {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// held is what the cache takes by its own reckoning.
func (c *cache) held() (entries, bytes int) {
	for i := range c.shards {
		s := &c.shards[i]
		for _, m := range []map[digest]*Token{s.young, s.old} {
			for _, t := range m {
				entries++
				bytes += t.size + overhead
			}
		}
	}
	return entries, bytes
}

func TestTheCacheNeverHoldsMoreThanItsRoomNorAnotherToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 1 << 18
		c := newCache(room)
		tokens := make(map[int]*Token)
		for _, op := range rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 2000).Draw(t, "ops") {
			n := op / 3
			switch op % 3 {
			case 0:
				if tokens[n] == nil {
					tokens[n] = &Token{size: 100 + n}
				}
				c.put(name(n), tokens[n])
			case 1:
				if got := c.get(name(n)); got != nil && got != tokens[n] {
					t.Fatalf("%d gave another token", n)
				}
			case 2:
				c.drop(name(n))
				delete(tokens, n)
				if c.get(name(n)) != nil {
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
	c := newCache(1 << 20)
	hot := &Token{size: 800}
	c.put(name(-1), hot)
	for n := range 10000 {
		c.put(name(n), &Token{size: 800})
		if c.get(name(-1)) != hot {
			t.Fatalf("gone after %d others", n)
		}
	}
	if entries, bytes := c.held(); entries < 350 || bytes > 1<<20 {
		t.Errorf("%d entries of %d bytes are held", entries, bytes)
	}
}

func TestACacheWithoutRoomHoldsNothing(t *testing.T) {
	c := newCache(0)
	c.put(name(1), &Token{size: 1})
	if entries, _ := c.held(); entries != 0 {
		t.Errorf("%d entries", entries)
	}
}
