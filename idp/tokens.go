package main

import "github.com/spf13/cobra"

func tokensCommand(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "tokens", Short: "Revoke tokens that are out"}
	cmd.AddCommand(tokensRevokeCommand(env))
	return cmd
}
