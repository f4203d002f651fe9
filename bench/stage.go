package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"signet/prove/issuer"
)

// bench is one run: the binaries, and a folder that goes with it.
type bench struct {
	f             flags
	conns         []int
	dir           string
	signet, floor string    // binaries
	against       *Provider // nil: Signet is measured
	homes         int       // made so far
}

func newBench(f flags, conns []int) (b *bench, err error) {
	b = &bench{f: f, conns: conns}
	if f.against != "" {
		if b.against, err = readProvider(f.against); err != nil {
			return nil, err
		}
	}
	if b.dir, err = os.MkdirTemp(f.dir, "signet-bench-"); err != nil {
		return nil, err
	}
	if b.floor, err = issuer.Build(b.dir, "bench/floor"); err == nil && b.against == nil {
		b.signet, err = issuer.Build(b.dir, "idp")
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// Stage is the two servers of a row, fresh for it.
type Stage struct {
	Provider *Provider       // who is measured
	Signet   *issuer.Process // nil where that is another one
	Floor    *issuer.Process
	Most     int // the most connections that will ask at once

	ends []func()
}

// AtEnd has fn called before the servers end.
func (s *Stage) AtEnd(fn func()) { s.ends = append(s.ends, fn) }

// own is Signet's process, or says that another provider does not do.
func (s *Stage) own() (*issuer.Process, error) {
	if s.Signet == nil {
		return nil, errLacks("for Signet only")
	}
	return s.Signet, nil
}

// stage starts Signet, unless another provider is measured, and the floor, both
// on fresh state. alg is that of signetHome.
func (b *bench) stage(ctx context.Context, alg string, s issuer.Settings) (_ *Stage, err error) {
	stage := &Stage{Most: slices.Max(b.conns), Provider: b.against}
	defer func() {
		if err != nil {
			stage.end()
		}
	}()
	if stage.Floor, err = b.start(b.floor, "floor", "", nil); err != nil {
		return nil, err
	}
	if b.against == nil {
		if stage.Signet, err = b.startSignet(alg, s); err != nil {
			return nil, err
		}
		stage.Provider = ours(stage.Signet)
	}
	return stage, stage.Provider.discover(ctx)
}

// start starts a server in a folder of its own.
func (b *bench) start(binary, name, config string, s issuer.Settings) (*issuer.Process, error) {
	home, err := b.home(binary, name, config, s)
	if err != nil {
		return nil, err
	}
	return home.Start()
}

func (b *bench) home(binary, name, config string, s issuer.Settings) (issuer.Home, error) {
	b.homes++
	dir := filepath.Join(b.dir, fmt.Sprintf("%s%d", name, b.homes))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return issuer.Home{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600); err != nil {
		return issuer.Home{}, err
	}
	return issuer.NewHome(binary, dir, issuer.Roomy.With(s))
}

func (b *bench) startSignet(alg string, s issuer.Settings) (*issuer.Process, error) {
	home, err := b.signetHome(alg, s)
	if err != nil {
		return nil, err
	}
	return home.Start()
}

// signetHome is a fresh state folder for Signet, with the bench's client. All is
// signed with alg, and there are no other keys; "" is what everybody has.
func (b *bench) signetHome(alg string, s issuer.Settings) (issuer.Home, error) {
	algs := alg
	if alg == "" {
		algs, alg = "ES256, RS256", "ES256"
	}
	config := fmt.Sprintf(`keys: {algs: [%s]}
audiences: [{name: api, alg: %s}]
clients:
  - id: %s
    secret: %s
    first_party: true
    redirect_uris: [%s]
    grant_types: [authorization_code, refresh_token, client_credentials]
    id_token_signed_response_alg: %s
`, algs, alg, clientID, clientSecret, callback, alg)
	return b.home(b.signet, "signet", config, s)
}

// ours is Signet as one more provider.
func ours(p *issuer.Process) *Provider {
	return &Provider{Name: "Signet", Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret, PID: p.PID()}
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

// put puts a file where the floor finds it.
func (s *Stage) put(name string, body []byte) error {
	return os.WriteFile(filepath.Join(s.Floor.State, name), body, 0o600)
}

// The bench's client, and the one person who signs in, again and again; the
// floor knows the password.
const (
	clientID     = "bench"
	clientSecret = "a secret that opens nothing but this"
	callback     = "https://bench.example/callback" // where no browser of ours goes
	email        = "bench@example.com"
	password     = "correct horse battery"
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
