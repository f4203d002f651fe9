package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"signet/data"
	"signet/data/kv"
	"signet/idp/internal/control"
	"signet/keys"
)

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], environment{environ: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// untilSignal ends at the first signal to stop. By then nobody catches a
// second one, which ends the process.
func untilSignal() context.Context {
	ctx, end := context.WithCancel(context.Background())
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-caught
		signal.Stop(caught)
		end()
	}()
	return ctx
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
	if !env.began { // what cobra itself refuses
		err = usageError{err}
	}
	fmt.Fprintln(env.err, "idp:", message(err, env.now()))
	return exitCode(err)
}

func newRoot(env *environment) *cobra.Command {
	var rotate, asJSON bool
	root := &cobra.Command{
		Use:           "idp",
		Short:         "Signet's issuer: signs people in, and tokens that anyone can verify",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rotate {
				return rotateKeys(cmd, env, "", false, asJSON)
			}
			if asJSON {
				return usagef("--json goes with --rotate-keys")
			}
			return serveCommand(cmd, env)
		},
	}
	root.PersistentFlags().StringVar(&env.configPath, "config", "config.yaml", "the file with the settings")
	root.Flags().BoolVar(&rotate, "rotate-keys", false, "give the turn to the next signing keys, and exit (short for: idp keys rotate)")
	root.Flags().BoolVar(&asJSON, "json", false, "with --rotate-keys: print JSON, for programs")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (an argument that begins with - goes behind --)", err)}
	})
	root.AddCommand(
		&cobra.Command{Use: "serve", Short: "Run the issuer (the same as idp alone)", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return serveCommand(cmd, env) }},
		configCommand(env),
		keysCommand(env),
		usersCommand(env),
		clientsCommand(env),
		tokensCommand(env),
		backupCommand(env),
		restoreCommand(env),
		copyCommand(env),
		statsCommand(env),
		versionCommand(env),
	)
	watch(root, env)
	return root
}

// watch notes when a command begins: what fails before is the command line's
// fault. Commands that only group others say which there are.
func watch(cmd *cobra.Command, env *environment) {
	do := cmd.RunE
	if do == nil && cmd.Run == nil {
		cmd.Args = cobra.ArbitraryArgs
		do = func(cmd *cobra.Command, args []string) error {
			_ = cmd.Help()
			if len(args) > 0 {
				return usageError{fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])}
			}
			return usageError{fmt.Errorf("%s needs one of the commands above", cmd.CommandPath())}
		}
	}
	if do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			env.began, env.configExplicit = true, cmd.Flags().Changed("config")
			return do(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		watch(sub, env)
	}
}

// usageError is a command line or a configuration that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitCode is the same whether an issuer failed or this process did.
func exitCode(err error) int {
	var usage usageError
	var failure *control.Error
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &failure):
		return exitCodes[failure.Code]
	case errors.Is(err, kv.ErrInUse):
		return exitInUse
	case errors.Is(err, data.ErrMoved):
		return exitRefused
	case errors.Is(err, keys.ErrWrongMasterKey), errors.Is(err, keys.ErrMasterKey):
		return exitWrongKey
	}
	return exitFailed
}

var exitCodes = map[control.Code]int{
	control.Usage:     exitUsage,
	control.NoSuch:    exitRefused,
	control.Refused:   exitRefused,
	control.NotReady:  exitRefused,
	control.InUse:     exitInUse,
	control.MasterKey: exitWrongKey,
	control.Busy:      exitFailed,
	control.Failed:    exitFailed,
}
