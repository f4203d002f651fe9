package main

import (
	"github.com/spf13/cobra"

	"signet/keys"
)

func keysRevokeCommand(env *environment) *cobra.Command {
	var asJSON, all bool
	var reason string
	cmd := &cobra.Command{
		Use:   "revoke {KID | --all} --reason TEXT",
		Short: "Take a key out of use now, with every token that it signed",
		Long: `Take a key out of the JWKS now, with every token that it signed. The beginning
of its kid is enough. With --all every signing key and every key of the refresh
tokens is replaced, for a host that was taken: everyone has to sign in again.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return usagef("name the key by its kid, or say --all, and not both")
			}
			return env.ask(cmd.Context(), existing, func(s *session) error {
				done, err := revokeKeys(cmd, s, args, reason)
				switch {
				case err != nil:
					return err
				case asJSON && all:
					return env.json(done)
				case asJSON:
					return env.json(done[0])
				}
				env.showRevocations(done, all)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&all, "all", false, "every signing key, and the keys of all refresh tokens")
	cmd.Flags().StringVar(&reason, "reason", "", "why; it stays in the record")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func revokeKeys(cmd *cobra.Command, s *session, args []string, reason string) ([]keys.Revocation, error) {
	if len(args) == 0 {
		return s.RevokeAll(cmd.Context(), reason)
	}
	done, err := s.Revoke(cmd.Context(), args[0], reason)
	return []keys.Revocation{done}, err
}

func (env *environment) showRevocations(done []keys.Revocation, all bool) {
	last := keys.Revocation{}
	for _, r := range done {
		env.printf("%s (%s, was %s) is out of the JWKS\n", short(r.KID), r.Alg, r.State)
		if r.New != "" {
			env.printf("  %s signs now", short(r.New))
			if !r.UnknownUntil.IsZero() {
				env.printf("; verifiers that only obey max-age may refuse it until %s", env.when(r.UnknownUntil))
			}
			env.printf("\n")
		}
		if r.State != keys.Pending && r.AcceptedUntil.After(last.AcceptedUntil) {
			last = r
		}
	}
	if all {
		env.printf("all refresh tokens are dead: everyone has to sign in again\n")
	}
	if !last.AcceptedUntil.IsZero() {
		env.printf("its tokens are refused within about a second where package resource follows this issuer;\n"+
			"verifiers that only obey max-age accept them until %s\n", env.when(last.AcceptedUntil))
	}
}
