package main

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"signet/idp/internal/config"
	"signet/idp/internal/control"
)

// tokensFlags say which tokens are to be revoked.
type tokensFlags struct {
	control.TokensSelector
	before, file string
	asJSON       bool
}

func tokensRevokeCommand(env *environment) *cobra.Command {
	var f tokensFlags
	cmd := &cobra.Command{
		Use:   "revoke {--user WHO | --client CLIENT | --audience NAME | --before WHEN | --token-file FILE} --reason TEXT",
		Short: "Revoke the tokens of a user, of a client, for an audience, of before a time, or one",
		Long: `Revoke tokens that are out, now. One of these says which:

  --user       all grants of a user end, with their access tokens, and the user's
               browsers are signed out (the same as idp users sign-out)
  --client     all grants that a client holds end, with their access tokens; the
               tokens that it got for itself are revoked
  --audience   the access tokens for an audience are revoked. The grants go on:
               a refresh gives new ones. Where a client may exchange tokens for
               ones of this audience, all access tokens go with them
  --before     all grants of before a time end, with their access tokens: a time
               such as 2026-11-23T14:05:00Z or "2026-11-23 14:05", or how long ago,
               such as 2h or 7d (0s: all). Browsers that are signed in stay so
  --token-file the one token that is in the file, or on standard input for "-". A
               refresh token takes its grant with it, and an access token all that
               have its index: those of its grant that are out, and those that
               were exchanged from it. An old one will do, also an expired one

The reason stays in the log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return env.revokeTokens(cmd, f) },
	}
	jsonFlag(cmd, &f.asJSON)
	cmd.Flags().StringVar(&f.User, "user", "", "of this user: an e-mail address or a user's id")
	cmd.Flags().StringVar(&f.Client, "client", "", "of this client")
	cmd.Flags().StringVar(&f.Audience, "audience", "", "for this audience")
	cmd.Flags().StringVar(&f.before, "before", "", "of before this time, or of longer ago than this")
	cmd.Flags().StringVar(&f.file, "token-file", "", "the token in this file; - is standard input")
	cmd.Flags().StringVar(&f.Reason, "reason", "", "why; it stays in the log")
	_ = cmd.MarkFlagRequired("reason")
	selectors := []string{"user", "client", "audience", "before", "token-file"}
	cmd.MarkFlagsOneRequired(selectors...)
	cmd.MarkFlagsMutuallyExclusive(selectors...)
	return cmd
}

func (env *environment) revokeTokens(cmd *cobra.Command, f tokensFlags) (err error) {
	which := f.TokensSelector
	if cmd.Flags().Changed("before") {
		if which.Before, err = parseBefore(f.before, env.now()); err != nil {
			return err
		}
	}
	if f.file != "" {
		if which.Token, err = env.readToken(f.file); err != nil {
			return err
		}
	}
	return env.ask(cmd.Context(), existing, func(s *session) error {
		const whole = 1000
		bar := env.progress(whole, progressbar.OptionShowBytes(false))
		done, err := s.RevokeTokens(cmd.Context(), which, func(part float64) {
			if bar != nil {
				_ = bar.Set64(int64(part * whole))
			}
		})
		if bar != nil {
			_ = bar.Clear()
		}
		switch {
		case err != nil:
			return err
		case f.asJSON:
			return env.json(done)
		}
		env.showTokensRevoked(which, done)
		return nil
	})
}

// parseBefore reads a time, local where it names no zone, or how long ago one was.
func parseBefore(text string, now time.Time) (time.Time, error) {
	if ago, err := config.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil && !at.IsZero() {
			return at, nil
		}
	}
	return time.Time{}, usagef("--before %q: write a time such as 2026-11-23T14:05:00Z or \"2026-11-23 14:05\", or how long ago, such as 2h or 7d", text)
}

// maxTokenFile bounds what is read: no token of ours is as long.
const maxTokenFile = 1 << 16

// readToken never takes a token from the command line, which every process of
// the machine can read.
func (env *environment) readToken(name string) (string, error) {
	file, _, err := env.openInput(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", err
	}
	raw := strings.TrimSpace(string(text))
	switch {
	case raw == "":
		return "", usagef("there is no token in %s", inputName(name))
	case len(text) > maxTokenFile || strings.ContainsAny(raw, " \t\r\n"):
		return "", usagef("there is more than one token in %s, or something else", inputName(name))
	}
	return raw, nil
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

func (env *environment) showTokensRevoked(which control.TokensSelector, r control.TokensRevoked) {
	switch {
	case which.User != "":
		env.printf("%s is signed out everywhere: %s ended\n", which.User, count(r.GrantsEnded, "grant"))
	case r.Token == "refresh_token":
		env.printf("the grant of the token has ended, with its access tokens\n")
	case r.Token == "access_token" && !r.Expired.IsZero():
		env.printf("the token had expired %s; whatever else carries its index is revoked\n", env.when(r.Expired))
	case r.Token == "access_token":
		env.printf("the token of client %s is revoked, with all that carry its index\n", r.Client)
	case r.Audience != "":
		env.printf("the access tokens of %s are revoked; the grants go on\n", count(r.GrantsRevoked, "grant"))
		if r.AllAudiences {
			env.printf("they are those of all audiences: some client may exchange others for tokens of %s\n", r.Audience)
		}
	default:
		env.printf("%s ended, with their access tokens\n", count(r.GrantsEnded, "grant"))
	}
	if r.OwnTokens && r.Token == "" {
		env.printf("access tokens that %s got for itself are revoked\n", cmp.Or(r.Client, "a client"))
	}
	if r.Unread > 0 {
		env.printf("%s cannot be read, and stays as it is; the log names it\n", count(r.Unread, "record"))
	}
	env.revokedUntil(r.AcceptedUntil)
}

// revokedUntil says who may not know yet that access tokens are revoked.
func (env *environment) revokedUntil(end time.Time) {
	env.printf("verifiers that do not follow status lists may take them until %s\n", env.when(end))
}
