package data

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"strconv"
	"sync"
	"time"

	"signet/data/kv"
	"signet/internal/single"
)

// blocks are what a node remembers of the blocks that it draws from. There may
// be as many as clients, so what it remembers of one is small and holds no
// pointer. What it forgets costs the serials that are left of a block.
type blocks struct {
	seed [16]byte // so that nobody can choose two names that are the same

	mu    sync.Mutex
	steps <-chan struct{} // receives after a step of a revocation, here or on another node
	stop  func()
	epoch uint32 // how often it has

	// What was used last is in young. When young is full it becomes old, and
	// what was old is forgotten.
	young, old map[blockName]block
	room       int // of young

	lists map[uint32]*openedList
	last  uint32 // the number of the list that came last

	fetches [1 << 10]single.Lane
}

// blockRoom is how many blocks a node remembers at least, once it has drawn from
// as many; twice as many are the most. Each has 32 bytes, and what the map adds.
const blockRoom = 1 << 17

// blockName is of a client and a set of audiences.
type blockName [16]byte

// block is what a node knows of a Block.
type block struct {
	list         uint32 // its number in lists
	first        uint32 // the Block's
	drawn, count uint16
	epoch        uint32 // in which it was seen to be there
}

// openedList is a list that some blocks are of.
type openedList struct {
	StatusList
	number uint32
	perm   permutation
}

func newBlocks(engine kv.Engine, random io.Reader) (*blocks, error) {
	b := &blocks{young: map[blockName]block{}, lists: map[uint32]*openedList{}, room: blockRoom}
	if _, err := io.ReadFull(random, b.seed[:]); err != nil {
		return nil, fmt.Errorf("data: no randomness: %w", err)
	}
	b.steps, b.stop = engine.Watch([]byte(revocationPrefix))
	return b, nil
}

func (b *blocks) name(client string, audience []string) (name blockName) {
	text := strconv.AppendQuote(append(make([]byte, 0, 256), b.seed[:]...), client)
	for _, one := range audience {
		text = strconv.AppendQuote(append(text, ' '), one)
	}
	sum := sha256.Sum256(text)
	copy(name[:], sum[:])
	return name
}

// now is the epoch: it counts the steps of revocations, each of which removes
// the blocks that it revokes.
func (b *blocks) now() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current()
}

// current is now for a caller who holds the lock.
func (b *blocks) current() uint32 {
	select {
	case <-b.steps:
		b.epoch++
	default:
	}
	return b.epoch
}

// fetching is held by whoever fetches another block of the name.
func (b *blocks) fetching(name blockName) *single.Lane {
	return &b.fetches[binary.BigEndian.Uint16(name[:])%uint16(len(b.fetches))]
}

// recall returns what is remembered under the name. There is no list where
// nothing is, or where the list has closed.
func (b *blocks) recall(name blockName) (block, *openedList) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.find(name)
}

// find is recall for a caller who holds the lock.
func (b *blocks) find(name blockName) (block, *openedList) {
	found, ok := b.young[name]
	if !ok {
		if found, ok = b.old[name]; !ok {
			return block{}, nil
		}
		delete(b.old, name)
		b.add(name, found)
	}
	return found, b.lists[found.list]
}

func (b *blocks) add(name blockName, one block) {
	if _, there := b.young[name]; !there && len(b.young) >= b.room {
		b.old, b.young = b.young, map[blockName]block{}
	}
	b.young[name] = one
}

// remember keeps a block of the list under the name, and forgets the lists that
// have closed by now. The blocks of a list that was read at different times share
// the last that was read.
func (b *blocks) remember(name blockName, one block, of *openedList, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.lists, func(_ uint32, list *openedList) bool { return !now.Before(list.ClosesAt) })
	for number, list := range b.lists {
		if list.ID == of.ID {
			of.number = number
		}
	}
	if of.number == 0 {
		b.last++
		of.number = b.last
	}
	b.lists[of.number] = of
	one.list = of.number
	b.add(name, one)
}
