package main

import (
	"time"

	"github.com/spf13/cobra"

	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

func clientsInitialTokenCommand(env *environment) *cobra.Command {
	var asJSON bool
	var lifetime string
	var in control.InitialToken
	cmd := &cobra.Command{
		Use:   "initial-token",
		Short: "Make a token with which clients register themselves, and print it once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := config.ParseDuration(lifetime)
			if err != nil {
				return usagef("--for %q: %w", lifetime, err)
			}
			if d < time.Minute || d > 365*24*time.Hour {
				return usagef("--for %q: an initial token lives from 1m to 365d", lifetime)
			}
			in.Seconds = int64(d / time.Second)
			return env.ask(cmd.Context(), creating, func(s *session) error {
				made, err := s.CreateInitialToken(cmd.Context(), in)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(made)
				}
				env.showInitialToken(made)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().IntVar(&in.Uses, "uses", 1, "how many clients may register with it")
	cmd.Flags().StringVar(&lifetime, "for", "7d", "how long it can be used")
	cmd.Flags().StringVar(&in.Note, "note", "", "whom it is for")
	return cmd
}

func (env *environment) showInitialToken(t control.InitialTokenMade) {
	env.printf("%s\n", t.Token)
	env.notef("for %s, until %s\n", count(t.Uses, "client"), env.when(t.ExpiresAt))
	env.notef("it is not shown again: it is the bearer token of POST /oauth2/register\n")
	if t.Registration == string(config.ClientRegistrationOff) {
		env.notef("CAREFUL: client_registration is off, so nobody can use it; set client_registration: token\n")
	}
}
