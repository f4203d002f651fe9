package data

import (
	"context"
	"errors"
	"slices"
	"time"

	"signet/data/kv"
)

// A client's first block of a list is small, and each next one twice as large:
// who asks once an hour costs few serials, and who asks all the time few writes.
const (
	firstBlock = 16
	maxBlock   = 4096
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

// DrawClientSlot returns an index that nobody else has, for a token of the
// client's own for the audience. It writes nothing but, now and then, the
// reservation of a Block, and reads nothing but after a revocation. It returns
// ErrNoClient for a client that was removed a moment ago.
func (s *Store) DrawClientSlot(ctx context.Context, client string, audience []string) (_ Slot, err error) {
	if len(audience) > 1 {
		audience = slices.Compact(slices.Sorted(slices.Values(audience)))
	}
	name := s.blocks.name(client, audience)
	if slot, ok := s.drawRemembered(name); ok {
		return slot, nil
	}
	// One of those who need another block fetches it, and the others draw from
	// it.
	leave, err := s.blocks.fetching(name).Enter(ctx)
	if err != nil {
		return Slot{}, err
	}
	defer func() { leave(ours(ctx, err)) }()
	if slot, ok := s.drawRemembered(name); ok {
		return slot, nil
	}
	epoch := s.blocks.now() // before anything is read
	b, list := s.blocks.recall(name)
	usable := list != nil && b.drawn < b.count && s.opened(list.StatusList, s.now())
	if usable {
		// Whoever revokes a block removes it, here or on another node.
		err := s.engine.View(ctx, func(tx kv.Reader) error {
			there, err := tx.Get(blockKey(list.ID, client, b.first))
			usable = there != nil
			return err
		})
		if err != nil {
			return Slot{}, err
		}
	}
	if !usable {
		if b, list, err = s.reserveBlock(ctx, b, list, client, audience); err != nil {
			return Slot{}, err
		}
	}
	slot := Slot{List: list.ID, Index: list.perm.index(b.first + uint32(b.drawn)), Until: s.statusEnd(s.now())}
	b.drawn++
	b.epoch = epoch
	s.blocks.remember(name, b, list, s.now())
	return slot, nil
}

// ours is a failure that those meet, too, who wait: none that is of one request.
func ours(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, ErrNoClient) {
		return nil
	}
	return err
}

// drawRemembered draws from the block that this node remembers, as long as
// there is no reason to look whether it is good.
func (s *Store) drawRemembered(name blockName) (slot Slot, ok bool) {
	now := s.now()
	s.blocks.mu.Lock()
	defer s.blocks.mu.Unlock()
	b, list := s.blocks.find(name)
	if list == nil || b.drawn == b.count || b.epoch != s.blocks.current() || !s.opened(list.StatusList, now) {
		return Slot{}, false
	}
	slot = Slot{List: list.ID, Index: list.perm.index(b.first + uint32(b.drawn)), Until: s.statusEnd(now)}
	b.drawn++
	s.blocks.young[name] = b
	return slot, true
}

// reserveBlock reserves a block after old, which was of the list if there was
// one.
func (s *Store) reserveBlock(ctx context.Context, old block, of *openedList, client string, audience []string) (block, *openedList, error) {
	fresh, err := s.freshLists()
	if err != nil {
		return block{}, nil, err
	}
	var list StatusList
	var made Block
	err = s.decide(ctx, func(tx kv.Tx) (verdict, err error) {
		if gone, err := s.clientGone(tx, client); err != nil || gone {
			return ErrNoClient, err
		}
		if list, err = s.openList(tx, fresh); err != nil {
			return nil, err
		}
		size := uint32(firstBlock)
		if of != nil && of.ID == list.ID {
			size = min(2*uint32(old.count), maxBlock)
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
		return block{}, nil, err
	}
	return block{first: made.First, count: uint16(made.Count)}, &openedList{StatusList: list, perm: newPermutation(list.Key)}, nil
}

// mark sets the bits of all that the block has.
func (b *Block) mark(tx kv.Tx, list StatusList) {
	p := newPermutation(list.Key)
	for serial := b.First; serial < b.First+b.Count; serial++ {
		tx.Put(statusBitKey(b.List, p.index(serial)), present)
	}
}
