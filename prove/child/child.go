package child

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
	"time"
)

// Patience is how long anything is waited for before a test fails.
const Patience = 20 * time.Second

// Build compiles commands, given by their import paths, into dir.
func Build(ctx context.Context, dir string, packages ...string) error {
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-o", dir + string(filepath.Separator)}, packages...)...)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Process is a command that goes on until it is stopped.
type Process struct {
	t    T
	cmd  *exec.Cmd
	once sync.Once
	done chan struct{} // closed when its output has ended

	mu      sync.Mutex
	out     strings.Builder
	changed chan struct{} // closed and replaced at every line
}

// Start runs a command until the test ends, in a folder of its own, and waits
// until it has said ready. env is added to the environment of the test.
func Start(t T, binary string, args, env []string, ready string) *Process {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Dir = append(os.Environ(), env...), t.TempDir()
	return start(t, cmd, ready)
}

// Shell runs a line as a person types it into a terminal, in dir, until the
// test ends, and waits until it has said ready.
func Shell(t T, dir, line, ready string) *Process {
	t.Helper()
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir = dir
	return start(t, cmd, ready)
}

func start(t T, cmd *exec.Cmd, ready string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, done: make(chan struct{}), changed: make(chan struct{})}
	group(p.cmd)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.CloseWithError(p.cmd.Wait()) }()
	go p.read(r)
	t.Cleanup(p.Stop)
	p.Says(ready)
	return p
}

func (p *Process) read(r io.Reader) {
	defer close(p.done)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		p.mu.Lock()
		fmt.Fprintln(&p.out, lines.Text())
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// Said is what it has said so far.
func (p *Process) Said() string {
	said, _ := p.snapshot()
	return said
}

func (p *Process) snapshot() (said string, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String(), p.changed
}

// Says waits until it has said the text, and returns all that it said.
func (p *Process) Says(text string) string {
	p.t.Helper()
	deadline := time.After(Patience)
	for {
		said, changed := p.snapshot()
		if strings.Contains(said, text) {
			return said
		}
		select {
		case <-changed:
		case <-p.done:
			if said := p.Said(); !strings.Contains(said, text) {
				p.t.Fatalf("%s has stopped, without a word of %q:\n%s", p.cmd.Path, text, said)
			}
		case <-deadline:
			p.t.Fatalf("%s does not say %q:\n%s", p.cmd.Path, text, said)
		}
	}
}

// Ends waits until it has ended by itself, and returns all that it said.
func (p *Process) Ends() string {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(Patience):
		p.t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.Said())
	}
	return p.Said()
}

// Stop asks it to end, with what it has started, and makes it end when it does not. It may be called
// again.
func (p *Process) Stop() {
	p.once.Do(func() {
		_ = p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(Patience):
			p.t.Errorf("%s does not stop", p.cmd)
			_ = p.signal(syscall.SIGKILL)
			<-p.done
		}
		if p.t.Failed() {
			p.t.Logf("%s said:\n%s", p.cmd.Path, p.Said())
		}
	})
}

// Kill ends it at once, as kill -9 does, with what it has started.
func (p *Process) Kill() {
	_ = p.signal(syscall.SIGKILL)
	<-p.done
}

// given are the ports of this run, so that none is given twice.
var given sync.Map

// FreePorts finds ports of localhost that nobody listens on. They are below
// those that the system gives to connections (from 32768 on, RFC 6335 names
// 49152), one of which could take such a port before the command that it is
// for.
func FreePorts(t T, n int) []string {
	t.Helper()
	var ports []string
	for range 1000 {
		if len(ports) == n {
			return ports
		}
		port := fmt.Sprint(20000 + rand.IntN(12000))
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", net.JoinHostPort("localhost", port)); err == nil {
			l.Close()
			ports = append(ports, port)
		}
	}
	t.Fatal("no port is free")
	return nil
}
