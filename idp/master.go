package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"signet/data"
	"signet/idp/internal/control"
	"signet/idp/internal/secret"
	"signet/keys"
)

// The cells of the store that the house itself keeps, beside those of keys.
const (
	ringCell   = "ring"
	macsCell   = "macs"
	secretCell = "secret"
	masterCell = "master" // the last change of the master key
)

// openKeys finds the master key and opens what it seals. A change of the
// master key that was cut off is finished.
func (h *house) openKeys(ctx context.Context, environ []string) (keys.MasterKey, error) {
	master, err := h.findMaster(ctx, environ)
	if err != nil {
		return master, err
	}
	change, err := h.lastChange(ctx)
	if err != nil {
		return master, err
	}
	if h.sealer, err = change.sealer(master, h.store.Meta().StoreID); err != nil {
		return master, err
	}
	err = h.openSealed(ctx)
	if errors.Is(err, keys.ErrWrongMasterKey) {
		return master, change.explain(err, h.master.From)
	}
	if err != nil || change.New != master.ID() {
		return master, err
	}
	return master, h.finish(ctx, change, keys.NewSealer(master, h.store.Meta().StoreID))
}

func (h *house) openSealed(ctx context.Context) (err error) {
	o := keys.Options{Config: keyConfig(h.config), Sealer: h.sealer, Now: h.now, Logger: h.logger}
	o.Store = h.store.Cell(ringCell)
	if h.ring, err = keys.Open(ctx, o); err != nil {
		return err
	}
	o.Store, o.KeepMACs = h.store.Cell(macsCell), h.config.Tokens.RefreshMax
	if h.macs, err = keys.OpenMACs(ctx, o); err != nil {
		return err
	}
	o.Store = h.store.Cell(secretCell)
	h.secret, err = keys.OpenSecret(ctx, o)
	return err
}

// findMaster makes a master key only for a store that has nothing sealed: for
// any other a new one would be the wrong one. Of several issuers that share a
// store each would make another.
func (h *house) findMaster(ctx context.Context, environ []string) (keys.MasterKey, error) {
	sealed, err := h.store.Cell(ringCell).Load(ctx)
	if err != nil {
		return keys.MasterKey{}, err
	}
	create := newMasterText
	switch {
	case sealed != nil:
		create = nil
	case h.config.StoreAddress().Shared():
		create = refuseMasterText
	}
	var master keys.MasterKey
	master, h.master, err = readMaster(masterPlaces(h.config.State, h.config.MasterKeyFile, environ), create)
	return master, err
}

func masterPlaces(state, file string, environ []string) secret.Places {
	return secret.Places{
		File: file, Environ: environ, StateFile: filepath.Join(state, secret.FileName), Owner: ownerOf(state),
	}
}

// readMaster finds the text of a master key and reads it. Whatever is wrong
// has the exit code of a master key that is missing or wrong.
func readMaster(places secret.Places, create func() ([]byte, error)) (keys.MasterKey, secret.Found, error) {
	found, err := secret.Find(places, create)
	if err != nil {
		return keys.MasterKey{}, found, &control.Error{Code: control.MasterKey, Message: err.Error()}
	}
	master, err := keys.ParseMasterKey(found.Text)
	if err != nil {
		return keys.MasterKey{}, found, fmt.Errorf("%s: %w", found.From, err)
	}
	return master, found, nil
}

// The steps of a change of the master key. It is several writes, and each may
// be the last before a power cut:
//
//	none       the old key opens the store
//	resealing  the new key opens it: with it comes the old one, sealed under
//	           it. Until the first record was sealed anew the old one does, too
//	rewriting  the new key opens it; old pages of the file may still be opened
//	           with the old one
//	done       the file was rewritten
const (
	stepResealing = "resealing"
	stepRewriting = "rewriting"
	stepDone      = "done"
)

// masterChange is the record of the last change of the master key.
type masterChange struct {
	V         int       `json:"v"`
	Step      string    `json:"step"`
	Old       string    `json:"old"` // public ids
	New       string    `json:"new"`
	File      string    `json:"file"` // where the new key was
	At        time.Time `json:"at"`
	SealedOld string    `json:"sealed_old,omitzero"` // while resealing

	raw []byte // as it is in the store
}

func (h *house) lastChange(ctx context.Context) (c masterChange, err error) {
	raw, err := h.store.Cell(masterCell).Load(ctx)
	if err != nil || raw == nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c, json.RejectUnknownMembers(true)); err != nil || c.V != 1 {
		return c, fmt.Errorf("the record of the last change of the master key cannot be read: %w", data.ErrRecord)
	}
	c.raw = raw
	return c, nil
}

// write makes c the last change.
func (h *house) write(ctx context.Context, c masterChange) (masterChange, error) {
	c.V = 1
	next, err := json.Marshal(&c)
	if err != nil {
		return c, err
	}
	swapped, err := h.store.Cell(masterCell).CompareAndSwap(ctx, c.raw, next)
	if err == nil && !swapped {
		err = errors.New("another change of the master key is under way")
	}
	c.raw = next
	return c, err
}

const sealedMasterKind = "master"

// sealer opens what master seals, and, while it is being made the master key,
// what the one before it sealed.
func (c masterChange) sealer(master keys.MasterKey, store string) (*keys.Sealer, error) {
	s := keys.NewSealer(master, store)
	if c.SealedOld == "" || c.New != master.ID() {
		return s, nil
	}
	text, err := s.Open(sealedMasterKind, c.Old, c.SealedOld)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	old, err := keys.ParseMasterKey(text)
	if err != nil {
		return nil, err
	}
	return s.Accepting(old), nil
}

// explain says which key would be right, if that is known.
func (c masterChange) explain(err error, from string) error {
	var wrong *keys.WrongMasterKeyError
	if !errors.As(err, &wrong) {
		return err
	}
	text := fmt.Sprintf("the store is sealed with master key %s; the one in %s is %s", wrong.Sealed, from, wrong.Have)
	if c.New == wrong.Sealed {
		text += fmt.Sprintf("\nthe master key was changed on %s, to the one that was then in %s: set master_key_file to it",
			c.At.Local().Format(time.DateTime), c.File)
	}
	return &control.Error{Code: control.MasterKey, Message: text}
}
