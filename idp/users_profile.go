package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"signet/data"
	"signet/idp/internal/control"
)

func usersProfileCommand(env *environment) *cobra.Command {
	var set, unset []string
	cmd := changeCommand(env, "profile", "Show what is said of a user, or change it",
		func(ctx context.Context, s *session, who string) (control.UserChange, error) {
			values, err := profileValues(set, unset)
			switch {
			case err != nil:
				return control.UserChange{}, err
			case len(values) == 0:
				u, err := s.User(ctx, who)
				return control.UserChange{User: u.User}, err
			}
			return s.Profile(ctx, who, values)
		},
		func(u control.UserChange) {
			if u.Profile == (data.Profile{}) {
				env.printf("%s: nothing is said of this user; as in: idp users profile %[1]s --set name=\"Ada Lovelace\"\n", u.Email)
				return
			}
			env.printf("%s\n", u.Email)
			_ = env.table(profileRows(u.Profile))
		})
	cmd.Long = `Show what is said of a user, or change it. Clients are told of it where the user
allows them, as the standard claims of OpenID Connect:

  ` + strings.Join(data.ProfileNames(), "\n  ")
	cmd.Flags().StringArrayVar(&set, "set", nil, "NAME=VALUE: say this; may be given again")
	cmd.Flags().StringArrayVar(&unset, "unset", nil, "say nothing of this NAME any more; may be given again")
	return cmd
}

func profileValues(set, unset []string) (values []control.ProfileValue, err error) {
	for _, text := range set {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return nil, usagef("--set %s: write NAME=VALUE", name)
		}
		values = append(values, control.ProfileValue{Name: name, Value: value})
	}
	for _, name := range unset {
		values = append(values, control.ProfileValue{Name: name})
	}
	return values, nil
}

// profileRows is a table of what is said. A value of several lines is quoted.
func profileRows(p data.Profile) (rows [][]string) {
	for name, value := range p.All() {
		if strings.ContainsAny(value, "\r\n") {
			value = strconv.Quote(value)
		}
		rows = append(rows, []string{name, value})
	}
	return rows
}
