package data

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"time"

	"signet/data/kv"
	"signet/internal/recent"
	"signet/internal/single"
)

// A client's first block of a list is small, and each next one twice as large:
// who asks once an hour costs few serials, and who asks all the time few writes.
const (
	firstBlock = 16
	maxBlock   = 4096
)

// blockRoom bounds what a node remembers of blocks, in bytes, each of which
// takes about blockSize. What it forgets costs the serials that are left of a
// block.
const (
	blockRoom = 4 << 20
	blockSize = 1 << 10
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

// block is what a node knows of the block that it draws from.
type block struct {
	lane      single.Lane
	list      StatusList
	perm      permutation
	key       []byte // of the Block
	next, end uint32
	size      uint32 // of the Block, as it was asked for
}

// DrawClientSlot returns an index that nobody else has, for a token of the
// client's own for the audience. It writes nothing but, now and then, the
// reservation of a Block. It returns ErrNoClient for a client that was removed
// a moment ago.
func (s *Store) DrawClientSlot(ctx context.Context, client string, audience []string) (_ Slot, err error) {
	if len(audience) > 1 {
		audience = slices.Compact(slices.Sorted(slices.Values(audience)))
	}
	b := s.block(client, audience)
	leave, err := b.lane.Enter(ctx)
	if err != nil {
		return Slot{}, err
	}
	defer func() { leave(ours(ctx, err)) }()
	now := s.now()
	usable := b.next < b.end && s.opened(b.list, now)
	if usable {
		// Whoever revokes a block removes it, here or on another node.
		err := s.engine.View(ctx, func(tx kv.Reader) error {
			there, err := tx.Get(b.key)
			usable = there != nil
			return err
		})
		if err != nil {
			return Slot{}, err
		}
	}
	if !usable {
		if err := s.reserveBlock(ctx, b, client, audience); err != nil {
			return Slot{}, err
		}
	}
	slot := Slot{List: b.list.ID, Index: b.perm.index(b.next), Until: s.statusEnd(now)}
	b.next++
	return slot, nil
}

// ours is a failure that those meet, too, who wait: none that is of one request.
func ours(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, ErrNoClient) {
		return nil
	}
	return err
}

// block finds what this node draws from, or begins anew.
func (s *Store) block(client string, audience []string) *block {
	quoted := strconv.AppendQuote(make([]byte, 0, 256), client)
	for _, one := range audience {
		quoted = strconv.AppendQuote(append(quoted, ' '), one)
	}
	name := recent.Name(sha256.Sum256(quoted))
	b, found := s.blocks.Get(name)
	if !found {
		b = &block{}
		s.blocks.Put(name, b, blockSize)
		if kept, found := s.blocks.Get(name); found { // another one was faster
			b = kept
		}
	}
	return b
}

func (s *Store) reserveBlock(ctx context.Context, b *block, client string, audience []string) error {
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
		if size = firstBlock; list.ID == b.list.ID {
			size = min(2*b.size, maxBlock)
		}
		made = Block{Client: client, Audience: audience, List: list.ID, First: list.Reserved, At: s.now()}
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
	b.list, b.perm, b.key = list, newPermutation(list.Key), blockKey(list.ID, client, made.First)
	b.next, b.end, b.size = made.First, made.First+made.Count, size
	return nil
}

// mark sets the bits of all that the block has.
func (b *Block) mark(tx kv.Tx, list StatusList) {
	p := newPermutation(list.Key)
	for serial := b.First; serial < b.First+b.Count; serial++ {
		tx.Put(statusBitKey(b.List, p.index(serial)), present)
	}
}
