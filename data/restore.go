package data

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"signet/data/kv"
)

// RestoreOptions say how a backup becomes a store. Now and Rand have defaults.
type RestoreOptions struct {
	// KeepGrants accepts each grant's tokens of before the restore once more,
	// and gives one of the new incarnation for them. Without it all grants of
	// the backup are over. What was ended after the backup was made lives
	// again with it: that is lost with everything else of that time. So are
	// the grants that turned since another restore, if the backup is older
	// than that restore: it cannot know of the incarnation that began there.
	KeepGrants bool
	Now        func() time.Time
	Rand       io.Reader
}

// maxKept bounds the incarnations that are accepted: each costs a MAC to
// refuse a forged token.
const maxKept = 16

// Restore fills the engine, which must be empty, from a backup: the same store
// in a new incarnation. The whole backup is read and checked before the first
// write; r is read twice. A restore that is cut off leaves a store that Open
// refuses with ErrRestoring.
func Restore(ctx context.Context, engine kv.Engine, r io.ReadSeeker, o RestoreOptions) (BackupInfo, error) {
	base := Options{Now: o.Now, Rand: o.Rand}.withDefaults()
	start, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return BackupInfo{}, err
	}
	info, meta, err := checkBackup(r)
	if err != nil {
		return info, err
	}
	if o.KeepGrants {
		meta.Kept = append(meta.Kept, meta.Incarnation)
		meta.Kept = slices.Clone(meta.Kept[max(0, len(meta.Kept)-maxKept):])
	} else {
		meta.Kept = nil
	}
	if meta.Incarnation, err = newName(base.Rand); err != nil {
		return info, err
	}
	meta.RestoredAt, meta.BackupAt = base.Now().UTC().Round(0), info.CreatedAt

	if _, err = r.Seek(start, io.SeekStart); err != nil {
		return info, err
	}
	err = engine.Update(ctx, func(tx kv.Tx) error {
		if err := checkEmpty(tx); err != nil {
			return err
		}
		tx.Put([]byte(restoringKey), present)
		return nil
	})
	if err != nil {
		return info, err
	}
	return fill(ctx, engine, r, meta, info)
}

// CheckBackup reads all of a backup, and each record in it. Damage is ErrBackup;
// a sound backup of records that this program cannot read is ErrVersion or
// ErrRecord.
func CheckBackup(r io.Reader) (BackupInfo, error) {
	info, _, err := checkBackup(r)
	return info, err
}

func checkBackup(r io.Reader) (info BackupInfo, meta Meta, err error) {
	found := false
	var bad error // only a sound backup is blamed for its records
	info, err = ReadBackup(r, func(key, value []byte) error {
		var err error
		if string(key) == metaKey {
			found, err = true, decode(value, &meta)
		} else {
			err = checkPair(key, value)
		}
		if bad == nil {
			bad = err
		}
		return nil
	})
	switch {
	case err != nil:
		return info, meta, err
	case bad != nil:
		return info, meta, bad
	case !found:
		return info, meta, badBackup("it has no record of kind meta")
	case meta.StoreID != info.StoreID || meta.Incarnation != info.Incarnation:
		return info, meta, badBackup("its header names another store than its records")
	}
	return info, meta, nil
}

// fill writes the pairs, and last the record that makes them a store.
func fill(ctx context.Context, engine kv.Engine, r io.Reader, meta Meta, want BackupInfo) (BackupInfo, error) {
	b := &batch{engine: engine}
	got, err := ReadBackup(r, func(key, value []byte) error {
		if string(key) == metaKey || !restored(key) {
			return nil
		}
		value, err := asRestored(key, value)
		if err != nil {
			return err
		}
		return b.put(ctx, key, value)
	})
	if err == nil && got != want {
		err = badBackup("it changed while it was read")
	}
	if err == nil {
		err = b.flush(ctx)
	}
	if err != nil {
		return want, fmt.Errorf("data: the restore was cut off: %w", err)
	}
	return want, engine.Update(ctx, func(tx kv.Tx) error {
		tx.Delete([]byte(restoringKey))
		return put(tx, []byte(metaKey), &meta)
	})
}

// restored tells whether a record comes back. A code that was redeemed, a
// request that was decided and a browser that was signed out since the backup
// must not live again, and no issuer that ran; what was seen or revoked before it
// stays so. No status
// list comes back: nobody knows what was revoked since, and a token whose list
// is not there is refused.
func restored(key []byte) bool {
	for _, prefix := range []string{signedInPrefix, statusListPrefix, statusBitPrefix, blockPrefix, nodePrefix} {
		if bytes.HasPrefix(key, []byte(prefix)) {
			return false
		}
	}
	rest, passes := bytes.CutPrefix(key, []byte(passingPrefix))
	return !passes || bytes.HasPrefix(rest, []byte{markKind})
}

// asRestored is a record as it comes back: a grant has no access token out.
func asRestored(key, value []byte) ([]byte, error) {
	if !bytes.HasPrefix(key, []byte(grantPrefix)) {
		return value, nil
	}
	var g Grant
	if err := decode(value, &g); err != nil {
		return nil, err
	}
	g.Status = nil
	return encode(&g)
}
