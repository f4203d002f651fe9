package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"signet/data/kv"
	"signet/data/kv/address"
	"signet/data/kv/bolt"
	"signet/data/kv/engines"
	"signet/data/kv/etcd"
	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

// openEngine opens the engine of the store that c names, and makes the folders
// of this machine where there are none.
func openEngine(ctx context.Context, c config.Config, logger *slog.Logger) (kv.Engine, error) {
	if err := makeFolder(c.State); err != nil {
		return nil, fmt.Errorf("the state folder: %w", err)
	}
	if err := checkFolder(c.State); err != nil {
		return nil, err
	}
	return openAddress(ctx, c.StoreAddress(), logger)
}

// openAddress opens an engine. Nobody else may put a file of theirs in the place
// of one.
func openAddress(ctx context.Context, at address.Address, logger *slog.Logger) (kv.Engine, error) {
	if at.Engine() == address.Bolt {
		if err := checkFolder(filepath.Dir(at.Path())); err != nil {
			return nil, err
		}
	}
	return engines.Open(ctx, at, engines.Options{Timeout: lockWait, Logger: logger})
}

// makeFolder makes the state folder where there is none. A power cut must not
// take away its name with all that was acknowledged in it.
func makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// lockState keeps a second issuer out of the state folder. A store in a file has
// a lock of its own; one that issuers share has none, and two of them in one
// folder would take each other's control socket.
func (h *house) lockState() (err error) {
	if !h.config.StoreAddress().Shared() {
		return nil
	}
	path := filepath.Join(h.config.State, issuerLock)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), giveFile(path, h.config.State)); err != nil {
		return err
	}
	h.unlock, err = lockFile(path)
	if errors.Is(err, kv.ErrInUse) {
		err = &control.Error{Code: control.InUse, Message: "another issuer runs with the state folder " + h.config.State +
			"; issuers that share a store have a state folder each (state)"}
	}
	return err
}

// giveToOwner gives what root made to those whose issuer has to open it.
func (h *house) giveToOwner() error {
	err := giveToOwner(h.config.State)
	if path := h.config.StoreAddress().Path(); path != "" {
		err = errors.Join(err, giveFile(path, filepath.Dir(path)))
	}
	return err
}

// storeStats is what the engine counted, where it counts.
func (h *house) storeStats() control.StoreStats {
	switch counting := h.engine.(type) {
	case interface{ Stats() bolt.Stats }:
		s := counting.Stats()
		return control.StoreStats{Transactions: s.Updates, Commits: s.Commits, Conflicts: s.Conflicts, Bytes: s.Bytes, Free: s.Free}
	case interface{ Stats() etcd.Stats }: // the same of every engine on a remote store
		s := counting.Stats()
		return control.StoreStats{Transactions: s.Updates, RoundTrips: s.RoundTrips, Conflicts: s.Conflicts}
	}
	return control.StoreStats{}
}

// rewriteStore rewrites the file of a store that is one. What is left of old
// records elsewhere is the database's to forget.
func (h *house) rewriteStore(ctx context.Context) error {
	file, ok := h.engine.(interface{ Compact(context.Context) error })
	if !ok {
		return nil
	}
	return errors.Join(file.Compact(ctx), h.giveToOwner())
}
