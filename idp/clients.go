package main

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"signet/idp/internal/client/metadata"
	"signet/idp/internal/control"
)

func clientsCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "clients", Short: "Look after the programs that sign people in",
		Long: "Look after the programs that sign people in, or use an API for themselves. Those in the configuration are listed too, and changed there."}
	cmd.AddCommand(clientsAddCommand(env), clientsListCommand(env), clientsShowCommand(env), clientsEditCommand(env),
		clientsRotateSecretCommand(env), clientsRemoveCommand(env), clientsInitialTokenCommand(env))
	return cmd
}

func clientsListCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all clients", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				l := env.listing("clients", asJSON, "ID", "NAME", "AUTHENTICATES BY", "CREATED", "REMARKS")
				return env.listClients(cmd.Context(), s, l)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (env *environment) listClients(ctx context.Context, s *session, l *listing) error {
	for after := ""; ; {
		clients, err := s.Clients(ctx, after, listPage)
		if err != nil {
			return err
		}
		err = page(l, append(clients.Configured, clients.Stored...), func(c control.OAuthClient) []string {
			return []string{c.ID, orDash(c.Name()), c.AuthMethod(), env.when(c.CreatedAt), env.clientRemarks(c)}
		})
		if err != nil {
			return err
		}
		if len(clients.Stored) < listPage {
			return l.end()
		}
		after = clients.Stored[listPage-1].ID
	}
}

func (env *environment) clientRemarks(c control.OAuthClient) string {
	var list []string
	if c.Where != "" {
		list = append(list, "in "+c.Where)
	}
	if c.Source == "registered" {
		list = append(list, "registered itself")
	}
	if !c.ExpiresAt.IsZero() {
		list = append(list, "unused, ends "+env.when(c.ExpiresAt))
	}
	if !c.OldSecretUntil.IsZero() {
		list = append(list, "old secret until "+env.when(c.OldSecretUntil))
	}
	return strings.Join(list, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func clientsShowCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show CLIENT", Short: "Show what is known of a client", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.ask(cmd.Context(), existing, func(s *session) error {
				c, err := s.OAuthClient(cmd.Context(), args[0])
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(c)
				}
				return env.showClient(c)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (env *environment) showClient(c control.OAuthClient) error {
	rows := [][]string{{"client_id", c.ID}, {"from", fromWhere(c)}}
	for _, name := range metadata.InOrder(c.Metadata) {
		rows = append(rows, []string{name, plainJSON(c.Metadata[name])})
	}
	rows = append(rows,
		[]string{"first party", yesNo(c.FirstParty)},
		[]string{"PKCE required", yesNo(c.RequirePKCE)},
		[]string{"audiences", orWord(c.Audiences, "all")},
		[]string{"may exchange for", orWord(c.ExchangeAudiences, "none")},
		[]string{"may introspect", yesNo(c.Introspect)},
	)
	if !c.CreatedAt.IsZero() {
		rows = append(rows, []string{"created", env.when(c.CreatedAt)}, []string{"changed", env.when(c.UpdatedAt)})
	}
	if !c.OldSecretUntil.IsZero() {
		rows = append(rows, []string{"old secret until", env.when(c.OldSecretUntil)})
	}
	if !c.ExpiresAt.IsZero() {
		rows = append(rows, []string{"unused, ends", env.when(c.ExpiresAt)})
	}
	return env.table(rows)
}

func fromWhere(c control.OAuthClient) string {
	switch c.Source {
	case "configured":
		return "the configuration, " + c.Where
	case "registered":
		return "its own registration"
	}
	return "idp clients add"
}

// plainJSON shows a value to people: a text without quotes, a list of texts
// with commas.
func plainJSON(value jsontext.Value) string {
	var text string
	var list []string
	switch {
	case json.Unmarshal(value, &text) == nil:
		return text
	case json.Unmarshal(value, &list) == nil:
		return strings.Join(list, ", ")
	}
	return string(value)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orWord(list []string, word string) string {
	if len(list) == 0 {
		return word
	}
	return strings.Join(slices.Clone(list), ", ")
}
