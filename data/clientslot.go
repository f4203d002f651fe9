package data

import (
	"context"
	"slices"
	"sync"
	"time"

	"signet/data/kv"
	"signet/internal/recent"
)

// A client's first block of a list is small, and each next one twice as large:
// who asks once an hour costs few serials, and who asks all the time few writes.
const (
	firstBlock = 16
	maxBlock   = 4096
)

// blockClients bounds of how many clients a node remembers the blocks, and
// blockSets of how many sets of audiences of one. What it forgets costs the
// serials that are left of a block.
const (
	blockClients = 1 << 17
	blockSets    = 16
)

// Block is a run of serials of a list that were reserved for the tokens of a
// client of its own, for an audience. It is how those are found again: issuing
// one writes nothing.
type Block struct {
	V           int          `json:"v"`
	Client      string       `json:"client"`
	Audience    []string     `json:"audience"` // sorted
	List        StatusListID `json:"list"`
	First       uint32       `json:"first"` // serial
	Count       uint32       `json:"count"`
	At          time.Time    `json:"at"`
	Revocations uint64       `json:"revocations,omitzero"` // as in Grant
}

func (b *Block) kind() string  { return "block" }
func (b *Block) version() *int { return &b.V }

// blocks are what a node knows of the blocks that it draws from. There may be
// as many as clients, so they are small: what they share is not in them.
type blocks struct {
	of *recent.Cache[*clientBlocks] // by client

	mu    sync.Mutex
	steps <-chan struct{} // receives after a step of a revocation, here or on another node
	epoch uint64          // how often it has
	lists []*openedList
}

// openedList is a list that some blocks are of.
type openedList struct {
	StatusList
	perm permutation
}

type clientBlocks struct {
	mu  sync.Mutex
	all []block // the one that was made first is the first to go
}

type block struct {
	audience   []string // sorted
	list       *openedList
	first      uint32 // the Block's
	next, end  uint32
	size       uint32 // of the Block, as it was asked for
	knownSince uint64 // the epoch in which it was seen to be there
}

func newBlocks(engine kv.Engine) blocks {
	steps, _ := engine.Watch([]byte(revocationPrefix)) // for as long as the engine is open
	return blocks{of: recent.NewCounted[*clientBlocks](blockClients), steps: steps}
}

// DrawClientSlot returns an index that nobody else has, for a token of the
// client's own for the audience. It writes nothing but, now and then, the
// reservation of a Block, and reads nothing but after a revocation. It returns
// ErrNoClient for a client that was removed a moment ago.
func (s *Store) DrawClientSlot(ctx context.Context, client string, audience []string) (Slot, error) {
	if len(audience) > 1 {
		audience = slices.Compact(slices.Sorted(slices.Values(audience)))
	}
	// Before anything else: what was revoked before the request came is seen.
	epoch := s.blocks.now()
	c := s.blocks.ofClient(client)
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.block(audience)
	now := s.now()
	usable := b.next < b.end && s.opened(b.list.StatusList, now)
	if usable && b.knownSince != epoch {
		// Whoever revokes a block removes it, here or on another node.
		err := s.engine.View(ctx, func(tx kv.Reader) error {
			there, err := tx.Get(blockKey(b.list.ID, client, b.first))
			usable = there != nil
			return err
		})
		if err != nil {
			return Slot{}, err
		}
	}
	if !usable {
		if err := s.reserveBlock(ctx, b, client); err != nil {
			return Slot{}, err
		}
	}
	b.knownSince = epoch
	slot := Slot{List: b.list.ID, Index: b.list.perm.index(b.next), Until: s.statusEnd(now)}
	b.next++
	return slot, nil
}

// now is the epoch: it counts the steps of revocations, each of which removes
// the blocks that it revokes.
func (b *blocks) now() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.steps:
		b.epoch++
	default:
	}
	return b.epoch
}

func (b *blocks) ofClient(client string) *clientBlocks {
	name := recent.NameOf(client)
	c, found := b.of.Get(name)
	if !found {
		c = &clientBlocks{}
		b.of.Put(name, c, 1)
		if kept, found := b.of.Get(name); found { // another one was faster
			c = kept
		}
	}
	return c
}

// list gives all blocks of a list the same one.
func (b *blocks) list(l StatusList, now time.Time) *openedList {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lists = slices.DeleteFunc(b.lists, func(old *openedList) bool { return !now.Before(old.ClosesAt) })
	for _, old := range b.lists {
		if old.ID == l.ID && old.OpensAt.Equal(l.OpensAt) && old.EndsAt.Equal(l.EndsAt) {
			return old
		}
	}
	opened := &openedList{l, newPermutation(l.Key)}
	b.lists = append(b.lists, opened)
	return opened
}

// block finds what this node draws from for the audience, or begins anew.
func (c *clientBlocks) block(audience []string) *block {
	for i := range c.all {
		if slices.Equal(c.all[i].audience, audience) {
			return &c.all[i]
		}
	}
	if len(c.all) == blockSets {
		c.all = slices.Delete(c.all, 0, 1)
	}
	c.all = append(c.all, block{audience: slices.Clone(audience)})
	return &c.all[len(c.all)-1]
}

func (s *Store) reserveBlock(ctx context.Context, b *block, client string) error {
	fresh, err := s.freshLists()
	if err != nil {
		return err
	}
	var list StatusList
	var made Block
	var size uint32
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		if gone, err := s.clientGone(tx, client); err != nil || gone {
			return ErrNoClient, err
		}
		if list, err = s.openList(tx, fresh); err != nil {
			return nil, err
		}
		if size = firstBlock; b.list != nil && list.ID == b.list.ID {
			size = min(2*b.size, maxBlock)
		}
		made = Block{Client: client, Audience: b.audience, List: list.ID, First: list.Reserved, At: s.now()}
		if made.Count, err = s.reserve(tx, list, size); err != nil {
			return nil, err
		}
		if made.Revocations, err = revocations(tx); err != nil {
			return nil, err
		}
		return nil, put(tx, blockKey(list.ID, client, made.First), &made)
	})
	if err != nil {
		return err
	}
	b.list, b.size = s.blocks.list(list, s.now()), size
	b.first, b.next, b.end = made.First, made.First, made.First+made.Count
	return nil
}

// mark sets the bits of all that the block has.
func (b *Block) mark(tx kv.Tx, list StatusList) {
	p := newPermutation(list.Key)
	for serial := b.First; serial < b.First+b.Count; serial++ {
		tx.Put(statusBitKey(b.List, p.index(serial)), present)
	}
}
