package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

func clientsAddCommand(env *environment) *cobra.Command {
	var asJSON bool
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "add [ID]",
		Short: "Add a client, and print its secret once",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := flags.change(cmd, env)
			if err != nil {
				return err
			}
			if len(args) > 0 {
				change.ID = args[0]
			}
			return env.ask(cmd.Context(), creating, func(s *session) error {
				made, err := s.AddClient(cmd.Context(), change)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(made)
				}
				return env.showSecret(made)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	flags.flags(cmd)
	return cmd
}

func clientsEditCommand(env *environment) *cobra.Command {
	var asJSON bool
	var flags clientFlags
	cmd := &cobra.Command{
		Use:   "edit CLIENT",
		Short: "Change what is known of a client; what is not given stays",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := flags.change(cmd, env)
			if err != nil {
				return err
			}
			change.ID = args[0]
			return env.ask(cmd.Context(), existing, func(s *session) error {
				changed, err := s.EditClient(cmd.Context(), change)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(changed)
				case changed.Secret != "":
					return env.showSecret(changed)
				}
				return env.showClient(changed.OAuthClient)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	flags.flags(cmd)
	return cmd
}

// showSecret prints what the client needs to know.
func (env *environment) showSecret(c control.ClientWithSecret) error {
	rows := [][]string{{"client_id", c.ID}}
	if c.Secret != "" {
		rows = append(rows, []string{"client_secret", c.Secret})
		env.notef("the secret is not shown again; the client authenticates by %s\n", c.AuthMethod())
	}
	return env.table(rows)
}

func clientsRotateSecretCommand(env *environment) *cobra.Command {
	var asJSON bool
	var keep string
	cmd := &cobra.Command{
		Use:   "rotate-secret CLIENT",
		Short: "Give a client a new secret, and print it once",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := config.ParseDuration(keep)
			if err != nil {
				return usagef("--keep %q: %w", keep, err)
			}
			return env.ask(cmd.Context(), existing, func(s *session) error {
				made, err := s.RotateSecret(cmd.Context(), args[0], d.Truncate(time.Second))
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(made)
				}
				if made.OldSecretUntil.IsZero() {
					env.notef("the old secret is good no more\n")
				} else {
					env.notef("the old secret is good until %s\n", env.when(made.OldSecretUntil))
				}
				return env.showSecret(made)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&keep, "keep", "1d", "how long the old secret stays good; 0 ends it now")
	return cmd
}

func clientsRemoveCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "remove CLIENT", Short: "Forget a client, end its grants and revoke its access tokens", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				return env.removed(cmd.Context(), s, args[0], asJSON)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (env *environment) removed(ctx context.Context, s *session, id string, asJSON bool) error {
	if err := s.RemoveClient(ctx, id); err != nil {
		return err
	}
	if asJSON {
		return env.json(map[string]string{"removed": id})
	}
	env.printf("client %s is gone: its grants have ended, and its access tokens are revoked\n", id)
	return nil
}
