package main

import (
	"time"

	"github.com/spf13/cobra"

	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

func usersInviteCommand(env *environment) *cobra.Command {
	var asJSON bool
	var lifetime string
	var in control.Invitation
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Make an invitation, and print its code once",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := config.ParseDuration(lifetime)
			if err != nil {
				return usagef("--for %q: %w", lifetime, err)
			}
			if d < time.Minute || d > 365*24*time.Hour {
				return usagef("--for %q: an invitation lives from 1m to 365d", lifetime)
			}
			in.Seconds = int64(d / time.Second)
			return env.ask(cmd.Context(), creating, func(s *session) error {
				made, err := s.Invite(cmd.Context(), in)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(made)
				}
				env.showInvitation(made)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&in.Email, "email", "", "only this person can use it; else whoever has the code")
	cmd.Flags().StringSliceVar(&in.Roles, "role", nil, "a role that the new user gets; may be given again")
	cmd.Flags().StringVar(&lifetime, "for", "7d", "how long it can be used")
	return cmd
}

func (env *environment) showInvitation(i control.Invited) {
	env.printf("%s\n", i.Code)
	whom := "whoever has the code"
	if i.Email != "" {
		whom = i.Email
	}
	env.notef("for %s, once, until %s; roles: %s\n", whom, env.when(i.ExpiresAt), roleList(i.Roles))
	env.notef("the code is not shown again: it goes into the member \"invitation\" of POST /register\n")
	if i.Registration == string(config.RegistrationClosed) {
		env.notef("CAREFUL: registration is closed, so nobody can use it; set registration: invitation\n")
	}
}
