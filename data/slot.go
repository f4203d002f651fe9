package data

import (
	"context"
	"slices"
	"sync"
	"time"

	"signet/data/kv"
	"signet/internal/single"
)

// slotsAtOnce is how many serials a node reserves with one write. Those that it
// did not use when it stops are nobody's.
const slotsAtOnce = 4096

// slots hands out the indices of the open list, from serials that this node
// has reserved.
type slots struct {
	lane  single.Lane // to the store
	mu    sync.Mutex
	list  StatusList
	perm  permutation
	next  uint32
	end   uint32
	spare []Slot // drawn, and not used after all
}

// DrawSlot returns an index that nobody else has. It writes nothing but, once
// in slotsAtOnce draws, the reservation of the next ones. A slot that was not
// stored goes back by ReturnSlot.
func (s *Store) DrawSlot(ctx context.Context) (slot Slot, err error) {
	p := &s.slots
	if slot, ok := p.take(s); ok {
		return slot, nil
	}
	leave, err := p.lane.Enter(ctx)
	if err != nil {
		return Slot{}, err
	}
	defer func() { leave(err) }()
	for {
		if slot, ok := p.take(s); ok { // one that was before us has reserved
			return slot, nil
		}
		if err := s.reserveSlots(context.WithoutCancel(ctx), p); err != nil { // others wait for it, too
			return Slot{}, err
		}
	}
}

// take draws one that is reserved, if there is one.
func (p *slots) take(s *Store) (slot Slot, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.now()
	if !s.opened(p.list, now) {
		p.next, p.end, p.spare = 0, 0, nil
	}
	if n := len(p.spare); n > 0 {
		slot = p.spare[n-1]
		p.spare = p.spare[:n-1]
		slot.Until = s.statusEnd(now)
		return slot, true
	}
	if p.next == p.end {
		return Slot{}, false
	}
	slot = Slot{List: p.list.ID, Index: p.perm.index(p.next), Until: s.statusEnd(now)}
	p.next++
	return slot, true
}

// ReturnSlot takes back a slot that no token can carry.
func (s *Store) ReturnSlot(slot Slot) {
	p := &s.slots
	p.mu.Lock()
	defer p.mu.Unlock()
	if slot.List == p.list.ID && len(p.spare) < slotsAtOnce {
		p.spare = append(p.spare, slot)
	}
}

func (s *Store) reserveSlots(ctx context.Context, p *slots) error {
	fresh, err := s.freshLists()
	if err != nil {
		return err
	}
	var list StatusList
	var count uint32
	err = s.engine.Update(ctx, func(tx kv.Tx) (err error) {
		if list, err = s.openList(tx, fresh); err == nil {
			count, err = s.reserve(tx, list, slotsAtOnce)
		}
		return err
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list, p.perm, p.spare = list, newPermutation(list.Key), nil
	p.next, p.end = list.Reserved, list.Reserved+count
	return nil
}

// reserve takes want serials of the open list, from its Reserved on, or as many
// as it has left, for the caller alone.
func (s *Store) reserve(tx kv.Tx, open StatusList, want uint32) (count uint32, err error) {
	count = min(want, StatusSize-open.Reserved)
	open.Reserved += count
	return count, put(tx, statusListKey(open.ID), &open)
}

// Carry says which slot the grant's next access token carries: the one that the
// grant has while it is of the list that slot was drawn from, and else slot;
// used tells which. Then the grant is stored. The slots that it had before are
// kept until the tokens that carry them are dead.
func (g *Grant) Carry(slot Slot, now time.Time) (used bool) {
	g.Status = slices.DeleteFunc(slices.Clone(g.Status), func(old Slot) bool { return !now.Before(old.Until) })
	if n := len(g.Status); n > 0 && g.Status[n-1].List == slot.List {
		// Never back: the clock may have been set back, or access tokens live
		// shorter since a restart, and what is out lives as long as it was told.
		g.Status[n-1].Until = later(g.Status[n-1].Until, slot.Until)
		return false
	}
	g.Status = append(g.Status, slot)
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Slot is what the grant's next access token carries. It has none before the
// first Carry, and when its tokens were revoked since.
func (g *Grant) Slot() (Slot, bool) {
	if len(g.Status) == 0 {
		return Slot{}, false
	}
	return g.Status[len(g.Status)-1], true
}

// Outlasts tells whether the slot that the grant has is kept for as long as a
// token lives that is given out now, when drawn was drawn. Some of the margin may
// be gone, so that an answer that is repeated a moment later writes nothing.
func (g *Grant) Outlasts(drawn Slot) bool {
	slot, ok := g.Slot()
	return ok && drawn.Until.Sub(slot.Until) <= statusMargin/2
}
