package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is the issuer in a process of its own, for what a test cannot do to
// itself: to send it signals, to put it under a limit.
type process struct {
	*issuer
	cmd  *exec.Cmd
	addr string
	log  *bufio.Scanner
}

// startProcess starts one on an empty state folder and waits until it listens.
func startProcess(t *testing.T, settings ...string) *process {
	t.Helper()
	return startProcessIn(t, t.TempDir(), settings...)
}

// startProcessIn is startProcess in a folder that may have a config.yaml.
func startProcessIn(t *testing.T, dir string, settings ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "idp", "serve")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SIGNET_LISTEN=127.0.0.1:0", "SIGNET_KEYS_ALGS=ES256", "SIGNET_PASSWORDS_BCRYPT_COST=10")
	cmd.Env = append(cmd.Env, settings...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		rest, _ := io.ReadAll(log)
		t.Fatalf("%v: %s", err, rest)
	}
	_, addr, _ := strings.Cut(strings.TrimSuffix(first, ".\n"), "listening on ")
	return &process{issuer: &issuer{t: t, url: "http://" + addr}, cmd: cmd, addr: addr, log: bufio.NewScanner(log)}
}

func (p *process) signal() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// waitForLog reads the log until a line holds text.
func (p *process) waitForLog(text string) {
	p.t.Helper()
	for p.log.Scan() {
		if strings.Contains(p.log.Text(), text) {
			return
		}
	}
	p.t.Fatalf("the log never said %q", text)
}

// drain reads the log to its end, which is the end of the process.
func (p *process) drain() error {
	for p.log.Scan() {
	}
	return p.cmd.Wait()
}

// connection is one on which a test writes bytes as it likes.
type connection struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (p *process) dial() *connection {
	p.t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return &connection{c, p.t, bufio.NewReader(c)}
}

func (c *connection) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next one, "100 Continue" included.
func (c *connection) answer() *http.Response {
	c.t.Helper()
	a, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = a.Body.Close() })
	return a
}

// begin sends the header of a POST and waits until the endpoint reads the body.
func (c *connection) begin(path string, length int) {
	c.t.Helper()
	c.send("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, length)
	if a := c.answer(); a.StatusCode != http.StatusContinue {
		c.t.Fatalf("got %s", a.Status)
	}
}

func TestAStopLetsRunningRequestsFinishAndKeepsNoLongPoll(t *testing.T) {
	// Whatever kept the stop would keep it for an hour.
	p := startProcess(t, "SIGNET_LIMITS_SHUTDOWN=1h", "SIGNET_LIMITS_LONG_POLL=1h")
	body := refreshBody(p.signUp("ada@example.com").RefreshToken)
	etag := p.call(http.MethodGet, "/.well-known/jwks.json", "").Header.Get("ETag")
	poll, refresh := p.dial(), p.dial()
	poll.send("GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\nPrefer: wait=3600\r\n\r\n", etag)
	refresh.begin("/refresh", len(body))

	p.signal()
	p.waitForLog("stopping")
	// net/http drops a request that it has read only after the stop began.
	if got, err := http.ReadResponse(poll.r, nil); err == nil && got.StatusCode != http.StatusNotModified {
		t.Errorf("the long poll got %s", got.Status)
	} else if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the long poll got %v", err)
	}
	refresh.send("%s", body)
	if got := refresh.answer(); got.StatusCode != http.StatusOK {
		t.Errorf("the refresh got %s", got.Status)
	}
	if err := p.drain(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestASecondSignalEndsTheIssuerAtOnce(t *testing.T) {
	p := startProcess(t, "SIGNET_LIMITS_SHUTDOWN=1h", "SIGNET_LIMITS_REQUEST_TIMEOUT=1h")
	p.dial().begin("/refresh", 100)
	p.signal()
	p.waitForLog("stopping")
	p.signal()
	_ = p.drain()
	if got := p.cmd.ProcessState.String(); got != "signal: terminated" {
		t.Errorf("it ended with %s", got)
	}
}

func TestWhoSendsTooSlowlyIsToldSo(t *testing.T) {
	p := startProcess(t, "SIGNET_LIMITS_REQUEST_TIMEOUT=1s", "SIGNET_LIMITS_HEADER_TIMEOUT=1s", "SIGNET_PASSWORDS_HASHING_WAIT=900ms")
	c := p.dial()
	c.begin("/refresh", 100)
	got := c.answer()
	body, _ := io.ReadAll(got.Body)
	if got.StatusCode != http.StatusBadRequest || !bytes.Contains(body, []byte("could not be read to its end")) {
		t.Errorf("got %s %s", got.Status, body)
	}

	slow := p.dial()
	slow.send("GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	_ = slow.SetReadDeadline(time.Now().Add(30 * time.Second))
	if rest, err := io.ReadAll(slow); err != nil {
		t.Errorf("a header that never ends keeps its connection: %q, %v", rest, err)
	}
}

func TestAHeaderThatIsTooLargeIsRefused(t *testing.T) {
	p := startProcess(t, "SIGNET_LIMITS_HEADER=4KiB")
	if got := p.call(http.MethodGet, "/ping", "", "X-Large", strings.Repeat("a", 10_000)); got.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	p.call(http.MethodGet, "/ping", "").want(t, http.StatusOK)
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var log bytes.Buffer
	env := environment{out: io.Discard, err: &log, environ: []string{
		"SIGNET_LISTEN=" + taken.Addr().String(), "SIGNET_STATE=" + t.TempDir(), "SIGNET_KEYS_ALGS=ES256"}}
	if code := run(t.Context(), []string{"serve"}, env); code != exitFailed || !strings.Contains(log.String(), "address already in use") {
		t.Errorf("it ended with %d: %s", code, &log)
	}
}
