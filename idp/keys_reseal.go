package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
)

func keysResealCommand(env *environment) *cobra.Command {
	var asJSON bool
	var file string
	cmd := &cobra.Command{
		Use:   "reseal --new-master-key-file FILE",
		Short: "Change the master key",
		Long: `Seal every secret in the store under another master key, and rewrite the
store's file so that nothing in it opens with the old one. The new key is read
from FILE, and made there if there is none. At every moment one of the two keys
opens the store; should it be cut off, start with the new one, and it goes on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := filepath.Abs(file)
			if err != nil || file == "" {
				return usagef("name the new master key's file")
			}
			return env.ask(cmd.Context(), existing, func(s *session) error {
				done, err := s.Reseal(cmd.Context(), path)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(done)
				}
				env.printf("everything is sealed under master key %s now (it was %s), and the store's file was rewritten\n", done.New, done.Old)
				if done.Made {
					env.printf("the new key was made in %s: keep a copy away from this machine\n", done.File)
				}
				env.printf("from the next start on, set  master_key_file: %s  (the old key came from %s)\n", done.File, done.OldFrom)
				env.printf("backups made before now open with the old key only: keep it with them, and make a new backup\n")
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&file, "new-master-key-file", "", "where the new master key is, or is to be made")
	_ = cmd.MarkFlagRequired("new-master-key-file")
	return cmd
}
