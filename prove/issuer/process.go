package issuer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Settings are settings by their path in config.yaml.
type Settings map[string]string

// With returns the settings with others added, which win.
func (s Settings) With(others Settings) Settings {
	all := maps.Clone(s)
	if all == nil {
		all = Settings{}
	}
	maps.Copy(all, others)
	return all
}

// Roomy keeps the throttles out of the way of a load that comes from one
// address, and hashes as cheaply as the issuer allows.
var Roomy = Settings{
	"passwords.bcrypt_cost":   "10",
	"passwords.hashing_wait":  "25s",
	"throttle.free":           "1000",
	"throttle.network_burst":  "100000",
	"throttle.register_burst": "100000",
	"log.level":               "warn",
}

// Home is an issuer that can be started, and its state; it stays the same
// through many starts.
type Home struct {
	Binary   string   // see Build
	State    string   // the state folder
	URL      string   // where it listens, and what it is called; see NewHome
	Name     string   // what it is called instead, where something stands in front
	Settings Settings // besides listen, issuer and state
	Under    []string // a command that runs the issuer as its child, such as strace
}

// NewHome gives an issuer a state folder in dir and a port of this machine.
func NewHome(binary, dir string, s Settings) (Home, error) {
	port, err := freePort()
	return Home{Binary: binary, State: filepath.Join(dir, "state"), URL: "http://127.0.0.1:" + port, Settings: s}, err
}

// freePort finds a port that nobody listens on, below the range from which
// the system takes ports for connections: so it stays free between the end of
// an issuer and its next start.
func freePort() (string, error) {
	var last error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000)))
		if err != nil {
			last = err
			continue
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		return port, errors.Join(err, l.Close())
	}
	return "", last
}

// environ is all that the issuer gets to see of the environment.
func (h Home) environ() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	all := h.Settings.With(Settings{"listen": strings.TrimPrefix(h.URL, "http://"), "issuer": cmp.Or(h.Name, h.URL), "state": h.State})
	for key, value := range all {
		env = append(env, "SIGNET_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return env
}

// Command is a command of the issuer on the same state, such as keys list.
func (h Home) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, h.Binary, args...)
	cmd.Env, cmd.Dir = h.environ(), filepath.Dir(h.State)
	cmd.WaitDelay = time.Second
	endWithUs(cmd)
	return cmd
}

// Process is a running issuer.
type Process struct {
	Home
	cmd  *exec.Cmd
	log  *buffer
	done chan struct{} // closed when it has ended
	err  error         // of Wait, once done is closed
}

// Spawn starts the issuer and waits for nothing. Whoever starts one ends it,
// with Kill or Stop.
func (h Home) Spawn() (*Process, error) {
	args := append(append([]string(nil), h.Under...), h.Binary)
	p := &Process{Home: h, cmd: exec.Command(args[0], args[1:]...), log: &buffer{}, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = h.environ(), filepath.Dir(h.State)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.WaitDelay = time.Second
	endWithUs(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// readyWait is how long an issuer may take to come up on a busy machine.
const readyWait = 30 * time.Second

// Start starts the issuer and waits until it is ready. An issuer that did not
// become ready is ended, and the error has its log.
func (h Home) Start() (*Process, error) {
	p, err := h.Spawn()
	if err != nil {
		return nil, err
	}
	if err := p.Ready(); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w; its log:\n%s", err, p.Log())
	}
	return p, nil
}

// Ready asks until the issuer says that it is ready.
func (p *Process) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWait)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	every := time.NewTicker(5 * time.Millisecond)
	defer every.Stop()
	for {
		if get(ctx, client, p.URL+"/readyz") == nil {
			return nil
		}
		select {
		case <-every.C:
		case <-p.done:
			return fmt.Errorf("the issuer ended before it was ready: %w", p.ended())
		case <-ctx.Done():
			return fmt.Errorf("the issuer was not ready within %s", readyWait)
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// Kill ends the issuer as kill -9 does, with whatever it runs under, and waits
// until it is gone. It may be called again.
func (p *Process) Kill() {
	// The group is the child and what it started; nobody else is in it.
	_ = p.signal(syscall.SIGKILL)
	<-p.done
}

// Stop asks the issuer to end and waits until it did.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(readyWait):
		p.Kill()
		return fmt.Errorf("the issuer did not stop within %s; its log:\n%s", readyWait, p.Log())
	}
	if p.err != nil {
		return fmt.Errorf("the issuer did not stop well: %w; its log:\n%s", p.err, p.Log())
	}
	return nil
}

// Done is closed when the issuer has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID names the child.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is what the issuer printed so far.
func (p *Process) Log() string { return p.log.String() }

func (p *Process) ended() error {
	if p.err == nil {
		return errors.New("with exit code 0")
	}
	return p.err
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
