package main

import (
	"github.com/spf13/cobra"

	"signet/idp/internal/control"
	"signet/idp/internal/secret"
)

func keysNewMasterCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "new-master-key FILE",
		Short: "Make a master key for a store that several issuers will share",
		Long: `Make a master key in FILE, which must not be there yet, for a store that is
still empty. Issuers that share a store make none by themselves, since each would
make another: bring this one to every machine and set master_key_file. For a
store that has its key there is  idp keys reseal.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			master, found, err := readMaster(secret.Places{StateFile: args[0]}, newMasterText)
			if err != nil {
				return err
			}
			if !found.Created {
				return &control.Error{Code: control.Refused, Message: args[0] + " is there already; it stays as it is"}
			}
			if asJSON {
				return env.json(map[string]string{"master_key": master.ID(), "file": args[0]})
			}
			env.printf("made master key %s in %s: keep a copy away from this machine\n", master.ID(), args[0])
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
