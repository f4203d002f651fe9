package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"signet/data"
	"signet/idp/internal/control"
)

func backupCommand(env *environment) *cobra.Command {
	var asJSON, force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store as it is at one moment",
		Long: `Copy the store as it is at one moment, without holding a running issuer up. The
copy is checked before it gets its name. It opens with the present master key
only, which is not in it: keep the two apart. FILE may be - for standard output.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := args[0]
			if err := env.mayWrite(file, force, asJSON); err != nil {
				return err
			}
			return env.ask(cmd.Context(), existing, func(s *session) error {
				if file == "-" {
					info, err := env.copyStore(cmd.Context(), s.Backup, env.out)
					if err == nil {
						env.notef("%s\n", contents(info))
					}
					return err
				}
				info, err := env.writeBackup(cmd.Context(), s, file, force)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(info)
				}
				return env.showBackup(cmd.Context(), s, file, info)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	return cmd
}

// mayWrite refuses early what would be refused at the end.
func (env *environment) mayWrite(file string, force, asJSON bool) error {
	if file == "-" {
		out, ok := env.out.(*os.File)
		switch {
		case asJSON:
			return usagef("standard output is either the backup or JSON")
		case ok && term.IsTerminal(int(out.Fd())):
			return usagef("a backup is not for the eye: name a file, or redirect standard output")
		}
		return nil
	}
	switch info, err := os.Lstat(file); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usageError{err}
	case !info.Mode().IsRegular():
		return usagef("%s is there and is no file", file)
	case !force:
		return fileIsThere(file)
	}
	return nil
}

func fileIsThere(file string) error {
	return &control.Error{Code: control.Refused, Message: file + " is there already; --force replaces it"}
}

// writeBackup writes a backup beside its place, checks what the disk gives
// back, and gives it its name only then: there is a whole backup or none.
func (env *environment) writeBackup(ctx context.Context, s *session, file string, force bool) (info data.BackupInfo, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return info, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if info, err = env.copyStore(ctx, s.BackupUnread, f); err != nil {
		return info, err
	}
	if err := f.Sync(); err != nil {
		return info, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return info, err
	}
	again, err := data.CheckBackup(f)
	if err == nil && again != info {
		err = errors.New("it is not what was written")
	}
	if err != nil {
		return info, fmt.Errorf("reading the backup again: %w", err)
	}
	if force {
		err = os.Rename(f.Name(), file)
	} else if err = os.Link(f.Name(), file); errors.Is(err, fs.ErrExist) {
		return info, fileIsThere(file)
	}
	if err != nil {
		return info, err
	}
	return info, syncFolder(filepath.Dir(file))
}

// copyStore writes a backup to w and shows on a terminal how much has come: how
// much there is to come, nobody knows before.
func (env *environment) copyStore(ctx context.Context, backup func(context.Context, io.Writer) (data.BackupInfo, error), w io.Writer) (data.BackupInfo, error) {
	if bar := env.progress(-1); bar != nil {
		defer func() { _ = bar.Clear() }()
		w = io.MultiWriter(w, bar)
	}
	return backup(ctx, w)
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (env *environment) showBackup(ctx context.Context, s *session, file string, info data.BackupInfo) error {
	env.printf("%s: %s; it was read back and is whole\n", file, contents(info))
	list, err := s.Keys(ctx)
	if err != nil {
		return err
	}
	env.printf("it opens with master key %s, which is not in it: keep a copy of that elsewhere\n", list.MasterKey)
	return nil
}

func contents(i data.BackupInfo) string {
	return fmt.Sprintf("%s, %s, %d bytes", count(i.Users, "user"), count(i.Grants, "grant"), i.Bytes)
}
