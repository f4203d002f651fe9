package main

import (
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"signet/idp/internal/client"
	"signet/idp/internal/config"
	"signet/idp/internal/web"
)

func configCommand(env *environment) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "config", Short: "Check the configuration"}
	check := &cobra.Command{
		Use: "check", Short: "Say what is wrong with the configuration, and change nothing", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := env.load()
			if err != nil {
				return err
			}
			if err := checkCertificate(c, env.now); err != nil {
				return err
			}
			if _, err := client.FromConfig(c); err != nil { // it reads their secrets
				return usageError{err}
			}
			if asJSON {
				return env.json(checked(c, env.environ))
			}
			env.showChecked(c)
			return nil
		},
	}
	jsonFlag(check, &asJSON)
	settings := &cobra.Command{
		Use: "settings", Short: "List every setting with its default", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return env.json(config.Settings())
			}
			rows := [][]string{{"SETTING", "DEFAULT", "WHAT IT IS"}}
			for _, s := range config.Settings() {
				rows = append(rows, []string{s.Key, s.Default, s.Help})
			}
			return env.table(rows)
		},
	}
	jsonFlag(settings, &asJSON)
	cmd.AddCommand(check, settings)
	return cmd
}

func checked(c config.Config, environ []string) map[string]any {
	var set []string
	for _, pair := range environ {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "SIGNET_") {
			set = append(set, name) // names only: one of them is a secret
		}
	}
	return map[string]any{
		"ok": true, "file": c.File, "environment": set, "issuer": c.Issuer, "listen": c.Listen, "state": c.State, "store": c.StoreAddress(),
		"jwks_max_age": keyConfig(c).MaxAge().String(),
	}
}

func (env *environment) showChecked(c config.Config) {
	from := c.File
	if from == "" {
		from = "no file: the defaults and the environment"
	}
	k := keyConfig(c)
	env.printf("OK (%s)\n", from)
	env.printf("issuer %s, listening on %s, state in %s\n", c.Issuer, c.Listen, c.State)
	if !c.Store.IsZero() {
		env.printf("the store is %s\n", c.Store)
	}
	env.printf("keys rotate every %s; the JWKS may be cached for %s: publish_ahead %s - lease %s - skew %s\n",
		k.RotateEvery, k.MaxAge(), k.PublishAhead, k.Lease, k.Skew)
	if longest := longestAccess(c); longest > 0 {
		env.printf("access tokens live at most %s\n", longest)
	}
}

// checkCertificate reads the files of TLS as the start would.
func checkCertificate(c config.Config, now func() time.Time) error {
	if !c.TLS.Enabled() {
		return nil
	}
	if _, err := web.LoadCertificate(c.TLS.Cert, c.TLS.Key, slog.Default(), now); err != nil {
		return usageError{err}
	}
	return nil
}
