package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"signet/data"
	"signet/data/kv"
	"signet/data/kv/address"
	"signet/data/kv/bolt"
	"signet/idp/internal/config"
	"signet/idp/internal/control"
	"signet/idp/internal/secret"
	"signet/keys"
)

func restoreCommand(env *environment) *cobra.Command {
	var asJSON, force, keepGrants bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the store from a backup, while no issuer runs",
		Long: `Make the store from a backup, while no issuer runs. The backup is read to its
end, and opened with the master key, before anything is replaced; a store that
is there is kept under another name. What changed since the backup is lost. No
key of the backup signs again: new ones are made. Everyone has to sign in again,
or with --keep-grants nobody, not even who was signed out since the backup.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, err := env.load()
			if err != nil {
				return err
			}
			r := &restoring{env: env, config: c, keepGrants: keepGrants, force: force}
			defer func() { err = errors.Join(err, r.close()) }()
			if err := r.run(cmd.Context(), args[0]); err != nil {
				return err
			}
			if asJSON {
				return env.json(r.out)
			}
			r.show()
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&force, "force", false, "replace the store that is there")
	cmd.Flags().BoolVar(&keepGrants, "keep-grants", false, "nobody has to sign in again")
	return cmd
}

// restored is the outcome of a restore.
type restored struct {
	Backup     data.BackupInfo `json:"backup"`
	State      string          `json:"state"`
	Store      address.Address `json:"store"`
	KeptAs     string          `json:"kept_as,omitzero"` // the store that was replaced
	KeepGrants bool            `json:"keep_grants"`
	At         time.Time       `json:"at"`
	// Verifiers that only obey max-age may refuse new tokens until then.
	UnknownUntil time.Time `json:"unknown_until"`
	Lost         *lost     `json:"lost,omitzero"` // nil: there was no store to look at
	Unreadable   string    `json:"unreadable,omitzero"`
}

// restoring is a restore on its way. The new store is made in a folder of its
// own and moved to its place when it is whole.
type restoring struct {
	env               *environment
	config            config.Config
	keepGrants, force bool

	master keys.MasterKey
	from   string // where the master key was found
	file   *os.File
	there  *bolt.Engine // the store that is replaced; holds its lock
	unlock func() error // of a store that is there and cannot be opened
	folder string       // where the new one is made
	fresh  *bolt.Engine
	store  *data.Store
	out    restored
}

func (r *restoring) run(ctx context.Context, backup string) (err error) {
	if r.file, err = os.Open(backup); err != nil {
		return usageError{err}
	}
	if r.out.Backup, err = data.CheckBackup(r.file); err != nil {
		return fmt.Errorf("%s: %w; nothing was changed", backup, err)
	}
	var found secret.Found
	if r.master, found, err = readMaster(masterPlaces(r.config.State, r.config.MasterKeyFile, r.env.environ), nil); err != nil {
		return err
	}
	r.from = found.From
	if err := errors.Join(makeFolder(r.config.State), makeFolder(r.home())); err != nil {
		return err
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	if err := r.compare(ctx); err != nil {
		return err
	}
	if (r.there != nil || r.unlock != nil) && !r.force {
		return &control.Error{Code: control.Refused, Message: r.refusal()}
	}
	return r.install(ctx)
}

// path is the file of the store, "" where it is elsewhere.
func (r *restoring) path() string { return r.config.StoreAddress().Path() }

// home is the folder of that file; where there is none, the new store is made in
// the state folder and copied from there.
func (r *restoring) home() string {
	if r.path() == "" {
		return r.config.State
	}
	return filepath.Dir(r.path())
}

// lock takes the store that is there, so that no issuer can start meanwhile.
func (r *restoring) lock(ctx context.Context) error {
	_, err := os.Stat(r.path())
	if r.path() == "" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r.there, err = bolt.Open(r.path(), bolt.Options{Timeout: lockWait, Logger: quiet})
	if errors.Is(err, kv.ErrDamaged) {
		r.out.Unreadable = err.Error()
		r.unlock, err = lockFile(r.path())
	}
	if errors.Is(err, kv.ErrInUse) {
		text := "another process holds the store in " + storePlace(r.config) + "; stop it first"
		if c, dialed := control.Dial(ctx, filepath.Join(r.config.State, controlFile)); dialed == nil {
			text = fmt.Sprintf("an issuer runs (process %d): stop it first", c.Issuer().PID)
			_ = c.Close()
		}
		return &control.Error{Code: control.InUse, Message: text}
	}
	return err
}

// fill makes the new store, and opens it with the master key as an issuer will.
func (r *restoring) fill(ctx context.Context) (err error) {
	if r.there != nil || r.unlock != nil { // alone here: what restores left that were killed
		left, _ := filepath.Glob(filepath.Join(r.home(), ".restore-*"))
		for _, folder := range left {
			_ = os.RemoveAll(folder)
		}
	}
	if r.folder, err = os.MkdirTemp(r.home(), ".restore-*"); err != nil {
		return err
	}
	if r.fresh, err = bolt.Open(filepath.Join(r.folder, storeFile), bolt.Options{Logger: quiet}); err != nil {
		return err
	}
	if _, err := r.file.Seek(0, 0); err != nil {
		return err
	}
	if _, err = data.Restore(ctx, r.fresh, r.file, data.RestoreOptions{KeepGrants: r.keepGrants}); err != nil {
		return err
	}
	if r.store, err = data.Open(ctx, r.fresh, data.Options{Logger: quiet}); err != nil {
		return err
	}
	o, err := keyring(ctx, r.config, r.store, r.master)
	if err != nil {
		return err
	}
	// On copies, since opening the ring as it is may let a key of it sign.
	if err := tryOpen(ctx, o, r.store); err != nil {
		return r.explain(err)
	}
	if err := keys.AfterRestore(ctx, o); err != nil {
		return err
	}
	r.out.At = r.env.now().UTC().Round(0)
	r.out.UnknownUntil = r.out.At.Add(o.Config.MaxAge() + o.Config.Lease + o.Config.Skew)
	r.out.State, r.out.Store, r.out.KeepGrants = r.config.State, r.config.StoreAddress(), r.keepGrants
	return nil
}

// explain says which master key the backup needs.
func (r *restoring) explain(err error) error {
	var wrong *keys.WrongMasterKeyError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("the keys in the backup cannot be opened; nothing was changed: %w", err)
	}
	return &control.Error{Code: control.MasterKey, Message: fmt.Sprintf(
		"the backup is sealed with master key %s; the one in %s is %s. Nothing was changed. Set master_key_file to the key of that time",
		wrong.Sealed, r.from, wrong.Have)}
}

// install gives the new store its place. The name always names a whole store:
// a crash leaves the old one or the new one.
func (r *restoring) install(ctx context.Context) error {
	if r.path() == "" {
		return r.bring(ctx)
	}
	// The private halves that a restore destroys lie on old pages.
	if err := r.fresh.Compact(ctx); err != nil {
		return err
	}
	if err := r.fresh.Close(); err != nil {
		return err
	}
	made := filepath.Join(r.folder, storeFile)
	if err := giveFile(made, r.home()); err != nil {
		return err
	}
	if r.there == nil && r.unlock == nil {
		err := os.Link(made, r.path())
		if errors.Is(err, fs.ErrExist) {
			return &control.Error{Code: control.InUse, Message: "an issuer made a store in the meantime; nothing was changed"}
		}
		return errors.Join(err, syncFolder(r.home()))
	}
	aside := r.path() + ".until-" + r.out.At.Local().Format("20060102-150405")
	if err := os.Link(r.path(), aside); err != nil {
		return fmt.Errorf("keeping the present store aside: %w", err)
	}
	if err := syncFolder(r.home()); err != nil {
		return err
	}
	r.out.KeptAs = aside
	return errors.Join(os.Rename(made, r.path()), syncFolder(r.home()))
}

// bring copies the new store to where issuers share it. What is there already
// stays: nobody could tell whether an issuer runs on it.
func (r *restoring) bring(ctx context.Context) (err error) {
	at := r.config.StoreAddress()
	engine, err := openAddress(ctx, at, quiet)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	_, err = data.Copy(ctx, r.fresh, engine, data.CopyOptions{From: "a backup", To: at.String(), Now: r.env.now})
	if errors.Is(err, data.ErrNotEmpty) {
		return &control.Error{Code: control.Refused, Message: fmt.Sprintf(
			"%s is not empty; nothing was changed. Name an empty one in  store  (another prefix or database) and restore there: "+
				"what is here stays, and issuers that run on it do until you stop them", at)}
	}
	return err
}

func (r *restoring) close() error {
	var errs []error
	if r.file != nil {
		errs = append(errs, r.file.Close())
	}
	if r.fresh != nil {
		errs = append(errs, r.fresh.Close())
	}
	if r.folder != "" {
		errs = append(errs, os.RemoveAll(r.folder))
	}
	if r.there != nil {
		errs = append(errs, r.there.Close())
	}
	if r.unlock != nil {
		errs = append(errs, r.unlock())
	}
	return errors.Join(errs...)
}
