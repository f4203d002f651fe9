//go:build browser

package browser_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything is waited for before a test fails.
const patience = 20 * time.Second

// bin is the folder of the commands, built once.
var bin string

func buildCommands(ctx context.Context, dir string) error {
	bin = dir
	build := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "signet/idp", "signet/resource/demo")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// accessTTL is short, so that tests see tokens expire for real.
const accessTTL = 3 * time.Second

// house is an issuer and a demo that trusts it, as processes of their own.
type house struct {
	t            *testing.T
	issuer, demo string // their URLs
	state        string
	env          []string
	running      *process // the issuer
}

// newHouse starts both; settings, as NAME=value, are the issuer's and win over
// those that make it fit the demo.
func newHouse(t *testing.T, settings ...string) *house {
	t.Helper()
	ports := freePorts(t, 2)
	h := &house{t: t, issuer: "http://" + ports[0], demo: "http://" + ports[1], state: t.TempDir()}
	h.env = append([]string{
		"SIGNET_LISTEN=" + ports[0], "SIGNET_ISSUER=" + h.issuer, "SIGNET_STATE=" + h.state,
		"SIGNET_BROWSER_ORIGINS=" + h.demo, "SIGNET_PASSWORDS_BCRYPT_COST=10",
		"SIGNET_TOKENS_ACCESS_TTL=" + accessTTL.String(), "SIGNET_KEYS_ALGS=ES256",
	}, settings...)
	h.startIssuer()
	start(t, "demo", []string{"--listen", ports[1], "--issuer", h.issuer}, nil, "demo listens")
	return h
}

func (h *house) startIssuer() {
	h.t.Helper()
	h.running = start(h.t, "idp", nil, h.env, "listening on")
}

func (h *house) stopIssuer() {
	h.t.Helper()
	h.running.stop()
}

// idp runs a command of the issuer beside it.
func (h *house) idp(args ...string) {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), filepath.Join(bin, "idp"), args...)
	cmd.Env, cmd.Dir = append(os.Environ(), h.env...), h.state
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("idp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// process is a command that goes on until it is stopped.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	once sync.Once
	done chan struct{} // closed when its output has ended

	mu  sync.Mutex
	out strings.Builder
}

// start runs a command until the test ends, and waits until it has said ready.
func start(t *testing.T, name string, args, env []string, ready string) *process {
	t.Helper()
	p := &process{t: t, done: make(chan struct{})}
	p.cmd = exec.Command(filepath.Join(bin, name), args...)
	p.cmd.Env, p.cmd.Dir = append(os.Environ(), env...), t.TempDir()
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.CloseWithError(p.cmd.Wait()) }()
	isReady := make(chan struct{})
	go p.read(r, ready, isReady)
	t.Cleanup(p.stop)
	select {
	case <-isReady:
	case <-p.done:
		t.Fatalf("%s has stopped:\n%s", name, p.said())
	case <-time.After(patience):
		t.Fatalf("%s does not say %q:\n%s", name, ready, p.said())
	}
	return p
}

func (p *process) read(r io.Reader, ready string, isReady chan struct{}) {
	defer close(p.done)
	said := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.out, lines.Text())
		p.mu.Unlock()
		if !said && strings.Contains(lines.Text(), ready) {
			said = true
			close(isReady)
		}
	}
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// stop asks it to end, and makes it end when it does not.
func (p *process) stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(patience):
			p.t.Errorf("%s does not stop", p.cmd)
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		if p.t.Failed() {
			p.t.Logf("%s said:\n%s", p.cmd, p.said())
		}
	})
}

// given are the ports of this run, so that none is given twice.
var given sync.Map

// freePorts finds addresses that nobody listens on. They are below those that
// the system gives to connections (from 32768 on, RFC 6335 names 49152), one of
// which could take such a port before the command that it is for.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var ports []string
	for range 1000 {
		if len(ports) == n {
			return ports
		}
		address := fmt.Sprintf("localhost:%d", 20000+rand.IntN(12000))
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			ports = append(ports, address)
		}
	}
	t.Fatal("no port is free")
	return nil
}
