package data

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"signet/data/kv"
)

// CopyOptions are what a copy needs from outside.
type CopyOptions struct {
	From, To string // where the sides are, without a password: each says it of the other

	// Settle returns once nobody writes to the source any more, which bears
	// its sign since that time. Nil: nobody does.
	Settle func(ctx context.Context, signed time.Time) error
	// Read hears of every key and value that was read, the source's first.
	Read func(step CopyStep, bytes int)

	Now  func() time.Time // time.Now unless set
	Rand io.Reader        // crypto/rand.Reader unless set
}

// CopyStep is what a copy is doing.
type CopyStep string

// The steps, in their order.
const (
	CopyPairs   CopyStep = "copying"
	CheckSource CopyStep = "reading the source again"
	CheckTarget CopyStep = "reading the target"
)

// Digest is the SHA-256 of the pairs of a store in the order of the keys, each
// as the lengths of key and value (4 bytes big-endian each), key, value. The
// sign of a move is not in it.
type Digest struct {
	SHA256 string `json:"sha256"`
	Users  int    `json:"users"`
	Grants int    `json:"grants"`
	Pairs  int    `json:"pairs"`
	Bytes  int64  `json:"bytes"` // of keys and values
}

// CopyInfo says what a copy did.
type CopyInfo struct {
	StoreID string `json:"store_id"`
	Resumed bool   `json:"resumed"` // an earlier copy had been cut off
	Digest  Digest `json:"digest"`  // the same on both sides
}

var (
	// ErrNoStore says that there is no store to copy.
	ErrNoStore = errors.New("data: there is no store in the source")
	// ErrDiffer says that the sides differ after the copy.
	ErrDiffer = errors.New("data: source and target differ, so something wrote to one of them during the copy")
)

// Copy moves the store of one engine to another, byte for byte, and leaves the
// target to be opened and the source never again. One that is cut off leaves
// two stores that Open refuses; the same copy again goes on where it was. The
// target is empty, or holds what an earlier copy of the same store left there.
func Copy(ctx context.Context, from, to kv.Engine, o CopyOptions) (CopyInfo, error) {
	c := &copying{from: from, to: to, o: o}
	if c.o.Now == nil {
		c.o.Now = time.Now
	}
	if c.o.Rand == nil {
		c.o.Rand = rand.Reader
	}
	if c.o.Read == nil {
		c.o.Read = func(CopyStep, int) {}
	}
	err := c.run(ctx)
	return c.info, err
}

type copying struct {
	from, to kv.Engine
	o        CopyOptions
	source   Move // the signs as they stand
	target   Move
	info     CopyInfo
}

