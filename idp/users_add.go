package main

import (
	"github.com/spf13/cobra"

	"signet/idp/internal/control"
)

func usersAddCommand(env *environment) *cobra.Command {
	var asJSON, noPassword bool
	var password passwordSource
	var u control.NewUser
	cmd := &cobra.Command{
		Use:   "add EMAIL",
		Short: "Add a user, whose password is asked for",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			u.Email = args[0]
			if noPassword && password.stdin {
				return usagef("--no-password and --password-stdin exclude each other")
			}
			if !noPassword {
				if u.Password, err = password.read(cmd.Context(), env); err != nil {
					return err
				}
			}
			return env.ask(cmd.Context(), creating, func(s *session) error {
				made, err := s.AddUser(cmd.Context(), u)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(made)
				}
				env.printf("added %s as %s, roles: %s\n", made.Email, made.ID, roleList(made.Roles))
				if !made.HasPassword {
					env.printf("nobody can sign in as this user before: idp users set-password %s\n", made.Email)
				}
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	password.flag(cmd)
	cmd.Flags().StringSliceVar(&u.Roles, "role", nil, "a role of the user; may be given again")
	cmd.Flags().BoolVar(&u.EmailVerified, "verified", false, "the e-mail is known to be the user's")
	cmd.Flags().BoolVar(&noPassword, "no-password", false, "set none for now")
	return cmd
}
