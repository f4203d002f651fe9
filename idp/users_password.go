package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func usersPasswordCommand(env *environment) *cobra.Command {
	var asJSON bool
	var password passwordSource
	cmd := &cobra.Command{
		Use:   "set-password WHO",
		Short: "Give a user a new password, and sign them out everywhere",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			secret, err := password.read(cmd.Context(), env)
			if err != nil {
				return err
			}
			return env.ask(cmd.Context(), existing, func(s *session) error {
				u, err := s.SetPassword(cmd.Context(), args[0], secret)
				switch {
				case err != nil:
					return err
				case asJSON:
					return env.json(u)
				}
				env.printf("%s has a new password\n", u.Email)
				env.signedOut(u)
				return nil
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	password.flag(cmd)
	return cmd
}

// passwordSource is where a password comes from: never the command line, which
// every process of the machine can read.
type passwordSource struct{ stdin bool }

func (p *passwordSource) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the password from the first line of standard input")
}

// maxPasswordLine bounds what is read; the policy refuses long ones with words.
const maxPasswordLine = 4096

func (p *passwordSource) read(ctx context.Context, env *environment) (string, error) {
	if p.stdin {
		line, err := bufio.NewReader(io.LimitReader(env.in, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if line == "" {
			return "", usagef("there is no password on standard input")
		}
		return line, nil
	}
	if !term.IsTerminal(int(env.in.Fd())) {
		return "", usagef("there is no terminal to ask for the password; give it with --password-stdin")
	}
	first, err := env.prompt(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", usagef("the password is empty; nothing was changed")
	}
	again, err := env.prompt(ctx, "Again: ")
	if err == nil && again != first {
		err = usagef("the two are not the same; nothing was changed")
	}
	return first, err
}

// prompt reads a line without showing it. An interruption puts the terminal
// back as it was, though the read goes on until the process ends.
func (env *environment) prompt(ctx context.Context, text string) (string, error) {
	fd := int(env.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	env.notef("%s", text)
	type answer struct {
		line []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		answered <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		env.notef("\n")
		return "", errors.Join(errors.New("interrupted; nothing was changed"), term.Restore(fd, before))
	case a := <-answered:
		env.notef("\n")
		if a.err != nil {
			return "", fmt.Errorf("reading the password: %w", a.err)
		}
		return string(a.line), nil
	}
}
