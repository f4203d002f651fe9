package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"signet/data"
	"signet/data/kv/bolt"
	"signet/keys"
	"signet/resource/token"
)

const listName = "list"

// revoked is how many tokens of the list are.
const revoked = 1000

// List is what it costs to make a status list that all its indices were drawn
// from, and what it costs a resource server to take it in.
type List struct {
	Tokens  int           `json:"tokens"`
	Revoked int           `json:"revoked"`
	Bytes   int           `json:"bytes"` // of the Status List Token
	Read    time.Duration `json:"read_ns"`
	Pack    time.Duration `json:"pack_ns"`
	Sign    time.Duration `json:"sign_ns"`
	Take    time.Duration `json:"take_ns"` // the signature and the packed bits, as resource checks them
	Ask     float64       `json:"ask_ns"`  // the bit of one token, in the list that was taken in
	Allocs  float64       `json:"ask_allocations"`
}

// list makes one in this process, on a store on disk, with the steps of the
// issuer. The times are medians.
func (b *bench) list(ctx context.Context) (Section, error) {
	logger := slog.New(slog.DiscardHandler)
	engine, err := bolt.Open(filepath.Join(b.dir, "list.db"), bolt.Options{Logger: logger})
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	store, err := data.Open(ctx, engine, data.Options{Logger: logger})
	if err != nil {
		return nil, err
	}
	ring, err := newRing(ctx, store, logger)
	if err != nil {
		return nil, err
	}
	signer, err := ring.Snapshot().Signer(token.ES256)
	if err != nil {
		return nil, err
	}
	id, err := revokeSome(ctx, store)
	if err != nil {
		return nil, err
	}
	out := &List{Tokens: data.StatusSize, Revoked: revoked}
	var steps [4][]time.Duration
	var taken token.StatusList
	for range 101 {
		signed, took, err := makeList(ctx, store, signer, id)
		if err != nil {
			return nil, err
		}
		if taken, took[3], err = takeList(ring, signed); err != nil {
			return nil, err
		}
		out.Bytes = len(signed)
		for i, d := range took {
			steps[i] = append(steps[i], d)
		}
	}
	out.Read, out.Pack, out.Sign, out.Take = median(steps[0]), median(steps[1]), median(steps[2]), median(steps[3])
	out.Ask, out.Allocs, err = askList(ctx, taken)
	return out, err
}

// makeList does what the issuer does after a revocation, and says what reading,
// packing and signing took.
func makeList(ctx context.Context, store *data.Store, signer *keys.Signer, id data.StatusListID) (signed string, took [4]time.Duration, err error) {
	began := time.Now()
	bits, set, err := store.StatusBits(ctx, id)
	took[0] = time.Since(began)
	if err != nil {
		return "", took, err
	}
	if set != revoked {
		return "", took, fmt.Errorf("%d are revoked, not %d", set, revoked)
	}
	const life = 10 * time.Minute
	at := "https://id.example/oauth2/status_lists"
	packing := time.Now()
	payload, err := token.StatusList{
		Issuer: "https://id.example", Subject: at + "/" + id.String(), IssuedAt: token.At(began),
		Expiry: token.At(began.Add(life)), TTL: 60, Bits: bits, Aggregation: at,
	}.Marshal()
	took[1] = time.Since(packing)
	if err != nil {
		return "", took, err
	}
	signing := time.Now()
	signed, err = signer.Sign(token.TypStatusList, payload, life)
	took[2] = time.Since(signing)
	return signed, took, err
}

// takeList does what a resource server does with a list that changed, and says
// how long that took.
func takeList(ring *keys.Ring, signed string) (l token.StatusList, took time.Duration, err error) {
	began := time.Now()
	c, err := token.ParseCompactLimit(signed, 2<<20)
	if err != nil {
		return l, 0, err
	}
	public, alg, _, known := ring.Snapshot().Public(c.Header.KID)
	if !known {
		return l, 0, errors.New("the list is signed with an unknown key")
	}
	if err := token.VerifySignature(alg, public, c.SigningInput, c.Signature); err != nil {
		return l, 0, err
	}
	l, err = token.ParseStatusList(c.Payload)
	if err == nil && len(l.Bits)*8 != data.StatusSize {
		err = errors.New("the list has another size")
	}
	return l, time.Since(began), err
}

// askList asks about one token after the other, all over the list, and says how
// many nanoseconds and allocations one takes.
func askList(ctx context.Context, l token.StatusList) (each, allocs float64, err error) {
	const asks = 10_000_000
	place := uint32(0)
	call := func(context.Context) error {
		place = place*1664525 + 1013904223
		if _, ok := l.Revoked(place % data.StatusSize); !ok {
			return errors.New("the list has no such place")
		}
		return nil
	}
	if allocs, err = allocsEach(ctx, call); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for range asks {
		if err := call(ctx); err != nil {
			return 0, 0, err
		}
	}
	return float64(time.Since(began)) / asks, allocs, nil
}

func newRing(ctx context.Context, store *data.Store, logger *slog.Logger) (*keys.Ring, error) {
	return keys.Open(ctx, keys.Options{
		Store: store.Cell("ring"), Sealer: keys.NewSealer(keys.NewMasterKey(rand.Reader), store.Meta().StoreID),
		Config: keys.DefaultConfig(), Logger: logger,
	})
}

// revokeSome draws so many indices as the permutation gives them, and revokes
// all.
func revokeSome(ctx context.Context, store *data.Store) (id data.StatusListID, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64)
	for range revoked {
		slot, err := store.DrawSlot(ctx)
		if err != nil {
			return id, errors.Join(err, group.Wait())
		}
		id = slot.List
		group.Go(func() error { return store.RevokeSlot(ctx, slot.List, slot.Index, data.GrantID{}) })
	}
	return id, group.Wait()
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func (l *List) write(out io.Writer) error {
	_, err := fmt.Fprintf(out, "\nA status list of %d tokens with %d revoked: %d bytes on the wire; made in %s (read from the store %s, packed %s, signed %s); taken in by a resource server in %s, and asked for the bit of a token in %.1f ns with %.0f allocations.\n",
		l.Tokens, l.Revoked, l.Bytes, short(l.Read+l.Pack+l.Sign), short(l.Read), short(l.Pack), short(l.Sign), short(l.Take), l.Ask, l.Allocs)
	return err
}

func (l *List) figures() any { return l }

func (l *List) claims() []Claim { return nil } // nothing is promised
