package data

import (
	"bytes"
	"log/slog"
	"slices"
)

// What one transaction of a revocation may do, in looks at a record: to look at
// many costs little, and what is written is what others wait for.
const (
	revokeStep  = 1000
	changeCosts = 9
)

// revoker is one transaction of a revocation.
type revoker struct {
	s    *Store
	tx   *step
	r    *Revocation
	left int // looks
}

// step goes on from the cursor, and stores how far it came.
func (w *revoker) step() error {
	more := true
	var err error
	if err = w.goOnMarking(); err != nil {
		return err
	}
	if w.r.Marking == nil && !w.r.BlocksDone && !w.tx.full() {
		if more, err = w.blocks(); err != nil {
			return err
		}
		if !more {
			w.r.BlocksDone, w.r.Cursor = true, nil
		}
	}
	if w.r.BlocksDone && w.left > 0 && !w.tx.full() {
		if more, err = w.grants(); err != nil {
			return err
		}
		if !more {
			w.r.DoneAt, w.r.Cursor = w.s.now(), nil
		}
	}
	return put(w.tx, revocationKey(w.r.ID), w.r)
}

// pair is a copy: what a scan sees while its transaction writes is nobody's
// promise.
type pair struct{ key, value []byte }

// after collects as many pairs behind the cursor as may be looked at.
func (w *revoker) after(prefixes ...[]byte) (found []pair, more bool, err error) {
	most := w.tx.some(w.left)
	for _, prefix := range prefixes {
		var start []byte
		if bytes.Compare(w.r.Cursor, prefix) >= 0 {
			start = append(slices.Clone(w.r.Cursor), 0)
		}
		err = w.tx.Scan(prefix, start, func(key, value []byte) bool {
			if more = len(found) >= most; !more {
				found = append(found, pair{slices.Clone(key), slices.Clone(value)})
			}
			return !more
		})
		if err != nil || more {
			break
		}
	}
	return found, more, err
}

// blocks marks the blocks that the revocation is about. They are gone then, and
// whoever drew from one reserves another.
func (w *revoker) blocks() (more bool, err error) {
	lists, err := scanStatusLists(w.tx)
	if err != nil {
		return false, err
	}
	of := map[StatusListID]StatusList{}
	prefixes := [][]byte{[]byte(blockPrefix)}
	if w.r.Client != "" {
		prefixes = nil
	}
	for _, l := range lists {
		of[l.ID] = l
		if w.r.Client != "" {
			prefixes = append(prefixes, clientBlocksOf(l.ID, w.r.Client))
		}
	}
	slices.SortFunc(prefixes, bytes.Compare)
	found, more, err := w.after(prefixes...)
	for i := 0; i < len(found) && err == nil; i++ {
		if w.left <= 0 || w.r.Marking != nil || i > 0 && w.tx.full() {
			return true, nil
		}
		err = w.block(found[i], of)
		w.r.Cursor = found[i].key
	}
	return more || w.r.Marking != nil, err
}

func (w *revoker) block(p pair, of map[StatusListID]StatusList) error {
	w.left--
	var b Block
	if err := decode(p.value, &b); err != nil {
		return w.unread(err)
	}
	if b.Revocations >= w.r.Number || !w.ofBlock(b) {
		return nil
	}
	if list, living := of[b.List]; living {
		w.r.BlocksRevoked++
		w.mark(b, list)
	}
	w.tx.Delete(p.key)
	return nil
}

// mark sets the bits of a block, as many as there is room for. Nobody draws from
// it any more, since it is gone with the first of them.
func (w *revoker) mark(b Block, list StatusList) {
	part := b
	part.Count = uint32(w.tx.most(int(b.Count)))
	part.mark(w.tx, list)
	w.left -= int(part.Count) * revokeStep / maxBlock // a full block is a step of its own
	w.r.Marking = nil
	if part.Count < b.Count {
		b.First, b.Count = b.First+part.Count, b.Count-part.Count
		w.r.Marking = &b
	}
}

// goOnMarking goes on with the block that an earlier step did not finish.
func (w *revoker) goOnMarking() error {
	if w.r.Marking == nil {
		return nil
	}
	var list StatusList
	found, err := get(w.tx, statusListKey(w.r.Marking.List), &list)
	if err != nil {
		return err
	}
	if !found { // nor are its tokens
		w.r.Marking = nil
		return nil
	}
	w.mark(*w.r.Marking, list)
	return nil
}

func (w *revoker) ofBlock(b Block) bool {
	switch r := w.r; {
	case r.Client != "":
		return b.Client == r.Client
	case r.Audience != "":
		return r.Exchanged || slices.Contains(b.Audience, r.Audience)
	default:
		return b.At.Before(r.Before)
	}
}

// grants ends the grants that the revocation is about, or revokes what access
// tokens they have out.
func (w *revoker) grants() (more bool, err error) {
	prefix := []byte(grantPrefix)
	if w.r.Client != "" {
		prefix = clientHoldsOf(w.r.Client)
	}
	found, more, err := w.after(prefix)
	for i := 0; i < len(found) && err == nil; i++ {
		if w.left <= 0 || i > 0 && w.tx.full() {
			return true, nil
		}
		key := found[i].key
		if len(key) >= len(GrantID{}) {
			err = w.grant(GrantID(key[len(key)-len(GrantID{}):]))
		}
		w.r.Cursor = key
	}
	return more, err
}

func (w *revoker) grant(id GrantID) error {
	w.left--
	g, found, err := getGrant(w.tx, id)
	switch {
	case unreadable(err):
		return w.unread(err)
	case err != nil:
		return err
	case !found || g.Revocations >= w.r.Number || !w.ofGrant(g):
		return nil
	}
	w.left -= changeCosts
	now := w.s.now()
	if w.r.Audience == "" && !w.r.TokensOnly {
		w.s.endGrant(w.tx, g)
		if now.Before(g.ExpiresAt) {
			w.r.GrantsEnded++
		}
		return nil
	}
	if len(g.Status) == 0 {
		return nil
	}
	w.s.markSlots(w.tx, g.Status)
	if now.Before(g.Status[len(g.Status)-1].Until) {
		w.r.GrantsRevoked++
	}
	g.Status = nil
	return put(w.tx, grantKey(id), &g)
}

func (w *revoker) ofGrant(g Grant) bool {
	switch r := w.r; {
	case r.Client != "":
		return g.Client == r.Client
	case r.Audience != "":
		// A grant that names no audience is for whatever its client may reach.
		return r.Exchanged || len(g.Audience) == 0 || slices.Contains(g.Audience, r.Audience) || slices.Contains(r.AnyAudience, g.Client)
	default:
		return g.CreatedAt.Before(r.Before)
	}
}

// unread counts a record that cannot be read. It stays, as in a sweep.
func (w *revoker) unread(err error) error {
	w.r.Unread++
	w.s.o.Logger.Error("a record cannot be read, and was not revoked", slog.Any("error", err))
	return nil
}
