package main

import (
	"github.com/spf13/cobra"

	"signet/idp/internal/control"
	"signet/keys"
)

func keysCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Look after the signing keys"}
	cmd.AddCommand(keysListCommand(env), keysRotateCommand(env), keysRevokeCommand(env), keysResealCommand(env), keysNewMasterCommand(env))
	return cmd
}

func keysListCommand(env *environment) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the keys: which signs, which comes next, and until when",
		Long: `Show the key ring. An active key signs; a pending one is published and waits
for its turn, which may come once it is ready; a retiring one signs no more and
stays published until the last token that it can have signed has expired.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				list, err := s.Keys(cmd.Context())
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(list)
				}
				return env.showKeys(list, all)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&all, "all", false, "show the keys that are gone, too")
	return cmd
}

func (env *environment) showKeys(list control.KeyList, all bool) error {
	rows := [][]string{{"KID", "ALG", "STATE", "SINCE", "READY", "UNTIL", "LAST USE"}}
	gone := 0
	for _, k := range list.Keys {
		if k.State == keys.Gone && !all {
			gone++
			continue
		}
		ready := "-"
		if k.State == keys.Pending {
			if ready = "yes"; k.ReadyAt.After(env.now()) {
				ready = env.when(k.ReadyAt)
			}
		}
		row := []string{short(k.KID), string(k.Alg), string(k.State), env.when(k.Since), ready, env.when(k.Until), env.when(k.LastUse)}
		if k.Why != "" {
			row = append(row, k.Why)
		}
		rows = append(rows, row)
	}
	if err := env.table(rows); err != nil {
		return err
	}
	if gone > 0 {
		env.printf("%d more are gone; --all shows them\n", gone)
	}
	env.printf("sealed under master key %s, from %s\n", list.MasterKey, list.From)
	return nil
}
