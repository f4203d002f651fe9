package main

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"signet/idp/internal/control"
	"signet/idp/internal/secret"
	"signet/keys"
)

func newMasterText() ([]byte, error) { return keys.NewMasterKey(rand.Reader).Text(), nil }

func refuseMasterText() ([]byte, error) {
	return nil, errors.New("issuers that share a store are given the same key, and make none: " +
		"make one with  idp keys new-master-key FILE , bring it to every machine, and set master_key_file")
}

// reseal seals everything under the master key in file, which is made if there
// is none, and rewrites the store's file, so that nothing in it opens with the
// old key any more. The steps are those of masterChange.
func (h *house) reseal(ctx context.Context, file string) (control.Resealed, error) {
	h.resealing.Lock()
	defer h.resealing.Unlock()
	if !filepath.IsAbs(file) {
		return control.Resealed{}, &control.Error{Code: control.Usage, Message: "the new master key's file needs an absolute path"}
	}
	old, err := keys.ParseMasterKey(h.master.Text)
	if err != nil {
		return control.Resealed{}, err
	}
	change, err := h.lastChange(ctx)
	if err == nil && change.New == old.ID() { // an earlier one may have failed on its way
		err = h.finish(ctx, change, keys.NewSealer(old, h.store.Meta().StoreID))
	}
	if err != nil {
		return control.Resealed{}, err
	}
	master, found, err := readMaster(secret.Places{StateFile: file, Owner: ownerOf(h.config.State)}, newMasterText)
	if err == nil {
		err = giveFile(file, h.config.State)
	}
	if err == nil && master.ID() == old.ID() {
		err = &control.Error{Code: control.Refused, Message: file + " holds the master key that is in use already; nothing was changed"}
	}
	if err != nil {
		return control.Resealed{}, err
	}
	out := control.Resealed{
		Old: old.ID(), New: master.ID(), OldFrom: h.master.From, File: file, Made: found.Created, At: h.now().UTC().Round(0),
	}
	return out, h.change(ctx, old, master, found, out.At)
}

// change makes master the master key.
func (h *house) change(ctx context.Context, old, master keys.MasterKey, found secret.Found, at time.Time) error {
	change, err := h.lastChange(ctx)
	if err != nil {
		return err
	}
	to := keys.NewSealer(master, h.store.Meta().StoreID)
	change.Step, change.Old, change.New, change.File, change.At = stepResealing, old.ID(), master.ID(), found.From, at
	if change.SealedOld, err = to.Seal(sealedMasterKind, old.ID(), old.Text()); err != nil {
		return err
	}
	if change, err = h.write(ctx, change); err != nil {
		return err
	}
	// From here on the new key opens the store, so it is done to its end even
	// if whoever asked has gone.
	h.guard.Lock()
	h.master, h.sealer = found, to.Accepting(old)
	h.guard.Unlock()
	return h.finish(context.WithoutCancel(ctx), change, to)
}

// finish takes a change of the master key from whatever step it is at to its
// end.
func (h *house) finish(ctx context.Context, change masterChange, to *keys.Sealer) (err error) {
	if change.Step == stepResealing {
		if err := h.sealAnew(ctx, to); err != nil {
			return err
		}
		change.Step, change.SealedOld = stepRewriting, ""
		if change, err = h.write(ctx, change); err != nil {
			return err
		}
	}
	if change.Step != stepRewriting {
		return nil
	}
	if err := h.rewriteStore(ctx); err != nil {
		return err
	}
	change.Step = stepDone
	_, err = h.write(ctx, change)
	return err
}

func (h *house) sealAnew(ctx context.Context, to *keys.Sealer) error {
	if err := h.ring.Reseal(ctx, to); err != nil {
		return err
	}
	if err := h.macs.Reseal(ctx, to); err != nil {
		return err
	}
	if err := h.secret.Reseal(ctx, to); err != nil {
		return err
	}
	h.guard.Lock()
	defer h.guard.Unlock()
	h.sealer = to
	return nil
}
