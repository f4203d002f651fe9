package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"

	"signet/data"
	"signet/idp/internal/config"
	"signet/keys"
)

// quiet is the log of what a person hears about in other words.
var quiet = slog.New(slog.DiscardHandler)

// keyring is how the keys of a store are opened with a master key.
func keyring(ctx context.Context, c config.Config, store *data.Store, master keys.MasterKey) (keys.Options, error) {
	h := house{store: store}
	change, err := h.lastChange(ctx)
	if err != nil {
		return keys.Options{}, err
	}
	sealer, err := change.sealer(master, store.Meta().StoreID)
	return keys.Options{Config: keyConfig(c), Store: store.Cell(ringCell), Sealer: sealer, Logger: quiet}, err
}

// tryOpen opens copies of the ring and the MAC keys, and changes nothing.
func tryOpen(ctx context.Context, o keys.Options, store *data.Store) error {
	if _, err := openCopy(ctx, o, store); err != nil {
		return err
	}
	raw, err := store.Cell(macsCell).Load(ctx)
	if err != nil {
		return err
	}
	o.Store = &copied{value: raw}
	_, err = keys.OpenMACs(ctx, o)
	return err
}

// openCopy opens a copy of the ring.
func openCopy(ctx context.Context, o keys.Options, store *data.Store) (*keys.Ring, error) {
	raw, err := store.Cell(ringCell).Load(ctx)
	if err == nil && raw == nil {
		err = errors.New("it has no key ring")
	}
	if err != nil {
		return nil, err
	}
	o.Store = &copied{value: raw}
	return keys.Open(ctx, o)
}

// copied is a keys.Store that nobody else sees.
type copied struct{ value []byte }

func (c *copied) Load(context.Context) ([]byte, error) { return bytes.Clone(c.value), nil }

func (c *copied) CompareAndSwap(_ context.Context, old, next []byte) (bool, error) {
	if !bytes.Equal(old, c.value) {
		return false, nil
	}
	c.value = bytes.Clone(next)
	return true, nil
}

func (c *copied) Changed() (<-chan struct{}, func()) { return nil, func() {} }