func (c *copying) run(ctx context.Context) error {
	if err := c.sign(ctx); err != nil {
		return err
	}
	if c.source.Step == moveLeaving {
		if c.o.Settle != nil {
			if err := c.o.Settle(ctx, c.source.At); err != nil {
				return err
			}
		}
		if err := c.fill(ctx); err != nil {
			return fmt.Errorf("data: the copy was cut off; run it again: %w", err)
		}
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	return c.finish(ctx)
}

// sign puts a sign on both sides, or finds those of the copy that was cut off.
// The target is looked at first, so that a source is not closed for nothing, and
// signed first: who finds the source closed finds no target that can be opened
// before it is whole.
func (c *copying) sign(ctx context.Context) error {
	meta, err := c.readSource(ctx)
	if err != nil {
		return err
	}
	c.info.StoreID = meta.StoreID
	err = c.readTarget(ctx)
	if c.source.Step == moveLeft && c.target.ID != c.source.ID {
		return &MoveError{c.source}
	}
	if err != nil {
		return err
	}
	leaving := c.source
	if leaving.Step == "" {
		id, err := newName(c.o.Rand)
		if err != nil {
			return err
		}
		leaving = Move{Step: moveLeaving, ID: id, StoreID: meta.StoreID, Peer: c.o.To, At: c.o.Now().UTC().Round(0)}
	}
	if c.target.ID == leaving.ID {
		c.info.Resumed = true
		return nil
	}
	before := c.target
	c.target = Move{Step: moveArriving, ID: leaving.ID, StoreID: meta.StoreID, Peer: c.o.From, At: leaving.At, Anew: before.ID != ""}
	if err := c.put(ctx, c.to, before, &c.target); err != nil {
		return err
	}
	if c.source.Step != "" {
		return nil
	}
	c.source = leaving
	return c.put(ctx, c.from, Move{}, &c.source)
}

// readSource reads which store the source holds, and its sign.
func (c *copying) readSource(ctx context.Context) (meta Meta, err error) {
	err = c.from.Update(ctx, func(tx kv.Tx) error {
		meta, c.source = Meta{}, Move{}
		restoring, err := tx.Get([]byte(restoringKey))
		if err == nil && restoring != nil {
			err = ErrRestoring
		}
		if err != nil {
			return err
		}
		if _, err := get(tx, []byte(moveKey), &c.source); err != nil {
			return err
		}
		found, err := get(tx, []byte(metaKey), &meta)
		if err == nil && !found && c.source.Step == "" {
			err = ErrNoStore
		}
		return err
	})
	if err != nil {
		return meta, err
	}
	if s := c.source; s.Step == moveArriving || s.Step == moveLeaving && s.Peer != c.o.To {
		return meta, &MoveError{s}
	}
	return meta, nil
}

// readTarget refuses a target that holds anything else than a part of the store.
func (c *copying) readTarget(ctx context.Context) error {
	err := c.to.Update(ctx, func(tx kv.Tx) error {
		c.target = Move{}
		found, err := get(tx, []byte(moveKey), &c.target)
		if err != nil || found {
			return err
		}
		return checkEmpty(tx)
	})
	if err == nil && c.target.Step != "" && (c.target.Step != moveArriving || c.target.StoreID != c.info.StoreID) {
		err = fmt.Errorf("%w: %w", ErrNotEmpty, &MoveError{c.target})
	}
	return err
}

// put changes a sign, if it still is what it was.
func (c *copying) put(ctx context.Context, engine kv.Engine, was Move, next *Move) error {
	var verdict error
	err := engine.Update(ctx, func(tx kv.Tx) error {
		verdict = nil
		var is Move
		found, err := get(tx, []byte(moveKey), &is)
		if err != nil {
			return err
		}
		if is.ID != was.ID || is.Step != was.Step {
			verdict = errOther
			return nil
		}
		if next == nil {
			tx.Delete([]byte(moveKey))
			return nil
		}
		if !found && engine == c.to {
			if err := checkEmpty(tx); err != nil {
				return err
			}
		}
		return put(tx, []byte(moveKey), next)
	})
	return errors.Join(err, verdict)
}

var errOther = errors.New("data: the copy was given up, or another one of this store is under way")

// fill copies the pairs. The target says with each batch how far it is.
func (c *copying) fill(ctx context.Context) error {
	if c.target.Anew {
		if err := clearAll(ctx, c.to, moveKey); err != nil {
			return err
		}
		was := c.target
		c.target.Anew, c.target.Copied = false, nil
		if err := c.put(ctx, c.to, was, &c.target); err != nil {
			return err
		}
	}
	b := &batch{engine: c.to, beside: func(tx kv.Tx, last []byte) error {
		sign := c.target
		sign.Copied = last
		return put(tx, []byte(moveKey), &sign)
	}}
	err := readAll(ctx, c.from, c.target.Copied, func(key, value []byte) error {
		c.o.Read(CopyPairs, len(key)+len(value))
		if string(key) == moveKey {
			return nil
		}
		return b.put(ctx, key, value)
	})
	if err != nil {
		return err
	}
	return b.flush(ctx)
}

// compare reads both sides again. What differs is copied anew.
func (c *copying) compare(ctx context.Context) error {
	source, err := c.digest(ctx, c.from, CheckSource)
	if err != nil {
		return err
	}
	target, err := c.digest(ctx, c.to, CheckTarget)
	if err != nil {
		return err
	}
	if c.info.Digest = target; source == target {
		return nil
	}
	was := c.target
	c.target.Anew = true
	return errors.Join(fmt.Errorf("%w: %d pairs with digest %s became %d with %s; run the copy again, which begins anew",
		ErrDiffer, source.Pairs, source.SHA256, target.Pairs, target.SHA256), c.put(ctx, c.to, was, &c.target))
}

func (c *copying) digest(ctx context.Context, engine kv.Engine, step CopyStep) (Digest, error) {
	return digest(ctx, engine, func(bytes int) { c.o.Read(step, bytes) })
}

func digest(ctx context.Context, engine kv.Engine, read func(bytes int)) (d Digest, err error) {
	sum := sha256.New()
	var head [8]byte
	err = readAll(ctx, engine, nil, func(key, value []byte) error {
		read(len(key) + len(value))
		if string(key) == moveKey {
			return nil
		}
		binary.BigEndian.PutUint32(head[:4], uint32(len(key)))
		binary.BigEndian.PutUint32(head[4:], uint32(len(value)))
		sum.Write(head[:])
		sum.Write(key)
		sum.Write(value)
		d.Pairs++
		d.Bytes += int64(len(key) + len(value))
		switch {
		case bytes.HasPrefix(key, []byte(userPrefix)):
			d.Users++
		case bytes.HasPrefix(key, []byte(grantPrefix)):
			d.Grants++
		}
		return nil
	})
	d.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return d, err
}

// finish gives the store its new place: the source leaves first.
func (c *copying) finish(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if was := c.source; was.Step == moveLeaving {
		c.source.Step = moveLeft
		if err := c.put(ctx, c.from, was, &c.source); err != nil {
			return err
		}
	}
	return c.put(ctx, c.to, c.target, nil)
}
