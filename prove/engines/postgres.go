//go:build unix

package engines

import (
	"bytes"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"signet/prove/child"
)

// PostgresPassword is the one of the role signet, which owns everything. A
// test may look for it where it must not be.
const PostgresPassword = "a-password-that-nobody-may-see"

// Postgres is a PostgreSQL server: a primary, or a standby of one.
type Postgres struct {
	t          child.T
	dir, bin   string
	Port       string
	credential *syscall.Credential // whose it is; nil: the test's own user
	server     *exec.Cmd           // nil while it does not run
	ended      chan struct{}       // closed when server has ended
}

// NewPostgres makes a cluster and starts it until the test ends. Each setting
// is a line of postgresql.conf.
func NewPostgres(t child.T, settings ...string) *Postgres {
	t.Helper()
	p := newPostgres(t)
	p.write("password", PostgresPassword)
	p.run("initdb", "--pgdata", p.data(), "--username", "signet", "--pwfile", filepath.Join(p.dir, "password"),
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync")
	p.write("data/pg_hba.conf", "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n")
	p.Set(settings...)
	p.Start()
	return p
}

// Standby makes a standby of p, called name, and starts it until the test ends.
// p waits for it with every commit once it has the setting
// synchronous_standby_names = 'name'.
func (p *Postgres) Standby(name string) *Postgres {
	p.t.Helper()
	s := newPostgres(p.t)
	s.run("pg_basebackup", "--pgdata", s.data(), "--dbname", p.DSN("postgres")+"?application_name="+name,
		"--checkpoint", "fast", "--write-recovery-conf", "--wal-method", "stream", "--no-sync")
	// It asks for its primary every second, where 5 are usual: after a restart the
	// primary acknowledges nothing before that. What it copied may name the
	// primary as its own standby.
	s.Set("wal_retrieve_retry_interval = 1s")
	s.Start()
	return s
}

func newPostgres(t child.T) *Postgres {
	t.Helper()
	p := &Postgres{t: t, dir: t.TempDir(), bin: postgresBin(t), Port: child.FreePorts(t, 1)[0]}
	if os.Getuid() == 0 { // as whom PostgreSQL refuses to run
		p.credential = postgresUser(t)
		must(t, os.Chmod(filepath.Dir(p.dir), 0o711))
		must(t, os.Chown(p.dir, int(p.credential.Uid), int(p.credential.Gid)))
	}
	return p
}

// postgresBin finds the folder of all programs, which need not be the one on
// the path that has the server.
func postgresBin(t child.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // where Debian keeps it
	path, err := filepath.EvalSymlinks(tool(t, "postgres", "postgresql", found...))
	must(t, err)
	return filepath.Dir(path)
}

// DSN names a database of the server, and of others that may be the primary
// instead.
func (p *Postgres) DSN(database string, others ...*Postgres) string {
	hosts := "127.0.0.1:" + p.Port
	for _, o := range others {
		hosts += ",127.0.0.1:" + o.Port
	}
	return (&url.URL{Scheme: "postgres", User: url.UserPassword("signet", PostgresPassword), Host: hosts, Path: "/" + database}).String()
}

// Address is where it listens.
func (p *Postgres) Address() string { return net.JoinHostPort("127.0.0.1", p.Port) }

// SQL runs a statement in a database and returns what psql prints, without
// headers.
func (p *Postgres) SQL(database, statement string) string {
	p.t.Helper()
	return p.run("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
		"--dbname", p.DSN(database), "--command", statement)
}

// Set replaces the settings, beside those that every test needs. A running
// server hears of them by Reload, or by a restart.
func (p *Postgres) Set(settings ...string) {
	p.t.Helper()
	p.write("data/postgresql.conf", strings.Join(append(settings,
		"shared_buffers = 32MB", "max_connections = 200", "listen_addresses = '127.0.0.1'", "port = "+p.Port, "unix_socket_directories = ''"), "\n")+"\n")
}

// Reload makes it read its settings again.
func (p *Postgres) Reload() { p.t.Helper(); p.SQL("postgres", "SELECT pg_reload_conf()") }

// Start starts it, and waits until it takes connections.
func (p *Postgres) Start() {
	p.t.Helper()
	p.launch()
	p.t.Cleanup(func() {
		if p.t.Failed() {
			said, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			p.t.Logf("PostgreSQL on %s said:\n%s", p.Port, said[max(0, len(said)-4000):])
		}
		p.Kill()
	})
	until(p.t, "PostgreSQL takes connections", func() bool {
		select {
		case <-p.ended: // while a process of one that was killed is still there, the next one refuses
			p.launch()
		default:
		}
		return p.command("pg_isready", "--host", "127.0.0.1", "--port", p.Port).Run() == nil
	})
}

func (p *Postgres) launch() {
	p.t.Helper()
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(p.t, err)
	defer log.Close()
	cmd := p.command("postgres", "-D", p.data())
	cmd.Stdout, cmd.Stderr = log, log
	must(p.t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	p.server, p.ended = cmd, ended
}

// Stop ends it as an operator does: transactions are broken off, and what was
// committed is written.
func (p *Postgres) Stop() {
	p.t.Helper()
	if p.server == nil {
		return
	}
	must(p.t, p.server.Process.Signal(syscall.SIGINT))
	p.wait()
}

// Kill ends every process of it at once, with SIGKILL.
func (p *Postgres) Kill() {
	p.t.Helper()
	if p.server == nil {
		return
	}
	p.signal(syscall.SIGKILL)
	p.wait()
}

// Pause freezes every process of it, until Resume. Its connections stay open,
// and nothing answers.
func (p *Postgres) Pause()  { p.t.Helper(); p.signal(syscall.SIGSTOP) }
func (p *Postgres) Resume() { p.t.Helper(); p.signal(syscall.SIGCONT) }

// Promote makes a primary of a standby.
func (p *Postgres) Promote() {
	p.t.Helper()
	p.run("pg_ctl", "promote", "--pgdata", p.data(), "--wait")
}

func (p *Postgres) wait() {
	p.t.Helper()
	ended := p.ended
	p.server = nil
	select {
	case <-ended:
	case <-timeout():
		p.t.Fatal("PostgreSQL does not end")
	}
}

// signal reaches the server's processes too: each leads a group of its own. The
// first one is frozen meanwhile, so that it starts none and mourns none.
func (p *Postgres) signal(s syscall.Signal) {
	p.t.Helper()
	first := p.server.Process.Pid
	_ = syscall.Kill(first, syscall.SIGSTOP)
	out, _ := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(first)).Output()
	for _, pid := range strings.Fields(string(out)) {
		if n, err := strconv.Atoi(pid); err == nil {
			_ = syscall.Kill(n, s)
		}
	}
	_ = syscall.Kill(first, s)
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// write writes a file that belongs to the server.
func (p *Postgres) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	must(p.t, os.WriteFile(path, []byte(text), 0o600))
	if p.credential != nil {
		must(p.t, os.Chown(path, int(p.credential.Uid), int(p.credential.Gid)))
	}
}

func (p *Postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), "LC_ALL=C", "HOME="+p.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential, Setpgid: true}
	return cmd
}

// run runs a program to its end and returns what it printed.
func (p *Postgres) run(program string, args ...string) string {
	p.t.Helper()
	var out, complaint bytes.Buffer
	cmd := p.command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("%s: %v\n%s", program, err, complaint.String())
	}
	return strings.TrimSpace(out.String())
}

// postgresUser is who runs the server where the test is root.
func postgresUser(t child.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	must(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	must(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	must(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func must(t child.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func timeout() <-chan time.Time { return time.After(child.Patience) }

// until asks an outside process again and again.
func until(t child.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := timeout(); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
