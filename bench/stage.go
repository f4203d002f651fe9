package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"signet/bench/internal/load"
	"signet/prove/issuer"
)

// bench is one run: the binaries, and a folder that goes with it.
type bench struct {
	f             flags
	conns         []int
	dir           string
	signet, floor string
	stages        int
}

func newBench(f flags, conns []int) (*bench, error) {
	dir, err := os.MkdirTemp(f.dir, "signet-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{f: f, conns: conns, dir: dir}
	if b.signet, err = issuer.Build(dir, "idp"); err == nil {
		b.floor, err = issuer.Build(dir, "bench/floor")
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// stage starts both servers on fresh state.
func (b *bench) stage(s issuer.Settings) (*Stage, error) {
	b.stages++
	most := 1
	for _, n := range b.conns {
		most = max(most, n)
	}
	stage := &Stage{Most: most}
	for _, side := range []struct {
		binary, name string
		process      **issuer.Process
	}{{b.signet, "signet", &stage.Signet}, {b.floor, "floor", &stage.Floor}} {
		dir := filepath.Join(b.dir, fmt.Sprintf("%s%d", side.name, b.stages))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		home, err := issuer.NewHome(side.binary, dir, issuer.Roomy.With(s))
		if err != nil {
			return nil, err
		}
		if *side.process, err = home.Start(); err != nil {
			stage.end()
			return nil, err
		}
	}
	return stage, nil
}

func (s *Stage) end() {
	for _, fn := range s.ends {
		fn()
	}
	for _, p := range []*issuer.Process{s.Signet, s.Floor} {
		if p != nil {
			p.Kill()
		}
	}
}

// The one person who signs in, again and again; the floor knows the password.
const (
	email    = "bench@example.com"
	password = "correct horse battery"
)

func register(ctx context.Context, p *issuer.Process) error {
	client := issuer.NewClient(p.URL)
	defer client.Close()
	if a := client.Register(ctx, email, password); a.Result != issuer.Done {
		return fmt.Errorf("register: %s", a)
	}
	return nil
}

func login(ctx context.Context, p *issuer.Process) (issuer.Tokens, error) {
	client := issuer.NewClient(p.URL)
	defer client.Close()
	tokens, a := client.Login(ctx, email, password)
	if a.Result != issuer.Done {
		return tokens, fmt.Errorf("login: %s", a)
	}
	return tokens, nil
}

// http makes a side that asks a server over connections that are kept open.
// ask makes one request.
func http(p *issuer.Process, ask func(ctx context.Context, i int, c *load.Conn) error) Side {
	return Side{PID: p.PID(), Open: func(i int) (load.Call, func() error, error) {
		c, err := load.Dial(strings.TrimPrefix(p.URL, "http://"))
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) error { return ask(ctx, i, c) }, c.Close, nil
	}}
}
