package main

import (
	"strings"

	"github.com/spf13/cobra"

	"signet/idp/internal/control"
)

func usersCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "Look after the people who can sign in",
		Long: "Look after the people who can sign in. WHO is an e-mail address or a user's id."}
	cmd.AddCommand(usersAddCommand(env), usersListCommand(env), usersShowCommand(env), usersRolesCommand(env),
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
				list, err := allUsers(cmd, s, role)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(map[string]any{"users": list})
				}
				rows := [][]string{{"ID", "E-MAIL", "ROLES", "CREATED", "REMARKS"}}
				for _, u := range list {
					rows = append(rows, []string{string(u.ID), u.Email, roleList(u.Roles), env.when(u.CreatedAt), remarks(u)})
				}
				if len(list) == 0 {
					env.printf("no users\n")
					return nil
				}
				return env.table(rows)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&role, "role", "", "only those who have this role")
	return cmd
}

func allUsers(cmd *cobra.Command, s *session, role string) ([]control.User, error) {
	const page = 1000
	list := []control.User{}
	after := control.User{}.ID
	for {
		users, err := s.Users(cmd.Context(), after, page)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if after = u.ID; role == "" || hasRole(u, role) {
				list = append(list, u)
			}
		}
		if len(users) < page {
			return list, nil
		}
	}
}

func hasRole(u control.User, role string) bool {
	for _, r := range u.Roles {
		if r == role {
			return true
		}
	}
	return false
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
	err := env.table([][]string{
		{"id", string(u.ID)},
		{"e-mail", u.Email + " (" + verified + ")"},
		{"state", state},
		{"roles", roleList(u.Roles)},
		{"password", password},
		{"created", env.when(u.CreatedAt)},
		{"changed", env.when(u.UpdatedAt)},
	})
	if err != nil || len(u.Grants) == 0 {
		env.printf("signed in nowhere\n")
		return err
	}
	env.printf("\n")
	rows := [][]string{{"GRANT", "CLIENT", "SINCE", "LAST USED", "UNTIL"}}
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
