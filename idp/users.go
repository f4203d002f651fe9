package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"signet/data"
	"signet/idp/internal/control"
)

func usersCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "Look after the people who can sign in",
		Long: "Look after the people who can sign in. WHO is an e-mail address or a user's id."}
	cmd.AddCommand(usersAddCommand(env), usersListCommand(env), usersShowCommand(env), usersRolesCommand(env), usersProfileCommand(env),
		usersDisableCommand(env), usersEnableCommand(env), usersPasswordCommand(env), usersSignOutCommand(env), usersRemoveCommand(env),
		usersInviteCommand(env), usersImportCommand(env))
	return cmd
}

func usersListCommand(env *environment) *cobra.Command {
	var asJSON bool
	var role string
	cmd := &cobra.Command{
		Use: "list", Short: "List all users", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				l := env.listing("users", asJSON, "ID", "E-MAIL", "ROLES", "CREATED", "REMARKS")
				return env.listUsers(cmd.Context(), s, l, role)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&role, "role", "", "only those who have this role")
	return cmd
}

// listPage is how much of a list is fetched at once.
const listPage = 1000

func (env *environment) listUsers(ctx context.Context, s *session, l *listing, role string) error {
	var after data.UserID
	for {
		users, err := s.Users(ctx, after, listPage)
		if err != nil {
			return err
		}
		last := len(users) < listPage
		if !last {
			after = users[len(users)-1].ID
		}
		users = slices.DeleteFunc(users, func(u control.User) bool { return role != "" && !slices.Contains(u.Roles, role) })
		err = page(l, users, func(u control.User) []string {
			return []string{string(u.ID), u.Email, roleList(u.Roles), env.when(u.CreatedAt), remarks(u)}
		})
		if err != nil {
			return err
		}
		if last {
			return l.end()
		}
	}
}

func usersShowCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show WHO", Short: "Show a user and where they are signed in", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				u, err := s.User(cmd.Context(), args[0])
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(u)
				}
				return env.showUser(u)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (env *environment) showUser(u control.UserGrants) error {
	verified := "not verified"
	if u.EmailVerified {
		verified = "verified"
	}
	password := "none: nobody can sign in as this user"
	if u.HasPassword {
		password = "set " + env.when(u.PasswordAt)
	}
	state := "may sign in"
	if u.Disabled {
		state = "disabled"
	}
	rows := [][]string{
		{"id", string(u.ID)},
		{"e-mail", u.Email + " (" + verified + ")"},
		{"state", state},
		{"roles", roleList(u.Roles)},
		{"password", password},
		{"created", env.when(u.CreatedAt)},
		{"changed", env.when(u.UpdatedAt)},
	}
	err := env.table(append(rows, profileRows(u.Profile)...))
	if err != nil || len(u.Grants) == 0 {
		env.printf("signed in nowhere\n")
		return err
	}
	env.printf("\n")
	rows = [][]string{{"GRANT", "CLIENT", "SINCE", "LAST USED", "UNTIL"}}
	for _, g := range u.Grants {
		rows = append(rows, []string{g.ID.String(), g.Client, env.when(g.CreatedAt), env.when(g.UsedAt), env.when(g.ExpiresAt)})
	}
	return env.table(rows)
}

func roleList(roles []string) string {
	if len(roles) == 0 {
		return "-"
	}
	return strings.Join(roles, ", ")
}

func remarks(u control.User) string {
	var list []string
	if u.Disabled {
		list = append(list, "disabled")
	}
	if !u.HasPassword {
		list = append(list, "no password")
	}
	return strings.Join(list, ", ")
}
