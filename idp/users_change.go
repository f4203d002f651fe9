package main

import (
	"context"

	"github.com/spf13/cobra"

	"signet/idp/internal/control"
)

// changeCommand is a command that changes a user and shows what became of it.
func changeCommand(env *environment, use, about string,
	do func(ctx context.Context, s *session, who string) (control.UserChange, error), show func(control.UserChange)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: use + " WHO", Short: about, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				u, err := do(cmd.Context(), s, args[0])
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(u)
				}
				show(u)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// signedOut says that it was done, and who may not know yet.
func (env *environment) signedOut(u control.UserChange) {
	env.printf("signed out everywhere\n")
	env.revokedUntil(u.TokensUntil)
}

func usersDisableCommand(env *environment) *cobra.Command {
	return changeCommand(env, "disable", "Stop a user from signing in, and sign them out everywhere",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			return s.Disable(ctx, who, true)
		},
		func(u control.UserChange) {
			if !u.GrantsEnded {
				env.printf("%s was disabled already\n", u.Email)
				return
			}
			env.printf("%s can sign in no more\n", u.Email)
			env.signedOut(u)
		})
}

func usersEnableCommand(env *environment) *cobra.Command {
	return changeCommand(env, "enable", "Let a disabled user sign in again",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			return s.Disable(ctx, who, false)
		},
		func(u control.UserChange) {
			env.printf("%s may sign in; what was ended stays ended\n", u.Email)
		})
}

func usersSignOutCommand(env *environment) *cobra.Command {
	return changeCommand(env, "sign-out", "Sign a user out everywhere",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			return s.SignOut(ctx, who)
		},
		func(u control.UserChange) {
			env.printf("%s: ", u.Email)
			env.signedOut(u)
		})
}

func usersRemoveCommand(env *environment) *cobra.Command {
	return changeCommand(env, "remove", "Forget a user for good (disable is the one that can be undone)",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			return s.Remove(ctx, who)
		},
		func(u control.UserChange) {
			env.printf("%s is gone, and may register anew as somebody else\n", u.Email)
			env.signedOut(u)
		})
}

func usersRolesCommand(env *environment) *cobra.Command {
	var change control.RoleChange
	var set []string
	var cmd *cobra.Command
	cmd = changeCommand(env, "roles", "Show a user's roles, or change them",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			if cmd.Flags().Changed("set") {
				change.Set = &set
			}
			if change.Set == nil && len(change.Add)+len(change.Remove) == 0 {
				u, err := s.User(ctx, who)
				return control.UserChange{User: u.User}, err
			}
			return s.Roles(ctx, who, change)
		},
		func(u control.UserChange) {
			env.printf("%s: %s\n", u.Email, roleList(u.Roles))
			if !u.TokensUntil.IsZero() {
				env.printf("access tokens that said what was before are revoked\n")
				env.revokedUntil(u.TokensUntil)
			}
		})
	cmd.Flags().StringSliceVar(&change.Add, "add", nil, "give this role; may be given again")
	cmd.Flags().StringSliceVar(&change.Remove, "remove", nil, "take this role away; may be given again")
	cmd.Flags().StringSliceVar(&set, "set", nil, "replace all roles; --set= leaves none")
	return cmd
}
