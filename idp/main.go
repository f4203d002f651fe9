package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"signet/data/kv"
	"signet/idp/internal/config"
	"signet/keys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], environment{environ: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// environment is what the command gets from outside.
type environment struct {
	environ  []string
	in       *os.File
	out, err io.Writer

	configPath     string
	configExplicit bool
}

// Exit codes; the README lists them.
const (
	exitOK       = 0
	exitFailed   = 1 // something went wrong
	exitUsage    = 2 // the command line or the configuration is wrong
	exitRefused  = 3 // it may not be done now, or there is no such thing
	exitInUse    = 4 // another process holds the store
	exitWrongKey = 5 // the master key is missing or wrong
)

func run(ctx context.Context, args []string, env environment) int {
	root := newRoot(&env)
	root.SetArgs(args)
	root.SetIn(env.in)
	root.SetOut(env.out)
	root.SetErr(env.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(env.err, "idp:", err)
	return exitCode(err)
}

func newRoot(env *environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "idp",
		Short:         "Signet's issuer: signs people in, and tokens that anyone can verify",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serveCommand(cmd, env)
		},
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			env.configExplicit = cmd.Flags().Changed("config")
		},
	}
	root.PersistentFlags().StringVar(&env.configPath, "config", "config.yaml", "the file with the settings")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Run the issuer (the same as idp alone)", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return serveCommand(cmd, env) }},
	)
	return root
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func exitCode(err error) int {
	var usage usageError
	var settings *config.Error
	switch {
	case errors.As(err, &usage), errors.As(err, &settings):
		return exitUsage
	case errors.Is(err, kv.ErrInUse):
		return exitInUse
	case errors.Is(err, keys.ErrWrongMasterKey), errors.Is(err, keys.ErrMasterKey):
		return exitWrongKey
	}
	return exitFailed
}
