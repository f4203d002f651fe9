package main

import (
	"github.com/spf13/cobra"

	"signet/keys"
)

func keysRotateCommand(env *environment) *cobra.Command {
	var asJSON, now bool
	var alg string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Give the turn to the next keys",
		Long: `Give the turn to the next key of each line, or of one. Every verifier that
follows the cache headers holds that key already, so nobody notices. It is
refused before the next key is ready; --now overrides that, and says until when
verifiers may refuse what is signed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return rotateKeys(cmd, env, keys.Alg(alg), now, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&alg, "alg", "", "only the line of this algorithm, such as ES256")
	cmd.Flags().BoolVar(&now, "now", false, "do not wait until the next key is ready")
	return cmd
}

func rotateKeys(cmd *cobra.Command, env *environment, alg keys.Alg, now, asJSON bool) error {
	return env.ask(cmd.Context(), existing, func(s *session) error {
		done, err := s.Rotate(cmd.Context(), alg, now)
		if err != nil {
			return err
		}
		if asJSON {
			return env.json(done)
		}
		for _, r := range done {
			env.showRotation(r)
		}
		return nil
	})
}

func (env *environment) showRotation(r keys.Rotation) {
	env.printf("%s: %s signs now\n", r.Alg, short(r.New))
	if r.Old != "" {
		env.printf("  %s signs no more; its tokens stay good, and it is published until %s\n", short(r.Old), env.when(r.OldUntil))
	}
	if !r.UnknownUntil.IsZero() {
		env.printf("  CAREFUL: verifiers that only obey max-age may refuse the new tokens until %s\n", env.when(r.UnknownUntil))
	}
	env.printf("  next is %s, ready at %s\n", short(r.Pending), env.when(r.NextReadyAt))
}
