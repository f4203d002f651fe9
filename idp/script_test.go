package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"signet/idp/internal/control"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"idp": main})
}

// What the command does is told in testdata/script: in both as it is with an
// issuer running and without one, in alone as it is where that matters.
//
//	issuer start [args]   runs an issuer in this process, and waits until it listens
//	issuer stop           stops it, and waits
//	beside                starts an issuer where the story is told with one
//	code N command        fails unless the command ends with this exit code
//	kid STATE             sets KID and PREFIX to the first key in that state
//	hang, abandon PATH    a socket at which nobody answers; one that nobody listens to
//	stranger PATH         a socket that closes every connection at once
//	flip FILE             changes one bit in the middle of a file
//	mode PATH 0600        fails unless the file has that mode
//	jwks [!] TEXT         fails unless the issuer's JWKS holds the text (or does)
func TestTheCommandBesideAnIssuer(t *testing.T) { stories(t, "testdata/script/both", true) }

func TestTheCommandWithoutAnIssuer(t *testing.T) {
	withoutTheDetector(t)
	stories(t, "testdata/script/both", false)
}

func TestTheCommandWhereItMustBeAlone(t *testing.T) {
	withoutTheDetector(t)
	stories(t, "testdata/script/alone", false)
}

// withoutTheDetector skips what is told of a command that is alone: it does one
// thing at a time, and each of hundreds of processes takes a second to start
// under the race detector. Beside an issuer the same is told under it.
func withoutTheDetector(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("a command that is alone has no races; it is told beside an issuer, too")
	}
}

func stories(t *testing.T, dir string, beside bool) {
	issuers := &running{}
	testscript.Run(t, testscript.Params{
		Dir:                dir,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SIGNET_STATE", filepath.Join(e.WorkDir, "var"))
			for name, value := range scriptSettings {
				e.Setenv(name, value)
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "beside" {
				return false, errors.New("there is no such condition")
			}
			return beside, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"issuer": issuers.command,
			"code":   code,
			"kid":    kid,
			"beside": func(ts *testscript.TestScript, _ bool, _ []string) {
				if beside {
					issuers.start(ts, nil)
				}
			},
			"hang":     func(ts *testscript.TestScript, _ bool, args []string) { socket(ts, args[0], false) },
			"abandon":  func(ts *testscript.TestScript, _ bool, args []string) { socket(ts, args[0], true) },
			"stranger": stranger,
			"flip":     flipBit,
			"mode":     mode,
			"jwks":     issuers.jwks,
		},
	})
}

var scriptSettings = map[string]string{
	"SIGNET_LISTEN":                "127.0.0.1:0",
	"SIGNET_PASSWORDS_BCRYPT_COST": "10",
	"SIGNET_KEYS_ALGS":             "ES256",
	"SIGNET_MASTER_KEY_FILE":       "",
	"SIGNET_LOG_LEVEL":             "warn",
	"SIGNET_STORE":                 "",
}

// running are the issuers of the scripts, one each.
type running struct {
	mu sync.Mutex
	of map[*testscript.TestScript]*scripted
}

type scripted struct {
	stop context.CancelFunc
	code chan int
	addr string
}

func (r *running) command(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "start":
		r.start(ts, args[1:])
	case "stop":
		r.stop(ts)
	default:
		ts.Fatalf("issuer start or stop")
	}
}

func (r *running) start(ts *testscript.TestScript, args []string) {
	ctx, stop := context.WithCancel(context.Background())
	out, told := io.Pipe()
	env := environment{in: os.Stdin, out: told, err: ts.Stderr()}
	for name := range scriptSettings {
		env.environ = append(env.environ, name+"="+ts.Getenv(name))
	}
	env.environ = append(env.environ, "SIGNET_STATE="+ts.Getenv("SIGNET_STATE"))
	s := &scripted{stop: stop, code: make(chan int, 1)}
	go func() {
		s.code <- run(ctx, append([]string{"serve"}, args...), env)
		_ = told.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		ts.Fatalf("the issuer ended with %d", <-s.code)
	}
	_, s.addr, _ = strings.Cut(strings.TrimSuffix(lines.Text(), "."), "listening on ")
	go func() { _, _ = io.Copy(io.Discard, out) }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[*testscript.TestScript]*scripted{}
	}
	r.of[ts] = s
	ts.Defer(func() { r.stop(ts) })
}

func (r *running) get(ts *testscript.TestScript) *scripted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[ts]
}

func (r *running) stop(ts *testscript.TestScript) {
	s := r.get(ts)
	if s == nil {
		return
	}
	r.mu.Lock()
	delete(r.of, ts)
	r.mu.Unlock()
	s.stop()
	if code := <-s.code; code != exitOK {
		ts.Fatalf("the issuer ended with %d", code)
	}
}

func (r *running) jwks(ts *testscript.TestScript, neg bool, args []string) {
	s := r.get(ts)
	if s == nil {
		return // the story is told without one
	}
	answer, err := (&http.Client{Transport: outside}).Get("http://" + s.addr + "/.well-known/jwks.json")
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if strings.Contains(string(body), args[0]) == neg {
		ts.Fatalf("the JWKS is %s", body)
	}
}

func code(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := exitOK
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("it ended with %d", got)
	}
}

func kid(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("idp", "keys", "list", "--json"))
	var list control.KeyList
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	for _, k := range list.Keys {
		if string(k.State) == args[0] {
			ts.Setenv("KID", k.KID)
			ts.Setenv("PREFIX", k.KID[:8])
			return
		}
	}
	ts.Fatalf("no key is %s", args[0])
}

// socket makes one that takes connections and never answers, or one that is
// dead.
func socket(ts *testscript.TestScript, path string, dead bool) {
	l, err := net.Listen("unix", ts.MkAbs(path))
	ts.Check(err)
	if dead {
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		ts.Check(l.Close())
		return
	}
	ts.Defer(func() { _ = l.Close() })
}

func stranger(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("unix", ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

func flipBit(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	body, err := os.ReadFile(path)
	ts.Check(err)
	body[len(body)/2] ^= 1
	ts.Check(os.WriteFile(path, body, 0o600))
}

func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	want, err := strconv.ParseUint(args[1], 8, 32)
	ts.Check(err)
	if got := info.Mode().Perm(); uint64(got) != want {
		ts.Fatalf("%s has mode %04o", args[0], got)
	}
}

func TestEveryCodeHasAnExitCode(t *testing.T) {
	for _, code := range []control.Code{control.Usage, control.NoSuch, control.Refused, control.NotReady,
		control.InUse, control.MasterKey, control.Busy, control.Failed} {
		if got := exitCode(&control.Error{Code: code}); got == exitOK {
			t.Errorf("%s has none", code)
		}
	}
}
